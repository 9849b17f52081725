"""Tables: which state tables an application has, and what may share one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.errors import ConfigurationError

if TYPE_CHECKING:
    from streamagents.agents import Registry
    from streamagents.topics import Layout


def state_tables(registry: Registry, layout: Layout) -> set[int]:
    """The state tables of an application, by their numbers of partitions."""
    counts = {
        layout.typed(registration.event).partitions for registration in registry.agents.values()
    }
    return counts | {layout.inbox().partitions, layout.actions().partitions}


def refuse_apart(registry: Registry, layout: Layout) -> None:
    """The state of an agent and a key lies on one partition, whichever type it came with.

    Raises:
        ConfigurationError: an agent serves topics of different partition counts.
    """
    counts: dict[str, tuple[str, int]] = {}
    for registration in registry.agents.values():
        spec = layout.typed(registration.event)
        topic, partitions = counts.setdefault(registration.name, (spec.name, spec.partitions))
        if partitions != spec.partitions:
            raise ConfigurationError(
                f"{registration.name} serves {topic} with {partitions} partitions and {spec.name} "
                f"with {spec.partitions}: events of one key would lie apart, and its state with "
                "them. Give both the same `partitions=`."
            )
