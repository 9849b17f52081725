"""Benchmarks: `make bench`, or `python -m benchmarks` with `tests` on the path.

We and our peers by turns in one run, on this machine, now: compare within a run. Nothing here is
asserted: a figure belongs to its machine and its neighbours.
"""
