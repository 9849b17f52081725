"""Letterhead: an e-mail as the bytes that are sent. Nothing in a header comes through unencoded."""

from __future__ import annotations

from email.charset import QP, Charset
from email.header import Header
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_LONGEST_SUBJECT = 250
_LONGEST_NAME = 100


def mail_bytes(
    *,
    sender: tuple[str, str],
    to: Sequence[str],
    reply_to: str | None,
    subject: str,
    text: str,
    message_id: str,
    at: datetime,
) -> bytes:
    """The message, in ASCII.

    Args:
        sender: name and address.
        to: whom it names.
        reply_to: where answers go, if not to the sender.
        subject: becomes one line.
        text: what it says, as plain text.
        message_id: the same whenever this is sent again, so that mail programs see the repetition.
        at: when it is sent, in UTC.
    """
    charset = Charset("utf-8")
    charset.body_encoding = QP  # readable as it is
    body = text.replace("\r\n", "\n").replace("\r", "\n")
    # The old policy: the new one decodes what looks encoded, and up to Python 3.11.9 writes the
    # line breaks that were hidden in it (CVE-2024-6923).
    message = MIMEText(body, "plain", charset, policy=compat32)  # type: ignore[arg-type]
    name, address = sender
    headers: dict[str, Header | str] = {
        "From": _header(f"{_words(name)} <{address}>" if name else address, "From"),
        "To": _header(", ".join(to), "To"),
        **({} if reply_to is None else {"Reply-To": _header(reply_to, "Reply-To")}),
        "Subject": _subject(subject),
        "Date": format_datetime(at),
        "Message-ID": f"<{message_id}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday note answers it
    }
    for word, value in headers.items():
        message[word] = value  # type: ignore[assignment] # it takes a Header, too
    return message.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _subject(text: str) -> Header:
    line = one_line(text, _LONGEST_SUBJECT)
    plain = line.isascii() and "=?" not in line  # what looks encoded would be decoded
    return Header(line, "us-ascii" if plain else "utf-8", header_name="Subject")


def _words(name: str) -> str:
    """A sender's name, as a quoted or an encoded word."""
    line = one_line(name, _LONGEST_NAME)
    if line.isascii() and "=?" not in line:
        return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return Header(line, "utf-8", header_name="From").encode(linesep=" ")


def _header(text: str, name: str) -> Header:
    return Header(text, "us-ascii", header_name=name)


def one_line(text: str, longest: int) -> str:
    """The text without line breaks and other characters that nobody sees, cut where it shows."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
