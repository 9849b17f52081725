"""Stories of rounds in which every promise is kept, each small enough to be spoiled by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chaos.rules_steps import STEPS
from chaos.shapes import ACTIONS, AUDIT, FOLLOW, LETTERS, NUMBER, REMIND, Act, Expected, Sent
from chaos.story import KEY, Story, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable


def of_orders() -> Story:
    """Three orders of one key: the first goes well and is followed, the second fails, the third
    goes well. A fourth was sent in an aborted transaction.
    """
    story = Story()
    for e, fate in enumerate(("done", "failed", "done", "never")):
        story.order(e, fate, follow=e == 0, mode="fail" if fate == "failed" else "ok")
    story.well(0, "1-0", 10.0)
    story.well(FOLLOW, "1-1", 11.0, agent="Follower", topic="follow")
    for attempt in (1, 2, 3):
        story.run(1, f"1-f{attempt}", 11.0 + attempt, 11.5 + attempt, "fail", attempt=attempt)
    story.well(2, "1-2", 15.0)
    story.receipt(0, "1-0")
    emitted(story, "follow", FOLLOW, "1-0")
    story.receipt(FOLLOW, "1-1")
    story.letter(1)
    story.receipt(2, "1-2")
    return story


def of_steps() -> Story:
    """An order of three steps; the first attempt fails after the second of them."""
    story = Story()
    story.order(0, steps=True, mode="once")
    story.run(0, "1-0", 10.0, 10.7, "fail")
    tokens = [
        story.pay(0, "1-0", "look", 10.1, 10.2),
        story.pay(0, "1-0", "think", 10.3, 10.4),
        story.pay(0, "1-1", "write", 12.1, 12.2),
    ]
    story.well(0, "1-1", 12.0, attempt=2)
    story.receipt(0, "1-1", tokens=tokens)
    assert len(tokens) == len(STEPS)
    return story


def of_state() -> Story:
    """Three orders of one key that are counted, and at the end the question what was."""
    story = Story()
    for e in range(3):
        story.order(e, count=True)
        story.well(e, f"1-{e}", 10.0 + e)
        story.receipt(e, f"1-{e}", n=e + 1, odd=e % 2 == 1)
    audit = Expected(e=AUDIT, topic="order", key=KEY, fate="done", parts=1, audit=True)
    sent = Sent(
        n=3,
        e=AUDIT,
        at=0.0,
        topic="order",
        key=KEY,
        value="{}",
        headers=((NUMBER, "3"),),
        partition=None,
    )
    story.plan.events.append(audit)
    story.plan.audits.append(sent)
    story.acknowledged.add(3)
    story.record("order", value="{}", headers=sent.headers)
    story.well(AUDIT, "1-a", 20.0)
    story.receipt(AUDIT, "1-a", n=3, odd=True)
    return story


def of_waits() -> Story:
    """An order with a reminder for two seconds later, and one that waits for half a minute."""
    story = Story()
    story.order(0, later=2.0)
    story.well(0, "1-0", 10.0)
    story.receipt(0, "1-0")
    emitted(story, "reminder", REMIND, "1-0", {"streamagents-not-before": rfc3339(12.1)})
    story.well(REMIND, "1-1", 12.2, agent="Minder", topic="reminder")
    story.receipt(REMIND, "1-1")
    story.order(1, wait=33.0, key="k2")
    wait(story, 1, "1-2", 20.0, 33.0)
    story.well(1, "1-3", 53.3, key="k2")
    story.receipt(1, "1-3", key="k2")
    return story


def of_effects() -> Story:
    """Two orders of one key with an effect for each channel, and one whose effect fails."""
    story = Story()
    story.order(0, acts=(Act(channel="keyed", name="first"), Act(channel="asked")))
    story.order(1, acts=(Act(channel="loose"), Act(channel="careful", name="first")))
    story.order(2, acts=(Act(channel="keyed", mode="fail"),))
    for e in range(3):
        story.well(e, f"1-{e}", 10.0 + e)
        story.receipt(e, f"1-{e}")
    decide(story, "order-0/first", "keyed")
    decide(story, "order-0/act-1", "asked")
    decide(story, "order-1/act-1", "loose")
    decide(story, "order-1/first", "careful")
    decide(story, "order-2/act-1", "keyed")
    send(story, "order-0/first", "keyed", 11.0)
    send(story, "order-0/act-1", "asked", 11.0)
    send(story, "order-1/act-1", "loose", 12.0)
    send(story, "order-1/first", "careful", 12.0)
    for attempt in (1, 2, 3):
        send(story, "order-2/act-1", "keyed", 40.0 + attempt, "fail", attempt=attempt)
    give_up(story, "order-2/act-1", "keyed", "failed")
    return story


TALES: dict[str, Callable[[], Story]] = {
    "orders": of_orders,
    "steps": of_steps,
    "state": of_state,
    "waits": of_waits,
    "effects": of_effects,
}


def emitted(
    story: Story, topic: str, e: int, run: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """An event that a run emitted."""
    all_headers = {"ce_id": f"{run}-{topic}", **(headers or {})}
    value = json.dumps({"who": KEY, "e": e, "run": run})
    return story.record(topic, value=value, headers=all_headers.items())


def wait(story: Story, e: int, name: str, start: float, seconds: float, *, key: str = "k2") -> None:
    """A run that asks to be tried again later."""
    story.run(e, name, start, start + 0.1, "wait", key=key)
    line = next(line for line in story.lines if line["run"] == name and line["what"] == "wait")
    line["until"] = line["wall"] - 0.1 + seconds


def decide(story: Story, id_: str, channel: str, *, key: str = KEY) -> dict[str, Any]:
    """An effect in the outbox."""
    headers = {
        "ce_id": id_,
        "ce_type": f"streamagents.action.{channel}",
        "streamagents-app": "chaos",
    }
    return story.record(ACTIONS, value="{}", key=key, headers=headers.items())


def send(
    story: Story,
    id_: str,
    channel: str,
    t: float,
    how: str = "over",
    *,
    pid: int = 1,
    attempt: int = 1,
    interrupted: bool = False,
) -> None:
    """One sending: `over`, `fail`, `effect` for one that happened and said no more, or `begin`."""
    common = {"channel": channel, "id": id_, "pid": pid}
    told = {**common, "attempt": attempt, "interrupted": interrupted}
    story.world.append({"what": "begin", "t": t, "key": KEY, **told})
    if how in {"over", "effect"}:
        happened = {"what": "effect", "t": t + 0.1, "idempotency": f"uuid {id_}", **told}
        story.world.append(happened)
    if how in {"over", "fail", "cancel"}:
        story.world.append({"what": how, "t": t + 0.2, **told})


def give_up(story: Story, id_: str, channel: str, code: str, attempts: str = "3") -> None:
    """The dead letter of an effect."""
    headers = {
        "ce_id": id_,
        "ce_type": f"streamagents.action.{channel}",
        "streamagents-error-code": code,
        "streamagents-attempts": attempts,
    }
    story.record(ACTIONS + LETTERS, value="{}", headers=headers.items())
