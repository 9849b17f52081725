"""`streamagents status`: a whole group at a glance, also when none of its workers runs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from streamagents.cli.common import AppModule, AsJson, load, quiet_drivers
from streamagents.cli.woken import as_dict, last_of, woken
from streamagents.errors import BrokerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.cli.woken import Woken
    from streamagents.ops.health import Verdict
    from streamagents.runtime.survey import Survey

_ANSWER_S = 4.0
_IN_ALL_S = 12.0


def status(*, app: AppModule = None, as_json: AsJson = False) -> None:
    """Show a group at a glance; exit code 1 if something is stuck or stale, or nobody works."""
    from streamagents.ops.overview import judge_group  # noqa: PLC0415 - `--help` can do without

    quiet_drivers()
    application: Any = load(app)
    found, clocked = asyncio.run(_ask(application))
    verdict = judge_group(found.workers, found.waiting, found.missing)
    told = _told(application, verdict, found)
    if as_json:
        lists = {
            "schedules": [as_dict(one) for one in clocked if one.cron],
            "monitors": [as_dict(one) for one in clocked if not one.cron],
        }
        typer.echo(json.dumps({**told, **lists}))
    else:
        from streamagents.cli.glance import print_glance  # noqa: PLC0415 - likewise

        print_glance(told, clocked)
    if verdict.serious:
        raise typer.Exit(1)


async def _ask(application: Any) -> tuple[Survey, Sequence[Woken]]:
    """Ask everybody, within a bound for all of it.

    Raises:
        BrokerUnavailableError: the broker did not answer in time.
    """
    from streamagents.ops.overview import newest_polls  # noqa: PLC0415 - likewise
    from streamagents.runtime.survey import survey  # noqa: PLC0415 - this imports Faust

    bootstrap = application.settings.bootstrap
    try:
        async with asyncio.timeout(_IN_ALL_S):
            found = await survey(application, timeout_s=_ANSWER_S)
            last = (
                {}
                if found.missing
                else await last_of(application, found.committed, timeout_s=_ANSWER_S)
            )
    except TimeoutError as exc:
        raise BrokerUnavailableError(
            f"The Kafka broker at {bootstrap} did not answer within {_IN_ALL_S:g} s."
        ) from exc
    now, polls = datetime.now(UTC), newest_polls(found.workers)
    return found, [
        woken(one, now, last.get(name), polls.get(name))
        for name, one in application.ticking.items()
    ]


def _told(application: Any, verdict: Verdict, found: Survey) -> dict[str, Any]:
    from streamagents.ops import overview  # noqa: PLC0415 - likewise

    workers = found.workers
    return {
        "app": application.group,
        "broker": application.settings.bootstrap,
        "status": verdict.status,
        "reason": verdict.reason,
        "workers": [
            {
                "worker": one.worker,
                "status": one.status,
                "reason": one.reason,
                "address": one.address,
                "member": one.member,
                "host": one.host,
                "partitions": {topic: list(numbers) for topic, numbers in one.partitions.items()},
            }
            for one in workers
        ],
        "topics": overview.as_topics(workers, found.waiting, found.letters),
        "parked": overview.summed(workers, "parked"),
        "delayed": overview.summed(workers, "delayed"),
        "provider": overview.one_of(workers, "provider", ""),
        "circuit": overview.one_of(workers, "circuit", "closed"),
        "budget": overview.least(workers, "budget"),
        "beside": [
            {"what": b.what, "address": b.address, "status": b.status, "reason": b.reason}
            for b in found.beside
        ],
    }
