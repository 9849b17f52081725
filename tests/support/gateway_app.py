"""An application behind a gateway: one event, an agent that does nothing."""

from __future__ import annotations

from typing import Any

from streamagents import Event, create_app
from streamagents.triggers import Hook, To


class Ping(Event, topic="ping", key="who"):
    """Somebody is there."""

    who: str
    text: str = ""


class OnPing:
    """Takes pings."""

    async def run(self, ping: Ping) -> None: ...


class Leftovers:
    """Takes the rest."""

    async def run(self, event: dict[str, Any]) -> None: ...


app = create_app(
    "gated",
    agents={"ping": OnPing()},
    fallback=Leftovers(),
    triggers=[Hook("shop", {"ping": To(Ping, fields={"who": "data.name"})})],
)
