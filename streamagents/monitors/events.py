"""What monitors tell of themselves, as events: name an agent for them, or read the topics."""

from __future__ import annotations

from pydantic import AwareDatetime

from streamagents.events import Event


class MonitorFailing(Event, topic="monitor_failing", key="monitor"):
    """A monitor has failed several times in a row. One event an outage."""

    monitor: str
    failures: int
    reason: str
    """Why the last poll failed."""
    since: AwareDatetime
    """When the first of them failed."""


class MonitorRecovered(Event, topic="monitor_recovered", key="monitor"):
    """A monitor that was told of as failing works again."""

    monitor: str
    since: AwareDatetime
    """When it began to fail, as in `monitor_failing`."""
    at: AwareDatetime


class MonitorItemDropped(Event, topic="monitor_item_dropped", key="monitor"):
    """No event could be made of an item, several times. It is not tried again."""

    monitor: str
    item: str
    """Its id, as the source has it."""
    url: str | None = None
    reason: str
