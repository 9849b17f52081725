"""A real Prometheus and its promtool, from Debian's package, unpacked and not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from streamagents.devkit.sockets import free_port
from support import wait_until
from support.tools import one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_START_S = 30.0
_STOP_S = 10.0
_ASK_S = 10.0
_UNPACKED = Path("/var/tmp/streamagents-prometheus")  # kept, as the broker's jars are


@dataclass(frozen=True, kw_only=True)
class Prometheus:
    """How to ask it."""

    url: str
    log: Path

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an instant query: each with `metric` and `value`."""
        result = self._get("query", query=expr)["result"]
        assert isinstance(result, list), f"{expr} is no query of series: {result}"
        return result

    def history(self, expr: str, seconds: float, step_s: float = 1.0) -> list[dict[str, Any]]:
        """The series of a query over the last seconds: each with `metric` and `values`."""
        now = time.time()
        asked = {"start": now - seconds, "end": now, "step": step_s}
        told = {name: str(value) for name, value in asked.items()}
        result: list[dict[str, Any]] = self._get("query_range", query=expr, **told)["result"]
        return result

    def firing(self, alert: str = "") -> list[dict[str, str]]:
        """The labels of the alerts that fire, of this name or of all."""
        found = [one for one in self._get("alerts")["alerts"] if one["state"] == "firing"]
        labels: list[dict[str, str]] = [one["labels"] for one in found]
        return [one for one in labels if alert in {"", one["alertname"]}]

    def texts(self) -> list[str]:
        """What a person is told by the alerts that are pending or firing."""
        alerts = self._get("alerts")["alerts"]
        return [text for alert in alerts for text in alert["annotations"].values()]

    def reached(self) -> dict[str, str]:
        """By address, how the last look at each target ended: up, down, unknown."""
        targets = self._get("targets", state="active")["activeTargets"]
        return {target["labels"]["instance"]: target["health"] for target in targets}

    def rules(self) -> dict[str, str]:
        """By alert, what became of its last evaluation: ok, or why it could not be."""
        groups = self._get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return {rule["name"]: rule.get("lastError") or rule["health"] for rule in rules}

    def _get(self, what: str, **asked: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{what}?{urlencode(asked)}", timeout=_ASK_S) as answer:
            return json.load(answer)["data"]


@contextmanager
def running_prometheus(
    folder: Path,
    targets: Mapping[str, Sequence[str]],
    *,
    rules: Sequence[Path] = (),
    interval_s: float = 1.0,
) -> Iterator[Prometheus]:
    """Run one.

    Args:
        folder: for its data.
        targets: by the name of a job, addresses to scrape.
        rules: files of alerts.
        interval_s: between two scrapes, and between two evaluations.
    """
    program = tool("prometheus")
    interval = f"{round(interval_s * 1000)}ms"
    told = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
            for job, addresses in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(told))
    port = free_port()
    log = folder / "prometheus.log"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "tsdb",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *(f"--{name}={value}" for name, value in options.items())],
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    asked = Prometheus(url=f"http://127.0.0.1:{port}", log=log)
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(asked.url), _START_S)
        assert process.poll() is None, log.read_text()
        yield asked
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def promtool(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(
        [tool("promtool"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def tool(name: str) -> Path:
    """`prometheus` or `promtool`; skipped where there is none, but not in CI."""
    installed = shutil.which(name)
    if installed:
        return Path(installed)
    with one_at_a_time("debian"):
        unpacked = _unpacked() / "usr/bin" / name
    if unpacked.exists():
        return unpacked
    if os.environ.get("CI"):
        pytest.fail("Prometheus is not installed, and Debian's package could not be had")
    pytest.skip("Prometheus is not installed: apt-get install prometheus")


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/-/ready", timeout=_ASK_S) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _unpacked(folder: Path = _UNPACKED) -> Path:
    """Where Debian's package lies, if it could be had."""
    if folder.exists() or not shutil.which("apt-get") or not shutil.which("dpkg"):
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
        if not _downloaded(Path(fresh)) and os.geteuid() == 0:
            _run("apt-get", "-qq", "update", cwd=fresh)  # its lists may be missing or old
        if _downloaded(Path(fresh)):
            (package,) = Path(fresh).glob("*.deb")
            whole = Path(fresh) / "whole"
            if _run("dpkg", "-x", package, whole, cwd=fresh):
                with suppress(OSError):  # another run of the tests was faster
                    whole.rename(folder)
    return folder


def _downloaded(folder: Path) -> bool:
    if not list(folder.glob("*.deb")):
        _run(
            "apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "prometheus", cwd=folder
        )
    return bool(list(folder.glob("*.deb")))


def _run(*command: str | Path, cwd: str | Path) -> bool:
    done = subprocess.run(command, check=False, capture_output=True, cwd=cwd, timeout=300)
    return done.returncode == 0
