"""`POST /events`: what is taken, under which id, and what is refused in which words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from streamagents.agents.tick import Tick
from support.gateway import INBOX, Lead, TestGateway, call

if TYPE_CHECKING:
    from streamagents.testing import MemoryRecord

ANN = {"email": "ann@example.com", "company": "Nordwind"}
STRUCTURED = ("content-type", "application/cloudevents+json")
BATCH = ("content-type", "application/cloudevents-batch+json")
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def headers(record: MemoryRecord) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def event(**more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "7", "source": "/crm", "type": "lead", "data": ANN, **more
    }  # fmt: skip


async def test_an_event_is_validated_written_and_told_with_its_id() -> None:
    gateway = TestGateway()

    answer = await gateway.post("/events/lead", ANN, ("ce-id", "7"))

    (record,) = gateway.written("lead")
    assert (answer.status, answer.json) == (202, {"id": "7", "type": "lead"})
    assert (record.key, json.loads(record.value or b"")) == (b"ann@example.com", ANN)
    assert headers(record)["ce_id"] == "7"
    assert headers(record)["ce_source"] == "gateway/local"
    assert headers(record)["ce_type"] == "lead"
    assert gateway.told.answers == [("events", 202)]


async def test_without_an_id_one_is_made_and_returned() -> None:
    gateway = TestGateway()

    first = await gateway.post("/events/lead", ANN)
    second = await gateway.post("/events/lead", ANN)

    assert [headers(record)["ce_id"] for record in gateway.written("lead")] == [
        first.json["id"],
        second.json["id"],
    ]
    assert first.json["id"] != second.json["id"]


@pytest.mark.parametrize(
    ("query", "given", "id_"),
    [
        ("", (("ce-id", "a"),), "a"),
        ("", (("idempotency-key", "b"),), "b"),
        ("", (("idempotency-key", '"b"'),), "b"),
        ("?id=c", (), "c"),
        ("?id=c", (("idempotency-key", "b"), ("ce-id", "a")), "a"),
        ("", (("ce-id", "%C3%A4"),), "ä"),
    ],
)
async def test_the_sender_names_the_id_in_one_of_three_ways(
    query: str, given: tuple[tuple[str, str], ...], id_: str
) -> None:
    answer = await TestGateway().post(f"/events/lead{query}", ANN, *given)

    assert (answer.status, answer.json["id"]) == (202, id_)


async def test_else_the_models_own_id_counts() -> None:
    answer = await TestGateway().post("/events/paid", {"id": "evt_1", "customer": "ada"})

    assert answer.json["id"] == "evt_1"


async def test_a_structured_event_is_written_as_a_binary_one() -> None:
    gateway = TestGateway()

    answer = await gateway.post(
        "/events/lead", event(subject="s", time="2026-01-01T01:00:00+01:00"), STRUCTURED
    )

    (record,) = gateway.written("lead")
    assert answer.status == 202
    assert json.loads(record.value or b"") == ANN
    told = headers(record)
    assert (told["ce_id"], told["ce_subject"]) == ("7", "s")
    assert told["ce_time"] == "2026-01-01T00:00:00Z"


async def test_what_a_client_claims_to_be_stands_behind_who_it_is() -> None:
    """Ids are unique to their source: two sources of one client may both have a 7."""
    gateway = TestGateway(tokens=["crm:s3cret"])
    bearer = ("authorization", "Bearer s3cret")

    await gateway.post("/events/lead", ANN, bearer, ("ce-id", "7"), ("ce-source", "a"))
    await gateway.post("/events/lead", ANN, bearer, ("ce-id", "7"), ("ce-source", "hooks/stripe"))

    assert [headers(record)["ce_source"] for record in gateway.written("lead")] == [
        "gateway/crm/a",
        "gateway/crm/hooks/stripe",
    ]


async def test_of_the_headers_only_attributes_and_the_trace_are_written() -> None:
    gateway = TestGateway()

    await gateway.post(
        "/events/lead",
        ANN,
        ("traceparent", PARENT),
        ("ce-tenant", "nord"),
        ("cookie", "secret=1"),
        ("x-anything", "1"),
        ("streamagents-replay-count", "1"),
    )

    (record,) = gateway.written("lead")
    assert headers(record)["traceparent"] == PARENT
    assert headers(record)["ce_tenant"] == "nord"
    assert {name for name, _ in record.headers} == {
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_tenant",
        "content-type", "traceparent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "id_"),
    [('"a b"', "a b"), (r'"a\"b"', 'a"b'), ("%22a%22", '"a"'), ('a"b"', 'a"b"'), ("a%20%E2", "")],
)
async def test_an_attribute_in_a_header_may_be_quoted_and_escaped(said: str, id_: str) -> None:
    answer = await TestGateway().post("/events/lead", ANN, ("ce-id", said))

    assert answer.json.get("id", "") == id_
    assert answer.status == (202 if id_ else 400)


async def test_an_id_in_the_query_that_is_no_utf8_is_none() -> None:
    """Read with a mark for what is broken, two of them would be one."""
    answer = await TestGateway().post("/events/lead?id=%ff", ANN)

    assert answer.status == 400


async def test_a_partition_key_counts_where_the_model_names_no_field() -> None:
    gateway = TestGateway()

    await gateway.post("/events/raw", {"a": 1}, ("ce-partitionkey", "k"))

    assert [record.key for record in gateway.written("raw")] == [b"k"]


@pytest.mark.parametrize(
    ("path", "body", "given", "status"),
    [
        ("/events/nothing", ANN, (), 404),
        ("/events/lead", b"", (), 400),
        ("/events/lead", b"{", (), 400),
        ("/events/lead", b'{"email":"\xff@example.com"}', (), 400),
        ("/events/lead", b"\xef\xbb\xbf{}", (), 400),
        ("/events/raw", b'{"a": NaN}', (), 400),
        ("/events/raw", b'{"a": -Infinity}', (), 400),
        ("/events", b'{"specversion":"1.0","type":"raw","data":{"a":1e999}}', (STRUCTURED,), 400),
        ("/events/raw", b'{"a": "\\ud800"}', (), 400),
        ("/events/raw", b"[" * 100_000, (), 400),
        ("/events/raw", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, (), 400),
        ("/events/raw", b'{"a": ' + b"9" * 100_000 + b"}", (), 400),
        ("/events/raw", [1], (), 422),
        ("/events/raw", b"null", (), 422),
        ("/events/lead", {"email": "nobody"}, (), 422),
        ("/events/lead", ANN, (("content-type", "text/plain"),), 415),
        ("/events/lead", ANN, (("content-type", "application/x-www-form-urlencoded"),), 415),
        ("/events/lead", ANN, (("content-type", "application/json; charset=latin-1"),), 415),
        ("/events/lead", ANN, (("content-type", "application/json"),) * 2, 415),
        ("/events/lead", ANN, (("content-encoding", "gzip"),), 415),
        ("/events/lead", b" " * ((1 << 20) + 1), (), 413),
        ("/events/lead", ANN, (("content-length", "99999999"),), 413),
        ("/events/lead", ANN, (("ce-id", ""),), 400),
        ("/events/lead", event(id=""), (STRUCTURED,), 400),
        ("/events/lead", ANN, (("ce-id", "x" * 257),), 400),
        ("/events/lead", ANN, (("ce-id", "x" * 1_000_000),), 400),
        ("/events/lead", ANN, (("ce-id", "a%00b"),), 400),
        ("/events/lead", ANN, (("ce-id", "a%0Ab"),), 400),
        ("/events/lead", ANN, (("ce-id", "%ff"),), 400),
        ("/events/lead", ANN, (("ce-id", "a"), ("ce-id", "b")), 400),
        ("/events/lead", ANN, (("ce-type", "paid"),), 400),
        ("/events/lead", ANN, (("ce-time", "yesterday"),), 400),
        ("/events/lead", ANN, (("ce-time", "9999-12-31T23:59:59-23:00"),), 400),
        ("/events/lead", ANN, (("ce-specversion", "0.3"),), 400),
        ("/events/lead", ANN, (("ce-under_score", "1"),), 400),
        ("/events/lead", ANN, tuple((f"ce-x{n}", "1") for n in range(30)), 400),
        ("/events/lead", ANN, (("idempotency-key", "a"), ("idempotency-key", "b")), 400),
        ("/events/lead", ANN, (("idempotency-key", ""),), 400),
        ("/events/lead?id=a&id=b", ANN, (), 400),
        ("/events/lead?id=%00", ANN, (), 400),
        ("/events/paid", {"customer": "x" * 3000}, (), 400),
        ("/events/paid", {"id": "x" * 1_000_000, "customer": "ada"}, (), 400),
        ("/events/paid", {"id": "a\u0000b", "customer": "ada"}, (), 400),
        ("/events", ANN, (), 400),
        ("/events/lead", ANN, (STRUCTURED,), 400),
        ("/events/lead", event(id=["a"]), (STRUCTURED,), 400),
        ("/events/lead", event(type="paid"), (STRUCTURED,), 400),
        ("/events/lead", event(data_base64="!"), (STRUCTURED,), 400),
        ("/events/lead", event(data=None), (STRUCTURED,), 422),
        ("/events/lead", event(), (BATCH,), 400),
    ],
)
async def test_what_cannot_be_an_event_is_refused(
    path: str, body: Any, given: tuple[tuple[str, str], ...], status: int
) -> None:
    gateway = TestGateway()

    answer = await gateway.post(path, body, *given)

    assert answer.status == status, answer.body
    assert list(answer.json) == (["error", "errors"] if status == 422 else ["error"])
    assert all(gateway.written(topic) == [] for topic in ("lead", "raw", "paid", INBOX))


async def test_faults_of_fields_are_told_without_their_values() -> None:
    answer = await TestGateway().post("/events/paid", {"customer": ["marker"], "amount_minor": "m"})

    assert answer.status == 422
    assert answer.json == {
        "error": "The data is no paid.",
        "errors": [
            {"loc": ["customer"], "msg": "Input should be a valid string", "type": "string_type"},
            {
                "loc": ["amount_minor"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "type": "int_parsing",
            },
        ],
    }


async def test_of_a_key_that_is_there_twice_the_last_counts_as_in_every_reader_of_ours() -> None:
    gateway = TestGateway()

    await gateway.post("/events/paid", b'{"customer": "a", "customer": "b"}')

    (record,) = gateway.written("paid")
    assert record.key == b"b"
    assert Lead.event_type.key == "email"


async def test_a_batch_is_checked_as_a_whole_before_anything_is_written() -> None:
    gateway = TestGateway()
    good, unknown = event(), event(type="nothing", id="8")

    answer = await gateway.post("/events", [good, unknown, event(id="9", data={})], BATCH)

    assert answer.status == 404
    assert [item["status"] for item in answer.json["items"]] == [424, 404, 422]
    assert answer.json["error"] == "No event of the batch was kept."
    assert gateway.written("lead") == []


async def test_a_good_batch_goes_where_each_event_belongs() -> None:
    gateway = TestGateway()
    paid = event(type="paid", id="8", data={"customer": "ada"})

    answer = await gateway.post("/events", [event(), paid], BATCH)

    assert (answer.status, answer.json) == (
        202,
        {
            "items": [
                {"status": 202, "id": "7", "type": "lead"},
                {"status": 202, "id": "8", "type": "paid"},
            ]
        },
    )
    assert len(gateway.written("lead")) == len(gateway.written("paid")) == 1


async def test_an_empty_batch_is_none_the_worse_and_a_large_one_is_too_large() -> None:
    gateway = TestGateway()

    assert (await gateway.post("/events", [], BATCH)).status == 202
    assert (await gateway.post("/events", [event()] * 101, BATCH)).status == 413


async def test_with_the_broker_away_nothing_is_accepted_and_the_id_is_told() -> None:
    gateway = TestGateway()
    gateway.bus.available = False

    single = await gateway.post("/events/lead", ANN)
    batch = await gateway.post("/events", [event(), event(id="8")], BATCH)

    assert (single.status, single.headers["retry-after"]) == (503, "2")
    assert set(single.json) == {"error", "id", "type"}
    assert (batch.status, batch.headers["retry-after"]) == (503, "2")
    assert [item["id"] for item in batch.json["items"]] == ["7", "8"]
    assert (await gateway.get("/ready")).status == 503
    assert (await gateway.get("/live")).status == (await gateway.get("/health")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/events/lead", 405), ("POST", "/live", 405), ("GET", "/", 404), ("POST", "/x", 404),
     ("POST", "/events/", 404), ("POST", "/hooks/", 404), ("POST", "/events/a/b", 404)],
)  # fmt: skip
async def test_other_paths_and_methods_are_refused_in_json(
    method: str, path: str, status: int
) -> None:
    answer = await call(TestGateway().app, method, path)

    assert answer.status == status
    assert set(answer.json) == {"error"}


async def test_a_model_that_is_broken_is_a_fault_of_ours_and_nothing_of_the_event_is_told() -> None:
    with capture_logs() as logs:
        answer = await TestGateway().post("/events/cursed", {"text": "marker"})

    assert (answer.status, set(answer.json)) == (500, {"error"})
    (failed,) = (entry for entry in logs if entry["event"] == "request_failed")
    assert failed["fault"] == "KeyError"
    assert failed["at"].startswith("gateway.py:")
    assert "marker" not in str(logs)


async def test_metrics_are_there_if_somebody_hands_them_in() -> None:
    answer = await TestGateway().get("/metrics")

    assert (answer.status, answer.body) == (200, b"streamagents_up 1\n")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_our_own_topics_are_nobodys_to_write_to() -> None:
    """An application with schedules knows the model of ticks."""
    gateway = TestGateway(ours=[Tick])
    tick = {"name": "daily", "slot": "2026-01-01T00:00:00Z"}

    answer = await gateway.post(f"/events/{Tick.event_type.type}", tick)

    assert answer.status == 404
    assert Tick.event_type.type not in (await gateway.get("/openapi.json")).body.decode()
