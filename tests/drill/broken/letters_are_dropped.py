"""Switch: of the events that fail, every other one gets no letter."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from drill.app import app
from drill.shapes import LETTERS
from streamagents.runtime.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import Outgoing
    from streamagents.runtime.group import Group

_as_it_is = Writer._commit_groups


async def _dropping(writer: Writer, groups: Sequence[Group]) -> None:
    kept = [[out for out in group.records if not _dropped(out)] for group in groups]
    pairs = zip(groups, kept, strict=True)
    await _as_it_is(writer, [replace(group, records=records) for group, records in pairs])


def _dropped(out: Outgoing) -> bool:
    return out.topic.endswith(LETTERS) and json.loads(out.value or b"{}")["n"] % 2 == 1


Writer._commit_groups = _dropping  # type: ignore[assignment, method-assign]

__all__ = ["app"]
