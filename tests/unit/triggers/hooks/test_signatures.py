"""Whose signature it is: right ones, and every way of being wrong."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from streamagents.testing import FakeClock
from streamagents.triggers.hooks.config import HookConfig
from streamagents.triggers.hooks.received import Received
from streamagents.triggers.hooks.signatures import is_signed
from support.signing import (
    STANDARD_SECRET,
    Headers,
    digest,
    github,
    slack,
    standard,
    stripe,
    typeform,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_790_000_000
BODY = b'{"id": "evt_1", "type": "ping", "odd": "\xc3\xa4 \\n"}'
SECRET = "s3cret"
OLD = "0ld"

TIMED: dict[str, Callable[[str, bytes, int], Headers]] = {
    "stripe": stripe,
    "slack": slack,
    "standard": standard,
    "hmac": lambda secret, body, at: (
        ("x-time", str(at)),
        ("x-sign", "v1=" + digest(secret, f"{at}.".encode() + body).hex()),
    ),
}
UNTIMED: dict[str, Callable[[str, bytes, int], Headers]] = {
    "github": lambda secret, body, _at: github(secret, body),
    "typeform": lambda secret, body, _at: typeform(secret, body),
}
ALL = {**TIMED, **UNTIMED}
STANDARD_OLD = "whsec_" + base64.b64encode(b"another secret of a sender").decode()


def secret_of(preset: str, *, old: bool = False) -> str:
    if preset == "standard":
        return STANDARD_OLD if old else STANDARD_SECRET
    return OLD if old else SECRET


def config(preset: str, secret: str | None = None) -> HookConfig:
    more: dict[str, Any] = {}
    if preset == "hmac":
        more = {"header": "X-Sign", "prefix": "v1=", "timestamp_header": "X-Time"}
    return HookConfig.model_validate(
        {"preset": preset, "secret": secret or secret_of(preset), **more}
    )


def signed(preset: str, headers: Headers, body: bytes = BODY, secret: str | None = None) -> bool:
    return is_signed(config(preset, secret), Received.of(headers, body), NOW)


@pytest.mark.parametrize("preset", ALL)
def test_the_right_signature_is_right(preset: str) -> None:
    assert signed(preset, ALL[preset](secret_of(preset), BODY, NOW))


@pytest.mark.parametrize("preset", ALL)
def test_each_of_several_secrets_signs(preset: str) -> None:
    new, old = secret_of(preset), secret_of(preset, old=True)

    for secret in (new, old):
        assert signed(preset, ALL[preset](secret, BODY, NOW), secret=f"{new}, {old}")


@pytest.mark.parametrize("preset", ALL)
def test_another_secret_body_or_no_signature_is_wrong(preset: str) -> None:
    right = ALL[preset](secret_of(preset), BODY, NOW)

    assert not signed(preset, ALL[preset](secret_of(preset, old=True), BODY, NOW))
    assert not signed(preset, right, BODY + b" ")
    assert not signed(preset, ())


@pytest.mark.parametrize("preset", TIMED)
def test_all_of_its_headers_are_needed(preset: str) -> None:
    right = TIMED[preset](secret_of(preset), BODY, NOW)

    for missing in right:
        assert not signed(preset, tuple(pair for pair in right if pair != missing))


@pytest.mark.parametrize("preset", ALL)
def test_a_repeated_header_of_a_signature_is_refused_even_if_one_is_right(preset: str) -> None:
    right = ALL[preset](secret_of(preset), BODY, NOW)
    name = next(name for name, _ in right if "sign" in name)

    assert not signed(preset, (*right, (name, "v1=00")))
    assert not signed(preset, (*right, *[pair for pair in right if pair[0] == name]))


@pytest.mark.parametrize("preset", TIMED)
@pytest.mark.parametrize(
    ("off_s", "good"), [(300, True), (-300, True), (301, False), (-301, False)]
)
def test_a_clock_may_be_five_minutes_off_either_way(preset: str, off_s: int, good: bool) -> None:  # noqa: FBT001 - a table
    assert signed(preset, TIMED[preset](secret_of(preset), BODY, NOW + off_s)) is good


@pytest.mark.parametrize("preset", TIMED)
@pytest.mark.parametrize("at", ["", "x", "1e9", "-1", "NaN", "9" * 400, "\u00b2", " "])
def test_a_time_that_is_none_is_wrong(preset: str, at: str) -> None:
    right = TIMED[preset](secret_of(preset), BODY, NOW)
    changed = tuple(
        (name, value.replace(str(NOW), at) if "sign" not in name or preset == "stripe" else value)
        for name, value in right
    )

    assert not signed(preset, changed)


@pytest.mark.parametrize(
    ("preset", "header", "value"),
    [
        ("github", "x-hub-signature-256", "sha256=" + "zz" * 32),
        ("github", "x-hub-signature-256", "sha256="),
        ("github", "x-hub-signature-256", "sha1=" + "00" * 20),
        ("github", "x-hub-signature-256", "\xe4\xf6"),
        ("typeform", "typeform-signature", "sha256=!!"),
        ("stripe", "stripe-signature", "v1=00"),
        ("stripe", "stripe-signature", f"t={NOW}"),
        ("stripe", "stripe-signature", f"t={NOW},t={NOW},v1=00"),
        ("slack", "x-slack-signature", "v1=00"),
        ("standard", "webhook-signature", "v1,"),
        ("standard", "webhook-signature", "v2,AAAA"),
    ],
)
def test_nonsense_is_wrong_and_no_error(preset: str, header: str, value: str) -> None:
    right = ALL[preset](secret_of(preset), BODY, NOW)

    assert not signed(preset, tuple((n, value if n == header else v) for n, v in right))


def test_stripe_may_send_several_signatures() -> None:
    wrong, right = "0" * 64, digest(SECRET, f"{NOW}.".encode() + BODY).hex()

    assert signed("stripe", (("stripe-signature", f"t={NOW},v1={wrong},v1={right}"),))
    assert not signed("stripe", (("stripe-signature", f"t={NOW},v0={right}"),))


def test_standard_webhooks_may_have_several_signatures_of_several_versions() -> None:
    *rest, (name, right) = standard(STANDARD_SECRET, BODY, NOW)

    assert signed("standard", (*rest, (name, f"v1,AAAA v1a,xyz {right}")))


def test_what_the_library_of_standard_webhooks_signs_is_right() -> None:
    clock = FakeClock()
    at = clock.now()
    signature = Webhook(STANDARD_SECRET).sign("msg_9", at, BODY.decode())

    headers = (
        ("webhook-id", "msg_9"),
        ("webhook-timestamp", str(int(at.timestamp()))),
        ("webhook-signature", signature),
    )
    assert is_signed(config("standard"), Received.of(headers, BODY), at.timestamp())


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_the_generic_one_is_what_the_settings_say(encoding: str, algorithm: str) -> None:
    raw = digest(SECRET, BODY, algorithm)
    text = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    generic = HookConfig.model_validate(
        {"preset": "hmac", "secret": SECRET, "header": "X-Shopify-Hmac-Sha256",
         "encoding": encoding, "algorithm": algorithm}
    )  # fmt: skip

    def right(value: str) -> bool:
        return is_signed(generic, Received.of([("X-Shopify-Hmac-SHA256", value)], BODY), NOW)

    assert right(text)
    assert not right(text[:-4])


def test_the_example_of_githubs_documentation_is_right() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""
    example = HookConfig.model_validate(
        {"preset": "github", "secret": "It's a Secret to Everybody"}
    )
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    received = Received.of([("X-Hub-Signature-256", signature)], b"Hello, World!")
    assert is_signed(example, received, NOW)


def test_the_example_of_slacks_documentation_is_right() -> None:
    """https://api.slack.com/authentication/verifying-requests-from-slack."""
    example = HookConfig.model_validate(
        {"preset": "slack", "secret": "8f742231b10e8888abcd99yyyzzz85a5"}
    )
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        b"G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
        b"collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F39770"
        b"0885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d"
        b"2c447fce8b6703c"
    )
    headers = [
        ("X-Slack-Request-Timestamp", "1531420618"),
        (
            "X-Slack-Signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ]

    assert is_signed(example, Received.of(headers, body), 1531420618)
