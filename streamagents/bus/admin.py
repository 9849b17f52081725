"""`KafkaAdmin`: the shape of topics, and how far their readers have come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamagents.bus.failures import answered
from streamagents.bus.members import read_member
from streamagents.errors import TopicsError
from streamagents.topics import ActualTopic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from streamagents.bus.members import Member
    from streamagents.topics import Change

Answer = TypeVar("Answer")
Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""

_RETRY_S = 0.1
_SET_ON_THE_TOPIC = 1
"""Kafka's DYNAMIC_TOPIC_CONFIG: a value set on the topic itself, not a default."""
_TOPIC_EXISTS = kafka.TopicAlreadyExistsError.errno


class KafkaAdmin:
    """Asks the cluster, and changes topics. `timeout_s` bounds each call. An async context manager.

    Each call raises BrokerUnavailableError when no broker answers in time.
    """

    def __init__(self, bootstrap: str, *, timeout_s: float = 10.0) -> None:
        self._bootstrap = bootstrap
        self._timeout_s = timeout_s
        self._client: Any = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerUnavailableError: no broker answered within `timeout_s`.
        """
        self._client = AIOKafkaAdminClient(
            bootstrap_servers=self._bootstrap,
            client_id="streamagents-admin",
            request_timeout_ms=int(self._timeout_s * 1000),
        )
        try:
            async with answered(self._bootstrap, self._timeout_s):
                await self._client.start()
        except BaseException:  # Ctrl-C included: who did not get in leaves nothing open behind
            await self._client.close()
            raise
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def describe(self, names: Iterable[str]) -> dict[str, ActualTopic]:
        """Those of the topics that exist: their partition counts and all of their settings."""
        metadata = await self._metadata()
        found = {name: len(metadata[name]["partitions"]) for name in names if name in metadata}
        entries = await self._config_entries(list(found))
        return {
            name: ActualTopic(
                name=name,
                partitions=partitions,
                config={
                    entry["config_names"]: entry["config_value"]
                    for entry in entries[name]
                    if entry["config_value"] is not None
                },
            )
            for name, partitions in found.items()
        }

    async def existing(self, names: Iterable[str]) -> set[str]:
        """Those of the topics that exist."""
        metadata = await self._metadata()
        return {name for name in names if name in metadata}

    async def partitions(self) -> dict[str, int]:
        """All topics of the cluster, by name the number of partitions."""
        return {name: len(topic["partitions"]) for name, topic in (await self._metadata()).items()}

    async def apply(self, changes: Iterable[Change]) -> None:
        """Create and configure; what is refused, or in order, is left alone.

        Brokers learn of it a moment after the controller: `wait_for` what was created.

        Raises:
            TopicsError: the broker refused some of it; what it accepted stays.
        """
        wanted = list(changes)
        refusals = [
            *await self._create([c for c in wanted if c.action == "create"]),
            *await self._configure([c for c in wanted if c.action == "configure"]),
        ]
        if refusals:
            raise TopicsError(
                f"The Kafka broker at {self._bootstrap} refused {'; '.join(refusals)}."
            )

    async def wait_for(
        self, names: Iterable[str], timeout_s: float = 10.0, *, partitions: int = 1
    ) -> None:
        """Wait until every partition of the topics has a leader, so that it can be used.

        `partitions` is how many each must have at least: those just added show a moment later.

        Raises:
            TopicsError: one has none in time.
        """
        wanted = set(names)
        waiting = wanted
        try:
            async with asyncio.timeout(timeout_s):
                while waiting:
                    metadata = await self._metadata()
                    waiting = {n for n in wanted if not _is_led(metadata.get(n), partitions)}
                    await asyncio.sleep(_RETRY_S if waiting else 0)
        except TimeoutError as exc:
            raise TopicsError(
                f"Without a leader for all partitions after {timeout_s:g} s: "
                f"{', '.join(sorted(waiting))}."
            ) from exc

    async def cluster_id(self) -> str:
        """The id that Kafka gave the cluster when it was formatted."""
        cluster = await self._answer(self._client.describe_cluster)
        return str(cluster["cluster_id"])

    async def brokers(self) -> int:
        """How many brokers the cluster has."""
        cluster = await self._answer(self._client.describe_cluster)
        return len(cluster["brokers"])

    async def committed(self, group: str) -> dict[Partition, int]:
        """What a group has committed; empty for one that does not exist."""
        offsets = await self._answer(lambda: self._client.list_consumer_group_offsets(group))
        return {
            (tp.topic, tp.partition): found.offset
            for tp, found in offsets.items()
            if found.offset >= 0
        }

    async def notes(self, group: str) -> dict[Partition, str]:
        """What stands beside the positions that a group has committed."""
        offsets = await self._answer(lambda: self._client.list_consumer_group_offsets(group))
        return {(tp.topic, tp.partition): found.metadata for tp, found in offsets.items()}

    async def members(self, group: str) -> list[Member]:
        """Who is in a group; nobody for one that does not exist."""
        answers = await self._answer(lambda: self._client.describe_consumer_groups([group]))
        return [
            read_member(member)
            for answer in answers
            for found in answer.to_object()["groups"]
            for member in found["members"]
        ]

    async def add_partitions(self, name: str, partitions: int) -> None:
        """Give a topic so many partitions."""
        wanted = {name: NewPartitions(partitions)}
        await self._answer(lambda: self._client.create_partitions(wanted))

    async def end_offsets(
        self, names: Iterable[str], *, committed: bool = True
    ) -> dict[Partition, int]:
        """Where what is committed of each partition ends; unknown topics are left out.

        With `committed=False` what lies in open transactions counts, too.
        """
        isolation = "read_committed" if committed else "read_uncommitted"
        return await self._offsets(names, "end_offsets", isolation)

    async def begin_offsets(self, names: Iterable[str]) -> dict[Partition, int]:
        """The first offset that is still there, by partition; unknown topics are left out."""
        return await self._offsets(names, "beginning_offsets")

    async def delete_before(self, offsets: Mapping[Partition, int]) -> None:
        """Delete the records of partitions up to, and without, an offset.

        Raises:
            TopicsError: the broker does not let us.
        """
        if not offsets:
            return
        wanted = {
            TopicPartition(*at): RecordsToDelete(before_offset=offset)
            for at, offset in offsets.items()
        }
        await self._answer(lambda: self._client.delete_records(wanted))

    async def _offsets(
        self, names: Iterable[str], which: str, isolation: str = "read_committed"
    ) -> dict[Partition, int]:
        metadata = await self._metadata()
        partitions = [
            TopicPartition(name, partition["partition"])
            for name in names
            if name in metadata
            for partition in metadata[name]["partitions"]
        ]
        if not partitions:
            return {}
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="streamagents-admin",
            isolation_level=isolation,
            request_timeout_ms=int(self._timeout_s * 1000),
        )
        try:
            async with answered(self._bootstrap, self._timeout_s):
                await consumer.start()
                found = await getattr(consumer, which)(partitions)
        finally:
            await consumer.stop()
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def _create(self, changes: Sequence[Change]) -> list[str]:
        if not changes:
            return []
        topics = [
            NewTopic(c.spec.name, c.spec.partitions, c.spec.replication, None, dict(c.spec.config))
            for c in changes
        ]
        response = await self._answer(lambda: self._client.create_topics(topics))
        return [
            f"to create {name} ({_sentence(code, message)})"
            for name, code, message in response.topic_errors
            # Somebody else was as quick as we: `plan` tells whether it is what we want.
            if code not in {0, _TOPIC_EXISTS}
        ]

    async def _configure(self, changes: Sequence[Change]) -> list[str]:
        if not changes:
            return []
        entries = await self._config_entries([c.spec.name for c in changes])
        # Kafka takes this request for the whole of a topic's own settings and drops what is not
        # in it, also what an operator has set by hand: so we send that along.
        resources = [
            ConfigResource(
                ConfigResourceType.TOPIC, c.spec.name, {**_own(entries[c.spec.name]), **c.config}
            )
            for c in changes
        ]
        responses = await self._answer(lambda: self._client.alter_configs(resources))
        return [
            f"to configure {name} ({_sentence(code, message)})"
            for response in responses
            for code, message, _, name in response.resources
            if code
        ]

    async def _metadata(self) -> dict[str, dict[str, Any]]:
        # All topics, for a broker that creates topics by itself would create those we ask for.
        topics = await self._answer(self._client.describe_topics)
        return {topic["topic"]: topic for topic in topics}

    async def _config_entries(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        if not names:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        responses = await self._answer(lambda: self._client.describe_configs(resources))
        return {
            found["resource_name"]: found["config_entries"]
            for response in responses
            for found in response.to_object()["resources"]
        }

    async def _answer(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask until there is an answer: another node may know, a coordinator may be loading."""
        async with answered(self._bootstrap, self._timeout_s):
            while True:
                try:
                    return await ask()
                except kafka.KafkaError as exc:
                    if not exc.retriable:
                        raise
                await asyncio.sleep(_RETRY_S)


def _own(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {
        entry["config_names"]: entry["config_value"]
        for entry in entries
        if entry.get("config_source") == _SET_ON_THE_TOPIC and entry["config_value"] is not None
    }


def _is_led(topic: Mapping[str, Any] | None, partitions: int) -> bool:
    return (
        topic is not None
        and len(topic["partitions"]) >= partitions
        and all(partition["leader"] >= 0 for partition in topic["partitions"])
    )


def _sentence(code: int, message: str | None) -> str:
    return (message or kafka.for_code(code).__name__).rstrip(".")
