"""`MemoryQueue`: the port `Queue` in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamagents.errors import QueueError
from streamagents.ports import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.events import Headers


class MemoryQueue:
    """A queue in memory: what is not done comes again after `close`.

    Set `available = False` to take it away.
    """

    def __init__(self, name: str = "memory") -> None:
        self.available = True
        self.held: list[str] = []
        """Ids that were held, each time."""
        self._name = name
        self._messages: list[Message] = []
        self._next = 0
        self._done: set[str] = set()

    def put(self, value: bytes | None, *, key: bytes | None = None, headers: Headers = ()) -> str:
        """Add a message; its id."""
        id_ = f"{self._name}:{len(self._messages)}"
        self._messages.append(Message(id=id_, value=value, key=key, headers=headers, token=id_))
        return id_

    @property
    def left(self) -> list[str]:
        """The ids of what is not done."""
        return [message.id for message in self._messages if message.id not in self._done]

    async def receive(self, limit: int) -> Sequence[Message]:
        """The next messages, in order."""
        self._require()
        await asyncio.sleep(0)
        waiting = [m for m in self._messages[self._next :] if m.id not in self._done][:limit]
        if waiting:
            self._next = self._messages.index(waiting[-1]) + 1
        return waiting

    async def hold(self, messages: Sequence[Message]) -> None:
        """Note that they were held."""
        self._require()
        self.held += [message.id for message in messages]

    async def done(self, messages: Sequence[Message]) -> None:
        """Never deliver them again."""
        self._require()
        self._done |= {message.id for message in messages}

    async def close(self) -> None:
        """Deliver from the beginning again what is not done."""
        self._next = 0

    def _require(self) -> None:
        if not self.available:
            raise QueueError("This MemoryQueue was taken away.")
