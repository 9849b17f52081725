"""The embedded broker as one object: a single-node Kafka whose data outlives its process."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import psutil

from streamagents.devkit import storage
from streamagents.devkit.command import HEAP_MIB, kafka_command
from streamagents.devkit.diagnosis import explain, tail
from streamagents.devkit.folder import BrokerFolder, exclusive, unwritable
from streamagents.devkit.foreground import StopAsked, stop_signals_raised
from streamagents.devkit.jars import KAFKA_VERSION
from streamagents.devkit.process import (
    BrokerRecord,
    is_alive,
    kill,
    recorded_process,
    spawn,
    terminate,
)
from streamagents.devkit.properties import HOST, render
from streamagents.devkit.sockets import ask_cluster, free_port, require_free
from streamagents.errors import DevkitError
from streamagents.ops.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

_POLL_S = 0.05
_FULL_DISK_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class BrokerStatus:
    """What there is to know about an embedded broker; the process's facts only while it runs."""

    running: bool
    pid: int | None
    port: int
    address: str
    rss_bytes: int | None
    data_dir: Path
    version: str
    started_at: datetime | None


class EmbeddedBroker:
    """Apache Kafka on 127.0.0.1, one node, with its data in `<data_dir>/kafka`.

    The process is detached: it lives on until `stop`, also when the object or its Python is gone.
    As a context manager it is started on entry and stopped on exit.
    """

    def __init__(
        self, data_dir: Path, port: int, *, fsync: bool = False, heap_mib: int = HEAP_MIB
    ) -> None:
        self.port, self._heap_mib = port, heap_mib
        self._folder = BrokerFolder(data_dir=data_dir.expanduser().absolute())
        self._fsync = fsync

    @property
    def address(self) -> str:
        """What a client takes as its bootstrap server."""
        return f"{HOST}:{self.port}"

    def start(
        self, timeout_s: float = 60.0, *, notify: Callable[[str], None] = lambda _: None
    ) -> bool:
        """Start the broker and wait until it serves clients; whether it was not running before.

        The first start on a machine downloads Kafka, which has a time limit of its own.
        `notify` is given a sentence when something takes longer than a start usually does.

        Raises:
            DevkitError: it cannot be started; nothing is left running then.
        """
        with self._alone(timeout_s):
            if found := self._recorded():
                self._join(*found, timeout_s)
                return False
            self._launch(timeout_s, notify)
            return True

    def stop(self, timeout_s: float = 30.0) -> bool:
        """End the broker, by force after `timeout_s`; whether it was running.

        Raises:
            DevkitError: it cannot be ended, or another command is at work on it.
        """
        with self._alone(timeout_s):
            return self._end(timeout_s)

    def kill(self) -> None:
        """End the broker without warning, as a power cut would. For tests.

        Raises:
            DevkitError: it does not run, or cannot be ended.
        """
        kill(self._running())

    def freeze(self) -> None:
        """Let the broker stand still: connections stay open, nothing is answered. For tests.

        Raises:
            DevkitError: it does not run.
        """
        self._running().suspend()

    def thaw(self) -> None:
        """Let a frozen broker go on. For tests.

        Raises:
            DevkitError: it does not run.
        """
        self._running().resume()

    def status(self) -> BrokerStatus:
        """Tell whether the broker runs, and how it does."""
        if found := self._recorded():
            record, process = found
            try:
                return self._status_of(record.port, process)
            except psutil.NoSuchProcess:
                pass  # it ended just now
        return BrokerStatus(
            running=False,
            pid=None,
            port=self.port,
            address=self.address,
            rss_bytes=None,
            data_dir=self._folder.data_dir,
            version=KAFKA_VERSION,
            started_at=None,
        )

    def reset(self, timeout_s: float = 30.0) -> None:
        """Stop the broker and delete all it has stored.

        Raises:
            DevkitError: it cannot be stopped, or its folder cannot be deleted.
        """
        with self._alone(timeout_s):
            self._end(timeout_s)
            try:
                if self._folder.root.exists():
                    shutil.rmtree(self._folder.root)
            except OSError as exc:
                raise DevkitError(unwritable(self._folder.root, exc)) from exc

    def run_foreground(
        self,
        timeout_s: float = 60.0,
        *,
        notify: Callable[[str], None] = lambda _: None,
        on_ready: Callable[[BrokerStatus], None] = lambda _: None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """Start the broker and stay until it ends, for a service manager; SIGTERM stops it.

        Must be called in the main thread, where Python handles signals. The supervisor hears that
        the broker answers, for as long as it does.

        Raises:
            DevkitError: it runs already, cannot be started, or ended by itself.
        """
        told = supervisor or Supervisor()

        def notify_both(sentence: str) -> None:
            notify(sentence)
            told.tell("starting", sentence)

        with stop_signals_raised():
            try:
                self._stay(timeout_s, notify_both, on_ready, told)
            except StopAsked:
                told.tell("stopping", "Kafka closes its files")
                self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _alone(self, timeout_s: float) -> AbstractContextManager[None]:
        return exclusive(
            self._folder.lock, timeout_s, what=f"the broker of {self._folder.data_dir}"
        )

    def _recorded(self) -> tuple[BrokerRecord, psutil.Process] | None:
        return recorded_process(self._folder.record, self._folder.properties)

    def _running(self) -> psutil.Process:
        if found := self._recorded():
            return found[1]
        raise DevkitError(
            f"The embedded broker of {self._folder.data_dir} does not run: start it with"
            " `streamagents kafka up`."
        )

    def _join(self, record: BrokerRecord, process: psutil.Process, timeout_s: float) -> None:
        if record.port != self.port:
            raise DevkitError(
                f"The embedded broker of {self._folder.data_dir} already runs on port"
                f" {record.port}: set STREAMAGENTS_KAFKA_PORT={record.port}, or stop it with"
                " `streamagents kafka down` before starting it on another port."
            )
        self._await_service(process, storage.cluster_id(self._folder), timeout_s)

    def _launch(self, timeout_s: float, notify: Callable[[str], None]) -> None:
        require_free(self.port)
        command = kafka_command(notify, heap_mib=self._heap_mib)
        deadline = time.monotonic() + timeout_s
        cluster_id = storage.prepare(self._folder, command)
        try:
            self._write_properties()
            arguments = [*command, "kafka.Kafka", str(self._folder.properties)]
            process = spawn(arguments, log=self._folder.log)
            try:
                self._remember(process)
                self._await_service(process, cluster_id, deadline - time.monotonic())
                storage.remember_version(self._folder)
            except BaseException:  # Ctrl-C included: a start that failed leaves nothing running
                kill(process)
                self._folder.record.unlink(missing_ok=True)
                raise
        except OSError as exc:
            raise DevkitError(unwritable(self._folder.root, exc)) from exc

    def _write_properties(self) -> None:
        if self._folder.log.exists():
            self._folder.log.replace(self._folder.log.with_suffix(".log.1"))
        settings = render(
            port=self.port,
            controller_port=free_port(),
            storage=self._folder.storage,
            fsync=self._fsync,
        )
        self._folder.properties.write_text(settings)

    def _remember(self, process: psutil.Process) -> None:
        record = BrokerRecord(pid=process.pid, create_time=process.create_time(), port=self.port)
        record.save(self._folder.record)

    def _await_service(self, process: psutil.Process, cluster_id: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            answer = ask_cluster(self.port)
            if answer and answer.brokers and answer.cluster_id == cluster_id:
                return
            if not is_alive(process):
                raise DevkitError(self._why_it_died())
            if time.monotonic() >= deadline:
                raise DevkitError(
                    f"The embedded broker (pid {process.pid}) did not serve clients within"
                    f" {timeout_s:.0f} s: look into {self._folder.log}."
                )
            time.sleep(_POLL_S)

    def _why_it_died(self) -> str:
        log = self._folder.log
        full = shutil.disk_usage(self._folder.root).free < _FULL_DISK_BYTES
        return explain(tail(log), log=log, port=self.port, disk_is_full=full)

    def _stay(
        self,
        timeout_s: float,
        notify: Callable[[str], None],
        on_ready: Callable[[BrokerStatus], None],
        supervisor: Supervisor,
    ) -> None:
        if not self.start(timeout_s, notify=notify):
            raise DevkitError(
                "The embedded broker already runs in the background: stop it first with"
                " `streamagents kafka down`."
            )
        found = self._recorded()  # before anybody hears of it, and may kill it
        on_ready(self.status())
        if found:
            self._watch(found[1], supervisor)
        with self._alone(timeout_s):  # `kafka down` holds the lock until it has removed the record
            record = BrokerRecord.load(self._folder.record)
        if record and (not found or record.pid == found[1].pid):  # nobody asked for this end
            raise DevkitError(self._why_it_died())

    def _watch(self, process: psutil.Process, supervisor: Supervisor) -> None:
        """Wait for its end; a broker that is frozen gives no sign of life."""
        while True:
            if supervisor.listens:
                answers = ask_cluster(self.port) is not None
                words = f"serves {self.address}" if answers else "Kafka does not answer"
                supervisor.tell("running", words, alive=answers)
            try:
                process.wait(supervisor.beat_s if supervisor.listens else None)
            except psutil.TimeoutExpired:
                continue
            return

    def _end(self, timeout_s: float) -> bool:
        found = self._recorded()
        if found:
            terminate(found[1], timeout_s)
        self._folder.record.unlink(missing_ok=True)
        return found is not None

    def _status_of(self, port: int, process: psutil.Process) -> BrokerStatus:
        return BrokerStatus(
            running=True,
            pid=process.pid,
            port=port,
            address=f"{HOST}:{port}",
            rss_bytes=process.memory_info().rss,
            data_dir=self._folder.data_dir,
            version=KAFKA_VERSION,
            started_at=datetime.fromtimestamp(process.create_time(), UTC),
        )
