"""`streamagents dlq purge`: close letters, keep a record of it, cut off what nobody needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamagents.bus import KafkaAdmin, KafkaTogether
from streamagents.cli.common import ANSWER_S
from streamagents.cli.letters import open_desk, payments_of, who
from streamagents.review.purging import audit, forget, heads, purge
from streamagents.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.pipeline.replay import Paid
    from streamagents.ports import Together
    from streamagents.review.desk import Desk, Ends
    from streamagents.review.filters import Filter
    from streamagents.review.letter import Letter
    from streamagents.settings import Settings


def run_purge(
    settings: Settings, wanted: Filter, up_to: Ends, *, asked: dict[str, str], app: str | None
) -> tuple[int, int]:
    """Purge; how many letters, and how many partitions were cut.

    Args:
        settings: where the broker is.
        wanted: which letters.
        up_to: what a person was asked about; what came since is left alone.
        asked: what they said, for the record of it.
        app: the application's module.

    Raises:
        StreamAgentsError: the broker did not answer; what was closed until then is closed.
    """
    return asyncio.run(_purge(settings, wanted, up_to, asked, payments_of(app)))


async def _purge(
    settings: Settings,
    wanted: Filter,
    up_to: Ends,
    asked: dict[str, str],
    paid: Callable[[Letter], Paid | None],
) -> tuple[int, int]:
    desk = await open_desk(settings, wanted.topic)
    desk.require_states()
    by, clock = who(), SystemClock()
    async with KafkaTogether(settings.bootstrap, timeout_s=ANSWER_S) as writer:
        purged = await purge(
            desk.letters(wanted, up_to=up_to),
            writer,
            states_topic=desk.states_topic,
            by=by,
            clock=clock,
            paid=paid,
        )
        await audit(
            writer,
            desk.audit_topic,
            action="dlq.purge",
            by=by,
            clock=clock,
            facts=[("letters", purged), ("asked", asked)],
        )
        return purged, await _cut(settings, desk, writer)


async def _cut(settings: Settings, desk: Desk, writer: Together) -> int:
    """Delete the heads of partitions that nobody needs, and what is known of those letters."""
    await desk.open()
    ends = await heads(desk.records(), desk.states)
    async with KafkaAdmin(settings.bootstrap, timeout_s=ANSWER_S) as admin:
        begins = await admin.begin_offsets(desk.names)
        cut = {at: offset for at, offset in ends.items() if offset > begins.get(at, offset)}
        await admin.delete_before(cut)
    await forget(desk.states, {**begins, **cut}, writer, desk.states_topic, SystemClock())
    return len(cut)
