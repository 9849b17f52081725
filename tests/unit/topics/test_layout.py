"""Which topics an application has, and what is to be done about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamagents.events import Event
from streamagents.topics import ActualTopic, Layout, TopicSpec, plan, state_table


class Paid(Event, topic="paid", key="invoice", id="invoice"):
    invoice: str


class Seen(Event, topic="seen", partitions=12):
    pass


LAYOUT = Layout(prefix="eu.", partitions=6, replication=3)
WANTED = LAYOUT.typed(Paid.event_type)


def actual(spec: TopicSpec, **changes: str) -> dict[str, ActualTopic]:
    config = {**spec.config, "segment.ms": "1", **changes}
    return {spec.name: ActualTopic(name=spec.name, partitions=spec.partitions, config=config)}


def test_the_prefix_covers_every_topic() -> None:
    typed = LAYOUT.typed(Paid.event_type)
    specs = [typed, LAYOUT.letters(typed), LAYOUT.inbox(), LAYOUT.changelog("eu.crm", 6)]

    assert [spec.name for spec in specs] == [
        "eu.paid",
        "eu.paid.dlq",
        "eu.streamagents.inbox",
        "eu.crm-state-p6-changelog",
    ]


def test_a_model_may_name_its_own_number_of_partitions() -> None:
    assert (WANTED.partitions, LAYOUT.typed(Seen.event_type).partitions) == (6, 12)


def test_letters_lie_as_their_topic_does_longer_and_never_compacted() -> None:
    letters = LAYOUT.letters(LAYOUT.typed(Seen.event_type))

    assert (letters.partitions, letters.replication) == (12, 3)
    assert letters.config["cleanup.policy"] == "delete"
    assert int(letters.config["retention.ms"]) > int(WANTED.config["retention.ms"])
    assert int(letters.config["max.message.bytes"]) > int(WANTED.config["max.message.bytes"])


def test_state_is_kept_by_compaction_alone() -> None:
    changelog = LAYOUT.changelog("crm", 4)

    assert changelog.config["cleanup.policy"] == "compact"
    assert "retention.ms" not in changelog.config
    assert state_table(4) in changelog.name


def test_a_plan_says_in_words_what_orders_and_identifies() -> None:
    assert WANTED.keyed_by == "field invoice"
    assert WANTED.identified_by == "ce_id, else the envelope's id, else field invoice"
    seen = LAYOUT.typed(Seen.event_type)
    assert seen.keyed_by == "the record's key, else the event id"
    assert seen.identified_by.endswith("else the record's position")


def test_what_is_missing_is_created() -> None:
    (change,) = plan([WANTED], {})

    assert (change.action, change.spec, change.reason) == ("create", WANTED, "does not exist")


def test_what_is_in_order_is_left_alone_with_its_other_settings() -> None:
    (change,) = plan([WANTED], actual(WANTED))

    assert (change.action, change.config) == ("none", {})


def test_only_the_settings_that_differ_are_set() -> None:
    (change,) = plan([WANTED], actual(WANTED, **{"retention.ms": "5"}))

    assert (change.action, change.config) == ("configure", {"retention.ms": "604800000"})
    assert change.reason == "retention.ms is 5, not 604800000"


@pytest.mark.parametrize("partitions", [1, 5, 7])
def test_another_partition_count_is_refused_whatever_else_differs(partitions: int) -> None:
    found = actual(replace(WANTED, partitions=partitions), **{"retention.ms": "5"})

    (change,) = plan([WANTED], found)

    assert (change.action, dict(change.config)) == ("refuse", {})
    assert change.reason == f"has {partitions} partitions, the application wants 6"
