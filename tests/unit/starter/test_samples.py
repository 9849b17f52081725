"""The sample events: what they are made of, and that they come out as they say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streamagents import Reject
from streamagents.agents import build_registry
from streamagents.errors import UndecodableError
from streamagents.events import decode
from streamagents.events.wire import parse
from streamagents.starter.events import PaymentFollowUp
from streamagents.starter.registry import AGENT_REGISTRY, EMITS, FALLBACK
from streamagents.starter.samples import Sample, sample_events
from streamagents.testing import FakeContext

if TYPE_CHECKING:
    from streamagents.events import Event

SAMPLES = sample_events("run1")
REGISTRY = build_registry(AGENT_REGISTRY, fallback=FALLBACK, emits=EMITS)
FAILURES = {
    "payment-poison": ValueError,
    "form-rejected": Reject,
    "broken-bytes": UndecodableError,
    "wrong-shape": ValueError,
}


async def emitted(sample: Sample) -> list[Event]:
    """What the runtime would make of a sample, without Kafka."""
    data = parse(decode(sample.value, sample.headers).data)
    registration = REGISTRY.for_type(sample.type) or REGISTRY.fallback
    model, ctx = registration.model, FakeContext(type=sample.type)
    await registration.run(data if model is None else model.model_validate(data), ctx)
    return ctx.emitted


def test_a_run_has_samples_of_every_kind() -> None:
    assert Counter(sample.expect for sample in SAMPLES) == {
        "processed": 44, "duplicate": 5, "dead_lettered": 4, "fallback": 1,
    }  # fmt: skip
    assert Counter(sample.via for sample in SAMPLES)["inbox"] == 10
    assert sum(sample.key is None for sample in SAMPLES) >= 8


def test_every_type_travels_in_all_four_forms() -> None:
    seen = {
        (sample.type, decode(sample.value, sample.headers).form)
        for sample in SAMPLES
        if sample.via == "typed" and sample.name != "broken-bytes"
    }
    forms = ("binary", "structured", "envelope", "bare")
    # A follow-up is the recovery agent's note to itself: nobody else sends one.
    sent = AGENT_REGISTRY.keys() - {"payment_follow_up"}
    assert {(type_, form) for type_ in sent for form in forms} <= seen


def test_the_run_id_alone_makes_the_difference() -> None:
    assert sample_events("run1") == SAMPLES
    ids = {sample.id for sample in SAMPLES}
    assert not ids & {sample.id for sample in sample_events("run2")}
    assert all(id_.startswith("run1-") for id_ in ids)


def test_a_duplicate_has_the_bytes_and_the_identity_of_an_earlier_sample() -> None:
    firsts = {s.id: s for s in SAMPLES if s.expect != "duplicate"}
    assert len(firsts) == len(SAMPLES) - 5
    for again in SAMPLES[len(firsts) :]:
        first = firsts[again.id]
        assert (again.source, again.value, again.headers) == (
            first.source, first.value, first.headers,
        )  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_says_its_id_and_source_in_its_record(sample: Sample) -> None:
    envelope = decode(sample.value, sample.headers)
    named = envelope.id or parse(envelope.data)["id"]
    assert (named, envelope.source) == (sample.id, sample.source)
    assert sample.via == "typed" or envelope.type == sample.type


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_a_sample_comes_out_as_it_says(sample: Sample) -> None:
    if sample.expect == "dead_lettered":
        with pytest.raises(FAILURES[sample.name]):
            await emitted(sample)
    else:
        # A follow-up is a note, no result: what comes of it says who decided.
        results = [e for e in await emitted(sample) if not isinstance(e, PaymentFollowUp)]
        assert results
        assert all(event.model_dump()["provider"] == "rules" for event in results)
