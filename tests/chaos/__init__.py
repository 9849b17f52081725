"""Chaos: real workers are killed and frozen by a seeded plan, and an independent checker judges.

`python -m chaos --minutes 15` (with `tests` on the path) runs rounds with new seeds; `--seed N`
repeats one. What a round leaves behind can be judged again: `python -m chaos.checker FOLDER`.
"""
