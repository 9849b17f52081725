"""Rules about effects: decided once by events that are done, and delivered once.

What was in flight when something was killed may be delivered twice, by channels that promise no
more; the one that can be asked never does, save beside a process that stood still.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from chaos.evidence import header, outbox_place
from chaos.rules_letters import code_of, why
from chaos.shapes import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.faultlog import FaultLog
    from chaos.outbox import Effect, Outbox
    from chaos.rules_runs import Fault
    from chaos.telling import Sending

IN_FLIGHT = 10
"""What the channels' policy says."""
AGAIN_S = 30.0
"""The longest wait between two attempts."""
_TYPE = "streamagents.action."
_AT_LEAST_ONCE = frozenset({"keyed", "loose"})
"""They may send again what has happened; a keyed peer takes it for the same."""


def decided_once(outbox: Outbox) -> Iterator[Fault]:
    """Each effect of an event that is done lies in the outbox once, and no others do."""
    for stranger in outbox.strangers:
        yield "effect_ghost", f"nobody decided {stranger}"
    for effect in outbox.effects.values():
        if len(effect.records) != 1:
            rule = "effect_undecided" if not effect.records else "effect_decided_twice"
            yield rule, f"{effect.id} lies {len(effect.records)} times in the outbox"
            continue
        record = effect.records[0]
        type_, app = header(record, "ce_type"), header(record, "streamagents-app")
        key = effect.event.key or effect.event.id
        if (record["key"], type_, app) != (key, _TYPE + effect.act.channel, "chaos"):
            yield "effect_record", f"{effect.id}: key {record['key']}, type {type_}, app {app}"


def delivered_once(outbox: Outbox, faults: FaultLog) -> Iterator[Fault]:
    """Each effect happened once, or ended as the letter that it had to become."""
    for effect in outbox.effects.values():
        letters = [code_of(letter) for letter in effect.letters]
        wanted = effect.act.fate
        if wanted == "failed" and effect.happened:
            yield "effect_odd", f"{effect.id} fails always, and happened"
        if wanted == "sent" and not effect.happened and not _given_up(effect, faults):
            tries = len(effect.sendings)
            yield "effect_lost", f"{effect.id} never happened; {tries} sendings, letters {letters}"
        if letters != ([] if wanted == "sent" else [wanted]) and not _given_up(effect, faults):
            reason = why(effect.letters[0]) if letters else ""
            yield "effect_letter", f"{effect.id} has the letters {letters}, not {wanted} {reason}"
        for letter in effect.letters:
            tries_told = header(letter, "streamagents-attempts")
            if code_of(letter) == "failed" and tries_told != str(ATTEMPTS):
                yield "effect_letter", f"{effect.id}: {tries_told} tries"
        for first, second in pairwise(effect.happened):
            if not _may_repeat(effect, first, second, faults):
                yield "effect_twice", f"{effect.id} ({effect.act.channel}): {_both(first, second)}"


def nothing_settled_again(outbox: Outbox, faults: FaultLog) -> Iterator[Fault]:
    """What was delivered, durably, is not begun again; and who begins again is told so."""
    for effect in outbox.effects.values():
        for first, second in pairwise(effect.sendings):
            over = first.how == "over" and (first.end or 0.0) <= second.start
            if over and not _cut(first, faults) and not _frozen(second, faults):
                yield "effect_again", f"{effect.id}: {_both(first, second)}, no fault near"
            if first.how != "fail" and not second.interrupted:
                yield "effect_unmarked", f"{effect.id}: {_both(first, second)} was not told so"
        for sending in effect.sendings:
            if any(t < sending.start for t in effect.confirmed):
                yield "effect_again", f"{effect.id}: {sending.pid} sent what its peer had confirmed"


def keys_of_peers(outbox: Outbox) -> Iterator[Fault]:
    """All sendings of an effect say the same idempotency key, and no other effect's do."""
    owners: dict[str, str] = {}
    for effect in outbox.effects.values():
        keys = {sending.idempotency for sending in effect.happened}
        if len(keys) > 1 or "" in keys:
            yield "effect_key", f"{effect.id} was sent under {sorted(keys)}"
        for key in keys:
            if owners.setdefault(key, effect.id) != effect.id:
                yield "effect_key", f"{effect.id} and {owners[key]} share {key}"


def effects_in_order(outbox: Outbox) -> Iterator[Fault]:
    """Of one channel and key an effect is begun when the one before it is settled."""
    for (channel, key), effects in outbox.sequences().items():
        tried = [effect for effect in effects if effect.sendings]
        for first, second in pairwise(tried):
            start = second.sendings[0].start
            if not first.settled(start):
                what = f"{second.id} began before {first.id} was settled"
                yield "effect_order", f"{channel} {key}: {what}"


def channels_bounded(outbox: Outbox) -> Iterator[Fault]:
    """Never more deliveries at once than the policy says, by channel and worker."""
    moments: dict[tuple[int, str], list[tuple[float, int]]] = defaultdict(list)
    for effect in outbox.effects.values():
        for sending in effect.sendings:
            moments[sending.pid, sending.channel].append((sending.start, 1))
            if sending.end is not None:
                moments[sending.pid, sending.channel].append((sending.end, -1))
    for (pid, channel), changes in moments.items():
        most = max(accumulate(change for _, change in sorted(changes)))
        if most > IN_FLIGHT:
            yield "effects_in_flight", f"{channel} sent {most} at once in {pid}"


def tally(outbox: Outbox) -> dict[str, int]:
    """What was delivered again, and what was given up, by channel."""
    found: Counter[str] = Counter()
    for effect in outbox.effects.values():
        channel, again = effect.act.channel, len(effect.happened) - 1
        if again > 0:
            how = "asked" if effect.unsaid(effect.happened[0]) else "fault"
            found[f"{channel}_again_after_{how}"] += again
        if effect.act.fate == "sent" and effect.letters:
            found[f"{channel}_given_up"] += 1
        found[f"{channel}_confirmed"] += bool(effect.confirmed)
    return {name: count for name, count in sorted(found.items()) if count}


def _given_up(effect: Effect, faults: FaultLog) -> bool:
    """Whether a person was asked, rightly, what became of it: somebody was hit while sending."""
    if effect.act.channel != "careful" or [code_of(x) for x in effect.letters] != [
        "outcome_unknown"
    ]:
        return False
    if not effect.sendings:
        return True  # it was about to begin, which leaves no trace outside
    if any(_cut(sending, faults) or effect.unsaid(sending) for sending in effect.sendings):
        return True
    # It failed, and was about to begin again while somebody was hit: its mark was there already.
    last = effect.sendings[-1]
    return (
        last.how == "fail"
        and last.end is not None
        and faults.calm(last.end, last.end + AGAIN_S) < AGAIN_S
    )


def _may_repeat(effect: Effect, first: Sending, second: Sending, faults: FaultLog) -> bool:
    if _frozen(first, faults) or _frozen(second, faults):
        return True
    if effect.act.channel not in _AT_LEAST_ONCE:
        return False
    return effect.unsaid(first) or _cut(first, faults)


def _cut(sending: Sending, faults: FaultLog) -> bool:
    """Whether a sending, or the mark that it is over, was cut short by a fault."""
    if sending.end is None or sending.how == "cancel":
        return bool(faults.cut(sending.pid, sending.start))
    return faults.gap(sending.pid, sending.end, outbox_place(sending.key or "")) is not None


def _frozen(sending: Sending, faults: FaultLog) -> bool:
    """Whether its process stood still meanwhile: nobody can know how far it got."""
    t = sending.start if sending.end is None else sending.end
    return faults.zombie(sending.pid, sending.start) or faults.zombie(sending.pid, t)


def _both(first: Sending, second: Sending) -> str:
    return f"{first.pid} {first.how or 'unended'}, then {second.pid} attempt {second.attempt}"
