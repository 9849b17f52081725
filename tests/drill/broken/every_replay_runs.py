"""Switch: a replayed letter runs, whatever has become of its event: the second of two, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drill.app import app
from streamagents.pipeline import dedupe
from streamagents.runtime import handling

if TYPE_CHECKING:
    from streamagents.pipeline.mark import Mark
    from streamagents.pipeline.outcome import Duplicate


def _lenient(mark: Mark | None, value: bytes | None, replay: int) -> Duplicate | None:
    return None if replay else dedupe.duplicate(mark, value, replay)


handling.duplicate = _lenient  # type: ignore[attr-defined]

__all__ = ["app"]
