from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port
from streamagents.errors import DevkitError
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka

MIB = 1024 * 1024
LARGEST = {"max.message.bytes": str(7 * MIB + 64 * 1024)}


async def create(broker: EmbeddedBroker, topic: str, configs: dict[str, str] | None = None) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=configs)])
    finally:
        await admin.close()


@asynccontextmanager
async def producing(broker: EmbeddedBroker, **options: Any) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.address, max_request_size=8 * MIB, **options
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def read(broker: EmbeddedBroker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.address,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_is_produced_is_consumed(broker: EmbeddedBroker, topic: str) -> None:
    await create(broker, topic)
    async with producing(broker) as producer:
        await producer.send_and_wait(topic, b"heard")
    assert await read(broker, topic, 1) == [b"heard"]


async def test_a_transaction_is_seen_when_committed_and_not_when_aborted(
    broker: EmbeddedBroker, topic: str
) -> None:
    await create(broker, topic)
    async with producing(broker, transactional_id=topic) as producer:
        await producer.begin_transaction()
        await producer.send(topic, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(topic, b"committed")
    assert await read(broker, topic, 1) == [b"committed"]


@pytest.mark.parametrize("size", [5_000_000, 6 * MIB, 7 * MIB])
async def test_the_largest_records_pass(broker: EmbeddedBroker, topic: str, size: int) -> None:
    await create(broker, topic, LARGEST)
    async with producing(broker) as producer:
        await producer.send_and_wait(topic, b"x" * size, headers=[("ce_id", b"y" * 1000)])
    assert [len(value) for value in await read(broker, topic, 1)] == [size]


async def test_a_missing_topic_is_not_created_by_itself(broker: EmbeddedBroker, topic: str) -> None:
    async with producing(broker, request_timeout_ms=1000) as producer:
        with pytest.raises(KafkaError):
            await producer.send_and_wait(topic, b"to nobody")
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    assert topic not in await admin.list_topics()
    await admin.close()


def test_status_tells_what_runs(broker: EmbeddedBroker) -> None:
    status = broker.status()
    assert (status.running, status.address) == (True, f"127.0.0.1:{broker.port}")
    assert status.pid is not None
    assert status.rss_bytes is not None
    assert status.started_at is not None


def test_a_new_broker_is_small(own_broker: EmbeddedBroker) -> None:
    own_broker.start()  # the shared one has a larger heap, and other tests' topics
    status = own_broker.status()
    assert status.rss_bytes is not None
    assert status.rss_bytes < 400 * MIB


def test_it_listens_on_loopback_only(broker: EmbeddedBroker) -> None:
    process = psutil.Process(broker.status().pid)
    listening = [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    addresses = [connection.laddr[0].removeprefix("::ffff:") for connection in listening]
    assert addresses == ["127.0.0.1", "127.0.0.1"]


def test_it_sees_no_key_of_the_application(broker: EmbeddedBroker) -> None:
    names = set(psutil.Process(broker.status().pid).environ())
    assert not {name for name in names if name.startswith(("STREAMAGENTS_", "ANTHROPIC_"))}


def test_a_second_start_finds_it_up(broker: EmbeddedBroker) -> None:
    assert EmbeddedBroker(broker.status().data_dir, broker.port).start() is False


def test_a_second_start_on_another_port_is_refused(broker: EmbeddedBroker) -> None:
    second = EmbeddedBroker(broker.status().data_dir, free_port())
    with pytest.raises(DevkitError, match=f"already runs on port {broker.port}"):
        second.start()
    assert broker.status().running


async def test_start_can_be_called_while_a_loop_runs(broker: EmbeddedBroker) -> None:
    assert await asyncio.to_thread(broker.start) is False


def test_a_taken_port_is_told_with_its_owner(own_broker: EmbeddedBroker) -> None:
    with (
        socket.create_server(("127.0.0.1", own_broker.port)),
        pytest.raises(DevkitError, match=rf"Port {own_broker.port} is taken by .*pid \d+"),
    ):
        own_broker.start()
    assert not own_broker.status().running


async def test_the_data_outlives_kill_9(own_broker: EmbeddedBroker, topic: str) -> None:
    own_broker.start()
    await create(own_broker, topic)
    async with producing(own_broker) as producer:
        await producer.send_and_wait(topic, b"kept")
    own_broker.kill()
    assert not own_broker.status().running
    assert own_broker.start() is True
    assert await read(own_broker, topic, 1) == [b"kept"]


def test_two_starts_at_once_make_one_broker(own_broker: EmbeddedBroker) -> None:
    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(lambda _: own_broker.start(), range(2)))
    assert sorted(started) == [False, True]


def test_reset_deletes_the_data_and_another_port_may_be_used_after_a_stop(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    own_broker.start()
    own_broker.stop()
    with EmbeddedBroker(tmp_path, free_port()) as moved:  # same data, other port
        moved.reset()
        assert not moved.status().running
    assert not (tmp_path / "kafka").exists()
    assert own_broker.stop() is False


def test_a_frozen_broker_is_stopped_too(own_broker: EmbeddedBroker) -> None:
    own_broker.start()
    own_broker.freeze()
    with pytest.raises(DevkitError, match="did not serve clients within"):
        own_broker.start(timeout_s=0.5)
    own_broker.thaw()
    own_broker.start()
    own_broker.freeze()
    assert own_broker.stop(timeout_s=10) is True


FOREGROUND = """
import sys
from pathlib import Path
from streamagents.devkit.broker import EmbeddedBroker
EmbeddedBroker(Path(sys.argv[1]), int(sys.argv[2])).run_foreground(
    on_ready=lambda status: print("ready", flush=True))
print("ended", flush=True)
"""


@pytest.fixture
def foreground(own_broker: EmbeddedBroker, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [sys.executable, "-c", FOREGROUND, str(tmp_path), str(own_broker.port)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as p:
        assert p.stdout
        assert p.stdout.readline() == "ready\n"
        yield p
        p.kill()


def test_the_foreground_ends_the_broker_on_sigterm(
    own_broker: EmbeddedBroker, foreground: subprocess.Popen[str]
) -> None:
    assert own_broker.status().running
    foreground.send_signal(signal.SIGTERM)
    output, _ = foreground.communicate(timeout=30)
    assert (foreground.returncode, output) == (0, "ended\n")
    assert not own_broker.status().running


def test_the_foreground_ends_with_its_broker(
    own_broker: EmbeddedBroker, foreground: subprocess.Popen[str]
) -> None:
    own_broker.kill()
    _, errors = foreground.communicate(timeout=30)
    assert foreground.returncode == 1
    assert "DevkitError: The embedded broker ended by itself" in errors


def test_a_broker_outlives_the_python_that_started_it(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    script = FOREGROUND.replace("run_foreground(", "start(").replace(
        '    on_ready=lambda status: print("ready", flush=True)', ""
    )
    arguments = [sys.executable, "-c", script, str(tmp_path), str(own_broker.port)]
    subprocess.run(arguments, check=True, timeout=60)
    wait_until(lambda: own_broker.status().running)
    assert own_broker.start() is False


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_told(kafka_runs: None, tiny_disk: Path) -> None:
    broker = EmbeddedBroker(tiny_disk, free_port())
    with pytest.raises(DevkitError, match=r"The disk that holds .* is full"), broker:
        pass
    assert not broker.status().running


def test_a_damaged_storage_is_told(own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    storage = tmp_path / "kafka" / "data"
    storage.mkdir(parents=True)
    (storage / "meta.properties").write_text("\0\0\0")
    with pytest.raises(DevkitError, match=r"meta\.properties is damaged or missing"):
        own_broker.start()
