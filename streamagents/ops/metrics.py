"""Metrics: the `streamagents_*` set of one process, in a registry of its own."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from streamagents.ops.calls import ModelMetrics, PollMetrics, RequestMetrics
from streamagents.ops.ears import HeardMetrics
from streamagents.ops.events import EventMetrics
from streamagents.ops.gauges import Gauges, HealthStatus
from streamagents.ops.series import LONG_BOUNDS, Times, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    from streamagents.ops.events import Handled
    from streamagents.ops.view import View

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class WorkerMetrics:
    """The set of a worker.

    Args:
        handled: what its application handles.
        model: asked where an agent names none.
        view: the newest look at the worker.
        monitors: their names.
        schedules: their names.
        stuck_after_s: what is too long for whoever judges the view.
    """

    def __init__(
        self,
        handled: Handled,
        *,
        model: str,
        view: Callable[[], View],
        monitors: Iterable[str] = (),
        schedules: Iterable[str] = (),
        stuck_after_s: float = 30.0,
    ) -> None:
        self.events = EventMetrics(handled)
        self.models = ModelMetrics(handled.agents, model)
        self.polls = PollMetrics(monitors, schedules)
        self.registry = _registry(
            self.events,
            self.models,
            self.polls,
            Gauges(handled, view, self.events.last),
            HealthStatus(view, stuck_after_s),
            _Reviews(handled),
        )

    def exposition(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self.registry)


class GatewayMetrics:
    """The set of a gateway.

    Args:
        sources: `events` and the configured hooks.
    """

    def __init__(self, sources: Iterable[str] = ("events",)) -> None:
        self.requests = RequestMetrics(sources)
        self.registry = _registry(self.requests)

    def exposition(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self.registry)


class EarMetrics:
    """The set of a process that listens to folders or queues.

    Args:
        view: the newest look at it.
        stuck_after_s: what is too long for whoever judges the view.
    """

    def __init__(self, view: Callable[[], View], stuck_after_s: float) -> None:
        self.registry = _registry(HeardMetrics(view), HealthStatus(view, stuck_after_s))

    def exposition(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self.registry)


class _Build:
    """Which version runs."""

    def collect(self) -> Iterable[Metric]:
        yield gauge("build_info", "The version that runs.", ("version",), {(_version(),): 1.0})


class _Reviews:
    """Drafts that wait for a person: agents cannot ask for a review yet, so there are none."""

    def __init__(self, handled: Handled) -> None:
        self._pending: dict[tuple[str, ...], float] = {(agent,): 0.0 for agent in handled.agents}
        self._waits = Times(
            "review_wait_seconds", "How long a person's answer took.", bounds=LONG_BOUNDS
        )

    def collect(self) -> Iterable[Metric]:
        yield gauge("reviews_pending", "Drafts that wait for a person.", ("agent",), self._pending)
        yield from self._waits.collect()


def _registry(*collectors: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in (_Build(), *collectors):
        registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _version() -> str:
    try:
        return version("streamagents")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "unknown"
