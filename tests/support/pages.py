"""A worker's pages, as Prometheus, a probe or an operator asks for them."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from support.workers import Fleet

_TOP = re.compile(r"event='web_listens' host='127.0.0.1' port=(\d+)")


def port_of(fleet: Fleet, number: int = -1) -> int:
    """Where a worker of the fleet listens, by the order in which they were started."""
    return int(_TOP.findall(fleet.log.read_text())[number])


def get(port: int, path: str, timeout_s: float = 5.0) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


def health(port: int) -> dict[str, Any]:
    """What `/health` says, whatever its status."""
    said: dict[str, Any] = json.loads(get(port, "/health")[1])
    return said


class Scrape:
    """What `/metrics` said once."""

    def __init__(self, port: int) -> None:
        status, self.text = get(port, "/metrics")
        assert status == 200
        self.families = {f.name: f for f in text_string_to_metric_families(self.text)}

    def value(self, name: str, **labels: str) -> float:
        """One of ours; the sum of all series that have these labels."""
        return sum(
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == f"streamagents_{name}" and labels.items() <= sample.labels.items()
        )
