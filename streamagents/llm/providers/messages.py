"""The Messages API, as data: questions to requests, replies to answers and errors. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from streamagents.errors import ModelBusyError, ModelError, ModelRefusedError
from streamagents.ports import Answer, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.ports import Question

Fault = ModelError | ModelBusyError | ModelRefusedError

RATE_LIMITED_S = 60.0
OVERLOADED_S = 30.0
OPERATOR_S = 300.0
"""What only a person can mend is looked at again after so long."""
LONGEST_S = 366 * 86_400.0
LEAST_S = 1.0
"""A wait counts no attempt: one of nothing would be asked again without end."""
_SAID_CHARS = 300
_ID_CHARS = 100
_MOST = 10_000_000
"""Tokens of one kind in one call, several windows full. More is nonsense that would take all of a
budget."""
_CACHED = {"cache_control": {"type": "ephemeral"}}
_LIMITED, _OVERLOADED, _SERVER = 429, 529, 500
_BAD_REQUEST = frozenset({400, 413, 422})
_OPERATOR = {
    "billing": "billing",
    "no_key": "the key is not accepted",
    "no_model": "no such model or address",
}
_STATUS_OF_OPERATOR = {
    401: "no_key",
    402: "billing",
    403: "no_key",
    404: "no_model",
    405: "no_model",
    407: "no_key",
    410: "no_model",
}


def request_of(question: Question) -> dict[str, Any]:
    """What is sent, but for the schema: only the SDK knows what the API takes of it."""
    request: dict[str, Any] = {
        "model": question.model,
        "max_tokens": question.max_tokens,
        "messages": list(question.messages),
    }
    if question.system:
        request["system"] = [{"type": "text", "text": question.system, **_CACHED}]
    if question.tools:
        request["tools"] = list(question.tools)
    if len(question.messages) > 1:  # a conversation: each turn sends all of those before it
        request["cache_control"] = {"type": "ephemeral"}
    return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the API said."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def request_id(self) -> str:
        """Who asks the provider about a call names this."""
        said = self.headers.get("request-id", "")
        return said if len(said) <= _ID_CHARS and said.isprintable() else ""

    def retry_after_s(self, now: float) -> float | None:
        """Seconds until it may be asked again, as far as it says so.

        Args:
            now: seconds since the epoch.
        """
        for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            try:
                seconds = float(self.headers.get(name, "")) * unit
            except ValueError:
                continue
            if math.isfinite(seconds):
                return min(max(0.0, seconds), LONGEST_S)
        try:
            moment = parsedate_to_datetime(self.headers.get("retry-after", ""))
            return min(max(0.0, moment.timestamp() - now), LONGEST_S)
        except (ValueError, OverflowError, TypeError):
            return None


def answer_of(
    reply: Reply, question: Question, *, provider: str, now: float, secret: str = ""
) -> Answer:
    """The answer in a reply with status 200; for `secret` see `error_of`.

    Raises:
        ModelError: there is none; likewise its siblings for an error inside.
    """
    try:
        body = from_json(reply.body)
    except ValueError:
        raise _unreadable(reply, "no JSON, or cut") from None
    if not isinstance(body, dict):
        raise _unreadable(reply, "no message")
    if body.get("type") == "error" or isinstance(body.get("error"), dict):
        raise _error_inside(reply, now, secret)
    stop_reason, model = body.get("stop_reason"), body.get("model")
    if not isinstance(stop_reason, str):
        raise _unreadable(reply, "a message that does not say why it stopped")
    return Answer(
        content=_content(reply, body.get("content")),
        stop_reason=stop_reason,
        model=model if isinstance(model, str) and model else question.model,
        provider=provider,
        usage=_usage(reply, body.get("usage")),
        request_id=reply.request_id,
    )


def worth_another_try(reply: Reply) -> bool:
    """Whether a failure may be over in half a second."""
    if reply.headers.get("x-should-retry") == "false" or "retry-after" in reply.headers:
        return False
    return reply.status in {408, 409} or (reply.status >= _SERVER and reply.status != _OVERLOADED)


def error_of(reply: Reply, *, now: float, secret: str = "") -> Fault:
    """What a reply with another status asks for.

    Args:
        reply: the reply.
        now: seconds since the epoch.
        secret: what must not be repeated, whoever repeats it to us.
    """
    type_, said = _words(reply, secret)
    says = f"The model's provider answered {reply.status}{f': {said}' if said else ''}"
    code = _for_an_operator(reply.status, type_, said)
    wait_s = reply.retry_after_s(now)
    if code:
        says, wait_s = f"{says} ({_OPERATOR[code]})", max(OPERATOR_S, wait_s or 0.0)
    elif reply.status == _LIMITED:
        code, wait_s = "rate_limited", RATE_LIMITED_S if wait_s is None else wait_s
    elif reply.status == _OVERLOADED:
        code, wait_s = "overloaded", OVERLOADED_S if wait_s is None else wait_s
    elif reply.status >= _SERVER:
        code = "overloaded"  # if it says itself how long
    elif reply.status in _BAD_REQUEST:
        return ModelRefusedError(f"{says}.", code="bad_request", request_id=reply.request_id)
    if code and wait_s is not None:
        wait_s = max(LEAST_S, wait_s)
        return ModelBusyError(wait_s, f"{says}.", code=code, request_id=reply.request_id)
    return ModelError(f"{says}.", code="server_error", request_id=reply.request_id)


def _for_an_operator(status: int, type_: str, said: str) -> str:
    """The code of what only a person can mend, and no event is to blame for; else empty."""
    # Some billing comes in another dress.
    if type_ == "billing_error" or (status in _BAD_REQUEST and "credit balance" in said.lower()):
        return "billing"
    return _STATUS_OF_OPERATOR.get(status, "")


def _error_inside(reply: Reply, now: float, secret: str) -> Fault:
    """An error that calls itself a success."""
    type_, said = _words(reply, secret)
    inside = {"rate_limit_error": _LIMITED, "overloaded_error": _OVERLOADED}.get(type_)
    if inside is not None:
        headers = {**reply.headers, "retry-after-ms": "", "retry-after": ""}
        inner = Reply(status=inside, body=reply.body, headers=headers)
        return error_of(inner, now=now, secret=secret)
    return _unreadable(reply, f"an error inside of a success, {type_} {said!r}")


def _unreadable(reply: Reply, what: str) -> ModelError:
    return ModelError(
        f"The model's provider answered something that cannot be used: {what}.",
        code="unreadable",
        request_id=reply.request_id,
    )


def _words(reply: Reply, secret: str) -> tuple[str, str]:
    """The type and the text of an error, on one line and bounded."""
    try:
        error = from_json(reply.body)["error"]
        type_, said = str(error.get("type") or ""), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""  # HTML of a proxy: nothing for a person
    if secret:
        type_, said = type_.replace(secret, "***"), said.replace(secret, "***")
    return type_[:_ID_CHARS], " ".join(said.split())[:_SAID_CHARS].rstrip(".")


def _content(reply: Reply, content: Any) -> tuple[Mapping[str, Any], ...]:
    """The blocks that we know, and a model's thinking, which it wants back with what tools say."""
    if not isinstance(content, list):
        raise _unreadable(reply, "a message without content")
    blocks: list[Mapping[str, Any]] = []
    for block in content:
        match block:
            case {"type": "text", "text": str(text)}:
                blocks.append({"type": "text", "text": text})
            case {"type": "tool_use", "id": str(id_), "name": str(name), "input": dict(given)}:
                blocks.append({"type": "tool_use", "id": id_, "name": name, "input": given})
            case {"type": "thinking" | "redacted_thinking"}:
                blocks.append(block)
            case {"type": str(other)} if other not in {"text", "tool_use"}:
                continue
            case _:
                raise _unreadable(reply, "a block of content that is none")
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    if len(set(ids)) < len(ids):
        raise _unreadable(reply, "two uses of tools under one id")
    return tuple(blocks)


def _usage(reply: Reply, usage: Any) -> Usage:
    """The tokens. An answer whose price nobody can tell would slip by every budget."""
    said = usage if isinstance(usage, dict) else {}
    counts = [
        said.get(name)
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
        )
    ]
    if counts[0] is None or counts[1] is None:
        raise _unreadable(reply, "a message without usage")
    if not all(count is None or (type(count) is int and 0 <= count <= _MOST) for count in counts):
        raise _unreadable(reply, "a message whose usage is no number of tokens")
    return Usage(*(count or 0 for count in counts))
