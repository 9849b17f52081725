"""Logs: each call of the model is one line, and it is ours."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from streamagents.llm.providers.anthropic import AnthropicModel
from streamagents.runtime.logs import calm_the_sdk
from streamagents.testing import FakeContext
from support.messages_api import MessagesApi, says

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("anthropic", "httpx2")


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in NAMES}
    for name in NAMES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


async def test_the_sdk_says_nothing_of_requests_and_prompts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    calm_the_sdk()

    with MessagesApi([says("fine")]) as api:
        model = AnthropicModel(api_key="k", base_url=api.url)
        await FakeContext(model=model).llm.text("A prompt.", data="a secret")
        await model.close()

    assert [record.name for record in caplog.records if record.name.startswith(NAMES)] == []
    assert "a secret" not in caplog.text


def test_who_sets_a_level_has_it() -> None:
    logging.getLogger("httpx2").setLevel(logging.DEBUG)

    calm_the_sdk()

    assert logging.getLogger("httpx2").level == logging.DEBUG
