"""The README stays true: its code runs, its commands exist, its settings are the settings."""

from __future__ import annotations

import importlib
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import faust
from pydantic_core import to_json

from streamagents import create_app
from streamagents.actions import Deliverer, LogLine, build_channels
from streamagents.llm.tools import Page
from streamagents.runtime.bridges import bridges_of
from streamagents.runtime.folders import folders_of
from streamagents.settings import Settings, load_settings
from streamagents.testing import FakeContext, FakeModel, ToolUse, run_tick
from streamagents.triggers.hooks.deliveries import Delivery
from streamagents.triggers.hooks.variables import PREFIX
from support.commands import CHECKOUT, streamagents
from support.http_peer import HttpPeer, reply

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README = (CHECKOUT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def example(name: str) -> str:
    """The block of Python that is called so."""
    (found,) = (block for block in blocks("python") if block.startswith(f"# {name}\n"))
    return found


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
    notify = example("notify.py")
    scope: dict[str, Any] = {"__name__": "notify"}
    exec(notify, scope)
    deliveries = build_channels(scope["CHANNELS"])
    assert set(deliveries) == {"sms", "log"}
    ctx = FakeContext(event_id="1/note", source="crm")
    await Deliverer(deliveries["sms"], ctx.clock).run({"to": "+49", "text": "hello"}, ctx)


async def test_its_agent_that_asks_a_model_runs_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = example("triage.py")
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
    crm, report = example("crm.py"), example("report.py")
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


async def test_its_own_monitor_tells_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, *_ = blocks("python")
    (releases,) = (block for block in blocks("python") if block.startswith("# releases.py"))
    for name, source in (("crm", crm), ("releases", releases)):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    made: Any = importlib.import_module("releases")
    noon = datetime(2026, 11, 3, 12, tzinfo=UTC)
    assert set(made.app.ticking) == {"faust", "kafka"}
    async with HttpPeer() as peer:
        monkeypatch.setenv("STREAMAGENTS_ALLOW_PRIVATE_HOSTS", peer.host)
        peer.on("/pypi/mode/json", reply(200, b'{"releases": {"2": [], "2rc1": [], "1": []}}'))
        own = made.PackageMonitor("mode", "mode", peer.url(""), event=made.released, first="all")
        app = create_app("own", agents={}, fallback=made.Leftovers(), triggers=[own])
        ctx = await run_tick(app.ticking["mode"], noon)

    assert ctx.emitted_ids == ["mode:1", "mode:2"]
    assert ctx.emitted[0] == made.Released(package="mode", version="1")


async def test_its_agent_that_uses_the_channels_that_ship_is_an_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, welcome = example("crm.py"), example("welcome.py")
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


async def test_its_hook_makes_events_of_what_a_sender_posts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, shop = example("crm.py"), example("shop.py")
    for name, source in (("crm", crm), ("shop", shop)):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    made: Any = importlib.import_module("shop")

    def drafts(kind: str, payload: Any) -> list[bytes]:
        value = to_json(payload)
        delivery = Delivery(id="1", kind=kind, payload=payload, value=value)
        return [draft.value for draft in made.shop.drafts(delivery)]

    assert made.app.triggers == (made.shop,)
    assert drafts("customer.created", {"data": {"email": "a@b.example", "org": {"name": "B"}}}) == [
        b'{"email":"a@b.example","company":"B"}'
    ]
    assert len(drafts("customer.imported", {"emails": ["a@b.example", "c@d.example"]})) == 2


def test_its_folder_and_its_bridge_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("crm.py", "ears.py"):
        (tmp_path / name).write_text(example(name))
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    for variable in ("WATCH", "BRIDGES"):
        (setting,) = re.findall(rf"`STREAMAGENTS_{variable}=([^`]+)`", README)
        monkeypatch.setenv(f"STREAMAGENTS_{variable}", setting)
    settings = load_settings()
    for variable in ("WATCH", "BRIDGES"):
        monkeypatch.delenv(f"STREAMAGENTS_{variable}")
    app = importlib.import_module("ears").app

    assert folders_of(app)["fairs"].type == settings.watch["fairs"].folder("fairs").type
    assert bridges_of(app)["old-crm"].type == settings.bridges["old-crm"].bridge("old-crm").type


def test_every_command_it_names_exists() -> None:
    named = set(
        re.findall(
            r"streamagents (demo|dev|kafka|topics|send|worker|gateway|dlq|status|watch|bridge)",
            README,
        )
    )
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
    known = known - {"STREAMAGENTS_HOOKS"} | {PREFIX}  # one field, many variables
    listed = {PREFIX if name.startswith(PREFIX) else name for name in listed}
    assert {name.removesuffix("_FILE") if name not in known else name for name in listed} == known
