"""Topics for tests: made on the shared broker, of a test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamagents.bus import KafkaAdmin
from streamagents.topics import Change, TopicSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


def spec(
    name: str, *, partitions: int = 4, replication: int = 1, config: Mapping[str, str] | None = None
) -> TopicSpec:
    """A topic as it has to be."""
    return TopicSpec(
        name=name, partitions=partitions, replication=replication, config=dict(config or {})
    )


async def create_topics(bootstrap: str, *specs: TopicSpec) -> None:
    """Create topics and wait until they can be used."""
    async with KafkaAdmin(bootstrap) as admin:
        await admin.apply([Change(action="create", spec=wanted) for wanted in specs])
        await admin.wait_for([wanted.name for wanted in specs])
