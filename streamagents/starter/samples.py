"""Sample events for the demo, as plain data: what they are, how they travel, what becomes of them.

They are what several senders with several habits would write: the four wire forms, with and
without a key, through typed topics and through the inbox, twice, broken, or of a type unknown.
No agent knows of them. The same run id gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_json

from streamagents.starter.registry import AGENT_REGISTRY
from streamagents.starter.stories import KEYS, STORIES, Form, Story

if TYPE_CHECKING:
    from streamagents.events import Headers

Expect = Literal["processed", "duplicate", "dead_lettered", "fallback"]

SOURCE = "streamagents/demo"
"""The `ce_source` of the samples that are CloudEvents. Envelopes and bare data name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One record to be sent, and what is to become of it."""

    name: str
    type: str
    via: Literal["typed", "inbox"]
    """The topic of its type, or `streamagents.inbox`."""
    id: str
    source: str
    """With the id what identifies the event; empty where the sender names none."""
    key: bytes | None
    value: bytes
    headers: Headers
    expect: Expect
    note: str


DUPLICATES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("lead-hot", {}, "A sender that got no answer in time sends again, byte for byte."),
    ("payment-card", {}, "The payment provider delivers its webhook twice."),
    ("mention-happy", {"key": None}, "The same event again, by a client that sets no key."),
    ("form-team", {"via": "inbox"}, "The same event again, by way of the inbox."),
    ("lead-bare", {}, "Bare data names its id in a field: the second one is a duplicate, too."),
)
"""The sample that is sent again, what differs in its record, and why that happens."""


def sample_events(run_id: str) -> list[Sample]:
    """The samples of one run, in sending order: every id begins with the run id."""
    firsts = [_sample(story, run_id) for story in STORIES]
    by_name = {sample.name: sample for sample in firsts}
    again = [
        replace(by_name[name], name=f"{name}-again", expect="duplicate", note=note, **differs)
        for name, differs, note in DUPLICATES
    ]
    return firsts + again


def _sample(story: Story, run_id: str) -> Sample:
    id_ = f"{run_id}-{story.name}"
    value, headers = _write(story, id_)
    return Sample(
        name=story.name,
        type=story.type,
        via=story.via,
        id=id_,
        source=SOURCE if story.form in {"binary", "structured"} else "",
        key=_key(story),
        value=value,
        headers=headers,
        expect=_expect(story),
        note=story.note,
    )


def _write(story: Story, id_: str) -> tuple[bytes, Headers]:
    """The record's value and headers, as a sender of this habit writes them."""
    attributes = {"specversion": "1.0", "id": id_, "source": SOURCE, "type": story.type}
    writers: dict[Form, tuple[Any, Headers]] = {
        "binary": (
            story.data,
            (
                *((f"ce_{name}", text.encode()) for name, text in attributes.items()),
                ("content-type", b"application/json"),
            ),
        ),
        "structured": (
            {**attributes, "datacontenttype": "application/json", "data": story.data},
            (("content-type", b"application/cloudevents+json; charset=UTF-8"),),
        ),
        "envelope": ({"id": id_, "type": story.type, "data": story.data}, ()),
        "bare": ({"id": id_, **story.data}, ()),
    }
    content, headers = writers[story.form]
    return story.raw if story.raw is not None else to_json(content), headers


def _key(story: Story) -> bytes | None:
    value = story.data.get(KEYS.get(story.type, "")) if story.keyed else None
    return None if value is None else str(value).encode()


def _expect(story: Story) -> Expect:
    if story.fails:
        return "dead_lettered"
    return "processed" if story.type in AGENT_REGISTRY else "fallback"
