"""Topics as the broker has them: planned, made, configured, and left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streamagents.bus import KafkaAdmin, KafkaBus
from streamagents.errors import TopicsError
from streamagents.events import Event
from streamagents.ports import Outgoing
from streamagents.topics import Layout, TopicSpec, plan
from support import wait_until_async
from support.topics import create_topics, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamagents.devkit.broker import EmbeddedBroker

pytestmark = pytest.mark.kafka


class Paid(Event, topic="paid", key="invoice"):
    invoice: str


@pytest.fixture
async def admin(broker: EmbeddedBroker) -> AsyncIterator[KafkaAdmin]:
    async with KafkaAdmin(broker.address) as connected:
        yield connected


def layout_specs(prefix: str, partitions: int = 3) -> list[TopicSpec]:
    layout = Layout(prefix=f"{prefix}-", partitions=partitions)
    typed = layout.typed(Paid.event_type)
    return [typed, layout.inbox(), layout.letters(typed), layout.changelog(f"{prefix}-app", 3)]


async def actions(admin: KafkaAdmin, specs: list[TopicSpec]) -> list[str]:
    actual = await admin.describe([wanted.name for wanted in specs])
    return [change.action for change in plan(specs, actual)]


async def told(admin: KafkaAdmin, topic: str, setting: str, value: str) -> bool:
    return (await admin.describe([topic]))[topic].config[setting] == value


async def test_what_was_planned_and_applied_needs_nothing_more(
    admin: KafkaAdmin, topic: str
) -> None:
    specs = layout_specs(topic)
    assert await actions(admin, specs) == ["create"] * 4

    await admin.apply(plan(specs, {}))
    await admin.wait_for([wanted.name for wanted in specs])

    assert await actions(admin, specs) == ["none"] * 4


async def test_a_setting_that_differs_is_set_and_an_operators_own_stays(
    admin: KafkaAdmin, broker: EmbeddedBroker, topic: str
) -> None:
    found = spec(topic, config={"retention.ms": "1000", "segment.ms": "86400000"})
    await create_topics(broker.address, found)
    wanted = [spec(topic, config={"retention.ms": "2000"})]

    await admin.apply(plan(wanted, await admin.describe([topic])))

    await wait_until_async(lambda: told(admin, topic, "retention.ms", "2000"))
    assert (await admin.describe([topic]))[topic].config["segment.ms"] == "86400000"


async def test_another_partition_count_is_refused_and_the_rest_is_done(
    admin: KafkaAdmin, broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic, partitions=2))
    wanted = [spec(topic, partitions=3), spec(f"{topic}.dlq", partitions=3)]

    await admin.apply(plan(wanted, await admin.describe([each.name for each in wanted])))
    await admin.wait_for([each.name for each in wanted])

    found = await admin.describe([each.name for each in wanted])
    assert {name: actual.partitions for name, actual in found.items()} == {
        topic: 2,
        f"{topic}.dlq": 3,
    }


async def test_more_replicas_than_brokers_are_refused_in_words(
    admin: KafkaAdmin, topic: str
) -> None:
    changes = plan([spec(topic, replication=3), spec(f"{topic}-b")], {})

    with pytest.raises(
        TopicsError, match=rf"refused to create {topic} \(.*replication factor of 3"
    ):
        await admin.apply(changes)

    await admin.wait_for([f"{topic}-b"])
    assert list(await admin.describe([topic, f"{topic}-b"])) == [f"{topic}-b"]


async def test_a_setting_that_kafka_does_not_know_is_refused_in_words(
    admin: KafkaAdmin, broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic))
    changes = plan([spec(topic, config={"no.such": "1"})], await admin.describe([topic]))

    with pytest.raises(TopicsError, match=f"refused to configure {topic}"):
        await admin.apply(changes)


async def test_creating_what_somebody_else_just_created_is_no_fault(
    admin: KafkaAdmin, topic: str
) -> None:
    changes = plan([spec(topic)], {})

    await admin.apply(changes)
    await admin.apply(changes)
    await admin.wait_for([topic])

    assert await actions(admin, [spec(topic)]) == ["none"]


async def test_waiting_for_a_topic_that_nobody_makes_ends(admin: KafkaAdmin, topic: str) -> None:
    with pytest.raises(TopicsError, match=rf"after 0\.3 s: {topic}"):
        await admin.wait_for([topic], timeout_s=0.3)


async def test_added_partitions_are_waited_for(
    admin: KafkaAdmin, broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic, partitions=2))

    with pytest.raises(TopicsError, match=rf"after 0\.3 s: {topic}"):
        await admin.wait_for([topic], timeout_s=0.3, partitions=5)
    await admin.add_partitions(topic, 5)
    await admin.wait_for([topic], partitions=5)

    assert (await admin.partitions())[topic] == 5


async def test_asking_for_a_topic_does_not_make_it(admin: KafkaAdmin, topic: str) -> None:
    assert await admin.describe([topic]) == {}
    assert await admin.end_offsets([topic]) == {}
    assert await admin.describe([topic]) == {}


async def test_the_cluster_has_the_id_of_its_storage(admin: KafkaAdmin) -> None:
    assert len(await admin.cluster_id()) == 22


async def test_ends_and_commits_tell_how_far_a_group_has_come(
    admin: KafkaAdmin, broker: EmbeddedBroker, topic: str
) -> None:
    await create_topics(broker.address, spec(topic, partitions=2))
    async with KafkaBus(broker.address) as bus:
        await bus.send_all(
            Outgoing(topic=topic, key=b"k", value=b"{}", partition=1) for _ in range(3)
        )
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, group_id=topic, enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition(topic, 1)])
        await consumer.commit({TopicPartition(topic, 1): 2})

    assert await admin.end_offsets([topic]) == {(topic, 0): 0, (topic, 1): 3}
    assert await admin.committed(topic) == {(topic, 1): 2}


async def test_a_group_that_does_not_exist_has_committed_nothing(
    admin: KafkaAdmin, topic: str
) -> None:
    assert await admin.committed(topic) == {}
