"""Up or down: when enough looks agree that it has changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamagents.monitors.dates import moment
from streamagents.net.encoding import decode

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from streamagents.net import Reply


def fault_of(reply: Reply, expect: Container[int], contains: str) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if reply.status not in expect:
        return f"It answers with {reply.status}."
    if contains not in decode(reply.body, reply.headers.get("Content-Type", "")):
        return f"It does not say {contains[:100]!r}."
    return ""


def judge(
    memory: dict[str, Any], reason: str, now: datetime, confirm: int
) -> dict[str, Any] | None:
    """What has changed, once enough looks agree; the memory takes note of each.

    Args:
        memory: `state`, `since`, and while something else is seen `other` times and `other_since`.
        reason: what is wrong now; empty if nothing is.
        now: the moment.
        confirm: so many looks.
    """
    state = "down" if reason else "up"
    if state == memory.get("state", "up") and "state" in memory:
        memory.pop("other", None)
        memory.pop("other_since", None)
        return None
    since = memory.setdefault("other_since", now.isoformat())
    memory["other"] = memory.get("other", 0) + 1
    if memory["other"] < confirm and (reason or "state" in memory):
        return None
    before, began = memory.get("state"), moment(memory.get("since"))
    memory.clear()
    memory.update(state=state, since=since)
    if before is None and state == "up":
        return None
    lasted_s = round((now - began).total_seconds()) if began else None
    return {"state": state, "since": since, "reason": reason or None, "lasted_s": lasted_s}
