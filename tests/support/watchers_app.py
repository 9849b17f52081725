"""The application of the promise test of monitors: one feed, read every two seconds."""

from __future__ import annotations

import os

from streamagents import Context, Event, create_app
from streamagents.monitors import FeedMonitor


class Post(Event, topic="post", key="title"):
    """What the feed brings."""

    title: str


class Leftovers:
    """Nobody sends anything else."""

    async def run(self, event: dict[str, object], ctx: Context) -> None: ...


feed = FeedMonitor(
    "beta",
    os.environ.get("WATCHED_URL", "http://127.0.0.1:9/feed"),
    to=Post,
    fields={"title": "title"},
    first="all",
    every_s=2,
    fails=2,
)

app = create_app("watchers", agents={}, fallback=Leftovers(), triggers=[feed])
