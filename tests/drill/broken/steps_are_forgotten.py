"""Switch: what a step has returned is not kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drill.app import app
from streamagents.pipeline.places import STEPS
from streamagents.runtime.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.runtime.group import Group

_as_it_is = Writer._commit_groups


async def _forgetful(writer: Writer, groups: Sequence[Group]) -> None:
    kept = [
        {key: value for key, value in group.writes.items() if not key.startswith(STEPS)}
        for group in groups
    ]
    pairs = zip(groups, kept, strict=True)
    await _as_it_is(writer, [replace(group, writes=writes) for group, writes in pairs])


Writer._commit_groups = _forgetful  # type: ignore[assignment, method-assign]

__all__ = ["app"]
