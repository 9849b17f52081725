"""What the gateway says of itself, and whether it keeps to it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json
from schemathesis.core import NotSet

from support.gateway import JSON, TestGateway, call

if TYPE_CHECKING:
    from collections.abc import Iterable

FEW = settings(
    max_examples=40,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def described() -> Any:
    return asyncio.run(TestGateway().get("/openapi.json")).json


def test_it_names_every_type_with_its_schema() -> None:
    document = described()

    assert document["openapi"].startswith("3.1")
    types = ("lead", "paid", "raw", "cursed")
    assert {"/events", "/hooks/{source}", *(f"/events/{type_}" for type_ in types)} == set(
        document["paths"]
    )
    body = document["paths"]["/events/lead"]["post"]["requestBody"]["content"]
    assert body["application/json"]["schema"] == {"$ref": "#/components/schemas/Lead"}
    assert document["components"]["schemas"]["Lead"]["required"] == ["email"]


OPERATIONS = [
    found.ok()  # type: ignore[union-attr] # a faulty schema would raise here
    for found in schemathesis.openapi.from_dict(
        {
            **described(),
            "paths": {k: v for k, v in described()["paths"].items() if "cursed" not in k},
        }
    ).get_all_operations()
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.path))
def test_generated_events_are_taken_and_answers_are_as_described(operation: Any) -> None:
    document = described()
    responses = document["paths"][operation.path]["post"]["responses"]
    statuses: set[int] = set()

    @FEW
    @given(case=operation.as_strategy())
    def posts(case: Any) -> None:
        answer = asyncio.run(posted(case))
        statuses.add(answer.status)
        assert answer.status < 500
        told = responses[str(answer.status)]
        if "content" in told:
            shape = told["content"]["application/json"]["schema"]
            jsonschema_rs.validate({**shape, "components": document["components"]}, answer.json)

    posts()
    assert 202 in statuses or operation.path == "/hooks/{source}"


async def posted(case: Any) -> Any:
    body = b"" if isinstance(case.body, NotSet) else json.dumps(case.body).encode()
    ours = {"host", "content-type"}
    return await call(
        TestGateway().app,
        "POST",
        case.formatted_path,
        body,
        [
            ("host", "localhost"),
            ("content-type", case.media_type or "application/json"),
            *((k, str(v)) for k, v in (case.headers or {}).items() if k.lower() not in ours),
        ],
    )


HEADER_NAMES = st.sampled_from(
    ["ce-id", "ce-type", "ce-source", "ce-time", "ce-specversion", "ce-subject", "ce-x",
     "idempotency-key", "content-type", "content-encoding", "content-length", "traceparent",
     "authorization", "forwarded", "stripe-signature", "x-hub-signature-256", "webhook-id"]
)  # fmt: skip
HEADER_VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.sampled_from(
        ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json",
         "application/x-www-form-urlencoded", "1.0", "7", "lead", "gzip", "%00", "%ff", "t=1,v1=0"]
    ),
)  # fmt: skip
ATOMS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    ["id", "type", "data", "specversion", "email", "customer", "event"]
                ),
                st.text(max_size=8),
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)
PATHS = st.one_of(
    st.sampled_from(
        ["/events", "/events/lead", "/events/paid", "/events/raw", "/hooks/open", "/hooks/slack"]
    ),
    st.text(max_size=20).map(lambda text: f"/events/{text}"),
)


@settings(max_examples=400, deadline=None, database=None)
@given(
    path=PATHS,
    body=st.one_of(st.binary(max_size=200), VALUES),
    headers=st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=6),
    query=st.text(st.characters(max_codepoint=127), max_size=20),
)
def test_whatever_is_posted_is_answered_and_never_by_a_fault_of_ours(
    path: str, body: Any, headers: list[tuple[str, str]], query: str
) -> None:
    answer = asyncio.run(fuzzed(path, query, body, headers))

    assert answer.status < 500
    assert answer.status in {202, 200} or "error" in answer.json


async def fuzzed(path: str, query: str, body: Any, headers: Iterable[tuple[str, str]]) -> Any:
    try:
        raw = body if isinstance(body, bytes) else to_json(body, inf_nan_mode="constants")
    except ValueError:  # a lone surrogate: as Python's own json writes it
        raw = b'"\\ud800"'
    gateway = TestGateway(
        hooks={"open": {"preset": "unsigned"}, "slack": {"preset": "slack", "secret": "s"}}
    )
    given_headers = list(headers)
    if not any(name == "content-type" for name, _ in given_headers):
        given_headers.append(JSON)
    return await call(
        gateway.app, "POST", f"{path}?{query}", raw, [("host", "localhost"), *given_headers]
    )
