"""A small world for the demo: sites that have news, a webhook, a file, a schedule; and our ears.

As with the samples, no agent knows of it. All of a run goes by the run's id.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from pydantic_core import to_json

from streamagents.monitors import FeedMonitor, LinkMonitor, PageMonitor, RedditMonitor
from streamagents.starter import pages
from streamagents.starter.events import BrokenLink, CompetitorPost, Mention, NewLead
from streamagents.starter.reminder import Reminder
from streamagents.starter.watching import MONITOR_DEFAULTS
from streamagents.triggers import Folder, Schedule
from streamagents.triggers.hooks.config import HookConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from streamagents.ports import Trigger

SITES = ("betasoft", "forum", "acme")
"""A competitor's, one where people talk, and ours."""
_EVERY_S = 2.0
_SETTLE_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """One way in which events come in, and how many it is to bring."""

    name: str
    source: str
    """The `ce_source` of its events."""
    type: str
    """The type of its events."""
    events: int
    id: str | None = None
    """The only id of its events that is ours, where others hear by the same source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request to the gateway."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    status: int
    """What it is to be answered with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What happens during one run, and what listens to it."""

    ears: Sequence[Ear]
    triggers: Sequence[Trigger]
    hooks: Mapping[str, HookConfig]
    """For the settings."""
    sites: Mapping[str, Mapping[str, pages.Page]]
    """By name, by path."""
    posts: Sequence[Post]
    files: Mapping[str, bytes]
    """What is dropped into the folder, by name."""


def world(run_id: str, urls: Mapping[str, str], folder: Path) -> World:
    """The world of a run.

    Args:
        run_id: names its monitors, and ends up in every id.
        urls: of the sites, each without a slash at its end.
        folder: that is watched.
    """
    secret = f"whsec-demo-{run_id}"
    event_id = f"evt_{run_id}"
    webhook = to_json(_invoice(event_id))
    return World(
        ears=_ears(run_id, event_id),
        triggers=_triggers(run_id, urls, folder),
        hooks={"stripe": HookConfig(preset="stripe", secret=(SecretStr(secret),))},
        sites={
            "betasoft": pages.competitor(run_id),
            "forum": pages.forum(run_id),
            "acme": pages.ours(urls["acme"]),
        },
        posts=(
            _signed(webhook, secret, status=202),
            _signed(webhook, secret, status=202),  # Stripe got no answer in time: the same again
            _signed(webhook, "whsec-of-somebody-else", status=401),
        ),
        files={f"leads-{run_id}.csv": _LEADS},
    )


def _ears(run_id: str, event_id: str) -> tuple[Ear, ...]:
    def monitor(name: str, type_: str, events: int) -> Ear:
        return Ear(name=name, source=f"monitor/{name}-{run_id}", type=type_, events=events)

    return (
        monitor("feed", "competitor_post", 2),
        monitor("page", "competitor_post", 1),
        monitor("listing", "mention", 2),
        monitor("links", "broken_link", 1),
        Ear(name="webhook", source="hooks/stripe", type="payment_failed", events=2, id=event_id),
        Ear(name="file", source=f"files/{run_id}", type="new_lead", events=2),
        Ear(name="cron", source=f"cron/cron-{run_id}", type="reminder", events=1),
    )


def _triggers(run_id: str, urls: Mapping[str, str], folder: Path) -> tuple[Trigger, ...]:
    blog, forum, ours = urls["betasoft"], urls["forum"], urls["acme"]

    def heard(kind: str, model: Any, **more: str) -> dict[str, Any]:
        fields = {**MONITOR_DEFAULTS[kind].fields, **more}
        return {"to": model, "fields": fields, "every_s": _EVERY_S}

    company = {"company": "'Betasoft'"}
    return (
        FeedMonitor(f"feed-{run_id}", f"{blog}/feed", **heard("feed", CompetitorPost, **company)),
        PageMonitor(
            f"page-{run_id}",
            f"{blog}/prices",
            select="main",
            **heard("page", CompetitorPost, **company),
        ),
        RedditMonitor(
            f"listing-{run_id}",
            subreddit="acme",
            via="json",
            base=forum,
            **heard("reddit", Mention, brand="'Acme'"),
        ),
        LinkMonitor(f"links-{run_id}", f"{ours}/sitemap.xml", **heard("links", BrokenLink)),
        Folder(run_id, folder, to=NewLead, patterns=["*.csv"], done="done", settle_s=_SETTLE_S),
        Schedule(
            f"cron-{run_id}",
            "* * * * *",
            event=Reminder(channel="sales", text="Call the leads of today."),
            first="latest",
        ),
    )


def _signed(body: bytes, secret: str, *, status: int) -> Post:
    """As Stripe signs: https://docs.stripe.com/webhooks#verify-manually."""
    now = int(time.time())
    signature = hmac.digest(secret.encode(), b"%d.%b" % (now, body), "sha256").hex()
    headers = {"stripe-signature": f"t={now},v1={signature}", "content-type": "application/json"}
    return Post(path="/hooks/stripe", headers=headers, body=body, status=status)


def _invoice(event_id: str) -> dict[str, Any]:
    invoice = {
        "id": "in_1042",
        "object": "invoice",
        "customer": "cus_1042",
        "customer_email": "rosa@blumen-winter.example",
        "customer_name": "Rosa Winter",
        "amount_due": 4900,
        "amount_remaining": 4900,
        "attempt_count": 1,
        "currency": "eur",
        "payment_intent": {
            "last_payment_error": {
                "decline_code": "insufficient_funds",
                "message": "Your card has insufficient funds.",
            }
        },
    }
    return {
        "id": event_id,
        "object": "event",
        "type": "invoice.payment_failed",
        "data": {"object": invoice},
    }


_LEADS = b"""email,name,company,employees,message
k.adeyemi@lagos-freight.example,Kemi Adeyemi,Lagos Freight,340,We need a demo this week.
p.novak@example.org,Petr Novak,,,Just looking around.
"""
