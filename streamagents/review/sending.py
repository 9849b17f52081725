"""Sending: from a letter to the record that brings its event home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.pipeline.dedupe import REPLAY_COUNT
from streamagents.pipeline.identity import ORIGIN, ORIGIN_KEY
from streamagents.pipeline.replay import FRESH, LETTER, TARGET_GROUP, Stage
from streamagents.ports import Outgoing

if TYPE_CHECKING:
    from streamagents.events import Headers
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Send


def replayed(letter: Letter, where: Send, *, fresh: bool = False) -> Outgoing:
    """The original once more: same key, same bytes, same headers, and ours for this replay.

    Its time is that of its writing: under the old one it would be past its topic's retention.
    """
    return Outgoing(
        topic=where.topic,
        key=letter.key,
        value=letter.value,
        headers=(*letter.own_headers, *_place(letter, where), *_orders(letter, fresh=fresh)),
        partition=where.partition,
    )


def stage_of(letter: Letter) -> Stage:
    """What a letter is once it was sent: workers of ours answer, others do not."""
    return Stage.REPLAYED if _is_ours(letter) else Stage.SENT


def generation(letter: Letter) -> int:
    """Which replay of its event the next one is."""
    return letter.fault.replays + 1


def _place(letter: Letter, where: Send) -> Headers:
    """Where it first lay: an event without an id is known by that, and stays on its partition."""
    if not where.in_place or letter.origin is None:
        return ()
    origin: Headers = ((ORIGIN, str(letter.origin).encode()),)
    return origin if letter.key is None else (*origin, (ORIGIN_KEY, letter.key))


def _orders(letter: Letter, *, fresh: bool) -> Headers:
    headers: Headers = ((REPLAY_COUNT, b"%d" % generation(letter)),)
    if letter.fault.group:
        headers += ((TARGET_GROUP, letter.fault.group.encode()),)
    if _is_ours(letter):
        headers += ((LETTER, str(letter.at).encode()),)
    return (*headers, (FRESH, b"1")) if fresh else headers


def _is_ours(letter: Letter) -> bool:
    return letter.fault.convention == "streamagents"
