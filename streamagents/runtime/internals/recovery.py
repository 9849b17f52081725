"""Faust's recovery of tables: whole fetches go from the changelog into RocksDB.

Stock takes each record through a callback, a queue and a buffer: a million seen ids kept a worker
for two to fourteen minutes. Its order of things stays as it is: which partitions are read from
where, how far, and what happens when they are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faust.tables import TableManager
from faust.tables.recovery import Recovery
from mode import Service

if TYPE_CHECKING:
    from collections import Counter

    from faust.types import TP

    from streamagents.runtime.seam import Poll


class RecordRecovery(Recovery):  # type: ignore[misc] # Faust is not typed for us
    """Faust's recovery, which is handed whole fetches."""

    _last_active_event_processed_at: float | None
    num_samples_required_for_estimate = 20
    """Fetches before it says how long it will take."""

    def take(self, poll: Poll) -> int | None:
        """Apply what one fetch brought of a changelog, and take note of it.

        Nothing is awaited in between: no rebalance comes between the RocksDB of a partition and
        what Faust believes to be in it.

        Returns:
            From where the changelog has to be read instead, if something before this is missing.
        """
        tp = poll.tp
        offsets = self._offsets_of(tp)
        if offsets is None:
            return None  # fetched before this assignment paused it: nobody waits for it
        store = self.tp_to_table[tp].data
        held: int = store.held(tp.partition)
        if offsets[tp] is not None:  # where a changelog begins, nothing is missing before that
            held = max(held, offsets[tp])
        if poll.start > held + 1:
            return max(held, 0)
        last = poll.end - 1
        if last > held:
            store.take(tp.partition, poll.records, last)
        offsets[tp] = max(held, last)
        self._took(poll)
        return None

    def _offsets_of(self, tp: TP) -> Counter[TP] | None:
        """Where Faust notes how far this changelog is applied."""
        found: Counter[TP] | None = None
        if tp in self.active_tps:
            found = self.active_offsets
        elif tp in self.standby_tps:
            found = self.standby_offsets
        return found

    def _took(self, poll: Poll) -> None:
        now = time.monotonic()
        self._last_flush_at = now
        if poll.tp in self.active_tps:
            self._active_events_received_at[poll.tp] = now
            since = self._last_active_event_processed_at
            self._last_active_event_processed_at = now
            if since is not None:
                self._processing_times.append((now - since) / (poll.end - poll.start))
            while len(self._processing_times) > self.num_samples_required_for_estimate:
                self._processing_times.popleft()
        if self.in_recovery and not self.need_recovery():
            self._set_recovery_ended()
            self.signal_recovery_end.set()
        if not self.tables.standbys_ready and not self.standby_remaining_total():
            self.tables.on_standbys_ready()

    def _set_recovery_started(self) -> None:
        super()._set_recovery_started()
        # Here, and not when it was heard: set before Faust waits for it, it must not be lost.
        self.signal_recovery_end.clear()

    @Service.task  # type: ignore[untyped-decorator]
    async def _slurp_changelogs(self) -> None:
        """Stock's way, record by record. It would take back the signal that we give."""


class RecordTables(TableManager):  # type: ignore[misc] # Faust is not typed for us
    """Faust's tables, with our recovery."""

    _recovery: RecordRecovery | None

    @property
    def recovery(self) -> RecordRecovery:
        """The service that recovers the tables."""
        if self._recovery is None:
            self._recovery = RecordRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
