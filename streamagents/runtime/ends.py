"""Ends: what leaves nothing but its mark, many events to a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.runtime.group import Group
from streamagents.runtime.reports import report_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.pipeline.outcome import Incoming
    from streamagents.ports import Observer, Record
    from streamagents.runtime.writer import Writer


class Ends:
    """Events that succeeded and left nothing else, as most do: they share groups.

    Args:
        writer: the partition's writer.
        observer: is told.
        finish: called with a record whose outcome is durable.
    """

    def __init__(
        self, writer: Writer, observer: Observer, finish: Callable[[Record], None]
    ) -> None:
        self._writer, self._observer, self._finish = writer, observer, finish
        self._group = Group()
        self._ended: list[tuple[Incoming, int, float]] = []

    def add(self, incoming: Incoming, attempts: int, seconds: float, mark: bytes) -> None:
        """An event succeeded.

        Args:
            incoming: the event.
            attempts: how many it took.
            seconds: how long its agent ran.
            mark: what says so.
        """
        if not self._writer.grow(self._group, incoming.seen_key, mark):
            ended = self._ended = []
            self._group = Group({incoming.seen_key: mark}, durable=lambda: self._durable(ended))
            self._writer.add(self._group)
        self._ended.append((incoming, attempts, seconds))

    def _durable(self, ended: list[tuple[Incoming, int, float]]) -> None:
        finish, observe = self._finish, self._observer.observe
        for incoming, attempts, seconds in ended:
            finish(incoming.record)
            observe(report_of("ok", incoming, attempts, seconds))
