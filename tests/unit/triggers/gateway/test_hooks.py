"""`POST /hooks`: what a sender's delivery becomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from streamagents.errors import ConfigurationError
from streamagents.triggers import Hook, To
from streamagents.triggers.gateway.sources import UNMAPPED
from support.gateway import INBOX, Lead, Paid, TestGateway
from support.signing import STANDARD_SECRET, github, slack, standard, stripe, typeform

if TYPE_CHECKING:
    from streamagents.testing import MemoryRecord

SECRET = "s3cret"
FORM = ("content-type", "application/x-www-form-urlencoded")
INVOICE = {
    "id": "evt_1",
    "type": "invoice.paid",
    "data": {"object": {"customer": "cus_1", "amount_paid": 1900}},
}
TO_PAID = To(Paid, {"customer": "data.object.customer", "amount_minor": "data.object.amount_paid"})


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def about(record: MemoryRecord) -> tuple[str, str, str]:
    told = {name: value.decode() for name, value in record.headers}
    return told["ce_type"], told["ce_source"], told["ce_id"]


def hooked(*triggers: Hook, preset: str = "stripe", **more: Any) -> TestGateway:
    secret = STANDARD_SECRET if preset == "standard" else SECRET
    given = {"preset": preset, **({} if preset == "unsigned" else {"secret": secret}), **more}
    return TestGateway(hooks={preset: given}, triggers=triggers)


async def pay(gateway: TestGateway, payload: Any = INVOICE, at: int | None = None) -> Any:
    body = payload if isinstance(payload, bytes) else raw(payload)
    return await gateway.post("/hooks/stripe", body, *stripe(SECRET, body, at or gateway.now))


async def test_a_mapped_delivery_is_an_event_under_the_senders_id() -> None:
    gateway = hooked(Hook("stripe", {"invoice.paid": TO_PAID}))

    answer = await pay(gateway)

    (record,) = gateway.written("paid")
    assert answer.status == 202
    assert answer.json == {"id": "evt_1", "events": [{"id": "evt_1", "type": "paid"}]}
    assert about(record) == ("paid", "hooks/stripe", "evt_1")
    assert json.loads(record.value or b"") == {"customer": "cus_1", "amount_minor": 1900}
    assert record.key == b"cus_1"
    assert gateway.told.answers == [("stripe", 202)]


async def test_an_unmapped_one_is_in_the_inbox_as_it_came() -> None:
    gateway = hooked(Hook("stripe", {"invoice.voided": TO_PAID}))

    await pay(gateway)

    (record,) = gateway.written(INBOX)
    assert about(record) == ("stripe.invoice.paid", "hooks/stripe", "evt_1")
    assert (record.value, record.key) == (raw(INVOICE), b"evt_1")


async def test_a_star_takes_all_the_others() -> None:
    gateway = hooked(Hook("stripe", {"*": TO_PAID}))

    await pay(gateway)

    assert [about(record)[0] for record in gateway.written("paid")] == ["paid"]


async def test_a_function_makes_one_event_several_or_none() -> None:
    made: list[Any] = [
        Lead(email="a@example.com"),
        [Lead(email="a@example.com"), Lead(email="b@example.com")],
        [],
        None,
    ]
    gateway = hooked(Hook("stripe", {"*": lambda _: made.pop(0)}, emits=[Lead]))

    answers = [await pay(gateway, {**INVOICE, "id": f"evt_{n}"}) for n in range(4)]

    assert [answer.status for answer in answers] == [202] * 4
    assert sorted(about(record)[2] for record in gateway.written("lead")) == [
        "evt_0", "evt_1/1", "evt_1/2",
    ]  # fmt: skip
    assert gateway.written(INBOX) == []


def broken(_payload: Any) -> Lead:
    raise KeyError("marker")


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (broken, "KeyError"),
        (lambda _: "no event", "TypeError"),
        (To(Paid, {"amount_minor": "data.object.amount_paid"}), "The data is no paid. customer"),
        (
            To(Paid, {"customer": "length(data.object.amount_paid)"}),
            "The field 'customer' cannot be made of this payload: JMESPathTypeError.",
        ),
        (To("lead"), "The data is no lead. email"),
    ],
)
async def test_a_mapping_that_fails_leaves_the_delivery_in_the_inbox_and_says_why(
    to: Any, why: str
) -> None:
    """The sender would only repeat it; the payload's values stay out of what is said."""
    gateway = hooked(Hook("stripe", {"*": to}))

    answer = await pay(gateway)

    (record,) = gateway.written(INBOX)
    assert answer.status == 202
    assert about(record) == ("stripe.invoice.paid", "hooks/stripe", "evt_1")
    assert record.value == raw(INVOICE)
    assert dict(record.headers)[UNMAPPED].decode() == why


async def test_every_wrong_signature_gets_the_same_answer() -> None:
    gateway = hooked()
    body = raw(INVOICE)
    answers = [
        await gateway.post("/hooks/stripe", body),
        await gateway.post("/hooks/stripe", body, *stripe("other", body, gateway.now)),
        await gateway.post("/hooks/stripe", body, *stripe(SECRET, body, gateway.now - 301)),
        await gateway.post("/hooks/stripe", b"{", *stripe("other", b"{", gateway.now)),
        await gateway.post("/hooks/stripe", body, ("stripe-signature", "nonsense")),
    ]

    assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}
    assert gateway.written(INBOX) == []


async def test_a_delivery_that_is_sent_again_is_the_same_event() -> None:
    gateway = hooked()

    await pay(gateway)
    gateway.clock.advance(60)
    await pay(gateway)
    await pay(gateway, at=gateway.now - 60)

    assert {about(record) for record in gateway.written(INBOX)} == {
        ("stripe.invoice.paid", "hooks/stripe", "evt_1")
    }


@pytest.mark.parametrize("source", ["nobody", "Stripe", "a_b", "x" * 41, "%2e%2e"])
async def test_a_source_that_nobody_configured_is_not_there(source: str) -> None:
    gateway = hooked()

    answer = await gateway.post(f"/hooks/{source}", INVOICE)

    assert answer.status == 404
    assert gateway.told.answers == [("unknown", 404)]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"NaN", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b"7", 202),
     (b"[1]", 202)],
)  # fmt: skip
async def test_a_signed_body_has_to_be_json_of_any_shape(body: bytes, status: int) -> None:
    gateway = hooked()

    assert (await pay(gateway, body)).status == status


async def test_github_names_event_and_delivery_in_headers_and_may_send_a_form() -> None:
    gateway = hooked(preset="github")
    body = raw({"ref": "refs/heads/main"})
    form = urlencode({"payload": body.decode()}).encode()

    await gateway.post("/hooks/github", body, *github(SECRET, body))
    await gateway.post("/hooks/github", form, FORM, *github(SECRET, form))
    other = await gateway.post("/hooks/github", b"a=b", FORM, *github(SECRET, b"a=b"))

    first, second = gateway.written(INBOX)
    assert about(first) == about(second) == ("github.push", "hooks/github", "72d3162e-cc78-11e3")
    assert first.value == second.value == body
    assert other.status == 400


async def test_slacks_challenge_is_answered_only_to_slack() -> None:
    gateway = hooked(preset="slack")
    body = raw({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"})

    right = await gateway.post("/hooks/slack", body, *slack(SECRET, body, gateway.now))
    wrong = await gateway.post("/hooks/slack", body, *slack("other", body, gateway.now))

    assert (right.status, right.json) == (200, {"challenge": "3eZbrw1a"})
    assert wrong.status == 401
    assert gateway.written(INBOX) == []


async def test_slack_events_commands_and_buttons_have_their_own_names_and_ids() -> None:
    gateway = hooked(preset="slack")
    bodies: list[tuple[bytes, tuple[tuple[str, str], ...]]] = [
        (
            raw({"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention"}}),
            (),
        ),
        (urlencode({"command": "/deploy", "text": "now", "trigger_id": "13.37"}).encode(), (FORM,)),
        (
            urlencode(
                {"payload": json.dumps({"type": "block_actions", "trigger_id": "12.3"})}
            ).encode(),
            (FORM,),
        ),
    ]

    answers = [
        await gateway.post("/hooks/slack", body, *given, *slack(SECRET, body, gateway.now))
        for body, given in bodies
    ]

    assert [(answer.status, bool(answer.body)) for answer in answers] == [
        (202, True), (200, False), (200, False),
    ]  # fmt: skip
    assert sorted(about(record)[::2] for record in gateway.written(INBOX)) == [
        ("slack.app_mention", "Ev1"),
        ("slack.block_actions", "12.3"),
        ("slack.slash_command", "13.37"),
    ]


async def test_typeform_and_standard_webhooks_have_ids_of_their_own() -> None:
    form = hooked(preset="typeform")
    body = raw({"event_id": "LtWXD3crgy", "event_type": "form_response"})
    await form.post("/hooks/typeform", body, *typeform(SECRET, body))
    generic = hooked(preset="standard")
    other = raw({"type": "user.created", "data": {}})
    await generic.post(
        "/hooks/standard", other, *standard(STANDARD_SECRET, other, generic.now, "msg_2")
    )

    assert about(form.written(INBOX)[0])[::2] == ("typeform.form_response", "LtWXD3crgy")
    assert about(generic.written(INBOX)[0])[::2] == ("standard.user.created", "msg_2")


async def test_without_an_id_a_digest_of_the_body_is_one() -> None:
    """An `id` in a payload that we do not know may be a customer's."""
    gateway = hooked(preset="unsigned")

    for body in (b'{"id": 7}', b'{"id": 7}', b'{"id": 7, "n": 2}'):
        await gateway.post("/hooks/unsigned", body)

    ids = [about(record)[2] for record in gateway.written(INBOX)]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert all(id_.startswith("sha256-") for id_ in ids)


@pytest.mark.parametrize("value", [True, False, None, 1.5, [1], ""])
async def test_what_is_no_id_is_none_wherever_the_settings_look_for_it(value: Any) -> None:
    body = raw({"ok": value})
    gateway = hooked(preset="unsigned", id_field="ok")

    answer = await gateway.post("/hooks/unsigned", body)

    assert answer.json["id"].startswith("sha256-")


async def test_the_settings_say_where_id_and_name_of_a_generic_sender_are() -> None:
    gateway = hooked(
        preset="unsigned", id_header="X-Id", event_header="X-Topic", id_field="meta.id"
    )

    await gateway.post("/hooks/unsigned", {}, ("x-id", "1"), ("x-topic", "orders/create"))
    await gateway.post("/hooks/unsigned", {"meta": {"id": 2}}, ("x-topic", "a b\nc"))
    await gateway.post("/hooks/unsigned", {}, ("x-id", "\x00" * 3))

    told = {about(record)[0]: about(record)[2] for record in gateway.written(INBOX)}
    assert told.pop("unsigned.delivery").startswith("sha256-")
    assert told == {"unsigned.orders/create": "1", "unsigned.a_b_c": "2"}


async def test_a_form_becomes_an_object() -> None:
    gateway = hooked(preset="unsigned")

    good = await gateway.post("/hooks/unsigned", b"a=1&b=%C3%A4&a=2&c=", FORM)
    bad = await gateway.post("/hooks/unsigned", b"a=%ff", FORM)
    many = await gateway.post("/hooks/unsigned", b"&".join([b"a=1"] * 1001), FORM)

    (record,) = gateway.written(INBOX)
    assert (good.status, bad.status, many.status) == (202, 400, 400)
    assert json.loads(record.value or b"") == {"a": "2", "b": "ä", "c": ""}


@pytest.mark.parametrize(
    ("preset", "kind", "status"),
    [
        ("stripe", "application/json; charset=utf-8", 202),
        ("stripe", "application/vnd.api+json", 202),
        ("stripe", "text/plain; charset=UTF-8", 202),
        ("stripe", "", 202),
        ("stripe", "application/xml", 415),
        ("stripe", "multipart/form-data; boundary=x", 415),
        ("unsigned", "text/plain", 415),
        ("unsigned", "", 415),
    ],
)
async def test_signed_json_may_be_called_text_but_a_page_cannot_post_to_an_unsigned_source(
    preset: str, kind: str, status: int
) -> None:
    """A page in a browser may send text anywhere without asking first."""
    gateway = hooked(preset=preset)
    body = raw(INVOICE)

    answer = await gateway.post(
        f"/hooks/{preset}", body, ("content-type", kind), *stripe(SECRET, body, gateway.now)
    )

    assert answer.status == status


async def test_settings_alone_can_map() -> None:
    fields = '{"customer": "data.object.customer"}'
    gateway = hooked(type="paid", fields=fields)

    await pay(gateway)

    assert [record.key for record in gateway.written("paid")] == [b"cus_1"]


def test_a_mapping_that_cannot_work_is_told_before_anything_is_served() -> None:
    with pytest.raises(ConfigurationError, match="STREAMAGENTS_HOOK_STRIPE_TYPE names 'nothing'"):
        hooked(type="nothing")
    with pytest.raises(ConfigurationError, match="leave one to map it"):
        hooked(Hook("stripe", {"*": TO_PAID}), type="paid")
    with pytest.raises(ConfigurationError, match="two hooks for 'stripe'"):
        hooked(Hook("stripe", {}), Hook("stripe", {}))
    with pytest.raises(ConfigurationError, match="maps the field 'amount' of Paid"):
        To(Paid, {"amount": "x"})
    with pytest.raises(ConfigurationError, match="cannot be called 'streamagents'"):
        TestGateway(hooks={"streamagents": {"preset": "unsigned"}})
    with pytest.raises(ConfigurationError, match="1 to 40 small letters"):
        Hook("Stripe!", {})


async def test_a_hook_of_a_source_that_is_not_configured_does_nothing() -> None:
    gateway = TestGateway(triggers=[Hook("stripe", {"*": TO_PAID})])

    assert (await gateway.post("/hooks/stripe", INVOICE)).status == 404


async def test_what_is_not_known_to_be_kept_comes_again() -> None:
    gateway = hooked(Hook("stripe", {"*": TO_PAID}))
    gateway.bus.available = False
    away = await pay(gateway)
    gateway.bus.available = True
    back = await pay(gateway)

    assert (away.status, back.status) == (503, 202)
    assert away.headers["retry-after"] == "2"
    assert len(gateway.written("paid")) == 1


async def test_wrong_signatures_do_not_use_up_the_right_senders_rate() -> None:
    gateway = hooked(rate=2)
    for _ in range(20):
        await gateway.post("/hooks/stripe", INVOICE)

    statuses = [(await pay(gateway)).status for _ in range(3)]
    gateway.clock.advance(1)
    later = await pay(gateway)

    assert statuses == [202, 202, 429]
    assert later.status == 202
