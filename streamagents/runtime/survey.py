"""The survey: a whole group, looked at from outside. Kafka first, then each worker's own page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamagents.bus import KafkaAdmin, TopicReader
from streamagents.errors import BrokerUnavailableError
from streamagents.ops.depths import Depths
from streamagents.ops.overview import Waiting, WorkerSeen, is_at_work, letters_told
from streamagents.runtime.announcing import announced
from streamagents.runtime.asking import ask_health, is_here, reached_by
from streamagents.runtime.web import handled_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.bus.members import Member
    from streamagents.ops.overview import Seen
    from streamagents.runtime.announcing import Announced
    from streamagents.runtime.app import StreamApp
    from streamagents.settings import PagesPort

_COUNT_MOST = 20_000
"""Offsets that are read to count the events among them, where no worker tells."""
_COUNT_S = 3.0
"""For that, and again for the dead letters where the leader did not tell."""
_JOINED_S, _JOINED_TRIES = 0.5, 5
"""Between two looks at a group that is being put together; one that is frozen holds it up until its
session ends."""
_NO_PAGES = "its pages are off"
_ELSEWHERE = "its pages can be reached from its own machine only"
_ANOTHER = "another process answers at its address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A gateway, a watch or a bridge on this machine."""

    what: str
    address: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found."""

    committed: Mapping[tuple[str, int], int]
    waiting: Mapping[str, Waiting]
    missing: Sequence[str]
    workers: Sequence[WorkerSeen]
    letters: Mapping[str, int] | None
    beside: Sequence[Beside]


async def survey(app: StreamApp, *, timeout_s: float) -> Survey:
    """Look once.

    Args:
        app: the application.
        timeout_s: bounds each answer of the broker.

    Raises:
        BrokerUnavailableError: it did not answer in time.
    """
    topics = sorted({topic for topic, _ in handled_by(app).topics})
    async with KafkaAdmin(app.settings.bootstrap, timeout_s=timeout_s) as admin:
        names = [spec.name for spec in app.specs()]
        existing = await admin.existing(names)
        members = await _members(admin, app.group)
        committed = await admin.committed(app.group)
        begins, ends = await admin.begin_offsets(topics), await admin.end_offsets(topics)
    starts = {at: max(committed.get(at, 0), begins.get(at, 0)) for at in ends}
    workers, beside = await asyncio.gather(_workers(app, members), _beside(app))
    missing = sorted(set(names) - existing)
    letters: Mapping[str, int] | None = letters_told(workers)
    waiting: Mapping[str, Waiting] = _waiting(ends, starts)
    if not missing:
        if not any(is_at_work(one) for one in workers):
            waiting = await _counted(app, waiting, starts)
        letters = await _letters(app, topics) if letters is None else letters
    return Survey(
        committed=committed,
        waiting=waiting,
        missing=missing,
        workers=workers,
        letters=letters,
        beside=beside,
    )


# -- Kafka ---------------------------------------------------------------------------------------


async def _members(admin: KafkaAdmin, group: str) -> list[Member]:
    """Who is in the group, once it is put together, if that is soon."""
    for _ in range(_JOINED_TRIES):
        members = await admin.members(group)
        if all(member.data for member in members):
            break
        await asyncio.sleep(_JOINED_S)
    return members


def _waiting(
    ends: Mapping[tuple[str, int], int], starts: Mapping[tuple[str, int], int]
) -> dict[str, Waiting]:
    found: dict[str, dict[int, int]] = {}
    for (topic, partition), end in sorted(ends.items()):
        found.setdefault(topic, {})[partition] = max(0, end - starts[topic, partition])
    return {topic: Waiting(partitions=partitions) for topic, partitions in found.items()}


async def _counted(
    app: StreamApp, waiting: Mapping[str, Waiting], starts: Mapping[tuple[str, int], int]
) -> Mapping[str, Waiting]:
    """With the events among the offsets: the ends of transactions are none."""
    topics = [topic for topic, one in waiting.items() if one.offsets]
    if not topics or sum(waiting[topic].offsets for topic in topics) > _COUNT_MOST:
        return waiting
    counts = dict.fromkeys(topics, 0)
    try:
        async with (
            asyncio.timeout(_COUNT_S),
            TopicReader(
                app.settings.bootstrap, topics, timeout_s=_COUNT_S, starts=starts
            ) as reader,
        ):
            async for record in reader.to_end():
                counts[record.topic] += 1
    except (TimeoutError, BrokerUnavailableError):
        return waiting  # at most as many as there are offsets
    return {
        topic: Waiting(partitions=one.partitions, events=counts.get(topic, 0))
        for topic, one in waiting.items()
    }


async def _letters(app: StreamApp, topics: Sequence[str]) -> Mapping[str, int] | None:
    """Open dead letters by topic; None if there are too many to be counted in time."""
    layout = app.layout
    sources, words = {layout.letters_name(t): t for t in topics}, layout.letter_states().name
    depths = Depths(sources)
    try:
        async with (
            asyncio.timeout(_COUNT_S),
            TopicReader(app.settings.bootstrap, [words, *sources], timeout_s=_COUNT_S) as reader,
        ):
            async for record in reader.to_end():
                (depths.word if record.topic == words else depths.letter)(record)
    except (TimeoutError, BrokerUnavailableError):
        return None
    return {topic: count for topic, (count, _) in depths.found().items()}


# -- processes -----------------------------------------------------------------------------------


async def _workers(app: StreamApp, members: Sequence[Member]) -> list[WorkerSeen]:
    found = list(await asyncio.gather(*map(_worker, members)))
    here = await _here(app, {one.address for one in found})
    return sorted([*found, *here], key=lambda one: (one.worker, one.member))


async def _worker(member: Member) -> WorkerSeen:
    told = announced(member.data)
    if told is None:
        # While the group is put together, its coordinator shows nothing but names.
        status: Seen = "out_of_reach" if member.data else "starting"
        reason = "it told no address" if member.data else "the group is being put together"
        return WorkerSeen(
            worker=member.host, member=member.id, host=member.host, status=status, reason=reason
        )
    host = reached_by(told.host, member.host) if told.port else ""
    status, reason, said = await _asked(told, host, here=is_here(member.host))
    return WorkerSeen(
        worker=told.worker,
        member=member.id,
        host=member.host,
        address=f"{host or told.host}:{told.port}" if told.port else "",
        status=status,
        reason=reason,
        partitions=member.partitions,
        said=said,
    )


async def _asked(told: Announced, host: str, *, here: bool) -> tuple[Seen, str, Mapping[str, Any]]:
    """Status, reason, and all that it said."""
    if not host:
        return "out_of_reach", _ELSEWHERE if told.port else _NO_PAGES, {}
    answer = await ask_health(host, told.port)
    if answer.kind == "answered" and answer.said.get("worker") != told.worker:
        return ("gone" if here else "out_of_reach"), _ANOTHER, {}
    if answer.kind == "answered":
        return answer.said["status"], str(answer.said.get("reason", "")), answer.said
    if answer.kind == "gone" and not here:
        return "out_of_reach", answer.why, {}
    return answer.kind, answer.why, {}


async def _here(app: StreamApp, known: set[str]) -> list[WorkerSeen]:
    """One on this machine that is not, or no longer, in the group: it starts, or is frozen."""
    at = _address(app, app.settings.web_port)
    if at is None or f"{at[0]}:{at[1]}" in known:
        return []
    answer = await ask_health(*at)
    address = f"{at[0]}:{at[1]}"
    if answer.kind == "silent":
        return [WorkerSeen(worker=address, address=address, status="silent", reason=answer.why)]
    if answer.kind != "answered" or answer.said.get("app") != app.group:
        return []
    return [
        WorkerSeen(
            worker=str(answer.said.get("worker", address)),
            address=address,
            status=answer.said["status"],
            reason=str(answer.said.get("reason", "")),
            said=answer.said,
        )
    ]


async def _beside(app: StreamApp) -> list[Beside]:
    """What else of ours listens on this machine."""
    settings = app.settings
    ports: dict[str, PagesPort] = {
        "gateway": settings.gateway_port,
        "watch": settings.watch_port,
        "bridge": settings.bridge_port,
    }
    asked = {what: at for what, port in ports.items() if (at := _address(app, port)) is not None}
    answers = await asyncio.gather(*(ask_health(*at) for at in asked.values()))
    return [
        Beside(
            what=what,
            address=f"{at[0]}:{at[1]}",
            status=str(answer.said.get("status", answer.kind)),
            reason=str(answer.said.get("reason", answer.why)),
        )
        for (what, at), answer in zip(asked.items(), answers, strict=True)
        if answer.kind in {"answered", "silent"} and answer.said.get("app", app.group) == app.group
    ]


def _address(app: StreamApp, port: PagesPort) -> tuple[str, int] | None:
    """Where a process with these settings can be asked; None where nobody can tell."""
    if port in {0, "off"}:
        return None
    loopback = "::1" if ":" in app.settings.bind else "127.0.0.1"
    return reached_by(app.settings.bind, loopback) or loopback, int(port)
