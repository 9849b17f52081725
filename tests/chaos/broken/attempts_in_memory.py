"""Switch: attempts are kept in memory only."""

from __future__ import annotations

from dataclasses import replace

from chaos.app import app
from streamagents.pipeline.mark import Mark

_as_it_is = Mark.encode


def _forgetful(mark: Mark) -> bytes:
    return _as_it_is(mark if mark.finished else replace(mark, attempts=0))


Mark.encode = _forgetful  # type: ignore[assignment, method-assign]

__all__ = ["app"]
