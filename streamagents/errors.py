"""The exception family: what a user, an operator or an agent can be told, in one sentence each."""

from __future__ import annotations


class StreamAgentsError(Exception):
    """Base of every error raised on purpose. The message is one clear sentence for a person."""


class ConfigurationError(StreamAgentsError):
    """Raised when settings, a registry or an event model cannot work as written."""


class BrokerUnavailableError(StreamAgentsError):
    """Raised when no Kafka broker answered within the time allowed."""


class TopicsError(StreamAgentsError):
    """Raised when a topic is missing or has another shape than the application declares."""


class DevkitError(StreamAgentsError):
    """Raised when the embedded broker cannot be prepared, started or stopped."""


class EventError(StreamAgentsError):
    """Raised when an event cannot be read or written. `code` is the dead letter's error code."""

    code = "invalid"


class UndecodableError(EventError):
    """Raised when a record's bytes or CloudEvents headers cannot be read at all."""

    code = "undecodable"


class InvalidEventError(EventError):
    """Raised when a record is JSON, but not what the event's model asks for."""

    code = "invalid"


class EventTooLargeError(EventError):
    """Raised by `emit` when an event would not fit into a Kafka record of its topic."""

    code = "too_large"


class Reject(Exception):  # noqa: N818 - a control signal that agents raise, not an error
    """Raised by an agent: this event can never succeed, dead-letter it now, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def describe(error: object) -> str:
    """An error, or whatever a user gave for one, in one line that any log and header takes."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an error that cannot be shown is told by its class
        text = ""
    if isinstance(error, BaseException):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text.encode(errors="backslashreplace").decode()
