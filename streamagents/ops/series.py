"""Series: plain numbers that one thread adds to, and any thread shows as Prometheus wants them.

The metrics of `prometheus_client` take a lock and look their labels up: 1 to 2 us an event. These
are a dict and an int. Written in the thread of the event loop alone; a scrape copies.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.core import Metric

PREFIX = "streamagents_"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds; a model may take minutes."""
LONG_BOUNDS = (0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 14_400.0, 86_400.0, 604_800.0)
"""Seconds that people and queues take."""
_OTHER = "other"
_MOST_VALUES = 50
_LONGEST_VALUE = 80
"""Characters."""

Labels = tuple[str, ...]


class Counts:
    """A counter with labels.

    Args:
        name: without our prefix and `_total`.
        about: for people, one line.
        labels: their names.
        known: label values that are there from the beginning, at 0.
    """

    def __init__(
        self, name: str, about: str, labels: Labels = (), known: Iterable[Labels] = ()
    ) -> None:
        self._name, self._about, self._labels = PREFIX + name, about, labels
        self.values: dict[Labels, float] = dict.fromkeys(known if labels else [()], 0.0)

    def add(self, labels: Labels = (), amount: float = 1.0) -> None:
        """Add to one of its series."""
        self.values[labels] = self.values.get(labels, 0.0) + amount

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        family = CounterMetricFamily(self._name, self._about, labels=self._labels)
        for labels, value in list(self.values.items()):
            family.add_metric(labels, value)
        yield family


class Spread:
    """One series of a histogram."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value in."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Times:
    """A histogram of seconds with labels.

    Args:
        name: without our prefix.
        about: for people, one line.
        labels: their names.
        known: label values that are there from the beginning.
        bounds: upper ends of its buckets.
    """

    def __init__(
        self,
        name: str,
        about: str,
        labels: Labels = (),
        known: Iterable[Labels] = (),
        *,
        bounds: tuple[float, ...] = BOUNDS,
    ) -> None:
        self._name, self._about, self._labels, self._bounds = PREFIX + name, about, labels, bounds
        self._spreads = {values: Spread(bounds) for values in (known if labels else [()])}

    def of(self, labels: Labels = ()) -> Spread:
        """One of its series, to be kept by whoever adds to it often."""
        spread = self._spreads.get(labels)
        if spread is None:
            spread = self._spreads[labels] = Spread(self._bounds)
        return spread

    def collect(self) -> Iterable[Metric]:
        """All of it, as it is now."""
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        ends = [*(str(bound) for bound in self._bounds), "+Inf"]
        for labels, spread in list(self._spreads.items()):
            counts, total = tuple(spread.counts), spread.total
            reached, buckets = 0, []
            for end, count in zip(ends, counts, strict=True):
                reached += count
                buckets.append((end, reached))
            family.add_metric(labels, buckets, total)
        yield family


def gauge(name: str, about: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """A gauge, made when it is asked for."""
    family = GaugeMetricFamily(PREFIX + name, about, labels=labels)
    for value_of, value in values.items():
        family.add_metric(value_of, value)
    return family


def counter(name: str, about: str, labels: Labels, values: Mapping[Labels, float]) -> Metric:
    """A counter that somebody else counts."""
    family = CounterMetricFamily(PREFIX + name, about, labels=labels)
    for value_of, value in values.items():
        family.add_metric(value_of, value)
    return family


class Bounded:
    """Keeps a label to a few values: what an agent's author chooses could hold an id.

    Args:
        known: always let through.
        most: further values that are let through; all that come later are `other`.
    """

    def __init__(self, known: Iterable[str] = (), most: int = _MOST_VALUES) -> None:
        self._values = {value: value for value in known}
        self._left = most

    def __call__(self, value: str) -> str:
        """The value as a label."""
        known = self._values.get(value)
        if known is not None:
            return known
        if not self._left or not _is_a_word(value):
            return _OTHER
        self._left -= 1
        self._values[value] = value
        return value


def _is_a_word(value: str) -> bool:
    """Whether it looks like a name that somebody wrote into a program."""
    plain = value.replace("_", "").replace("-", "").replace(".", "").replace("/", "")
    return (
        0 < len(value) <= _LONGEST_VALUE
        and plain.isascii()
        and plain.isalnum()
        and not value[0].isdigit()
    )
