"""What waits for a person: dead letters, where they come from, and whether they come home."""

from __future__ import annotations

from typing import Final

from dashboards.board import Board, Panel, Query, Row, Shape

_ARRIVED: Final = "streamagents_dlq_messages_total"

WAITING: Final = Row(
    "Waiting",
    (
        Panel(
            question="How many letters wait for a person?",
            why="Letters that nobody has replayed, purged or parked, by topic.",
            unit="short",
            queries=(Query("max by (topic) (streamagents_dlq_depth) > 0", "{{topic}}"),),
            shape=Shape.NUMBER,
            width=12,
            limits=((1, "yellow"), (100, "red")),
        ),
        Panel(
            question="How long has the oldest waited?",
            why="A letter is kept for 30 days: after that it is gone for good.",
            unit="s",
            queries=(
                Query(
                    "time() - (min by (topic) (streamagents_dlq_oldest_timestamp_seconds > 0))",
                    "{{topic}}",
                ),
            ),
            shape=Shape.NUMBER,
            width=12,
            limits=((86_400, "yellow"), (14 * 86_400, "red")),
        ),
        Panel(
            question="Does the pile grow or shrink?",
            why="Open letters over time. It shrinks by `streamagents dlq replay` and `purge`.",
            unit="short",
            queries=(Query("max by (topic) (streamagents_dlq_depth)", "{{topic}}"),),
            shape=Shape.STACK,
            width=24,
        ),
    ),
)

COMING: Final = Row(
    "Coming and going",
    (
        Panel(
            question="When did letters arrive?",
            why="Letters a minute, by topic.",
            unit="short",
            queries=(
                Query(
                    f"60 * sum by (topic) (rate({_ARRIVED}[$__rate_interval]))",
                    "{{topic}}",
                ),
            ),
            shape=Shape.STACK,
        ),
        Panel(
            question="Why did they become letters?",
            why="In the shown time, by error. `invalid` and `undecodable` are the sender's, "
            "`failed` is the agent's, `crash` killed its worker.",
            unit="short",
            queries=(
                Query(
                    f"sum by (error_type) (increase({_ARRIVED}[$__range])) > 0", "{{error_type}}"
                ),
            ),
            shape=Shape.BARS,
        ),
        Panel(
            question="Do replayed letters come home?",
            why="In the shown time, by how the replay ended. `dead_lettered` failed again.",
            unit="short",
            queries=(
                Query(
                    "sum by (topic, outcome) (increase(streamagents_dlq_replayed_total[$__range]))",
                    "{{topic}} {{outcome}}",
                ),
            ),
            shape=Shape.BARS,
            empty="no replays",
        ),
    ),
)

BOARD: Final = Board(
    name="letters",
    title="streamagents: what waits for a person?",
    about="Dead letters: how many, how old, why, and whether they come home.",
    rows=(WAITING, COMING),
)
