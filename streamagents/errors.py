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


class StateError(StreamAgentsError):
    """Raised when the local state cannot be written: a full disk, a folder that is gone."""


class DevkitError(StreamAgentsError):
    """Raised when the embedded broker cannot be prepared, started or stopped."""


class FileRefusedError(StreamAgentsError):
    """Raised when a file in a watched folder cannot be read as what it should be."""


class QueueError(StreamAgentsError):
    """Raised when a queue that is bridged does not answer, or refuses what we ask.

    `lasting` is one that waiting does not mend.
    """

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


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


class StateInvalidError(EventError):
    """Raised by `ctx.state.get` when a stored value is no longer what the agent asks for."""

    code = "state_invalid"


class StepError(StreamAgentsError, TypeError):
    """Raised by `ctx.step` when a result cannot be stored and read back."""


class Reject(Exception):  # noqa: N818 - a control signal that agents raise, not an error
    """Raised by an agent: this event can never succeed, dead-letter it now, for this reason.

    `code` is the dead letter's error code.
    """

    def __init__(self, reason: str, *, code: str = "rejected") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class RetryLater(Exception):  # noqa: N818 - a control signal that agents raise, not an error
    """Raised by an agent: not now, try again after so many seconds. No attempt is counted.

    Raises:
        ValueError: the wait is no number of seconds from 0 on.
    """

    def __init__(self, after_s: float, reason: str = "") -> None:
        if isinstance(after_s, bool) or not isinstance(after_s, (int, float)) or not after_s >= 0:
            raise ValueError(f"RetryLater({after_s!r}): a wait is a number of seconds from 0 on.")
        super().__init__(reason or f"try again after {after_s:g} s")
        self.after_s = float(after_s)
        self.reason = reason


class ModelError(StreamAgentsError):
    """Raised by `ctx.llm` when a model gave no usable answer: a failure, to be tried again.

    `code` is stable, for logs and letters: `timeout`, `connection`, `server_error`, `unreadable`
    (HTML, cut JSON, an error inside a 200), `invalid_answer` (twice not what was asked for).
    """

    requests = 1
    """Those that may have reached the provider."""

    def __init__(self, reason: str, *, code: str, request_id: str = "") -> None:
        super().__init__(reason)
        self.code, self.request_id = code, request_id


class ModelBusyError(RetryLater):
    """Raised by `ctx.llm`: no model call now. Parks the event; no attempt is counted.

    `code`: `rate_limited`, `overloaded`, `circuit_open`, `budget`, `budget_held` (what is left is
    set aside for calls under way), and what only an operator can mend and no event is to blame
    for: `no_key` (401, 403), `billing` (402), `no_model` (404).
    """

    requests = 1
    """Those that may have reached the provider."""

    def __init__(self, after_s: float, reason: str, *, code: str, request_id: str = "") -> None:
        super().__init__(after_s, reason)
        self.code, self.request_id = code, request_id


class ModelRefusedError(Reject):
    """Raised by `ctx.llm`: asking again gives the same. Dead-letters the event.

    `code`: `refused` (the model), `max_tokens` (the answer is cut), `bad_request` (400, 413, 422),
    `max_turns` (a tool loop that does not end), `budget` (where the policy says so).
    """

    requests = 1
    """Those that may have reached the provider."""

    def __init__(self, reason: str, *, code: str, request_id: str = "") -> None:
        super().__init__(reason, code=code)
        self.request_id = request_id


class NotSentError(StreamAgentsError):
    """Raised by a channel: the effect has surely not happened, and may be tried again.

    Any other error leaves that open: the next attempt asks the channel first, if it can tell.
    """


class ToolRefusedError(StreamAgentsError):
    """Raised by a tool when a model asks for what its agent has not opened to it."""


class DeliveryError(StreamAgentsError):
    """Raised by a channel: the peer said nothing clear, and the effect may have happened or not."""


class HttpError(StreamAgentsError):
    """Raised when a request over HTTP got no usable answer. The peer may have acted on it.

    Its sentences name the host and never the path or the query: secrets stand there.
    """


class HttpDeadlineError(HttpError):
    """Raised when the whole answer was not there in time."""


class TooLargeError(HttpError):
    """Raised when an answer is larger than it may be, packed or unpacked."""


class BrokenAnswerError(HttpError):
    """Raised when an answer is no HTTP, or more than it says."""


class NotReachedError(HttpError, NotSentError):
    """Raised when no connection came about: nothing was sent."""


class AddressRefusedError(HttpError):
    """Raised when a request, or a redirect of it, leads to where it must not go.

    `code`: `bad_url`, `host_not_allowed`, `private_address`.
    """

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.code = code


class PollError(StreamAgentsError):
    """Raised by a monitor: it could not look, or what it saw is not what it looks for."""


class ThrottledError(PollError):
    """Raised by a monitor that was asked to come back later, after so many seconds."""

    def __init__(self, reason: str, *, after_s: float) -> None:
        super().__init__(reason)
        self.after_s = after_s


def describe(error: object) -> str:
    """An error, or whatever a user gave for one, in one line that any log and header takes."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an error that cannot be shown is told by its class
        text = ""
    if isinstance(error, BaseException):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text.encode(errors="backslashreplace").decode()
