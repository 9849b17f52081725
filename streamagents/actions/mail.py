"""The channel `email`: plain text over SMTP, at least once, to nobody that was not allowed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr

from streamagents.actions.action import Action
from streamagents.actions.address import Address, Recipients, named_address
from streamagents.actions.given import secret, several
from streamagents.actions.letterhead import mail_bytes
from streamagents.actions.smtp import MailServer, Tls, hand_in, tls_context
from streamagents.errors import ConfigurationError, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.actions.channel import Effect

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


class Email(Action, via="email"):
    """A mail of plain text."""

    to: Annotated[list[Address], Field(min_length=1, max_length=50)]
    """Addresses without names; all of them see each other."""
    subject: str
    """Becomes one line of at most 250 characters."""
    text: str
    reply_to: Address | None = None


class EmailChannel:
    """Hands mail to an SMTP server, which has its own opinion about who gets it.

    ```python
    EmailChannel("smtp.example.com", user="crm", password=..., sender="Crm <crm@example.com>",
                 allow_recipients=["@example.com"])
    ```

    At least once: SMTP knows no keys. A mail that is sent again has the same Message-ID, by which
    most mailboxes and mail programs notice it; `Delivery(..., on_unknown="review")` asks a person
    instead. All recipients of a mail get it, or none: if the server refuses one of them, nothing
    is sent.

    Args:
        host: the server.
        port: 587, 465 or 25 as `tls` says, unless named.
        user: logs in with it; empty: does not.
        password: the user's.
        sender: address, or `Name <address>`.
        tls: `starttls` (nothing is sent if the server has none), `implicit`, or `none`. The
            certificate and its name are checked.
        ca_file: certificates to trust instead of the system's.
        allow_recipients: addresses, `@example.com` for a domain (not for those below it), `*` for
            everybody. Default: nobody.
        deadline_s: for a whole delivery; shorter than its `Delivery.timeout_s`.
        now: the moment, in UTC.

    Raises:
        ConfigurationError: this cannot work, or would send a password in the clear.
    """

    name = "email"
    action = Email

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        sender: str,
        user: str = "",
        password: SecretStr | str = "",
        tls: Tls = "starttls",
        ca_file: Path | str | None = None,
        allow_recipients: Iterable[str] = (),
        deadline_s: float = 25.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if tls not in _PORTS:
            raise ConfigurationError(f"EmailChannel(tls={tls!r}): say {', '.join(_PORTS)}.")
        if tls == "none" and user and host not in _LOOPBACK:
            raise ConfigurationError(
                f"EmailChannel(tls='none') would send the password of {user!r} to {host} in the "
                "clear: say tls='starttls' or 'implicit', or leave the user out."
            )
        self._server = MailServer(
            host=host,
            port=port or _PORTS[tls],
            user=user,
            password=secret(password),
            tls=tls,
            ca_file=None if ca_file is None else Path(ca_file),
            deadline_s=deadline_s,
        )
        self._context = tls_context(self._server)
        self._sender = named_address(sender)
        self._allowed = Recipients(several(allow_recipients))
        self._now = now

    @property
    def open(self) -> bool:
        """Whether it may reach everybody."""
        return self._allowed.open

    async def send(self, action: Email, effect: Effect) -> None:
        """Hand one mail in.

        Raises:
            Reject: a recipient is not allowed (code `recipient_not_allowed`), or the server will
                never take it (`sender_refused`, `recipient_refused`, `data_refused`,
                `login_refused`, `connect_refused`).
            RetryLater: the server said not now.
            NotSentError: the server was not reached, or lost before it had the mail.
            DeliveryError: the connection was lost before the server said that it has it.
        """
        refused = [number for number, one in enumerate(action.to, 1) if one not in self._allowed]
        if refused:
            raise Reject(
                f"Recipient {refused[0]} of {len(action.to)} is nobody that this application may "
                "write to: allow the address or its domain in the channel email "
                "(STREAMAGENTS_EMAIL_ALLOW), and replay this letter.",
                code="recipient_not_allowed",
            )
        name, address = self._sender
        message = mail_bytes(
            sender=(name, address),
            to=action.to,
            reply_to=action.reply_to,
            subject=action.subject,
            text=action.text,
            message_id=f"{effect.idempotency_key}@{address.rpartition('@')[2]}",
            at=self._now(),
        )
        await hand_in(self._server, self._context, message, sender=address, to=action.to)
