"""Applications on a cluster, and a consumer that knows nothing of us."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streamagents.pipeline.identity import read_seen_key
from streamagents.pipeline.mark import Mark, Status
from support import wait_until
from support.workers import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path
    from types import TracebackType

    from streamagents.topics import TopicSpec

_POLL_MS = 100
_METADATA_MS = 1000
_ASK_MS = 5000
_LEAVE_S = 20.0
_SENDER = {"enable_idempotence": True, "request_timeout_ms": _ASK_MS}
"""The default client takes one broker's word for what it has sent."""


class ClusterFleet(Fleet):
    """An application whose topics lie on several brokers, with any numbers of partitions.

    Args:
        bootstrap: the brokers.
        folder: for data, logs and the journal.
        copies: brokers that each topic is on.
        settings: as for `Fleet`.
    """

    def __init__(self, bootstrap: str, folder: Path, *, copies: int = 1, **settings: Any) -> None:
        super().__init__(bootstrap, folder, STREAMAGENTS_REPLICATION=str(copies), **settings)
        self.name = str(self._app.conf.id)
        self._copies = copies

    def specs(self) -> list[TopicSpec]:
        """The application's topics, under this fleet's prefix."""
        counts = {spec.partitions for spec in self._sources()} - {4}
        changelogs = [self._layout.changelog(self.group, count) for count in counts]
        return [replace(s, replication=self._copies) for s in (*super().specs(), *changelogs)]

    async def send(self, topic: str, records: Any, **options: Any) -> None:
        """Produce records that survive a broker."""
        await super().send(topic, records, **{**_SENDER, **options})

    def transactional_id(self, partition: int) -> str:
        """Under which a state partition is written."""
        return f"{self.group}-p4-{partition}"

    def changelog(self, count: int = 4) -> str:
        """The changelog of the state of topics with so many partitions."""
        return f"{self.group}-state-p{count}-changelog"

    async def marks(self, count: int = 4) -> dict[tuple[str, str], Status]:
        """By topic and event id: where its mark says that it stands."""
        records = await self.read(self.changelog(count).removeprefix(self.prefix))
        newest = {record.key: record.value for record in records}
        return {
            (seen.topic.removeprefix(self.prefix), seen.id): Mark.decode(value).status
            for key, value in newest.items()
            if value is not None and (seen := read_seen_key(key or b""))
        }


class Onlooker:
    """Somebody else's consumer with `read_committed`: what it was given, in its order.

    It is in no group and commits nothing, but it lives through the faults, so that it would also
    see what a log says at one moment and takes back at the next. In a thread of its own: a test
    that waits must not keep it from its own timers.
    """

    def __init__(self, bootstrap: str, *topics: str, isolation: str = "read_committed") -> None:
        self._topics = topics
        self._settings = {
            "bootstrap_servers": bootstrap,
            "isolation_level": isolation,
            "auto_offset_reset": "earliest",
            "metadata_max_age_ms": _METADATA_MS,
            "request_timeout_ms": _ASK_MS,
        }
        self._thread = threading.Thread(target=self._run, name=f"onlooker-{isolation}")
        self._leaving = threading.Event()
        self._failure: BaseException | None = None
        self.records: list[Any] = []
        self.times: list[float] = []
        """When each of them came."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        self._thread.join(_LEAVE_S)
        assert self._failure is None, self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._read())
        except BaseException as exc:  # noqa: BLE001 - told to the test, whatever it is
            self._failure = exc

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(*self._topics, **self._settings)
        await consumer.start()
        try:
            while not self._leaving.is_set():
                with suppress(KafkaError):  # a broker is away: it asks again
                    for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                        self.times += [time.monotonic()] * len(records)
                        self.records += records
        finally:
            await consumer.stop()

    def count(self, name: Callable[[Any], Hashable] = lambda data: data["n"]) -> Counter[Any]:
        """How often it saw what has this name."""
        return Counter(name(json.loads(record.value)) for record in self.records)

    def silence(self, seconds: float, timeout_s: float = 60.0) -> None:
        """Wait until nothing has come for so long."""
        since = time.monotonic()

        def silent() -> bool:
            return time.monotonic() - max([since, *self.times[-1:]]) >= seconds

        wait_until(silent, timeout_s)

    def longest_gap(self, since: float) -> float:
        """The longest time without a record, from a moment on."""
        times = [since, *(at for at in self.times if at >= since)]
        return max((after - before for before, after in pairwise(times)), default=float("inf"))
