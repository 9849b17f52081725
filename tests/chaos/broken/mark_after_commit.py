"""Switch: an event's mark, and what it changed, is written after its results are, and after its
offset may be committed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos.app import app
from streamagents.runtime.group import Group
from streamagents.runtime.writer import Writer

_PAUSE_S = 2.0
"""The gap is there without it, but narrow: a kill would rarely hit it."""
_as_it_is = Writer._commit_groups

if TYPE_CHECKING:
    from collections.abc import Sequence


async def _late(writer: Writer, groups: Sequence[Group]) -> None:
    await _as_it_is(writer, [replace(group, writes={}) for group in groups])
    await asyncio.sleep(_PAUSE_S)
    await _as_it_is(writer, [Group(writes=group.writes) for group in groups])


Writer._commit_groups = _late  # type: ignore[assignment, method-assign]

__all__ = ["app"]
