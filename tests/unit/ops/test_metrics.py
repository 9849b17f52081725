"""Metrics: all of them are there from the beginning, at 0, and no label carries an id."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamagents.ops.events import Handled
from streamagents.ops.metrics import EarMetrics, GatewayMetrics, WorkerMetrics
from streamagents.ops.series import Bounded
from streamagents.ops.view import Heard, SourceView, View
from streamagents.ports import Report, Usage

HANDLED = Handled(
    topics=(("lead", "LeadAgent"), ("streamagents-inbox", "Fallback"), ("effects", "")),
    pairs=(("LeadAgent", "lead"), ("Fallback", "streamagents-inbox"), ("slack", "effects")),
    actions="effects",
)
ALL = """
events_received events_processed event_duration_seconds event_age_seconds inflight_events retries
dlq_messages dlq_depth dlq_oldest_timestamp_seconds dlq_replayed dedupe_hits dedupe_entries
dedupe_conflicts llm_request_duration_seconds llm_tokens llm_cost_usd budget_remaining_ratio
budget_rejections monitor_polls monitor_last_success_timestamp_seconds reviews_pending
review_wait_seconds consumer_lag last_event_processed_timestamp_seconds build_info parked_events
delayed_events circuit_open commit_stalled_seconds worker_crashes outbox_pending actions steps
loop_lag_seconds events_truncated steps_rerun effects_unknown schedule_slots events_forwarded
events_parked health_status
"""


class Shop:
    """The metrics of a worker whose view a test sets."""

    def __init__(self) -> None:
        self.view = View(
            at=time.monotonic(),
            provider="anthropic",
            budget={"all": 1.0},
            sources=(SourceView(topic="lead", partition=0),),
            letters={"lead": (0, 0.0)},
        )
        self.metrics = WorkerMetrics(
            HANDLED,
            model="claude",
            view=lambda: self.view,
            monitors=["rival"],
            schedules=["daily"],
        )

    def observe(self, outcome: str, **fields: Any) -> None:
        told = {"topic": "lead", "partition": 0, "offset": 1, "agent": "LeadAgent", **fields}
        self.metrics.events.observe(Report(outcome, **told))

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"streamagents_{name}", labels)

    def families(self) -> dict[str, Any]:
        return families(self.metrics.exposition())


def families(exposition: bytes) -> dict[str, Any]:
    found = text_string_to_metric_families(exposition.decode())
    return {family.name: family for family in found}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize("name", ALL.split())
def test_every_metric_is_there_from_the_beginning(shop: Shop, name: str) -> None:
    family = shop.families()[f"streamagents_{name}"]

    assert family.documentation
    assert family.samples
    if family.type in {"counter", "histogram"}:
        assert {sample.value for sample in family.samples} == {0.0}


def test_a_worker_that_does_not_lead_says_nothing_about_the_group(shop: Shop) -> None:
    shop.view = View(at=time.monotonic())

    assert "streamagents_dlq_depth" not in shop.families()


def test_what_became_of_events_is_counted(shop: Shop) -> None:
    shop.observe("received", agent="", events=7)
    shop.observe("started")
    shop.observe("ok", seconds=0.2, written_ms=int((time.time() - 5) * 1000))
    shop.observe("duplicate", code="conflict")
    shop.observe("retried", code="TimeIsUpError", seconds=3.0)
    shop.observe("dead_lettered", code="failed", seconds=1.0)

    labels = {"agent": "LeadAgent", "topic": "lead"}
    assert shop.value("events_received_total", topic="lead") == 7
    for outcome in ("ok", "duplicate", "retried", "dead_lettered"):
        assert shop.value("events_processed_total", **labels, outcome=outcome) == 1
    assert shop.value("dedupe_hits_total", topic="lead") == 1
    assert shop.value("dedupe_conflicts_total", topic="lead") == 1
    assert shop.value("retries_total", agent="LeadAgent", error_type="TimeIsUpError") == 1
    assert shop.value("dlq_messages_total", topic="lead", error_type="failed") == 1
    assert shop.value("event_duration_seconds_sum", agent="LeadAgent", outcome="ok") == 0.2
    assert shop.value("event_age_seconds_bucket", topic="lead", le="1.0") == 0
    assert shop.value("event_age_seconds_bucket", topic="lead", le="10.0") == 1
    assert shop.value("last_event_processed_timestamp_seconds", topic="lead") == pytest.approx(
        time.time(), abs=5
    )


def test_what_cannot_be_read_counts_for_the_agent_of_its_topic(shop: Shop) -> None:
    shop.observe("dead_lettered", topic="streamagents-inbox", agent="", code="no_type")

    labels = {"agent": "Fallback", "topic": "streamagents-inbox", "outcome": "dead_lettered"}
    assert shop.value("events_processed_total", **labels) == 1


def test_effects_are_counted_by_channel(shop: Shop) -> None:
    shop.observe("ok", topic="effects", agent="slack")
    shop.observe("dead_lettered", topic="effects", agent="slack", code="outcome_unknown")
    shop.metrics.events.unknown("slack")

    assert shop.value("actions_total", channel="slack", outcome="sent") == 1
    assert shop.value("actions_total", channel="slack", outcome="dead_lettered") == 1
    assert shop.value("effects_unknown_total", channel="slack") == 1


def test_replayed_letters_are_told_apart(shop: Shop) -> None:
    shop.observe("ok", replay=1)
    shop.observe("dead_lettered", replay=2, code="failed")

    assert shop.value("dlq_replayed_total", topic="lead", outcome="ok") == 1
    assert shop.value("dlq_replayed_total", topic="lead", outcome="dead_lettered") == 1


def test_steps_are_counted_by_what_became_of_them(shop: Shop) -> None:
    for outcome in ("ran", "stored", "failed"):
        shop.observe("step", code=outcome)
        assert shop.value("steps_total", agent="LeadAgent", outcome=outcome) == 1
    shop.observe("step_rerun", code="arguments")
    assert shop.value("steps_rerun_total", reason="arguments") == 1


def test_calls_of_models_are_counted_with_what_they_cost(shop: Shop) -> None:
    usage = Usage(input_tokens=10, output_tokens=2, cache_read_tokens=5)
    shop.metrics.models.called("LeadAgent", "claude", "ok", 200.0, usage=usage, usd=0.5)
    shop.metrics.models.called("LeadAgent", "claude", "timeout", 60.0, usage=None, usd=None)

    labels = {"agent": "LeadAgent", "model": "claude"}
    assert shop.value("llm_cost_usd_total", **labels) == 0.5
    assert shop.value("llm_tokens_total", **labels, type="input") == 10
    assert shop.value("llm_tokens_total", **labels, type="cache_read") == 5
    name = "llm_request_duration_seconds_bucket"
    assert shop.value(name, **labels, outcome="ok", le="120.0") == 0
    assert shop.value(name, **labels, outcome="ok", le="300.0") == 1
    assert shop.value(name, **labels, outcome="timeout", le="60.0") == 1


def test_polls_and_schedules_are_counted(shop: Shop) -> None:
    at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    shop.metrics.polls.polled("rival", "unchanged", at)
    shop.metrics.polls.polled("rival", "failed", datetime(2026, 11, 23, 4, 0, tzinfo=UTC))
    shop.metrics.polls.fired("daily", "fired", at)

    assert shop.value("monitor_polls_total", monitor="rival", outcome="failed") == 1
    name = "monitor_last_success_timestamp_seconds"
    assert shop.value(name, monitor="rival") == at.timestamp()
    assert shop.value("schedule_slots_total", schedule="daily", outcome="fired") == 1


def test_a_view_becomes_gauges(shop: Shop) -> None:
    shop.view = View(
        at=time.monotonic(),
        provider="anthropic",
        circuit="it fails",
        budget={"all": 0.25},
        rejected={"all": 3},
        running={"LeadAgent": 4},
        parked={"LeadAgent": 2},
        delayed={"lead": 9},
        marks={"lead": 1000},
        pending={"slack": 5},
        crashes=2,
        late_s=0.7,
        sources=(SourceView(topic="lead", partition=3, lag=11, stalled_s=40.0),),
        letters={"lead": (6, 1_700_000_000.0)},
    )

    assert shop.value("circuit_open", provider="anthropic") == 1
    assert shop.value("budget_remaining_ratio", scope="all") == 0.25
    assert shop.value("budget_rejections_total", scope="all") == 3
    assert shop.value("inflight_events", agent="LeadAgent") == 4
    assert shop.value("inflight_events", agent="Fallback") == 0
    assert shop.value("parked_events", agent="LeadAgent") == 2
    assert shop.value("delayed_events", topic="lead") == 9
    assert shop.value("dedupe_entries", topic="lead") == 1000
    assert shop.value("outbox_pending", channel="slack") == 5
    assert shop.value("worker_crashes_total") == 2
    assert shop.value("loop_lag_seconds") == 0.7
    assert shop.value("consumer_lag", topic="lead", partition="3") == 11
    assert shop.value("commit_stalled_seconds", topic="lead", partition="3") == 40
    assert shop.value("dlq_depth", topic="lead") == 6
    assert shop.value("dlq_oldest_timestamp_seconds", topic="lead") == 1_700_000_000


def test_a_loop_that_is_held_lags_more_with_every_scrape(shop: Shop) -> None:
    shop.view = View(at=time.monotonic() - 10)

    assert shop.value("loop_lag_seconds") == pytest.approx(9.5, abs=2)


def test_a_thousand_ids_make_no_series(shop: Shop) -> None:
    before = len(shop.metrics.exposition().splitlines())
    for n in range(1000):
        user = {"event_id": f"customer-{n}", "detail": f"payload of {n}"}
        shop.observe("started", **user)
        shop.observe("retried", code=f"Error{n}", **user)
        shop.observe("dead_lettered", code=f"no-such-order-{n}", **user)
        shop.observe("dead_lettered", code=f"{n}", **user)
    exposition = shop.metrics.exposition().decode()

    assert "customer-" not in exposition
    assert "payload" not in exposition
    assert len(exposition.splitlines()) <= before + 2 * 51  # two labels with 50 values and `other`
    assert shop.value("retries_total", agent="LeadAgent", error_type="other") == 950


@pytest.mark.parametrize("value", ["", "42", "a b", "ada@example.com", "x" * 81, 'a"} 1\n', "é"])
def test_what_looks_like_no_name_is_other(value: str) -> None:
    assert Bounded()(value) == "other"


def test_a_gateway_has_a_set_of_its_own() -> None:
    gateway = GatewayMetrics(["events", "github"])
    gateway.requests.answered("github", 202, 0.01)
    gateway.requests.answered("events", 503, 0.01)

    family = families(gateway.exposition())["streamagents_webhook_requests"]
    values = {(s.labels["source"], s.labels["status"]): s.value for s in family.samples}
    assert values["github", "202"] == 1
    assert values["events", "503"] == 1
    assert values["events", "202"] == 0


def test_what_listens_to_folders_and_queues_has_a_set_of_its_own() -> None:
    heard = [
        Heard(source="files/a", events={"sent": 0}, files={"done": 0}),
        Heard(source="bridge/b", away="gone", events={"sent": 2}),
    ]
    view = View(at=time.monotonic(), phase="running", recovered=True, heard=tuple(heard))
    found = families(EarMetrics(lambda: view, 30.0).exposition())

    def values(name: str) -> dict[str, float]:
        return {s.labels["source"]: s.value for s in found[f"streamagents_{name}"].samples}

    assert values("source_reachable") == {"files/a": 1, "bridge/b": 0}
    assert values("source_events") == {"files/a": 0, "bridge/b": 2}
    assert values("source_files") == {"files/a": 0}
    assert found["streamagents_build_info"].samples
    assert found["streamagents_loop_lag_seconds"].samples[0].value < 1
    status = {s.labels["status"]: s.value for s in found["streamagents_health_status"].samples}
    assert status["ok"] == 1


def test_two_sets_in_one_process_do_not_meet(shop: Shop) -> None:
    other = Shop()
    shop.observe("ok")

    labels = {"agent": "LeadAgent", "topic": "lead", "outcome": "ok"}
    assert other.value("events_processed_total", **labels) == 0


def test_the_status_is_what_health_says(shop: Shop) -> None:
    shop.view = replace(shop.view, phase="running", recovered=True)
    assert shop.value("health_status", status="ok") == 1
    shop.view = replace(shop.view, silent_s=31)
    assert shop.value("health_status", status="ok") == 0
    assert shop.value("health_status", status="stuck") == 1
