"""The starter app as it runs by default, in a process of its own: it reads the settings once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.commands import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import json
from streamagents.starter.app import app
print(json.dumps({
    "channels": sorted(app.channels),
    "slack": sorted({r.route.agent.team.slack for r in app.registry.agents.values()}),
    "fallback": app.registry.fallback.route.agent.team.slack,
    "types": sorted(app.registry.agents),
    "woken": sorted(app.ticking),
}))
"""


def started(folder: Path, **settings: str) -> dict[str, Any]:
    env = {"PYTHONPATH": str(CHECKOUT), "STREAMAGENTS_DATA_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=env | {f"STREAMAGENTS_{name}": value for name, value in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=folder,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_without_settings_the_team_is_reached_by_the_log(tmp_path: Path) -> None:
    told = started(tmp_path)
    assert told == {
        "channels": ["database", "log"],
        "slack": [False],
        "fallback": False,
        "types": [
            "broken_link", "competitor_post", "form_submit", "mention", "new_lead",
            "payment_failed", "payment_follow_up", "payment_succeeded", "reminder",
        ],
        "woken": [],
    }  # fmt: skip


def test_the_settings_name_monitors_and_somebody_learns_of_those_that_fail(tmp_path: Path) -> None:
    monitors = {
        "betasoft": {"kind": "feed", "url": "https://beta.example/feed"},
        "site": {"kind": "sitemap", "url": "https://nordwind.example/sitemap.xml"},
    }
    told = started(tmp_path, MONITORS=json.dumps(monitors))

    assert told["woken"] == ["betasoft", "site"]
    assert "monitor_failing" in told["types"]


@pytest.mark.parametrize(
    "setting",
    [
        {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/x"},
        {"SLACK_WEBHOOKS": '{"reviews": "https://hooks.slack.com/services/x"}'},
    ],
)
def test_with_a_webhook_all_of_them_write_to_slack(setting: dict[str, str], tmp_path: Path) -> None:
    told = started(tmp_path, **setting)
    assert told["channels"] == ["database", "log", "slack"]
    assert (told["slack"], told["fallback"]) == ([True], True)
