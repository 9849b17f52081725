"""Switch: what an event changes and emits is not awaited before the event is finished."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos.app import app
from streamagents.runtime.writer import Writer

if TYPE_CHECKING:
    from streamagents.runtime.group import Group

_BUFFERED_S = 2.0
"""The gap is there without it, but narrow: a kill would rarely hit it."""
_as_it_is = Writer._commit_groups


async def _unawaited(writer: Writer, groups: list[Group]) -> None:
    for group in groups:
        if group.durable is not None:
            group.durable()
    await asyncio.sleep(_BUFFERED_S)
    await _as_it_is(writer, [replace(group, durable=None) for group in groups])


Writer._commit_groups = _unawaited  # type: ignore[assignment, method-assign]

__all__ = ["app"]
