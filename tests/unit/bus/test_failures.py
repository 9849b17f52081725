"""What the driver says, in words for who has to mend it."""

from __future__ import annotations

import pytest
from aiokafka import errors

from streamagents.bus.failures import in_our_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "did not answer within 5 s"),
        (errors.KafkaConnectionError("no"), "is it running?"),
        (errors.TopicAuthorizationFailedError("t"), "does not allow this"),
        (errors.InvalidTimestampError(), "the clock of this machine or of the broker is wrong"),
        (errors.UnknownError("x"), "answered with an error"),
    ],
)
def test_each_failure_says_what_to_look_at(error: Exception, words: str) -> None:
    told = str(in_our_words(error, "kafka:9092", 5))

    assert "kafka:9092" in told
    assert words in told
