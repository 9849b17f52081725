"""Mapping: foreign payloads become data by JMESPath, and say why where they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.errors import ConfigurationError, InvalidEventError
from streamagents.pipeline.mapping import FieldMap

PAYLOAD = {
    "data": {"object": {"amount": 4900, "receipt_email": "ann@example.com", "lines": [{"id": 7}]}},
    "answers": [{"ref": "name", "text": "Ann"}, {"ref": "mail", "email": "a@example.com"}],
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("data.object.amount", 4900),
        ("data.object.lines[0].id", 7),
        ("data.object.missing || data.object.receipt_email", "ann@example.com"),
        ("'Betasoft'", "Betasoft"),
        ("answers[?ref=='mail'].email | [0]", "a@example.com"),
        ("to_string(data.object.amount)", "4900"),
    ],
)
def test_a_field_is_an_expression_over_the_payload(expression: str, value: Any) -> None:
    assert FieldMap({"field": expression})(PAYLOAD) == {"field": value}


def test_what_is_not_there_is_left_out() -> None:
    assert FieldMap({"email": "nowhere.at.all", "name": "answers[0].text"})(PAYLOAD) == {
        "name": "Ann"
    }


@pytest.mark.parametrize("payload", [None, 4, "text", [], [1], True])
def test_a_payload_of_another_shape_has_no_fields(payload: Any) -> None:
    assert FieldMap({"email": "data.email"})(payload) == {}


@pytest.mark.parametrize(
    "expression", ["length(data.object.amount)", "sum(answers)", "sort_by(answers, &nowhere)"]
)
def test_an_expression_that_cannot_work_on_a_payload_says_which_field(expression: str) -> None:
    with pytest.raises(InvalidEventError, match="The field 'total' cannot be made"):
        FieldMap({"total": expression})(PAYLOAD)


@pytest.mark.parametrize("expression", ["", "a b", "data.", "answers[?ref==", "nofunction(a)"])
def test_what_is_no_expression_is_refused_at_once_or_with_its_payload(expression: str) -> None:
    with pytest.raises((ConfigurationError, InvalidEventError), match="The field 'email'"):
        FieldMap({"email": expression})(PAYLOAD)
