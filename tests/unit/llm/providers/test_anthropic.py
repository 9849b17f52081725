"""`anthropic` against an API that misbehaves: each reply becomes an answer or one of our errors."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from streamagents.errors import (
    ConfigurationError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
)
from streamagents.llm.asker import Asker, Who
from streamagents.llm.prompts import user_message
from streamagents.llm.providers.anthropic import CONNECTIONS, AnthropicModel
from streamagents.ports import Answer, Question, Usage
from streamagents.testing import FakeClock, FakeContext
from support import wait_until_async
from support.messages_api import USAGE, MessagesApi, Reply, fails, message, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEY = "sk-ant-secret-123"


def question(**fields: Any) -> Question:
    asked: dict[str, Any] = {
        "model": "claude-haiku-5-5",
        "system": "You are brief.",
        "messages": (user_message("Summarise.", {"a": 1}),),
        "max_tokens": 100,
    }
    return Question(**{**asked, **fields})


class Desk:
    """A provider on a stub."""

    def __init__(self, api: MessagesApi, **options: Any) -> None:
        self.api = api
        self.model = AnthropicModel(api_key=KEY, base_url=api.url, again_s=0.01, **options)

    async def ask(self, timeout_s: float = 10, **fields: Any) -> Answer:
        asker = Asker(self.model, clock=FakeClock())
        return await asker.ask(question(**fields), Who(agent="A", event_id="e-1"), timeout_s)


@pytest.fixture(scope="module", autouse=True)
def sdk() -> None:
    """On a busy machine the import takes seconds, that are not the first test's."""
    import anthropic.resources.messages  # noqa: F401


@pytest.fixture
async def desk() -> AsyncIterator[Callable[..., Desk]]:
    """Made of the replies that are to come."""
    desks: list[Desk] = []

    def made(*replies: Reply) -> Desk:
        desks.append(Desk(MessagesApi(replies).__enter__()))
        return desks[-1]

    yield made
    for each in desks:
        await each.model.close()
        each.api.__exit__(None, None, None)


# -- what is sent --------------------------------------------------------------------------------


async def test_a_question_goes_out_whole_and_with_what_is_stable_marked_for_the_cache(
    desk: Callable[..., Desk],
) -> None:
    on = desk(says("Fine."))
    tools = ({"name": "t", "description": "d", "input_schema": {"type": "object"}},)

    answer = await on.ask(tools=tools)

    (asked,) = on.api.asked
    assert asked.path == "/v1/messages"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "system": [
            {"type": "text", "text": "You are brief.", "cache_control": {"type": "ephemeral"}}
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "text",
                        "text": "Summarise.",
                        "cache_control": {"type": "ephemeral"},
                    },
                    {"type": "text", "text": '<data>{"a":1}</data>'},
                ],
            }
        ],
        "tools": list(tools),
    }
    assert answer == Answer(
        content=({"type": "text", "text": "Fine."},),
        stop_reason="end_turn",
        model="claude-haiku-5-5",
        provider="anthropic",
        usage=Usage(12, 5, 3, 2),
        request_id="req_1",
    )


class Score(BaseModel):
    score: int = Field(ge=0, le=10)
    label: str | None = None


async def test_a_schema_goes_out_as_the_api_takes_it_and_its_bounds_are_checked_here(
    desk: Callable[..., Desk],
) -> None:
    on = desk(says('{"score": 11}'), says('{"score": 9}'))
    ctx = FakeContext(model=on.model)

    assert (await ctx.llm.extract(Score, "Score it.")).score == 9

    first, repair = on.api.asked
    form = first.body["output_config"]["format"]
    assert (form["type"], form["schema"]["additionalProperties"]) == ("json_schema", False)
    assert form["schema"]["properties"]["score"]["type"] == "integer"
    assert "minimum" not in form["schema"]["properties"]["score"]
    assert repair.body["output_config"] == first.body["output_config"]
    assert "less than or equal to 10" in repair.text
    assert [call.usage.output_tokens for call in ctx.llm.calls] == [5, 5]


async def test_a_schema_that_the_api_does_not_take_is_a_mistake_of_the_programmer(
    desk: Callable[..., Desk],
) -> None:
    class Loose(BaseModel):
        anything: Any

    on = desk()

    with pytest.raises(ConfigurationError, match="The API takes no such model as Loose"):
        await FakeContext(model=on.model).llm.extract(Loose, "Go.")

    assert on.api.asked == []


async def test_a_token_is_sent_as_a_token() -> None:
    with MessagesApi() as api:
        model = AnthropicModel(auth_token="token-1", base_url=api.url)
        await model.answer(question())
        await model.close()

    assert api.asked[0].headers["authorization"] == "Bearer token-1"
    assert "x-api-key" not in api.asked[0].headers


async def test_no_more_connections_are_open_than_a_process_can_have() -> None:
    with MessagesApi(lambda _: Reply(body=message("x"), after_s=0.2)) as api:
        on = Desk(api)
        await asyncio.gather(*(on.ask(20) for _ in range(CONNECTIONS + 100)))
        await on.model.close()

        await wait_until_async(lambda: api.open == 0)

    assert len(api.asked) == CONNECTIONS + 100
    assert api.most_open <= CONNECTIONS


# -- what comes back -----------------------------------------------------------------------------

BUSY = {
    "401": (fails(401, "authentication_error"), "no_key", 300),
    "403": (fails(403, "permission_error"), "no_key", 300),
    "402": (fails(402, "billing_error"), "billing", 300),
    "400, but billing": (
        fails(400, "invalid_request_error", "Your credit balance is too low."),
        "billing",
        300,
    ),
    "404": (fails(404, "not_found_error"), "no_model", 300),
    "405": (Reply(status=405, body="<html>"), "no_model", 300),
    "429": (fails(429, "rate_limit_error"), "rate_limited", 60),
    "429, 1": (fails(429, headers={"retry-after": "1"}), "rate_limited", 1),
    "429, 0": (fails(429, headers={"retry-after": "0"}), "rate_limited", 1),
    "429, 120": (fails(429, headers={"retry-after": "120"}), "rate_limited", 120),
    "429, days": (fails(429, headers={"retry-after": "864000"}), "rate_limited", 864_000),
    "429, ms": (fails(429, headers={"retry-after-ms": "2500"}), "rate_limited", 2.5),
    "429, odd": (fails(429, headers={"retry-after": "soon"}), "rate_limited", 60),
    "429, nan": (fails(429, headers={"retry-after": "nan"}), "rate_limited", 60),
    "429, inf": (fails(429, headers={"retry-after": "inf"}), "rate_limited", 60),
    "429, past": (
        fails(429, headers={"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        "rate_limited",
        1,
    ),
    "529": (fails(529, "overloaded_error"), "overloaded", 30),
    "529, 240": (fails(529, headers={"retry-after": "240"}), "overloaded", 240),
    "503, 240": (fails(503, headers={"retry-after": "240"}), "overloaded", 240),
    "200, overloaded": (
        Reply(body={"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),
        "overloaded",
        30,
    ),
    "200, limited": (
        Reply(body={"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}),
        "rate_limited",
        60,
    ),
}


@pytest.mark.parametrize(("reply", "code", "after_s"), BUSY.values(), ids=list(BUSY))
async def test_what_passes_parks_the_event_at_once_and_nobody_sleeps(
    reply: Reply, code: str, after_s: float, desk: Callable[..., Desk]
) -> None:
    on = desk(reply)

    with pytest.raises(ModelBusyError) as caught:
        await asyncio.wait_for(on.ask(), 5)

    assert (caught.value.code, caught.value.after_s) == (code, after_s)
    assert len(on.api.asked) == 1


async def test_a_date_says_when_to_come_back(desk: Callable[..., Desk]) -> None:
    on = desk(fails(429, headers={"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT"}))

    with pytest.raises(ModelBusyError) as caught:
        await on.ask()

    assert caught.value.after_s == 366 * 86_400


REFUSED = {
    "400": (fails(400, "invalid_request_error", "messages: empty"), "bad_request"),
    "413": (Reply(status=413, body="too large"), "bad_request"),
    "422": (fails(422), "bad_request"),
    "refusal": (
        says(
            stop_reason="refusal",
            stop_details={"type": "refusal", "category": "cyber", "explanation": None},
        ),
        "refused",
    ),
    "max_tokens": (says("I", stop_reason="max_tokens"), "max_tokens"),
    "window": (says("I", stop_reason="model_context_window_exceeded"), "max_tokens"),
}


@pytest.mark.parametrize(("reply", "code"), REFUSED.values(), ids=list(REFUSED))
async def test_what_will_not_change_rejects_the_event(
    reply: Reply, code: str, desk: Callable[..., Desk]
) -> None:
    on = desk(reply)

    with pytest.raises(ModelRefusedError) as caught:
        await on.ask()

    assert caught.value.code == code
    assert len(on.api.asked) == 1


UNREADABLE = {
    "cut JSON": Reply(body='{"id": "msg_1", "type": "mess'),
    "HTML": Reply(body="<html>Welcome</html>", headers={"content-type": "text/html"}),
    "nothing": Reply(body=""),
    "another JSON": Reply(body={"foo": 1}),
    "a list": Reply(body=[1]),
    "no usage": Reply(body=message("x", usage=None)),
    "odd usage": Reply(body=message("x", usage={**USAGE, "input_tokens": "12"})),
    "negative usage": Reply(body=message("x", usage={**USAGE, "output_tokens": -5})),
    "null usage": Reply(body=message("x", usage={**USAGE, "output_tokens": None})),
    "no content": Reply(body=message(content=None)),
    "odd content": Reply(body=message(content=[{"type": "text", "text": None}])),
    "odd block": Reply(body=message(content=["x"])),
    "odd tool": Reply(body=message(content=[{"type": "tool_use", "id": "1", "name": "x"}])),
    "no reason": Reply(body=message("x", stop_reason=None)),
    "pause_turn": says("x", stop_reason="pause_turn"),
    "a reason of tomorrow": says("x", stop_reason="bored"),
    "an error inside": Reply(body={"type": "error", "error": {"type": "api_error"}}),
    "an error that is none": Reply(body={"type": "error", "error": "so"}),
    "half a letter": Reply(body='{"type":"message","content":[{"type":"text","text":"\\ud800"}]}'),
    "deep": Reply(body="[" * 100_000),
    "no UTF-8": Reply(body=b'{"type":"\xff\xfe"}'),
}


@pytest.mark.parametrize("reply", UNREADABLE.values(), ids=list(UNREADABLE))
async def test_what_cannot_be_read_is_a_failure_and_is_not_asked_again_by_us(
    reply: Reply, desk: Callable[..., Desk]
) -> None:
    on = desk(reply)

    with pytest.raises(ModelError) as caught:
        await on.ask()

    assert caught.value.code == "unreadable"
    assert len(on.api.asked) == 1


BROKEN = {
    "500": (fails(500), "server_error"),
    "502": (Reply(status=502, body="<html>bad gateway</html>"), "server_error"),
    "504": (fails(504), "server_error"),
    "408": (fails(408, "timeout_error"), "server_error"),
    "409": (fails(409, "conflict_error"), "server_error"),
    "closed": (Reply(close=True), "connection"),
    "cut": (Reply(body=message("x" * 1000), cut_after=100), "connection"),
    "cut in an error": (fails(500, words="x" * 1000, cut_after=100), "connection"),
    "packed": (Reply(body=b"\x1f\x8b", headers={"content-encoding": "gzip"}), "connection"),
    "endless": (Reply(body=b" " * (9 << 20)), "connection"),
}


@pytest.mark.parametrize(("reply", "code"), BROKEN.values(), ids=list(BROKEN))
async def test_what_may_be_over_at_once_is_tried_once_more(
    reply: Reply, code: str, desk: Callable[..., Desk]
) -> None:
    on = desk(reply, says("Here."), reply, reply, says("Never asked for."))

    assert (await on.ask()).text == "Here."
    with pytest.raises(ModelError) as caught:
        await on.ask()

    assert caught.value.code == code
    assert len(on.api.asked) == 4


@pytest.mark.parametrize(
    "reply",
    [
        fails(500, headers={"x-should-retry": "false"}),
        Reply(status=418),
        Reply(status=302, headers={"location": "https://example.com/"}),
    ],
)
async def test_what_says_that_it_will_not_pass_is_not_tried_again(
    reply: Reply, desk: Callable[..., Desk]
) -> None:
    on = desk(reply)

    with pytest.raises(ModelError) as caught:
        await on.ask()

    assert caught.value.code == "server_error"
    assert len(on.api.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hang=True),
        Reply(body=message("x" * 1000), drip_s=0.01),
        fails(500, words="x" * 1000, drip_s=0.01),
    ],
    ids=["hangs", "drips", "drips an error"],
)
async def test_the_deadline_ends_every_wait_and_the_connection_with_it(
    reply: Reply, desk: Callable[..., Desk]
) -> None:
    on = desk(says("warm"), reply)
    await on.ask()

    with pytest.raises(ModelError) as caught:
        await on.ask(0.3)

    assert caught.value.code == "timeout"
    await wait_until_async(lambda: on.api.open == 0)


async def test_nobody_there_is_a_failure() -> None:
    with MessagesApi() as api:
        gone = api.url
    model = AnthropicModel(api_key=KEY, base_url=gone, again_s=0.01)

    with pytest.raises(ModelError, match="The model's provider cannot be reached") as caught:
        await model.answer(question())

    await model.close()
    assert caught.value.code == "connection"


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
NONSENSE = {
    "another protocol": b"220 mail.example ESMTP\r\n\r\n",
    "our key": b"HTTP/1.1 " + KEY.encode() + b"\r\n\r\n",
    "a header that does not end": HEAD + b"x-a: " + b"y" * 100_000,
    "headers without end": HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(5000)),
    "no chunk": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "half a chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nabc",
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}",
    "less than nothing": HEAD + b"content-length: -5\r\n\r\n{}",
    "too little": HEAD + b"content-length: 99999\r\n\r\n{}",
}


@pytest.mark.parametrize("raw", NONSENSE.values(), ids=list(NONSENSE))
async def test_what_is_no_http_is_a_failure(raw: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    model = AnthropicModel(api_key=KEY, base_url=f"http://127.0.0.1:{port}", again_s=0.01)

    with pytest.raises(ModelError) as caught:
        await model.answer(question())

    await model.close()
    server.close()
    assert caught.value.code == "connection"
    assert KEY not in str(caught.value)


async def test_a_models_thinking_goes_back_to_it_with_what_its_tools_say(
    desk: Callable[..., Desk],
) -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "redacted_thinking", "data": "y"},
        {"type": "tool_use", "id": "toolu_1", "name": "count", "input": {"of": "abc"}},
    ]
    on = desk(Reply(body=message(content=blocks, stop_reason="tool_use")), says("Three."))

    async def count(of: str) -> int:
        """Count."""
        return len(of)

    done = await FakeContext(model=on.model).llm.run_tools("Count.", [count])

    _, second = on.api.asked
    assert done.text == "Three."
    assert [each["role"] for each in second.body["messages"]] == ["user", "assistant", "user"]
    assert second.body["messages"][1]["content"] == blocks
    assert second.text == "<data>3</data>"
    assert second.body["cache_control"] == {"type": "ephemeral"}


async def test_two_uses_of_tools_under_one_id_cannot_be_answered(
    desk: Callable[..., Desk],
) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    on = desk(Reply(body=message(content=[use, use], stop_reason="tool_use")))

    with pytest.raises(ModelError) as caught:
        await on.ask()

    assert caught.value.code == "unreadable"


async def test_blocks_that_nobody_knows_are_left_out(desk: Callable[..., Desk]) -> None:
    blocks = [
        {"type": "text", "text": "a"},
        {"type": "hologram"},
        {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"q": 1}, "caller": {}},
        {"type": "text", "text": "b"},
    ]
    on = desk(Reply(body=message(content=blocks, stop_reason="tool_use", model=None)))

    answer = await on.ask()

    assert answer.text == "ab"
    assert [block["type"] for block in answer.content] == ["text", "tool_use", "text"]
    assert answer.model == "claude-haiku-5-5"


# -- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
async def test_a_key_that_is_repeated_to_us_is_not_passed_on(
    status: int, desk: Callable[..., Desk]
) -> None:
    on = desk(*[fails(status, words=f"Bad key {KEY} given.")] * 2)

    with pytest.raises((ModelError, ModelBusyError, ModelRefusedError)) as caught:
        await on.ask()

    assert "Bad key *** given" in str(caught.value)
    assert KEY not in repr(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "reply",
    [
        fails(200, words=f"Bad key {KEY} given."),
        fails(200, "rate_limit_error", f"Bad key {KEY} given."),
        fails(200, "overloaded_error", f"Bad key {KEY} given."),
        fails(200, KEY),
        Reply(body=json.dumps({"type": "error", "error": KEY}).replace("sk-", "\\u0073k-")),
        says("ok", stop_reason=KEY),
        Reply(body=message("ok", stop_reason="refusal", model=KEY)),
        Reply(body=message("ok", stop_reason="refusal"), headers={"request-id": KEY}),
    ],
)
async def test_a_key_is_not_passed_on_from_what_calls_itself_a_success(
    reply: Reply, desk: Callable[..., Desk]
) -> None:
    on = desk(*[reply] * 2)

    with (
        capture_logs() as logs,
        pytest.raises((ModelError, ModelBusyError, ModelRefusedError)) as caught,
    ):
        await on.ask()

    assert KEY not in f"{caught.value!r} {vars(caught.value)} {logs}"


async def test_a_key_that_is_a_word_spoils_no_answer() -> None:
    with MessagesApi([says("That is the text.")]) as api:
        model = AnthropicModel(api_key="text", base_url=api.url)
        answer = await model.answer(question())
        await model.close()

    assert answer.text == "That is the text."


@pytest.mark.parametrize("charset", ["rot13", "base64", "idna", "undefined", "hex"])
async def test_an_encoding_that_is_none_of_text_hides_no_error(
    charset: str, desk: Callable[..., Desk]
) -> None:
    headers = {"content-type": f"application/json; charset={charset}", "retry-after": "7"}
    on = desk(fails(429, headers=headers))

    with pytest.raises(ModelBusyError) as caught:
        await on.ask()

    assert (caught.value.code, caught.value.after_s) == ("rate_limited", 7)


@pytest.mark.parametrize("tokens", [10**9, 10**18, 10**400])
async def test_a_usage_that_no_call_can_have_is_none(
    tokens: int, desk: Callable[..., Desk]
) -> None:
    on = desk(says("ok", usage={"input_tokens": 5, "output_tokens": tokens}))

    with pytest.raises(ModelError) as caught:
        await on.ask()

    assert caught.value.code == "unreadable"


@pytest.mark.parametrize(
    "replies",
    [
        [fails(500), says("ok")],
        [fails(500), fails(500)],
        [fails(500), fails(400)],
        [Reply(close=True), fails(429)],
        [Reply(close=True), Reply(close=True)],
        [says("ok")],
    ],
)
async def test_it_is_told_how_many_requests_were_made(
    replies: list[Reply], desk: Callable[..., Desk]
) -> None:
    on = desk(*replies)
    try:
        told = (await on.ask()).requests
    except (ModelError, ModelBusyError, ModelRefusedError) as exc:
        told = exc.requests

    assert told == len(on.api.asked) == len(replies)


def test_without_a_key_there_is_no_provider() -> None:
    with pytest.raises(ConfigurationError, match="There is no key for the model: set ANTHROPIC_"):
        AnthropicModel(api_key="", auth_token=None)


@pytest.mark.parametrize("url", ["api.example.com", "ftp://x", "https://", KEY])
def test_an_address_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ANTHROPIC_BASE_URL is no address") as caught:
        AnthropicModel(api_key="k", base_url=url)

    assert url not in str(caught.value).replace("http(s)://", "")


@pytest.mark.parametrize("url", [None, "https://llm.example.com", "http://127.0.0.1.example.com"])
async def test_no_test_reaches_a_real_model(url: str | None) -> None:
    with pytest.raises(ConfigurationError, match="A test asked the real model at"):
        await AnthropicModel(api_key=KEY, base_url=url).answer(question())


def test_the_sdk_is_imported_with_the_first_question_and_not_before() -> None:
    script = (
        "import sys; from streamagents.llm.providers.anthropic import AnthropicModel; "
        "AnthropicModel(api_key='k'); print('anthropic' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "False"
