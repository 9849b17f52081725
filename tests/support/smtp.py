"""Mail servers: an honest one with TLS, and one that answers as a test wants."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

_USUAL = {
    "": "220 mx.example ready",
    "EHLO": "250-mx.example\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}
DROP, HANG = "drop", "hang"


class ScriptedServer:
    """Answers each verb as usual, or as told: a line, `DROP` the connection, or `HANG`."""

    def __init__(self, **answers: str | list[str]) -> None:
        self.port = 0
        self.verbs: list[str] = []
        """What it was told, in order; `.` is the end of a message."""
        self.messages: list[bytes] = []
        self._answers: dict[str, list[str]] = {
            {"GREETING": "", "END": "."}.get(verb, verb): (
                [answer] if isinstance(answer, str) else list(answer)
            )
            for verb, answer in answers.items()
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb = ""
        while await self._answer(verb, writer) and verb != "QUIT":
            if verb == "DATA" and self._answers.get("DATA", ["354"])[0].startswith("354"):
                self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                verb = "."
            else:
                verb = (await reader.readuntil(b"\r\n")).split()[0].decode().upper()
            self.verbs.append(verb)

    async def _answer(self, verb: str, writer: asyncio.StreamWriter) -> bool:
        told = self._answers.get(verb, [])
        answer = (told.pop(0) if len(told) > 1 else told[0]) if told else _USUAL.get(verb, "250 ok")
        if answer == HANG:
            await asyncio.get_running_loop().create_future()
        if answer == DROP:
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def scripted(
    tls: ssl.SSLContext | None = None, **answers: str | list[str]
) -> AsyncIterator[ScriptedServer]:
    """Run one while the test is in the block; `GREETING` and `END` are verbs, too."""
    script = ScriptedServer(**answers)
    tasks: set[asyncio.Task[Any]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(script.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Mailboxes:
    """The handler of an honest server: keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.encrypted: list[bool] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a message."""
        self.taken.append(envelope)
        self.encrypted.append(session.ssl is not None)
        return "250 taken"


@asynccontextmanager
async def mail_server(handler: Mailboxes, **options: Any) -> AsyncIterator[int]:
    """Run an honest server; its port. `tls_context` among the options makes it offer STARTTLS."""
    loop = asyncio.get_running_loop()
    factory: Callable[[], SMTP] = lambda: SMTP(handler, loop=loop, **options)  # noqa: E731
    server = await loop.create_server(factory, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def password_is(user: str, password: str) -> Callable[..., AuthResult]:
    """An authenticator of aiosmtpd that knows one user."""

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> Any:
        known = LoginPassword(user.encode(), password.encode())
        return AuthResult(success=data == known)

    return check


def self_made_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody signed, and a server's context with it."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return certificate, context
