"""How do the agents do? One by one, with their steps and effects."""

from __future__ import annotations

from typing import Final

from dashboards.board import Board, Choice, Panel, Query, Row, Shape

_RATE: Final = "[$__rate_interval]"

WORK: Final = Row(
    "Work",
    (
        Panel(
            question="How much does each agent get done?",
            why="Events that ended well, by agent.",
            unit="eps",
            queries=(
                Query(
                    "sum by (agent) (rate(streamagents_events_processed_total"
                    f'{{agent=~"$agent",outcome="ok"}}{_RATE}))',
                    "{{agent}}",
                ),
            ),
            shape=Shape.STACK,
        ),
        Panel(
            question="How long does an event take?",
            why="One attempt of an agent. What is beyond its `timeout_s` is cut off and tried "
            "again.",
            unit="s",
            queries=tuple(
                Query(
                    f"histogram_quantile({share}, sum by (agent, le) "
                    f'(rate(streamagents_event_duration_seconds_bucket{{agent=~"$agent"}}{_RATE})))',
                    f"{{{{agent}}}} {name}",
                )
                for share, name in ((0.5, "half"), (0.95, "95 %"))
            ),
        ),
        Panel(
            question="How many events does each agent hold?",
            why="At once, over all workers. At `in_flight` times workers it is full, and Kafka "
            "is the queue.",
            unit="short",
            queries=(
                Query(
                    'sum by (agent) (streamagents_inflight_events{agent=~"$agent"})', "{{agent}}"
                ),
            ),
        ),
    ),
)

TROUBLE: Final = Row(
    "Trouble",
    (
        Panel(
            question="Why do attempts fail?",
            why="Failed attempts that are tried again, by the class of the error. The log's line "
            "`retried` names the line of the agent.",
            unit="eps",
            queries=(
                Query(
                    "sum by (agent, error_type) "
                    f'(rate(streamagents_retries_total{{agent=~"$agent"}}{_RATE}))',
                    "{{agent}} {{error_type}}",
                ),
            ),
        ),
        Panel(
            question="What share of events ends as a letter?",
            why="Of those that ended. Nothing is normal; a few hundredths are bad data; all of "
            "them are a bad deployment.",
            unit="percentunit",
            queries=(
                Query(
                    "sum by (agent) (rate(streamagents_events_processed_total"
                    f'{{agent=~"$agent",outcome="dead_lettered"}}{_RATE})) / '
                    "(sum by (agent) (rate(streamagents_events_processed_total"
                    f'{{agent=~"$agent"}}{_RATE})) > 0)',
                    "{{agent}}",
                ),
            ),
            limits=((0.01, "yellow"), (0.1, "red")),
            top=1,
            empty="no events",
        ),
        Panel(
            question="Who waits for later?",
            why="Parked events wait for a provider, a budget or their agent's `RetryLater`; "
            "delayed ones for the time they were given.",
            unit="short",
            queries=(
                Query(
                    'sum by (agent) (streamagents_parked_events{agent=~"$agent"})',
                    "{{agent}} parked",
                ),
                Query("sum by (topic) (streamagents_delayed_events) > 0", "{{topic}} delayed"),
            ),
        ),
    ),
)

STEPS: Final = Row(
    "Steps",
    (
        Panel(
            question="Are steps paid for once?",
            why="`ran` was done and paid for, `stored` came from the state after a retry or a "
            "crash, `failed` is tried again.",
            unit="ops",
            queries=(
                Query(
                    "sum by (agent, outcome) "
                    f'(rate(streamagents_steps_total{{agent=~"$agent"}}{_RATE}))',
                    "{{agent}} {{outcome}}",
                ),
            ),
            shape=Shape.STACK,
        ),
        Panel(
            question="Why do steps run again?",
            why="A step whose arguments or prompt changed, or whose stored result no longer "
            "fits, is paid for twice. Normal for an hour after a deployment.",
            unit="short",
            queries=(
                Query(
                    "60 * sum by (reason) (rate(streamagents_steps_rerun_total[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
        ),
        Panel(
            question="Who waits for a person's word?",
            why="Approvals that nobody has given or refused yet: `streamagents review list`.",
            unit="short",
            queries=(
                Query(
                    'sum by (agent) (streamagents_reviews_pending{agent=~"$agent"})', "{{agent}}"
                ),
            ),
            limits=((1, "yellow"),),
        ),
    ),
)

EFFECTS: Final = Row(
    "Effects",
    (
        Panel(
            question="How do effects end?",
            why="By channel. What failed three times lies in `streamagents.actions.dlq`.",
            unit="ops",
            queries=(
                Query(
                    f"sum by (channel, outcome) (rate(streamagents_actions_total{_RATE}))",
                    "{{channel}} {{outcome}}",
                ),
            ),
            shape=Shape.STACK,
        ),
        Panel(
            question="Do effects pile up?",
            why="In the hands of the workers, not delivered. A channel that is slow or down holds "
            "them back.",
            unit="short",
            queries=(Query("sum by (channel) (streamagents_outbox_pending)", "{{channel}}"),),
        ),
        Panel(
            question="Which effects may have happened twice, or never?",
            why="A worker died between sending and knowing. `resend` sent it again, `review` made "
            "a letter of it.",
            unit="short",
            queries=(
                Query(
                    "sum by (channel) (increase(streamagents_effects_unknown_total[$__range]))",
                    "{{channel}}",
                ),
            ),
            shape=Shape.BARS,
            limits=((1, "yellow"),),
        ),
    ),
)

BOARD: Final = Board(
    name="agents",
    title="streamagents: how do the agents do?",
    about="Each agent's work, failures, steps and effects.",
    rows=(WORK, TROUBLE, STEPS, EFFECTS),
    choices=(Choice(name="agent", metric="streamagents_inflight_events"),),
)
