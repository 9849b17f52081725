"""Benchmarks: `python -m benchmarks` (with `tests` on the path), or `make bench`.

Ratios within one run, medians, on this machine, now. Nothing here is asserted: a figure belongs to
its machine and its neighbours.
"""
