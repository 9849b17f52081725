"""The brokers of a round, and what may befall them: one embedded broker, or three of a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self

from streamagents.devkit.broker import EmbeddedBroker
from streamagents.devkit.sockets import free_port
from support.cluster import Cluster

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chaos.mishaps import Fault

_STOP_S = 40.0


class Brokers(Protocol):
    """What a round needs of its brokers."""

    address: str
    """What clients take as their bootstrap servers."""

    def hurt(self, fault: Fault) -> None:
        """Let a fault begin. Not while an earlier one lasts."""

    def heal(self, fault: Fault) -> None:
        """Let it end, and wait until all serve again."""


class OneBroker:
    """The embedded broker, as `streamagents dev` starts it. A context manager."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._broker = EmbeddedBroker(folder, port or free_port())
        self.address = self._broker.address

    def __enter__(self) -> Self:
        self._broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.stop()

    def hurt(self, fault: Fault) -> None:
        """Let a fault begin."""
        if fault.kind == "broker_kill":
            self._broker.kill()
        elif fault.kind == "broker_freeze":
            self._broker.freeze()
        else:
            self._broker.stop()

    def heal(self, fault: Fault) -> None:
        """Let it end."""
        if fault.kind == "broker_freeze":
            self._broker.thaw()
        else:
            self._broker.start()


class ThreeBrokers:
    """A cluster on loopback: every topic on all of them, two have to be in sync to write.

    What befalls a broker befalls one of the three, and the others go on. A context manager.
    """

    def __init__(self, folder: Path) -> None:
        self._cluster = Cluster(folder)
        self.address = self._cluster.bootstrap

    def __enter__(self) -> Self:
        self._cluster.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.stop()

    def hurt(self, fault: Fault) -> None:
        """Let a fault of one of them begin."""
        node = self._cluster.nodes[fault.target % len(self._cluster.nodes)]
        if fault.kind == "broker_kill":
            node.kill()
        elif fault.kind == "broker_freeze":
            node.freeze()
        elif node.process is not None:
            node.process.terminate()
            node.process.wait(_STOP_S)
            node.kill()  # it has ended: this tells the cluster so

    def heal(self, fault: Fault) -> None:
        """Let it end, and wait until every copy is in sync again."""
        asyncio.run(self._cluster.heal())


def brokers_of(number: int, folder: Path, port: int = 0) -> AbstractContextManager[Brokers]:
    """The brokers of a round: one, or three."""
    return OneBroker(folder, port) if number == 1 else ThreeBrokers(folder)
