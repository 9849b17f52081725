"""Sending: records on their way to our broker, for as long as that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from streamagents.errors import BrokerUnavailableError, EventTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.ports import BulkBus, Clock, Outgoing

log = structlog.stdlib.get_logger("streamagents.triggers")

_AGAIN_S = 1.0


class Sender:
    """Writes batches, in order; a broker that is away is waited for, with one warning."""

    def __init__(self, bus: BulkBus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._waiting = False

    async def send(self, records: Sequence[Outgoing]) -> dict[int, EventTooLargeError]:
        """Write records, and return when the broker has them.

        Returns:
            By their place in the batch: those that no record of their topic can hold.

        Raises:
            TopicsError: a topic does not exist.
        """
        try:
            await self._patiently(records)
        except EventTooLargeError as exc:
            if len(records) == 1:
                return {0: exc}
        else:
            return {}
        # The bus does not say which one it was, and the others may have been kept: their ids make
        # what is written twice one event.
        refused = {}
        for place, record in enumerate(records):
            alone = await self.send([record])
            if alone:
                refused[place] = alone[0]
        return refused

    async def _patiently(self, records: Sequence[Outgoing]) -> None:
        while True:
            try:
                await self._bus.send_all(records)
            except BrokerUnavailableError as exc:
                if not self._waiting:
                    log.warning("waiting_for_broker", reason=str(exc))
                    self._waiting = True
                await self._clock.sleep(_AGAIN_S)
            else:
                break
        if self._waiting:
            log.info("broker_is_back")
            self._waiting = False
