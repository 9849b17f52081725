"""The article's registry, plain classes whose `run(self, event)` takes a dict, runs unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from streamagents.agents import Registry, build_registry

# What the article shows, and nothing of ours: no base class, no decorator, no model, no context.


class LeadEnrichmentAgent:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def run(self, event):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as printed
        self.seen.append(f"enrich {event['email']}")


class RecoveryAgent:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def run(self, event):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as printed
        self.seen.append(f"recover {event['customer_id']} of {event['amount']}")


class MonitoringAgent:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def run(self, event):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as printed
        self.seen.append(f"monitor {event['text']}")


class OnboardingAgent:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def run(self, event: dict[str, Any]) -> None:
        self.seen.append(f"onboard {event['email']}")


class FallbackAgent:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def run(self, event: dict) -> None:  # type: ignore[type-arg]
        self.seen.append(f"fallback {sorted(event)}")


EVENTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("new_lead", {"email": "ana@acme.io"}, "enrich ana@acme.io"),
    ("payment_failed", {"customer_id": "c1", "amount": 49}, "recover c1 of 49"),
    ("mention", {"text": "nice"}, "monitor nice"),
    ("form_submit", {"email": "bo@acme.io"}, "onboard bo@acme.io"),
    ("refund_requested", {"order": 1, "why": "late"}, "fallback ['order', 'why']"),
)


@pytest.fixture
def registry() -> Registry:
    agent_registry = {
        "new_lead": LeadEnrichmentAgent(),
        "payment_failed": RecoveryAgent(),
        "mention": MonitoringAgent(),
        "form_submit": OnboardingAgent(),
    }
    return build_registry(agent_registry, fallback=FallbackAgent())


def test_the_articles_registry_is_accepted_as_it_is(registry: Registry) -> None:
    assert {type_: r.name for type_, r in registry.agents.items()} == {
        "new_lead": "LeadEnrichmentAgent",
        "payment_failed": "RecoveryAgent",
        "mention": "MonitoringAgent",
        "form_submit": "OnboardingAgent",
    }
    for registration in (*registry.agents.values(), registry.fallback):
        assert registration.model is None
        assert registration.is_async
        assert not registration.wants_context
    assert {r.event.topic for r in registry.agents.values()} == set(registry.agents)


@pytest.mark.parametrize(("type_", "data", "done"), EVENTS, ids=lambda value: str(value)[:20])
async def test_each_agent_gets_the_plain_data_of_its_own_type(
    registry: Registry, type_: str, data: dict[str, Any], done: str
) -> None:
    registration = registry.for_type(type_) or registry.fallback
    await registration.run(data)
    everything = (*registry.agents.values(), registry.fallback)
    assert [seen for r in everything for seen in r.route.agent.seen] == [done]
    assert registration.route.agent.seen == [done]
