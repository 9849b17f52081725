"""`RecordingChannel`: a channel and its peer in one, which a test can make fail."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamagents.actions import Action, Effect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_Answer = Literal["the truth"] | bool | None


class Note(Action, via="recording"):
    """What a `RecordingChannel` delivers."""

    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One call of `send`."""

    action: Note
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Trouble:
    error: Exception | None
    """None hangs."""
    delivered: bool
    """The peer got it before."""


class RecordingChannel:
    """Keeps what it is given.

    ```python
    channel = RecordingChannel()
    app = create_app("crm", channels=[Delivery(channel, attempts=2)], ...)
    ...
    assert channel.delivered == {"event-1/note": 1}
    ```

    Args:
        name: the channel's name; its actions are `channel.action(text=...)`, which is `Note` for
            the default name.
        idempotent: the peer delivers nothing twice under one idempotency key.
        reconciles: it has `reconcile`, which answers with the truth unless `answer` was called.
    """

    def __init__(
        self, name: str = "recording", *, idempotent: bool = False, reconciles: bool = False
    ) -> None:
        self.name, self.idempotent = name, idempotent
        self.action = Note if name == Note.via else _note_via(name)
        self.sent: list[Sent] = []
        """All calls of `send`, the failed ones among them."""
        self.asked: list[Effect] = []
        """All calls of `reconcile`."""
        self.delivered: Counter[str] = Counter()
        """How often the peer did what it was asked to, by effect id."""
        self.reconcile: Callable[[Note, Effect], Awaitable[bool | None]] | None = (
            self._reconcile if reconciles else None
        )
        self._keys: set[str] = set()
        self._trouble: deque[_Trouble] = deque()
        self._answer: _Answer | Exception = "the truth"

    def fail(
        self, times: int = 1, error: Exception | None = None, *, delivered: bool = False
    ) -> None:
        """Let the next deliveries fail.

        Args:
            times: how many.
            error: what they raise; default: a `ConnectionError`.
            delivered: the peer gets it nevertheless, only its answer is lost.
        """
        raised = error or ConnectionError(f"the channel {self.name} was told to fail")
        self._trouble.extend([_Trouble(raised, delivered)] * times)

    def hang(self, times: int = 1, *, delivered: bool = False) -> None:
        """Let the next deliveries never end; `delivered` as for `fail`."""
        self._trouble.extend([_Trouble(None, delivered)] * times)

    def answer(self, happened: _Answer | Exception) -> None:
        """What `reconcile` says from now on, or raises: True, False, None or "the truth"."""
        self._answer = happened

    async def send(self, action: Note, effect: Effect) -> None:
        """Deliver, or do what the test wants instead.

        Raises:
            Exception: what `fail` was told.
        """
        self.sent.append(Sent(action, effect))
        trouble = self._trouble.popleft() if self._trouble else None
        if trouble is None or trouble.delivered:
            self._deliver(effect)
        if trouble is not None:
            if trouble.error is None:
                await asyncio.get_running_loop().create_future()  # until it is cancelled
            else:
                raise trouble.error

    def _deliver(self, effect: Effect) -> None:
        if not self.idempotent or effect.idempotency_key not in self._keys:
            self.delivered[effect.id] += 1
        self._keys.add(effect.idempotency_key)

    async def _reconcile(self, _action: Note, effect: Effect) -> bool | None:
        self.asked.append(effect)
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer == "the truth":
            return effect.idempotency_key in self._keys
        return self._answer


def _note_via(name: str) -> type[Note]:
    class NamedNote(Note, via=name):
        """A note of another channel."""

    return NamedNote
