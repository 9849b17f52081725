"""Garbage collection, tuned for thousands of live tasks."""

from __future__ import annotations

import gc


def calm_garbage_collector() -> None:
    """Look through thousands of waiting lanes less often.

    Python's default walks all of them every few hundred allocations. Handling 60,000 events that do
    nothing took 11.4 and 16.1 s with it, 7.5 s without (2 cores, shared, one run each).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
