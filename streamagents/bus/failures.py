"""Failures at the broker, in our words: the driver's errors and a wait's end become sentences."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka import errors

from streamagents.errors import BrokerUnavailableError, StreamAgentsError, TopicsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NOT_REACHED = (OSError, errors.KafkaConnectionError, errors.NodeNotReadyError)
_FORBIDDEN = (errors.TopicAuthorizationFailedError, errors.ClusterAuthorizationFailedError)


@asynccontextmanager
async def answered(bootstrap: str, timeout_s: float) -> AsyncIterator[None]:
    """Run the body for so long at most; what the driver raises leaves in our words.

    Raises:
        BrokerUnavailableError: nobody answered in time, or the answer was of no use.
        TopicsError: the broker does not let us at the topics.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except (TimeoutError, OSError, errors.KafkaError) as exc:
        raise in_our_words(exc, bootstrap, timeout_s) from exc


def in_our_words(exc: BaseException, bootstrap: str, timeout_s: float) -> StreamAgentsError:
    """The sentence for an error of the driver."""
    # TimeoutError is an OSError: it goes first.
    if isinstance(exc, (TimeoutError, errors.KafkaTimeoutError, errors.RequestTimedOutError)):
        return BrokerUnavailableError(
            f"The Kafka broker at {bootstrap} did not answer within {timeout_s:g} s."
        )
    if isinstance(exc, _NOT_REACHED):
        return BrokerUnavailableError(
            f"No Kafka broker can be reached at {bootstrap}: is it running?"
        )
    if isinstance(exc, _FORBIDDEN):
        return TopicsError(f"The Kafka broker at {bootstrap} does not allow this: {exc}.")
    if isinstance(exc, errors.InvalidTimestampError):
        return BrokerUnavailableError(
            f"The Kafka broker at {bootstrap} refuses records of this time: the clock of this "
            "machine or of the broker is wrong."
        )
    return BrokerUnavailableError(f"The Kafka broker at {bootstrap} answered with an error: {exc}.")
