"""A small server that speaks SQS' JSON protocol, as far as a bridge goes. It is no SQS."""

from __future__ import annotations

import hashlib
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Kept:
    """One message in the queue."""

    id: str
    body: str
    attributes: dict[str, str]
    visible_at: float = 0.0
    receipt: str = ""


@dataclass
class SqsServer:
    """One queue, in memory."""

    url: str = ""
    endpoint: str = ""
    messages: list[Kept] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fails: str = ""
    """Answer everything with this error code."""

    def put(self, body: str, **attributes: str) -> str:
        self.messages.append(Kept(uuid.uuid4().hex, body, attributes))
        return self.messages[-1].id

    def forget_receipts(self) -> None:
        """As if every visibility timeout were over."""
        for message in self.messages:
            message.visible_at = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        name = request.headers["X-Amz-Target"].removeprefix("AmazonSQS.")
        self.calls.append(name)
        asked = await request.json()
        if self.fails:
            told = {"__type": f"com.amazonaws.sqs#{self.fails}", "message": "no"}
            return _json(told, status=400)
        handler = getattr(self, f"_{name}")
        return _json(handler(asked))

    def _ReceiveMessage(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        now = time.monotonic()
        found: list[Kept] = []
        for message in self.messages:
            if len(found) < asked["MaxNumberOfMessages"] and message.visible_at <= now:
                message.visible_at = now + asked["VisibilityTimeout"]
                message.receipt = uuid.uuid4().hex
                found.append(message)
        return {"Messages": [_told(message) for message in found]} if found else {}

    def _DeleteMessageBatch(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert len(asked["Entries"]) <= 10
        receipts = {entry["ReceiptHandle"] for entry in asked["Entries"]}
        self.messages = [m for m in self.messages if m.receipt not in receipts]
        return {"Successful": [{"Id": e["Id"]} for e in asked["Entries"]], "Failed": []}

    def _ChangeMessageVisibilityBatch(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        held = {e["ReceiptHandle"]: e["VisibilityTimeout"] for e in asked["Entries"]}
        for message in self.messages:
            if message.receipt in held:
                message.visible_at = time.monotonic() + held[message.receipt]
        return {"Successful": [{"Id": e["Id"]} for e in asked["Entries"]], "Failed": []}


@asynccontextmanager
async def running_sqs() -> AsyncIterator[SqsServer]:
    """Serve one queue on loopback."""
    server = SqsServer()
    app = web.Application()
    app.router.add_post("/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.endpoint = f"http://127.0.0.1:{port}"
    server.url = f"{server.endpoint}/000000000000/orders"
    try:
        yield server
    finally:
        await runner.cleanup()


def _json(told: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(told, status=status, content_type="application/x-amz-json-1.0")


def _told(message: Kept) -> dict[str, Any]:
    told: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
    }
    if message.attributes:
        told["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in message.attributes.items()
        }
    return told
