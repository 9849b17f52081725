"""`SqsMessages`: the port `Queue` on SQS, or on whatever speaks its JSON protocol."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore import exceptions

from streamagents.errors import QueueError
from streamagents.ports import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamagents.triggers.bridge.queues import SqsQueue

log = structlog.stdlib.get_logger("streamagents.triggers")

_AT_ONCE = 10
"""What one call takes, at most."""
_MOST = 100
_WAIT_S = 5
_ANSWER_S = 10.0
_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAddress",
        "InvalidClientTokenId",
        "QueueDoesNotExist",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_UNUSABLE = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.NoRegionError,
    exceptions.ProfileNotFound,
)


class SqsMessages:
    """Receives messages, and deletes those that are done.

    Args:
        queue: where it is.
    """

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue
        self._client: Any = None
        self._stack = AsyncExitStack()

    async def receive(self, limit: int) -> Sequence[Message]:
        """The next messages; none after five seconds."""
        found: list[Message] = []
        while len(found) < min(limit, _MOST):
            answer = await self._call(
                "receive_message",
                MaxNumberOfMessages=min(_AT_ONCE, limit - len(found)),
                WaitTimeSeconds=0 if found else _WAIT_S,
                VisibilityTimeout=self._queue.visibility_s,
                MessageAttributeNames=["All"],
            )
            page = answer.get("Messages", [])
            found += [_message(told) for told in page]
            if len(page) < _AT_ONCE:
                break
        return found

    async def hold(self, messages: Sequence[Message]) -> None:
        """Keep them out of others' sight for as long again."""
        for page in _pages(messages):
            await self._call(
                "change_message_visibility_batch",
                Entries=[
                    {**entry, "VisibilityTimeout": self._queue.visibility_s} for entry in page
                ],
            )

    async def done(self, messages: Sequence[Message]) -> None:
        """Delete them."""
        failed = 0
        for page in _pages(messages):
            answer = await self._call("delete_message_batch", Entries=page)
            failed += len(answer.get("Failed", []))
        if failed:  # their time was over: they come again, with another receipt
            log.warning("not_deleted", messages=failed)

    async def close(self) -> None:
        """Disconnect. What was received and is not done comes again after its time."""
        self._client = None
        await self._stack.aclose()

    async def _call(self, name: str, **arguments: Any) -> dict[str, Any]:
        try:
            client = self._client or await self._connect()
            answer: dict[str, Any] = await getattr(client, name)(
                QueueUrl=self._queue.url, **arguments
            )
        except exceptions.ClientError as exc:
            code = str(exc.response.get("Error", {}).get("Code", "unknown"))
            raise QueueError(
                f"SQS refuses {name} on {_shown(self._queue.url)}: {code}.",
                lasting=code in _REFUSED,
            ) from exc
        except (exceptions.BotoCoreError, exceptions.HTTPClientError, OSError, ValueError) as exc:
            # ValueError: an URL that is none, and an answer that is no JSON.
            raise QueueError(
                f"SQS cannot be used at {_shown(self._queue.url)}: {type(exc).__name__}.",
                lasting=isinstance(exc, _UNUSABLE),
            ) from exc
        return answer

    async def _connect(self) -> Any:
        config = AioConfig(
            connect_timeout=_ANSWER_S,
            read_timeout=_WAIT_S + _ANSWER_S,
            retries={"max_attempts": 1, "mode": "standard"},
        )
        self._client = await self._stack.enter_async_context(
            get_session().create_client(
                "sqs",
                region_name=self._queue.region,
                endpoint_url=self._queue.endpoint,
                config=config,
            )
        )
        return self._client


def _message(told: dict[str, Any]) -> Message:
    headers = tuple(
        (name, str(value["StringValue"]).encode())
        for name, value in told.get("MessageAttributes", {}).items()
        if "StringValue" in value
    )
    return Message(
        id=told["MessageId"],
        value=told.get("Body", "").encode(errors="surrogatepass"),
        headers=headers,
        token=told["ReceiptHandle"],
    )


def _pages(messages: Sequence[Message]) -> list[list[dict[str, Any]]]:
    entries = [
        {"Id": str(number), "ReceiptHandle": message.token}
        for number, message in enumerate(messages)
    ]
    return [entries[at : at + _AT_ONCE] for at in range(0, len(entries), _AT_ONCE)]


def _shown(url: str) -> str:
    """The queue's address without what may be a secret."""
    return url.rpartition("@")[2].partition("?")[0].removeprefix("https://").removeprefix("http://")
