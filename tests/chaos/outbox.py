"""The outbox as the checker sees it: which effects there have to be, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chaos.evidence import header
from chaos.shapes import ACTIONS, ATTEMPTS, LETTERS, UNSAID

if TYPE_CHECKING:
    from chaos.evidence import Evidence
    from chaos.shapes import Act, Expected
    from chaos.telling import Sending


@dataclass(slots=True, kw_only=True)
class Effect:
    """One effect: decided by an event that is done, and all that happened to it."""

    id: str
    act: Act
    event: Expected
    records: list[dict[str, Any]] = field(default_factory=list)
    """In the outbox."""
    sendings: list[Sending] = field(default_factory=list)
    """In the order of their starts."""
    confirmed: list[float] = field(default_factory=list)
    """When its peer said that it had happened."""
    letters: list[dict[str, Any]] = field(default_factory=list)

    @property
    def happened(self) -> list[Sending]:
        """The sendings that the world outside saw."""
        return [sending for sending in self.sendings if sending.happened is not None]

    def unsaid(self, sending: Sending) -> bool:
        """Whether a sending was asked to leave it open how it ended."""
        return self.act.mode in UNSAID and sending.attempt == 1 and not sending.interrupted

    def settled(self, t: float) -> bool:
        """Whether its outcome was decided by then."""
        if any(at <= t for at in self.confirmed):
            return True
        ended = [s for s in self.sendings if s.end is not None and s.end <= t]
        if any(s.how == "over" for s in ended):
            return True
        if any(s.how == "fail" and s.attempt >= ATTEMPTS for s in ended):
            return True
        # Given to a person, who cannot say when: all that was tried was tried before.
        return bool(self.letters) and all(s.start <= t for s in self.sendings)


class Outbox:
    """All effects of a round."""

    def __init__(self, evidence: Evidence) -> None:
        self.effects = {
            id_: Effect(id=id_, act=act, event=event)
            for event in evidence.expected.values()
            if event.fate == "done"
            for id_, act in event.effects().items()
        }
        self.strangers: list[str] = []
        """What nobody decided: what it is and its id."""
        for record in evidence.topics[ACTIONS]:
            self._add("records", header(record, "ce_id"), record)
        for letter in evidence.topics[ACTIONS + LETTERS]:
            self._add("letters", header(letter, "ce_id"), letter)
        for sending in evidence.sendings:
            self._add("sendings", sending.id, sending)
        for answer in evidence.answers:
            if answer.happened:
                self._add("confirmed", answer.id, answer.t)

    def _add(self, what: str, id_: str | None, value: Any) -> None:
        effect = self.effects.get(id_ or "")
        if effect is None:
            self.strangers.append(f"{what}: {id_}")
        else:
            getattr(effect, what).append(value)

    def sequences(self) -> dict[tuple[str, str], list[Effect]]:
        """By channel and key, the effects in the order in which they lie in the outbox."""
        found: dict[tuple[str, str], list[tuple[tuple[int, int], Effect]]] = defaultdict(list)
        for effect in self.effects.values():
            if effect.records:
                record = effect.records[0]
                place = (record["partition"], record["offset"])
                found[effect.act.channel, record["key"]].append((place, effect))
        return {
            lane: [effect for _, effect in sorted(effects, key=lambda pair: pair[0])]
            for lane, effects in found.items()
        }
