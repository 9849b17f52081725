"""E-mail: against servers that take it, refuse it, lie about TLS, and go away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from streamagents.actions import Effect, Email, EmailChannel
from streamagents.errors import (
    ConfigurationError,
    DeliveryError,
    NotSentError,
    Reject,
    RetryLater,
)
from support import wait_until_async
from support.smtp import (
    DROP,
    HANG,
    Mailboxes,
    mail_server,
    password_is,
    scripted,
    self_made_certificate,
)

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage
    from pathlib import Path

    from aiosmtpd.smtp import Envelope

EFFECT = Effect(id="e-1/mail", source="streamagents/crm/lead")
MAIL = Email(to=["ann@example.com"], subject="Welcome", text="Hello Ann")
ALL = Email(to=["ann@example.com", "bob@example.com", "cem@example.com"], subject="s", text="t")
PASSWORD = "pa55word-marker"


def channel(port: int, **options: Any) -> EmailChannel:
    return EmailChannel(
        "127.0.0.1",
        port,
        **{
            "sender": "Crm <crm@shop.example>",
            "tls": "none",
            "allow_recipients": ["@example.com"],
            "deadline_s": 5.0,
            "now": lambda: datetime(2026, 11, 23, 8, tzinfo=UTC),
            **options,
        },
    )


def sent(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    return message_from_bytes(envelope.content, policy=default)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return self_made_certificate(tmp_path_factory.mktemp("tls"))


async def test_a_mail_arrives_whole() -> None:
    boxes = Mailboxes()
    mail = Email(
        to=["ann@example.com", "bob@example.com"],
        subject="Grüße aus Köln",
        text="Hello Ann,\r\n.\n..\rbye",
        reply_to="sales@shop.example",
    )
    async with mail_server(boxes) as port:
        await channel(port).send(mail, EFFECT)

    (envelope,) = boxes.taken
    message = sent(envelope)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("crm@shop.example", mail.to)
    assert message["Subject"] == "Grüße aus Köln"
    assert message["From"] == "Crm <crm@shop.example>"
    assert message["To"] == "ann@example.com, bob@example.com"
    assert message["Reply-To"] == "sales@shop.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Mon, 23 Nov 2026 08:00:00 +0000"
    assert message.get_content().splitlines() == ["Hello Ann,", ".", "..", "bye"]


async def test_a_mail_that_is_sent_again_has_the_same_id() -> None:
    boxes = Mailboxes()
    async with mail_server(boxes) as port:
        await channel(port).send(MAIL, EFFECT)
        await channel(port).send(MAIL, Effect(id=EFFECT.id, source=EFFECT.source, attempt=2))
        await channel(port).send(MAIL, Effect(id="e-2/mail"))

    ids = [sent(one)["Message-ID"] for one in boxes.taken]
    assert ids[0] == ids[1] == f"<{EFFECT.idempotency_key}@shop.example>"
    assert ids[2] != ids[0]


async def test_starttls_comes_before_the_password(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    boxes = Mailboxes()
    ca_file, context = certificate
    check = password_is("crm", PASSWORD)
    async with mail_server(
        boxes, tls_context=context, require_starttls=True, authenticator=check, auth_required=True
    ) as port:
        login = {"user": "crm", "password": PASSWORD}
        await channel(port, tls="starttls", ca_file=ca_file, **login).send(MAIL, EFFECT)

    assert [one.rcpt_tos for one in boxes.taken] == [["ann@example.com"]]
    assert boxes.encrypted == [True]


async def test_a_connection_may_be_encrypted_from_the_start(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    ca_file, context = certificate
    async with scripted(context) as server:
        login = {"user": "crm", "password": PASSWORD}
        await channel(server.port, tls="implicit", ca_file=ca_file, **login).send(MAIL, EFFECT)

    assert server.verbs == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".", "QUIT"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_signed_is_not_trusted(
    tls: str, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    boxes = Mailboxes()
    context = certificate[1]
    async with mail_server(boxes, tls_context=context) as offers, scripted(context) as encrypted:
        port = offers if tls == "starttls" else encrypted.port
        with pytest.raises(NotSentError, match=r"certificate is not to be trusted, self"):
            await channel(port, tls=tls).send(MAIL, EFFECT)

    assert (boxes.taken, encrypted.messages) == ([], [])


async def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    async with scripted() as server:
        options = {"tls": "starttls", "user": "crm", "password": PASSWORD}
        with pytest.raises(NotSentError, match="offers no STARTTLS"):
            await channel(server.port, **options).send(MAIL, EFFECT)

    assert server.verbs == ["EHLO"]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ("454 not now", RetryLater, "refused the connect with 454"),
        ("501 no", Reject, "refused the connect with 501"),
        ("220 go on", NotSentError, "could not be handed an e-mail"),
    ],
)
async def test_starttls_that_does_not_come_about_ends_it(
    answer: str, error: type[Exception], said: str
) -> None:
    offer = "250-mx.example\r\n250-AUTH PLAIN\r\n250 STARTTLS"
    async with scripted(EHLO=offer, STARTTLS=answer) as server:
        options = {"tls": "starttls", "user": "crm", "password": PASSWORD, "deadline_s": 2.0}
        with pytest.raises(error, match=said):
            await channel(server.port, **options).send(MAIL, EFFECT)

    assert server.verbs[:2] == ["EHLO", "STARTTLS"]
    assert not {"AUTH", "MAIL"} & set(server.verbs)


async def test_what_is_said_about_a_password_is_not_repeated_at_all() -> None:
    async with scripted(AUTH="535 nearly, the last letter is r") as server:
        with pytest.raises(Reject, match=r"refused the login with 535\. ") as caught:
            await channel(server.port, user="crm", password=PASSWORD).send(MAIL, EFFECT)

    assert caught.value.code == "login_refused"


async def test_a_server_that_takes_no_login_is_told_so() -> None:
    async with scripted(EHLO="250 mx.example") as server:
        with pytest.raises(NotSentError, match="offers no login that we know"):
            await channel(server.port, user="crm", password=PASSWORD).send(MAIL, EFFECT)


@pytest.mark.parametrize("to", ["eve@evil.example", "ann@sub.example.com", "ann@example.com.evil"])
async def test_nobody_is_written_to_who_was_not_allowed(to: str) -> None:
    mail = Email(to=["ann@example.com", to], subject="s", text="t")
    async with scripted() as server:
        with pytest.raises(Reject, match="Recipient 2 of 2 is nobody that") as caught:
            await channel(server.port).send(mail, EFFECT)

    assert (caught.value.code, server.verbs) == ("recipient_not_allowed", [])


async def test_by_default_nobody_is_allowed() -> None:
    silent = EmailChannel("127.0.0.1", 9, sender="crm@shop.example")

    with pytest.raises(Reject) as caught:
        await silent.send(MAIL, EFFECT)

    assert caught.value.code == "recipient_not_allowed"


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ({"GREETING": "554 no"}, Reject, "refused the connect with 554"),
        ({"GREETING": "421 busy"}, RetryLater, "refused the connect with 421"),
        ({"MAIL": "550 5.7.1 spam"}, Reject, r"refused the sender with 550 \(5.7.1 spam\)"),
        ({"MAIL": "451 later"}, RetryLater, "refused the sender with 451"),
        ({"RCPT": ["250 ok", "550 none"]}, Reject, r"refused recipient 2 of 3 with 550 \(none\)"),
        ({"RCPT": ["250 ok", "450 grey"]}, RetryLater, r"recipient 2 of 3 with 450 \(grey\)"),
        ({"DATA": "552 too much"}, Reject, "refused the data with 552"),
        ({"DATA": "451 later"}, RetryLater, "refused the data with 451"),
        ({"END": "554 virus"}, Reject, "refused the data with 554"),
        ({"END": "452 full"}, RetryLater, "refused the data with 452"),
        ({"GREETING": DROP}, NotSentError, "the connection was lost"),
        ({"EHLO": "what?"}, NotSentError, "it answered -1"),
        ({"MAIL": DROP}, NotSentError, "the connection was lost"),
        ({"RCPT": ["250 ok", DROP]}, NotSentError, "the connection was lost"),
        ({"RCPT": "250 ok" * 9000}, NotSentError, "could not be handed an e-mail"),
        ({"END": DROP}, DeliveryError, "did not say that it took it: the connection was lost"),
        ({"END": "what?"}, DeliveryError, "did not say that it took it"),
        ({"END": "250 ok" * 9000}, DeliveryError, "did not say that it took it"),
    ],
)
async def test_what_a_server_says_decides_what_becomes_of_a_mail(
    answers: dict[str, Any], error: type[Exception], said: str
) -> None:
    async with scripted(**answers) as server:
        with pytest.raises(error, match=said) as caught:
            await channel(server.port).send(ALL, EFFECT)

    assert caught.value.__cause__ is None
    assert len(server.messages) == (1 if "END" in answers else 0)


async def test_a_mail_of_which_one_recipient_is_refused_goes_to_nobody() -> None:
    async with scripted(RCPT=["250 ok", "550 none", "250 ok"]) as server:
        with pytest.raises(Reject, match="Nobody got the e-mail") as caught:
            await channel(server.port).send(ALL, EFFECT)

    assert caught.value.code == "recipient_refused"
    assert "DATA" not in server.verbs


@pytest.mark.parametrize(
    ("verb", "error"),
    [("GREETING", NotSentError), ("RCPT", NotSentError), ("END", DeliveryError)],
)
async def test_a_server_that_falls_silent_is_left(verb: str, error: type[Exception]) -> None:
    async with scripted(None, **{verb: HANG}) as server:
        with pytest.raises(error, match="did not answer in time"):
            await channel(server.port, deadline_s=0.3).send(MAIL, EFFECT)


async def test_a_mail_that_was_taken_is_sent_whatever_follows() -> None:
    for quit_ in (DROP, HANG, "500 no"):
        async with scripted(QUIT=quit_) as server:
            await channel(server.port, deadline_s=0.3).send(MAIL, EFFECT)

        assert len(server.messages) == 1


async def test_nobody_listens() -> None:
    async with scripted() as server:
        pass
    with pytest.raises(NotSentError, match=rf"127.0.0.1:{server.port} could not be handed"):
        await channel(server.port).send(MAIL, EFFECT)


async def test_a_delivery_that_is_cancelled_leaves_no_connection() -> None:
    async with scripted(RCPT=HANG) as server:
        task = asyncio.create_task(channel(server.port).send(MAIL, EFFECT))
        await wait_until_async(lambda: "RCPT" in server.verbs)
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_a_server_echoes_of_a_password_is_not_repeated() -> None:
    login = {"user": "crm", "password": PASSWORD}
    echo = f"550 ann@example.com: {PASSWORD} cGE1NXdvcmQtbWFya2Vy"
    async with scripted(AUTH=echo.replace("550", "535"), MAIL=echo) as server:
        for verb, code in (("AUTH", "login_refused"), ("MAIL", "sender_refused")):
            with pytest.raises(Reject) as caught:
                await channel(server.port, **(login if verb == "AUTH" else {})).send(MAIL, EFFECT)
            assert caught.value.code == code
            assert "ann@" not in str(caught.value)
            if verb == "AUTH":
                assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example.com\r\nRCPT TO:<eve@evil.example>",
        "ann@example.com>",
        "Ann <ann@example.com>",
        "ann@example.com,eve@evil.example",
        "ann@example..com",
        "ann@exam ple.com",
        "änn@example.com",
        "a" * 65 + "@example.com",
        "ann@" + "a." * 130 + "com",
        "ann@[127.0.0.1]",
        '"ann@example.com"@evil.example',
        "ann@\u2028example.com",
    ],
)
def test_what_is_no_address_is_no_recipient(to: str) -> None:
    with pytest.raises(ValidationError):
        Email(to=[to], subject="s", text="t")


def test_a_domain_with_foreign_letters_is_written_in_ascii() -> None:
    mail = Email(to=["ann@bücher.example"], subject="s", text="t")

    assert mail.to == ["ann@xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tls": "none", "user": "crm"}, "would send the password of 'crm' to mx.example in the"),
        ({"tls": "maybe"}, "say starttls, implicit, none"),
        ({"sender": "Crm"}, "A sender of e-mail is needed"),
        ({"allow_recipients": ["example.com"]}, "'example.com' is nobody that e-mail may be"),
        ({"allow_recipients": ["*@example.com"]}, "is nobody that|say ann@example.com"),
        ({"ca_file": "/nowhere/ca.pem"}, "certificates in /nowhere/ca.pem cannot be read: No such"),
    ],
)
def test_what_cannot_work_is_told_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        EmailChannel("mx.example", **{"sender": "crm@shop.example", **options})
