"""The monitor of uptime: whether a page answers as it should, told when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import AddressRefusedError, HttpError, TooLargeError
from streamagents.monitors.item import Item
from streamagents.monitors.monitor import Common, Monitor
from streamagents.monitors.updown import fault_of, judge
from streamagents.monitors.web import TOO_MANY, shown

if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Unpack

    from streamagents.monitors.visit import Visit

_WELL = range(200, 400)
_MAX_BYTES = 2 << 20


class UptimeMonitor(Monitor):
    """Asks a page: `UptimeMonitor("shop", "https://shop.example", contains="Basket", to=...)`.

    Items have `state` (up, down), `reason`, `since` and of the state before `lasted_s`. The first
    look tells nothing of a page that is up.

    Args:
        name: of the monitor.
        url: of the page.
        expect: statuses that are well; redirects are followed.
        contains: a text that has to be on the page.
        confirm: so many looks in a row have to agree.
        deadline_s: a slower page is down.
        common: see `Monitor`, which raises ConfigurationError.
    """

    kind, changes, every_s = "uptime", True, 60

    def __init__(
        self,
        name: str,
        url: str,
        *,
        expect: Container[int] = _WELL,
        contains: str = "",
        confirm: int = 2,
        deadline_s: float = 10.0,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(name, **common)
        self.url, self.expect, self.contains = url, expect, contains
        self.confirm, self.deadline_s = max(1, confirm), deadline_s

    async def look(self, visit: Visit) -> list[Item]:
        """Ask once."""
        reason = await self._fault(visit)
        change = judge(visit.memory, reason, visit.now, self.confirm)
        if change is None:
            return []
        title = f"{shown(self.url)} is {change['state']}"
        id_ = f"{change['state']}:{change['since']}"
        return [
            Item(id=id_, title=title, url=self.url, text=reason, published=visit.now, more=change)
        ]

    async def _fault(self, visit: Visit) -> str:
        """What is wrong with the page; empty if nothing is."""
        try:
            reply = await visit.web.ask(
                "GET", self.url, deadline_s=self.deadline_s, max_bytes=_MAX_BYTES, busy={TOO_MANY}
            )
        except AddressRefusedError:  # it is not asked: nobody knows
            raise
        except TooLargeError as exc:
            return str(exc) if self.contains else ""
        except HttpError as exc:
            return str(exc)
        return fault_of(reply, self.expect, self.contains)
