"""Is all well? The one that hangs on the wall."""

from __future__ import annotations

from typing import Final

from dashboards.board import Board, Panel, Query, Row, Shape

_LAG: Final = "sum by (topic) (max by (topic, partition) (streamagents_consumer_lag))"

NOW: Final = Row(
    "Now",
    (
        Panel(
            question="Which processes report?",
            why="Workers and gateways, by version. Fewer than you started: see the alert "
            "StreamagentsProcessDown. Two versions for long: a deployment hangs.",
            unit="short",
            queries=(Query("count by (version) (streamagents_build_info)", "{{version}}"),),
            shape=Shape.NUMBER,
            width=4,
            empty="no process",
        ),
        Panel(
            question="Is anything stuck?",
            why="What `/health` of each process says. `stuck` cannot work, `stale` has work and "
            "does not move; the page itself says why.",
            unit="short",
            queries=(Query("sum by (status) (streamagents_health_status) > 0", "{{status}}"),),
            shape=Shape.NUMBER,
            width=4,
            empty="no worker",
        ),
        Panel(
            question="How much work waits?",
            why="Offsets in Kafka that are not finished, over all topics. It comes back to almost "
            "nothing between two bursts.",
            unit="short",
            queries=(Query(f"sum({_LAG})", "offsets"),),
            shape=Shape.NUMBER,
            width=4,
        ),
        Panel(
            question="When was the last event processed?",
            why="The time since then, over all topics. An idle night is no fault; work that waits "
            "meanwhile is one.",
            unit="s",
            queries=(
                Query(
                    "time() - max(streamagents_last_event_processed_timestamp_seconds > 0)",
                    "ago",
                ),
            ),
            shape=Shape.NUMBER,
            width=4,
            empty="not yet",
        ),
        Panel(
            question="Do letters wait for a person?",
            why="Dead letters that nobody has replayed, purged or parked yet: "
            "`streamagents dlq list`.",
            unit="short",
            queries=(Query("sum(max by (topic) (streamagents_dlq_depth))", "letters"),),
            shape=Shape.NUMBER,
            width=4,
            limits=((1, "yellow"), (100, "red")),
        ),
        Panel(
            question="How much of the budget is left?",
            why="The smallest share of a day's budget that any worker has left. At nothing its "
            "agents wait until midnight UTC.",
            unit="percentunit",
            queries=(Query("min by (scope) (streamagents_budget_remaining_ratio)", "{{scope}}"),),
            shape=Shape.NUMBER,
            width=4,
            base="red",
            limits=((0.05, "yellow"), (0.2, "green")),
            top=1,
            empty="no budget",
        ),
    ),
)

FLOW: Final = Row(
    "Flow",
    (
        Panel(
            question="Does what comes in go out?",
            why="Records that workers took in, and events that ended. The two lines lie upon each "
            "other, or work piles up.",
            unit="eps",
            queries=(
                Query("sum(rate(streamagents_events_received_total[$__rate_interval]))", "in"),
                Query(
                    'sum(rate(streamagents_events_processed_total{outcome!="retried"}'
                    "[$__rate_interval]))",
                    "out",
                ),
            ),
        ),
        Panel(
            question="What becomes of events?",
            why="`ok`, `duplicate` and `skipped` are done, `dead_lettered` waits for a person, and "
            "`retried` comes again.",
            unit="eps",
            queries=(
                Query(
                    "sum by (outcome) "
                    "(rate(streamagents_events_processed_total[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            shape=Shape.STACK,
        ),
        Panel(
            question="Which topics fall behind?",
            why="Offsets in Kafka that are not finished. A line that only grows needs more "
            "partitions, more workers or a faster agent.",
            unit="short",
            queries=(Query(_LAG, "{{topic}}"),),
        ),
        Panel(
            question="How old are events when they are done?",
            why="From the writing of the record to its end, all waits included. The slowest "
            "hundredth grows first.",
            unit="s",
            queries=tuple(
                Query(
                    f"histogram_quantile({share}, sum by (le) "
                    "(rate(streamagents_event_age_seconds_bucket[$__rate_interval])))",
                    name,
                )
                for share, name in ((0.5, "half of them"), (0.95, "95 %"), (0.99, "99 %"))
            ),
        ),
        Panel(
            question="Which agents fail?",
            why="Attempts that failed and are tried again. Why: the dashboard Agents.",
            unit="eps",
            queries=(
                Query(
                    "sum by (agent) (rate(streamagents_retries_total[$__rate_interval]))",
                    "{{agent}}",
                ),
            ),
        ),
        Panel(
            question="Do letters arrive?",
            why="Events that went to a dead-letter topic, each minute. Nothing is normal.",
            unit="short",
            queries=(
                Query(
                    "60 * sum by (topic) (rate(streamagents_dlq_messages_total[$__rate_interval]))",
                    "{{topic}}",
                ),
            ),
        ),
    ),
)

EDGES: Final = Row(
    "In and out",
    (
        Panel(
            question="Does the gateway take what comes?",
            why="Answers by status: 202 was kept, 4xx is the sender's fault, 503 was not known "
            "to be kept and has to be sent again.",
            unit="reqps",
            queries=(
                Query(
                    "sum by (source, status) "
                    "(rate(streamagents_webhook_requests_total[$__rate_interval]))",
                    "{{source}} {{status}}",
                ),
            ),
            shape=Shape.STACK,
            width=6,
            empty="no requests",
        ),
        Panel(
            question="Do the monitors look?",
            why="Polls by outcome. `failed` for long: see the alert StreamagentsMonitorFailing.",
            unit="short",
            queries=(
                Query(
                    "60 * sum by (monitor, outcome) "
                    "(rate(streamagents_monitor_polls_total[$__rate_interval]))",
                    "{{monitor}} {{outcome}}",
                ),
            ),
            width=6,
            empty="no monitors",
        ),
        Panel(
            question="Do schedules fire?",
            why="Slots by what became of them. `skipped` came too late and was left out, "
            "`caught_up` came too late and was not.",
            unit="short",
            queries=(
                Query(
                    "60 * sum by (schedule, outcome) "
                    "(rate(streamagents_schedule_slots_total[$__rate_interval]))",
                    "{{schedule}} {{outcome}}",
                ),
            ),
            width=6,
            empty="no schedules",
        ),
        Panel(
            question="Do effects get out?",
            why="What agents decided to do outside, by channel and how it ended.",
            unit="ops",
            queries=(
                Query(
                    "sum by (channel, outcome) "
                    "(rate(streamagents_actions_total[$__rate_interval]))",
                    "{{channel}} {{outcome}}",
                ),
            ),
            shape=Shape.STACK,
            width=6,
        ),
    ),
)

BOARD: Final = Board(
    name="overview",
    title="streamagents: is all well?",
    about="One look: what waits, what fails, what comes in and goes out.",
    rows=(NOW, FLOW, EDGES),
)
