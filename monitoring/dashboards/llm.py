"""What do the models cost, and do they answer?"""

from __future__ import annotations

from typing import Final

from dashboards.board import Board, Choice, Panel, Query, Row, Shape

_RATE: Final = "[$__rate_interval]"
_AGENT: Final = 'agent=~"$agent"'
_CALLS: Final = "streamagents_llm_request_duration_seconds"

MONEY: Final = Row(
    "Money",
    (
        Panel(
            question="What did the shown time cost?",
            why="Settled by the answers' usage and our prices; a model without a price counts "
            "tokens only.",
            unit="currencyUSD",
            queries=(
                Query(
                    "sum(increase(streamagents_llm_cost_usd_total"
                    f"{{{_AGENT}}}[$__range])) or vector(0)",
                    "all agents",
                ),
            ),
            shape=Shape.NUMBER,
            width=4,
        ),
        Panel(
            question="What does an hour cost now?",
            why="The present speed of spending. Twenty-four times it is what the day will cost.",
            unit="currencyUSD",
            queries=(
                Query(
                    f"3600 * sum(rate(streamagents_llm_cost_usd_total{{{_AGENT}}}{_RATE}))"
                    " or vector(0)",
                    "an hour",
                ),
            ),
            shape=Shape.NUMBER,
            width=4,
        ),
        Panel(
            question="How much of the budget is left?",
            why="The smallest share that any worker has left of the UTC day's budget.",
            unit="percentunit",
            queries=(Query("min by (scope) (streamagents_budget_remaining_ratio)", "{{scope}}"),),
            shape=Shape.NUMBER,
            width=8,
            base="red",
            limits=((0.05, "yellow"), (0.2, "green")),
            top=1,
            empty="no budget",
        ),
        Panel(
            question="Is a provider's circuit open?",
            why="1: five failures in a row; nothing is asked but one probe every 15 s, and the "
            "agents' events wait.",
            unit="short",
            queries=(Query("max by (provider) (streamagents_circuit_open)", "{{provider}}"),),
            shape=Shape.NUMBER,
            width=4,
            limits=((1, "red"),),
            top=1,
        ),
        Panel(
            question="Who is refused for want of budget?",
            why="Calls that were not made, by whose budget was spent.",
            unit="short",
            queries=(
                Query(
                    "sum by (scope) (increase(streamagents_budget_rejections_total[$__range]))",
                    "{{scope}}",
                ),
            ),
            shape=Shape.NUMBER,
            width=4,
            limits=((1, "yellow"),),
            empty="nobody",
        ),
        Panel(
            question="Which agent spends the money?",
            why="By agent and model, as if it went on for an hour.",
            unit="currencyUSD",
            queries=(
                Query(
                    "3600 * sum by (agent, model) "
                    f"(rate(streamagents_llm_cost_usd_total{{{_AGENT}}}{_RATE}))",
                    "{{agent}} {{model}}",
                ),
            ),
            shape=Shape.STACK,
            width=12,
            empty="nothing spent",
        ),
        Panel(
            question="What does an event cost?",
            why="Money for each event that ended, by agent. It jumps when a prompt grows or a "
            "tool loop runs longer.",
            unit="currencyUSD",
            queries=(
                Query(
                    f"sum by (agent) (rate(streamagents_llm_cost_usd_total{{{_AGENT}}}{_RATE})) / "
                    "(sum by (agent) (rate(streamagents_events_processed_total"
                    f'{{{_AGENT},outcome="ok"}}{_RATE})) > 0)',
                    "{{agent}}",
                ),
            ),
            width=12,
            empty="nothing spent",
        ),
    ),
)

CALLS: Final = Row(
    "Calls",
    (
        Panel(
            question="Do the models answer?",
            why="Calls by how they ended. What is not `ok` was tried again, waits, or became a "
            "letter.",
            unit="reqps",
            queries=(
                Query(
                    f"sum by (model, outcome) (rate({_CALLS}_count{{{_AGENT}}}{_RATE}))",
                    "{{model}} {{outcome}}",
                ),
            ),
            shape=Shape.STACK,
        ),
        Panel(
            question="How long do answers take?",
            why="Each call, with the one try after half a second.",
            unit="s",
            queries=tuple(
                Query(
                    f"histogram_quantile({share}, sum by (model, le) "
                    f"(rate({_CALLS}_bucket{{{_AGENT}}}{_RATE})))",
                    f"{{{{model}}}} {name}",
                )
                for share, name in ((0.5, "half"), (0.95, "95 %"))
            ),
        ),
        Panel(
            question="Which agents ask?",
            why="Calls by agent. An agent that asks far more often than it ends events repeats "
            "itself.",
            unit="reqps",
            queries=(
                Query(
                    f"sum by (agent) (rate({_CALLS}_count{{{_AGENT}}}{_RATE}))",
                    "{{agent}}",
                ),
            ),
            shape=Shape.STACK,
        ),
    ),
)

TOKENS: Final = Row(
    "Tokens",
    (
        Panel(
            question="Where do the tokens go?",
            why="Tokens a second by kind: in, out, written to and read from the provider's cache.",
            unit="short",
            queries=(
                Query(
                    f"sum by (type) (rate(streamagents_llm_tokens_total{{{_AGENT}}}{_RATE}))",
                    "{{type}}",
                ),
            ),
            shape=Shape.STACK,
            width=12,
        ),
        Panel(
            question="Which agent used the most tokens?",
            why="Over the shown time, all kinds together.",
            unit="short",
            queries=(
                Query(
                    "sum by (agent, model) "
                    f"(increase(streamagents_llm_tokens_total{{{_AGENT}}}[$__range]))",
                    "{{agent}} {{model}}",
                ),
            ),
            shape=Shape.BARS,
            width=12,
        ),
    ),
)

BOARD: Final = Board(
    name="llm",
    title="streamagents: what do the models cost?",
    about="Money, budgets, calls and tokens.",
    rows=(MONEY, CALLS, TOKENS),
    choices=(Choice(name="agent", metric="streamagents_inflight_events"),),
)
