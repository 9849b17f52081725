"""The README stays true: its code runs, its commands exist, its settings are the settings."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import faust

from streamagents.actions import Deliverer, build_channels
from streamagents.settings import Settings
from streamagents.testing import FakeContext
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
    module, test, _ = blocks("python")
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
    *_, notify = blocks("python")
    scope: dict[str, Any] = {"__name__": "notify"}
    exec(notify, scope)
    deliveries = build_channels(scope["CHANNELS"])
    assert set(deliveries) == {"sms", "log"}
    ctx = FakeContext(event_id="1/note", source="crm")
    await Deliverer(deliveries["sms"], ctx.clock).run({"to": "+49", "text": "hello"}, ctx)


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"streamagents (demo|dev|kafka|topics|send|worker|dlq|status)", README))
    shown = streamagents("--help").stdout
    assert named
    assert all(f" {command} " in shown for command in named)


def test_every_setting_is_listed_and_every_listed_setting_exists() -> None:
    listed = set(re.findall(r"STREAMAGENTS_([A-Z_]+)", README))
    assert listed == {name.upper() for name in Settings.model_fields}
