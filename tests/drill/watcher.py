"""The watcher: asks pages and alerts twice a second, and knows since when each says what."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.prometheus import Prometheus

T = TypeVar("T")
_LOOK_S = 0.5
_ANSWER_S = 2.0
SILENT = "silent"
"""What a page says that does not answer."""
_READY = {200: "ready", 503: "not ready"}


class Watcher:
    """Who says what about some processes since when. Times are monotonic seconds."""

    def __init__(self, prometheus: Prometheus, pages: dict[str, int]) -> None:
        self._prometheus, self._pages = prometheus, pages
        self._told: dict[str, list[tuple[float, str]]] = {}
        """By whom, each change of what they say."""
        self._alerts: dict[tuple[str, str], list[tuple[float, bool]]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            asked = [
                asyncio.to_thread(self._page, name, port) for name, port in self._pages.items()
            ]
            await asyncio.gather(*asked, asyncio.to_thread(self._firing))
            await asyncio.sleep(_LOOK_S)

    def alerts_of(self, name: str) -> list[str]:
        """Which alerts ever fired about a process."""
        return sorted({alert for (alert, of), told in self._alerts.items() if of == name and told})

    def words_of(self, name: str) -> list[str]:
        """All that its `/health` ever said."""
        return [word for _, word in self._told.get(f"{name}/health", [])]

    def says(self, name: str, page: str, *words: str, since: float) -> float | None:
        """Seconds until a page said one of these words."""
        return first(self._told.get(name + page, []), lambda word: word in words, since)

    def fires(self, name: str, alert: str, *, since: float, on: bool = True) -> float | None:
        """Seconds until an alert fired about a process, or ended."""
        return first(self._alerts.get((alert, name), []), lambda fires: fires is on, since)

    def _page(self, name: str, port: int) -> None:
        code, body = _get(port, "/health")
        status = SILENT
        if code:
            with suppress(ValueError, KeyError):
                status = json.loads(body)["status"]
        self._tell(f"{name}/health", status)
        self._tell(f"{name}/ready", _READY.get(_get(port, "/ready")[0], SILENT))

    def _tell(self, who: str, word: str) -> None:
        told = self._told.setdefault(who, [])
        if not told or told[-1][1] != word:
            told.append((time.monotonic(), word))

    def _firing(self) -> None:
        try:
            labels = self._prometheus.firing()
        except (OSError, ValueError):
            return  # it is asked again
        now = time.monotonic()
        firing = {(one["alertname"], _of(one)) for one in labels}
        for at in firing - self._alerts.keys():
            self._alerts[at] = []
        for at, told in self._alerts.items():
            if (told[-1][1] if told else False) is not (at in firing):
                told.append((now, at in firing))


def _of(labels: dict[str, str]) -> str:
    return labels.get("job", "").removeprefix("streamagents-")


def first(told: list[tuple[float, T]], holds: Callable[[T], bool], since: float) -> float | None:
    """Seconds from a moment until something held; 0 if it did already."""
    before = [word for at, word in told if at <= since][-1:]
    if before and holds(before[0]):
        return 0.0
    return next((at - since for at, word in told if at > since and holds(word)), None)


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_ANSWER_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()
    except OSError:
        return 0, ""
