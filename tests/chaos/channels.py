"""Test channels: the world outside is a file, to which one line is written for each effect."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from chaos.journal import EFFECTS, append, beside_journal
from streamagents.actions import Action, Delivery, NotSentError

if TYPE_CHECKING:
    from streamagents.actions import Effect

_HANGS_S = 60.0
_TIMEOUT_S = 4.0
"""Shorter than a drain, so that no release cuts a delivery short."""


class Ping(Action):
    """What every channel is told."""

    e: int
    mode: str
    s: float


class Keyed(Ping, via="keyed"):
    """To a peer that takes idempotency keys."""


class Asked(Ping, via="asked"):
    """To a peer that can be asked."""


class Loose(Ping, via="loose"):
    """To a peer that can do neither; what is unknown is sent again."""


class Careful(Ping, via="careful"):
    """To a peer that can do neither; what is unknown is for a person."""


class Peer:
    """A channel that writes what it does."""

    def __init__(self, action: type[Ping], *, idempotent: bool = False) -> None:
        self.name, self.action, self.idempotent = action.via, action, idempotent

    async def send(self, action: Ping, effect: Effect) -> None:
        """Write that it begins, that it happens, that it is over; or fail as asked."""
        self._note("begin", effect, key=effect.key)
        try:
            await self._send(action, effect)
        except asyncio.CancelledError:
            self._note("cancel", effect)
            raise
        self._note("over", effect)

    async def _send(self, action: Ping, effect: Effect) -> None:
        await asyncio.sleep(action.s / 2)
        first = effect.attempt == 1 and not effect.interrupted
        if action.mode == "fail" or (action.mode == "once" and effect.attempt == 1):
            self._note("fail", effect)
            raise NotSentError("as asked")
        self._note("effect", effect, idempotency=effect.idempotency_key)
        if action.mode == "lost" and first:
            self._note("lost", effect)
            raise ConnectionError("as asked")
        if action.mode == "hang" and first:
            await asyncio.sleep(_HANGS_S)
        await asyncio.sleep(action.s / 2)

    def _note(self, what: str, effect: Effect, **more: Any) -> None:
        append(
            str(beside_journal(EFFECTS)),
            what=what,
            channel=self.name,
            id=effect.id,
            attempt=effect.attempt,
            interrupted=effect.interrupted,
            **more,
        )


class Askable(Peer):
    """A channel whose peer knows what has happened."""

    async def reconcile(self, action: Ping, effect: Effect) -> bool | None:
        """Whether it has happened."""
        happened = await asyncio.to_thread(_happened, effect.id)
        self._note("asked", effect, answer=happened)
        return happened


def _happened(effect: str) -> bool:
    file = beside_journal(EFFECTS)
    if not file.exists():
        return False
    rows = (json.loads(line) for line in file.read_text().splitlines() if effect in line)
    return any(row["what"] == "effect" and row["id"] == effect for row in rows)


_ACTIONS: dict[str, type[Ping]] = {kind.via: kind for kind in (Keyed, Asked, Loose, Careful)}


def action(e: int, act: dict[str, Any]) -> Ping:
    """What an agent decides on."""
    return _ACTIONS[act["channel"]](e=e, mode=act["mode"], s=act["s"])


def deliveries() -> list[Delivery]:
    """The channels of the application."""
    policy: dict[str, Any] = {"timeout_s": _TIMEOUT_S, "backoff_s": 1.0, "in_flight": 10}
    return [
        Delivery(Peer(Keyed, idempotent=True), **policy),
        Delivery(Askable(Asked), **policy),
        Delivery(Peer(Loose), on_unknown="resend", **policy),
        Delivery(Peer(Careful), on_unknown="review", **policy),
    ]
