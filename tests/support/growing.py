"""Growing in the process of a test: what `streamagents topics grow` uses."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from streamagents.runtime.growing import Grower
from streamagents.topics import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workers import Fleet


def grower(fleet: Fleet, say: Callable[[str], None]) -> Grower:
    """What `topics grow` uses."""
    layout = Layout(prefix=fleet.prefix)
    agents = import_module(fleet.module).app.registry.agents.values()
    return Grower(
        fleet.bootstrap,
        group=fleet.group,
        layout=layout,
        registrations={layout.typed(one.event).name: one for one in agents},
        folder=fleet.folder,
        say=say,
    )
