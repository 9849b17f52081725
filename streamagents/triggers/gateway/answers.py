"""Answers: every response is JSON, a refusal is one sentence, and none repeats what was sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_RETRY_AFTER_S = 2


class RefusedError(Exception):
    """Raised when a request is not taken. The message is one sentence for who sent it."""

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = dict(headers or {})
        self.body = {"error": sentence, **(more or {})}


def not_kept(sentence: str, more: Mapping[str, Any] | None = None) -> RefusedError:
    """503: nobody knows that it was kept. The same request may come again, with the same id."""
    return RefusedError(503, sentence, headers=retry_after(_RETRY_AFTER_S), more=more)


def retry_after(seconds: float) -> dict[str, str]:
    """The header, in whole seconds, one at least."""
    return {"retry-after": str(max(1, int(seconds + 0.999)))}


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A response in JSON; ASCII only, so that no text can be unwritable."""
    return Response(
        json.dumps(body, separators=(",", ":")).encode(),
        status_code=status,
        headers={"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def refusal(refused: RefusedError) -> Response:
    """The response that tells of a refusal."""
    return answer(refused.status, refused.body, refused.headers)
