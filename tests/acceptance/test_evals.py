"""`make evals` as a person runs it: without a key, with one, and from what was recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from support.commands import CHECKOUT
from support.messages_api import MessagesApi, fails, says

if TYPE_CHECKING:
    from pathlib import Path

    from support.messages_api import Asked, Reply

VIEW = {
    "sentiment": "negative", "angry": False, "urgency": "low", "language": "en",
    "reasons": ["It complains."], "draft": "Sorry!",
}  # fmt: skip


def evals(folder: Path, *arguments: str, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "evals", "--agent", "monitoring", *arguments],
        env={"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}", **settings},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        cwd=folder,
    )
    return done.stdout


def scores(folder: Path, **settings: str) -> dict[str, dict[str, Any]]:
    told = json.loads(evals(folder, "--json", **settings))["scores"]
    return {score["provider"]: score for score in told}


def test_without_a_key_the_rules_run_and_the_rest_is_said_to_be_left_out(tmp_path: Path) -> None:
    told = evals(tmp_path)
    assert "monitoring  rules" in told
    assert "replay was not run" in told
    assert "anthropic was not run" in told


def test_a_model_is_measured_and_what_it_said_is_measured_again_for_nothing(tmp_path: Path) -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Reply:
        asked.append(request)
        busy = len(asked) == 1
        return fails(429, headers={"retry-after": "0"}) if busy else says(json.dumps(VIEW))

    recordings = {"STREAMAGENTS_LLM_RECORDINGS": str(tmp_path / "answers.jsonl")}
    with MessagesApi(answer) as api:
        with_key = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": api.url}
        live = scores(tmp_path, STREAMAGENTS_LLM_RECORD="1", **with_key, **recordings)
    again = scores(tmp_path, **recordings)
    assert live.keys() == {"rules", "anthropic"}
    assert again.keys() == {"rules", "replay"}
    assert live["anthropic"]["errors"] == 0
    assert len(asked) == live["anthropic"]["cases"] + 1
    assert 0 < live["anthropic"]["usd"] < 1
    for figure in ("tune", "held", "usd"):
        assert again["replay"][figure] == live["anthropic"][figure]
