"""SMTP: one message, one connection, and what an answer, or none, says about it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import aiosmtplib

from streamagents.actions.shown import shown
from streamagents.errors import ConfigurationError, DeliveryError, NotSentError, Reject, RetryLater

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import SecretStr

Tls = Literal["starttls", "implicit", "none"]
Phase = Literal["connect", "login", "sender", "recipient", "data"]
"""How far a delivery got. Up to `recipient` nothing has been sent; with `data` it may have been."""

_AGAIN_S = 60.0
"""When to come back after `not now`: greylisting lets in who asks again after some minutes."""
_GOODBYE_S = 2.0
_TEMPORARY, _PERMANENT = 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where e-mail is handed in. Durations are seconds."""

    host: str
    port: int
    user: str
    password: SecretStr
    tls: Tls
    ca_file: Path | None
    """Certificates to trust instead of the system's."""
    deadline_s: float


def tls_context(server: MailServer) -> ssl.SSLContext | None:
    """What checks the server's certificate and name; None without TLS.

    Raises:
        ConfigurationError: the file of certificates cannot be read.
    """
    if server.tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError(
            f"The certificates in {server.ca_file} cannot be read: {exc.strerror or exc}."
        ) from exc


async def hand_in(
    server: MailServer,
    context: ssl.SSLContext | None,
    message: bytes,
    *,
    sender: str,
    to: Sequence[str],
) -> None:
    """Hand one message in: to all of its recipients, or to none.

    Raises:
        Reject: the server said that it never will.
        RetryLater: the server said not now.
        NotSentError: it surely did not get the message.
        DeliveryError: nobody knows whether it did.
    """
    session = _Session(server)
    try:
        async with asyncio.timeout(server.deadline_s):
            await session.run(context, message, sender=sender, to=to)
        await session.goodbye()
    except Exception as exc:  # noqa: BLE001 - also what a client makes of an answer that is none
        # Not `from exc`: a letter shows causes, and a server's words may hold what we told it.
        raise session.told(exc) from None
    finally:
        session.client.close()


class _Session:
    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._phase: Phase = "connect"
        self._which = ""
        self.client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "implicit",
            start_tls=False,
            timeout=server.deadline_s,
        )

    async def run(
        self,
        context: ssl.SSLContext | None,
        message: bytes,
        *,
        sender: str,
        to: Sequence[str],
    ) -> None:
        client, server = self.client, self._server
        await client.connect(tls_context=context if server.tls == "implicit" else None)
        if server.tls == "starttls":
            await client.starttls(tls_context=context)  # refuses to go on without
        if server.user:
            self._phase = "login"
            await client.login(server.user, server.password.get_secret_value())
        self._phase = "sender"
        await client.mail(sender)
        self._phase = "recipient"
        for number, one in enumerate(to, 1):
            self._which = f"recipient {number} of {len(to)}"
            await client.rcpt(one)
        self._phase = "data"
        await client.data(message)

    async def goodbye(self) -> None:
        """The server has taken the message: how the rest goes is nobody's affair."""
        with suppress(Exception):
            await self.client.quit(timeout=_GOODBYE_S)

    def told(self, error: Exception) -> Exception:
        """What an error of the client says about the message."""
        server = self._server
        at = f"The mail server {server.host}:{server.port}"
        if not isinstance(error, aiosmtplib.SMTPResponseException):
            return silent(at, self._phase, _words(error))
        said = ""
        if self._phase != "login":  # what is said there is about the password
            user, password = server.user, server.password.get_secret_value()
            said = shown(error.message, (f"\0{user}\0{password}", password, user))
        about = self._which if self._phase == "recipient" else f"the {self._phase}"
        return answered(at, self._phase, about, error.code, said)


def answered(at: str, phase: Phase, about: str, code: int, said: str) -> Exception:
    """What to raise for a server's answer that is no yes."""
    reason = f"{at} refused {about} with {code}{f' ({said})' if said else ''}."
    if code // 100 == _TEMPORARY:
        return RetryLater(_AGAIN_S, reason)
    if code // 100 == _PERMANENT:
        return Reject(f"{reason} Nobody got the e-mail.", code=f"{phase}_refused")
    return silent(at, phase, f"it answered {code}")


def silent(at: str, phase: Phase, why: str) -> Exception:
    """What to raise when a server gave no answer, or one that nobody understands."""
    if phase == "data":
        return DeliveryError(f"{at} was sent an e-mail and did not say that it took it: {why}.")
    return NotSentError(f"{at} could not be handed an e-mail: {why}.")


def _words(error: Exception) -> str:
    cause = error.__cause__ or error
    words = type(error).__name__
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"its certificate is not to be trusted, {cause.verify_message}"
    elif isinstance(error, TimeoutError):
        words = "it did not answer in time"
    elif type(error) is aiosmtplib.SMTPException:  # its own words, not the server's
        login = "AUTH" in str(error) or "authentication" in str(error)
        words = "it offers no login that we know" if login else "it offers no STARTTLS"
    elif isinstance(cause, OSError) and cause.strerror:
        words = cause.strerror
    elif isinstance(error, ConnectionError):
        words = "the connection was lost"
    return words
