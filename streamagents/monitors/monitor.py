"""`Monitor`: what all monitors have in common, as data; how one looks is its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, TypedDict

from streamagents.errors import ConfigurationError
from streamagents.monitors.events import MonitorFailing, MonitorItemDropped, MonitorRecovered
from streamagents.monitors.making import Making

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamagents.events import Event
    from streamagents.monitors.item import Item
    from streamagents.monitors.news import First, OnUpdate
    from streamagents.monitors.visit import Visit

OWN = (MonitorFailing, MonitorRecovered, MonitorItemDropped)
"""What each of them tells of itself."""
_DAY_S = 86_400
_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_MOST = 1000
_MAX_TIMEOUT_S = 600


class Common(TypedDict, total=False):
    """What every monitor takes beside its own. See `Monitor`."""

    event: Callable[[Item], Event | None]
    to: type[Event]
    fields: Mapping[str, str]
    every_s: float
    first: First
    on_update: OnUpdate
    most: int
    fails: int
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a monitor is run."""

    every_s: float
    first: First
    on_update: OnUpdate
    most: int
    fails: int
    timeout_s: float


class Monitor(ABC):
    """Looks at something every so often; what is new becomes events.

    A subclass says how to look: `async def look(self, visit) -> Iterable[Item]`. An event's id is
    `<name>:<item id>`, so that an item that is seen twice is one event.

    Args:
        name: unique among all that the clock wakes; small letters, digits, dots, hyphens. State
            and ids go by it.
        event: what becomes of an item: a function, whose return annotation names the model,
        to: or a model,
        fields: with a JMESPath expression over the item by field of the model; `monitor` is the
            monitor's name.
        every_s: seconds from look to look. Monitors of one interval are spread over it by name.
        first: what the first look means: nothing is told ("from_now"), "all", or the newest so
            many.
        on_update: "emit" makes an edited item another event.
        most: events of one look; the rest is told at the next.
        fails: so many failures in a row are told of by `monitor_failing`.
        timeout_s: for one look.

    Raises:
        ConfigurationError: that cannot work.
    """

    kind: ClassVar[str] = "monitor"
    changes: ClassVar[bool] = False
    """What it sees are changes, each told once; else it is a listing of all that is there."""
    every_s: ClassVar[float] = 900
    first: ClassVar[First] = "from_now"

    def __init__(
        self,
        name: str,
        *,
        event: Callable[[Item], Event | None] | None = None,
        to: type[Event] | None = None,
        fields: Mapping[str, str] | None = None,
        every_s: float | None = None,
        first: First | None = None,
        on_update: OnUpdate = "ignore",
        most: int = 100,
        fails: int = 5,
        timeout_s: float = 60,
    ) -> None:
        self.name = name
        self.make = Making(name, event=event, to=to, fields=fields)
        self.policy = Policy(
            every_s=type(self).every_s if every_s is None else every_s,
            first=type(self).first if first is None else first,
            on_update=on_update,
            most=most,
            fails=fails,
            timeout_s=timeout_s,
        )
        _check(name, self.policy)

    @property
    def emits(self) -> Sequence[type[Event]]:
        """The models of what it emits, what it tells of itself included."""
        return (*self.make.models, *OWN)

    @abstractmethod
    async def look(self, visit: Visit) -> Iterable[Item]:
        """Look once: all that is there now, the newest first. What is new is found out elsewhere.

        Raises:
            PollError: it cannot be seen.
            HttpError: likewise.
            NothingNew: nothing has changed.
        """


def slot_of(name: str, every_s: float, now: datetime) -> datetime:
    """A monitor's latest slot at or before a moment: the same on any worker.

    Each name has a phase of its own, so that not all look at one instant.
    """
    every_ms = round(every_s * 1000)
    # In whole numbers: a slot has to be its own latest slot.
    now_ms = (now - _EPOCH) // _MS
    seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
    phase_ms = seed % every_ms
    slot_ms = (now_ms - phase_ms) // every_ms * every_ms + phase_ms
    return _EPOCH + slot_ms * _MS


def _check(name: str, policy: Policy) -> None:
    bounds = {
        "every_s": (policy.every_s, 1, 30 * _DAY_S),
        "most": (policy.most, 1, _MOST),
        "fails": (policy.fails, 1, _MOST),
        "timeout_s": (policy.timeout_s, 0.1, _MAX_TIMEOUT_S),
    }
    if isinstance(policy.first, int):
        bounds["first"] = (policy.first, 0, _MOST)
    elif policy.first not in {"from_now", "all"}:
        raise ConfigurationError(
            f"The monitor {name!r}: first={policy.first!r} is neither 'from_now', 'all' nor a "
            "number of items."
        )
    for word, (value, least, largest) in bounds.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= largest:
            raise ConfigurationError(
                f"The monitor {name!r}: {word}={value!r} is not between {least:g} and {largest:g}."
            )
    if policy.on_update not in {"ignore", "emit"}:
        raise ConfigurationError(
            f"The monitor {name!r}: on_update={policy.on_update!r} is neither 'ignore' nor 'emit'."
        )
