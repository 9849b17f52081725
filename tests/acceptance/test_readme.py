"""The README stays true: its code runs, its commands exist, its settings are the settings."""

from __future__ import annotations

import importlib
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import faust

from streamagents.actions import Deliverer, LogLine, build_channels
from streamagents.llm.tools import Page
from streamagents.settings import Settings
from streamagents.testing import FakeContext, FakeModel, ToolUse, run_tick
from support.commands import CHECKOUT, streamagents

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README = (CHECKOUT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


async def test_the_first_agent_is_an_application_and_its_test_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, test, *_ = blocks("python")
    (tmp_path / "crm.py").write_text(module)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "crm", raising=False)
    scope: dict[str, Any] = {}
    exec("from crm import *\n" + test, scope)
    assert isinstance(scope["app"], faust.App)
    await scope["test_a_company_scores_high"]()


def test_the_first_agent_takes_less_than_thirty_lines() -> None:
    module, *_ = blocks("python")
    assert len(module.splitlines()) <= 30


async def test_its_channel_is_one_and_its_effect_is_delivered() -> None:
    *_, notify, _ = blocks("python")
    scope: dict[str, Any] = {"__name__": "notify"}
    exec(notify, scope)
    deliveries = build_channels(scope["CHANNELS"])
    assert set(deliveries) == {"sms", "log"}
    ctx = FakeContext(event_id="1/note", source="crm")
    await Deliverer(deliveries["sms"], ctx.clock).run({"to": "+49", "text": "hello"}, ctx)


async def test_its_agent_that_asks_a_model_runs_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, module, *_ = blocks("python")
    (tmp_path / "triage.py").write_text(module)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "triage", raising=False)
    triage: Any = importlib.import_module("triage")
    model = FakeModel(
        [
            triage.Triage(urgency="high", reason="all is down"),
            ToolUse("call_somebody", {"why": "all is down"}),
            "Done.",
        ]
    )
    ticket = triage.Ticket(customer="ada", text="All is down!")
    rules, asked = FakeContext(), FakeContext(model=model)
    for ctx in (rules, asked):
        await triage.TriageAgent().run(ticket, ctx)

    assert rules.acted == []
    assert asked.acted == [LogLine(text="wake up: all is down")]
    assert rules.logs[0]["urgency"] == "high"


async def test_its_schedule_fires_at_nine_in_berlin_in_winter_and_in_summer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, *_ = blocks("python")
    (report,) = (block for block in blocks("python") if block.startswith("# report.py"))
    for name, source in (("crm", crm), ("report", report)):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    made: Any = importlib.import_module("report")
    friday = await run_tick(made.daily, datetime(2026, 3, 28, 12, tzinfo=UTC))
    monday = await run_tick(made.daily, datetime(2026, 3, 30, 12, tzinfo=UTC))

    assert set(made.app.ticking) == {"daily-report"}
    assert friday.emitted_ids == ["daily-report:2026-03-27T08:00:00Z"]
    assert monday.emitted_ids == ["daily-report:2026-03-30T07:00:00Z"]
    assert monday.emitted == [made.ReportDue(day="2026-03-30")]


async def test_its_agent_that_uses_the_channels_that_ship_is_an_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, *_, welcome = blocks("python")
    for name, source in (("crm", crm), ("welcome", welcome)):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("STREAMAGENTS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("STREAMAGENTS_SLACK_WEBHOOK_URL", "https://hooks.slack.com/x")
    monkeypatch.setenv("STREAMAGENTS_HTTP_ALLOW_HOSTS", "hooks.example.com")
    monkeypatch.setenv("STREAMAGENTS_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("STREAMAGENTS_SMTP_FROM", "crm@example.com")
    made: Any = importlib.import_module("welcome")
    page = Page(url="https://example.com/", title="Example", text="An example.")
    ctx = FakeContext(steps={"site": page})
    await made.WelcomeAgent().run(made.NewLead(email="ann@example.com"), ctx)

    assert set(made.app.channels) == {"database", "email", "http", "log", "slack"}
    assert [action.via for action in ctx.acted] == ["email", "slack", "database", "http"]


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"streamagents (demo|dev|kafka|topics|send|worker|dlq|status)", README))
    shown = streamagents("--help").stdout
    assert named
    assert all(f" {command} " in shown for command in named)


def test_every_setting_is_listed_and_every_listed_setting_exists() -> None:
    listed = set(re.findall(r"(?:STREAMAGENTS|ANTHROPIC)_[A-Z_]+", README))
    known = {
        field.validation_alias.upper()
        if isinstance(field.validation_alias, str)
        else f"STREAMAGENTS_{name.upper()}"
        for name, field in Settings.model_fields.items()
    }
    assert {name.removesuffix("_FILE") if name not in known else name for name in listed} == known
