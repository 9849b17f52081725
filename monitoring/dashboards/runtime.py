"""Do Kafka and the processes hold? Partitions, state, memory, and the event loop."""

from __future__ import annotations

from typing import Final

from dashboards.board import Board, Choice, Panel, Query, Row, Shape

_TOPIC: Final = 'topic=~"$topic"'

PARTITIONS: Final = Row(
    "Partitions",
    (
        Panel(
            question="Which partitions fall behind?",
            why="Offsets that are not finished. One partition far above the others: one busy key, "
            "or one slow worker.",
            unit="short",
            queries=(
                Query(
                    f"max by (topic, partition) (streamagents_consumer_lag{{{_TOPIC}}})",
                    "{{topic}} {{partition}}",
                ),
            ),
            width=6,
        ),
        Panel(
            question="Where does the commit stand still?",
            why="For how long the commit position has stood still with events behind it. After a "
            "kill all of those are looked at again.",
            unit="s",
            queries=(
                Query(
                    f"max by (topic, partition) (streamagents_commit_stalled_seconds{{{_TOPIC}}})",
                    "{{topic}} {{partition}}",
                ),
            ),
            width=6,
            limits=((60, "yellow"), (300, "red")),
        ),
        Panel(
            question="How long ago did each topic move?",
            why="Since the last event of the topic was processed. Idle topics grow; that is no "
            "fault.",
            unit="s",
            queries=(
                Query(
                    "time() - (max by (topic) "
                    f"(streamagents_last_event_processed_timestamp_seconds{{{_TOPIC}}} > 0))",
                    "{{topic}}",
                ),
            ),
            width=6,
        ),
        Panel(
            question="Do partitions move all the time?",
            why="Rebalances since the start of each worker, as Faust counts them. Some at a "
            "deployment; a line that never stops climbing is a group that never works.",
            unit="short",
            queries=(
                Query(
                    "max by (instance) (faust_rebalance_done_consumer_latency_count)",
                    "{{instance}}",
                ),
            ),
            width=6,
        ),
    ),
)

IDENTITY: Final = Row(
    "Duplicates and state",
    (
        Panel(
            question="How many duplicates arrive?",
            why="Events whose id was known: skipped. Many mean a sender that sends again too "
            "early, or a field that is no event's id.",
            unit="eps",
            queries=(
                Query(
                    "sum by (topic) "
                    f"(rate(streamagents_dedupe_hits_total{{{_TOPIC}}}[$__rate_interval]))",
                    "{{topic}}",
                ),
            ),
        ),
        Panel(
            question="How many ids are remembered?",
            why="They expire with `STREAMAGENTS_DEDUPE_TTL_S`, never before their topic forgets "
            "the records. 68 MiB of disk a million.",
            unit="short",
            queries=(
                Query(
                    f"sum by (topic) (streamagents_dedupe_entries{{{_TOPIC}}})",
                    "{{topic}}",
                ),
            ),
        ),
        Panel(
            question="Was anything lost or mixed up?",
            why="Ids that came again with other bytes, and records that Kafka deleted before they "
            "were read. Both should be nothing.",
            unit="short",
            queries=(
                Query(
                    "sum by (topic) "
                    f"(increase(streamagents_dedupe_conflicts_total{{{_TOPIC}}}[$__range]))",
                    "{{topic}} same id, other bytes",
                ),
                Query(
                    "sum(increase(streamagents_events_truncated_total[$__range]))",
                    "deleted unread",
                ),
            ),
            shape=Shape.BARS,
            limits=((1, "red"),),
        ),
    ),
)

PROCESSES: Final = Row(
    "Processes",
    (
        Panel(
            question="Does the event loop turn?",
            why="How late it is. Above a second an agent holds it: the log names the agent and "
            "the line.",
            unit="s",
            queries=(Query("max by (instance) (streamagents_loop_lag_seconds)", "{{instance}}"),),
            limits=((1, "yellow"), (10, "red")),
        ),
        Panel(
            question="Do workers die?",
            why="Unclean ends that workers found when they took over, and starts of processes. "
            "A deployment is a start and no death.",
            unit="short",
            queries=(
                Query("sum(streamagents_worker_crashes_total)", "deaths found"),
                Query("sum(changes(process_start_time_seconds[$__range]))", "starts"),
            ),
            limits=((3, "red"),),
        ),
        Panel(
            question="How much memory do they take?",
            why="Resident. It grows with what is in flight, and does not grow with ids: those are "
            "on disk.",
            unit="bytes",
            queries=(Query("max by (instance) (process_resident_memory_bytes)", "{{instance}}"),),
        ),
        Panel(
            question="How busy are they?",
            why="Cores. A worker's Python takes one: at 1 it is full, and more workers help.",
            unit="short",
            queries=(
                Query(
                    "sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval]))",
                    "{{instance}}",
                ),
            ),
            limits=((0.9, "yellow"),),
        ),
        Panel(
            question="Do they run out of files?",
            why="The share of open files and connections that the system allows.",
            unit="percentunit",
            queries=(
                Query(
                    "max by (instance) (process_open_fds / process_max_fds)",
                    "{{instance}}",
                ),
            ),
            limits=((0.7, "yellow"), (0.9, "red")),
            top=1,
        ),
        Panel(
            question="Since when do they run?",
            why="The time since the start of each process; a line that falls is a restart.",
            unit="s",
            queries=(
                Query("time() - (max by (instance) (process_start_time_seconds))", "{{instance}}"),
            ),
        ),
    ),
)

BOARD: Final = Board(
    name="runtime",
    title="streamagents: do Kafka and the processes hold?",
    about="Partitions, remembered ids, and the processes themselves.",
    rows=(PARTITIONS, IDENTITY, PROCESSES),
    choices=(Choice(name="topic", metric="streamagents_events_received_total"),),
)
