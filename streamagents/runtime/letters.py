"""Letters: from an event that only a person can help to the record in its dead letter topic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamagents.pipeline.deadletter import LetterFacts, letter

if TYPE_CHECKING:
    from streamagents.agents import Registration
    from streamagents.pipeline.chain import Subscription
    from streamagents.pipeline.outcome import DeadLetter
    from streamagents.ports import Outgoing, Position, Record
    from streamagents.runtime.case import Case


class Letters:
    """Writes the letters of one consumer group.

    Args:
        group: the consumer group.
    """

    def __init__(self, group: str) -> None:
        self._group = group

    def of(self, case: Case, why: DeadLetter, now: datetime) -> Outgoing:
        """The letter of an event that was read."""
        incoming, failed_at = case.incoming, case.history.first_failed_at
        facts = self._facts(
            incoming.registration,
            origin=incoming.origin,
            key=incoming.origin_key,
            attempts=case.attempts,
            failed_at=datetime.fromtimestamp(failed_at, UTC) if failed_at else now,
            replay=case.replay,
        )
        return letter(case.subscription.letters, incoming.record, why, facts)

    def of_unread(
        self,
        record: Record,
        subscription: Subscription,
        why: DeadLetter,
        *,
        origin: tuple[Position, bytes | None],
        replay: int,
        now: datetime,
    ) -> Outgoing:
        """The letter of a record that could not be read.

        Args:
            record: the record.
            subscription: its topic.
            why: the verdict.
            origin: where it was first written, and under which key.
            replay: which replay of its letter it is.
            now: the moment.
        """
        facts = self._facts(
            subscription.registration,
            origin=origin[0],
            key=origin[1],
            attempts=0,
            failed_at=now,
            replay=replay,
        )
        return letter(subscription.letters, record, why, facts)

    def _facts(
        self,
        registration: Registration,
        *,
        origin: Position,
        key: bytes | None,
        attempts: int,
        failed_at: datetime,
        replay: int,
    ) -> LetterFacts:
        return LetterFacts(
            origin=origin,
            key=key,
            agent=registration.name,
            agent_version=registration.version,
            group=self._group,
            attempts=attempts,
            failed_at=failed_at,
            replay_count=replay,
        )
