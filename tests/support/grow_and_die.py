"""`streamagents topics grow` that is killed at its first step, then run again and killed at its
second, and so on until it comes to its end: a process with a signal each.

`python -m support.grow_and_die TOPIC PARTITIONS BATCH [SEED]`; what it says last is a list of where
it died. With a seed it is also killed at random moments.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from streamagents.bus import KafkaAdmin, KafkaTogether
from streamagents.cli import topics as command
from streamagents.runtime import growing, moving, unread

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = (
    (KafkaAdmin, "apply"),
    (KafkaAdmin, "add_partitions"),
    (KafkaTogether, "send_together"),
    (growing.Grower, "_fence"),
)
"""What changes something on the broker."""
_MOST = 200
_RANDOM, _WITHIN_S = 8, 3.0


def main() -> None:
    """Die again and again."""
    topic, partitions, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    moving._BATCH = unread._BATCH = batch  # many transactions for few records
    places: list[str] = []
    if len(sys.argv) > 4:
        chosen = random.Random(sys.argv[4])
        moments = [chosen.uniform(0.0, _WITHIN_S) for _ in range(_RANDOM)]
        places += [_life(topic, partitions, after_s=moment) for moment in moments]
    for number in range(_MOST):
        place = _life(topic, partitions, at=number)
        if not place:
            break
        places.append(place)
    print(json.dumps(places))  # noqa: T201 - this is what it is run for


def _life(topic: str, partitions: int, *, at: int = -1, after_s: float = 0.0) -> str:
    """One process; where it died, or nothing if it came to its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        code = 1
        try:
            _live(topic, partitions, at, after_s, lambda place: os.write(writing, place.encode()))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        place = told.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return place or "random"
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"it failed: {status}")
    return ""


def _live(
    topic: str, partitions: int, at: int, after_s: float, tell: Callable[[str], object]
) -> None:
    count = 0

    def counted(kind: Any, name: str) -> None:
        as_it_is = getattr(kind, name)

        async def step(*arguments: Any, **more: Any) -> Any:
            nonlocal count
            if count == at:
                tell(name)
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return await as_it_is(*arguments, **more)

        setattr(kind, name, step)

    if at >= 0:
        for kind, name in _STEPS:
            counted(kind, name)
    else:
        threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGKILL)).start()
    command.grow([topic], partitions, os.environ["STREAMAGENTS_APP"])


if __name__ == "__main__":
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    main()
