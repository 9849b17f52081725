"""The ports: what the inner rooms ask of the world, in Protocols of one to four methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - pydantic reads Answer back
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from streamagents.events import Event, Headers


class Record(Protocol):
    """One record as any Kafka client delivers it."""

    @property
    def topic(self) -> str:
        """The topic's name on the broker."""

    @property
    def partition(self) -> int:
        """The partition's number."""

    @property
    def offset(self) -> int:
        """Grows along the partition, not by one."""

    @property
    def key(self) -> bytes | None:
        """The raw key."""

    @property
    def value(self) -> bytes | None:
        """The raw value; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """In order, repeated names kept, values raw."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to be written. Without a partition the key decides, by Kafka's murmur2."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    timestamp: int | None = None
    """Milliseconds since the epoch; None is the moment of writing."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class Bus(Protocol):
    """Writes records outside of any event's group: commands, gateways, tests."""

    async def send(self, record: Outgoing) -> Position:
        """Write one record and wait until the broker has it.

        Raises:
            BrokerUnavailableError: the broker did not acknowledge in time; the record may or may
                not have been kept.
            TopicsError: the topic does not exist.
        """


class Action(Protocol):
    """One effect on the outside, as an agent decides it."""

    @property
    def via(self) -> str:
        """The name of the channel that delivers it."""

    def action_json(self) -> bytes:
        """What is to be delivered."""


class Pauses(Protocol):
    """Holds an agent's events back, for a circuit that is open or a budget that is spent.

    Kafka is the queue: nothing of the agent begins, and its partitions are not read on. What has
    begun goes on; it raises `RetryLater` itself.
    """

    def pause(self, agent: str, *, until: datetime, reason: str) -> None:
        """Hold the agent of this name back, on this worker; a later call replaces an earlier."""

    def resume(self, agent: str) -> None:
        """Let it go on before its time."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer. All that went in is `input + cache_write + cache_read`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to a model, whole, in the shapes of Anthropic's Messages API."""

    model: str
    system: str
    """The stable part; what comes from an event is never in here."""
    messages: tuple[Mapping[str, Any], ...]
    """Each with a role and a list of content blocks."""
    max_tokens: int
    tools: tuple[Mapping[str, Any], ...] = ()
    """Each with a name, a description and an `input_schema`."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None is plain text."""
    rules: Callable[[], Any] | None = field(default=None, compare=False)
    """Answers without a model: text, a pydantic model, or JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model said, whole: content blocks in the shapes of the Messages API."""

    content: tuple[Mapping[str, Any], ...]
    """`{"type": "text", "text": ...}`, `{"type": "tool_use", "id", "name", "input"}`, and what a
    model thought on the way, which nobody but it reads."""
    stop_reason: str
    """end_turn, tool_use, max_tokens, refusal, ..."""
    model: str
    provider: str
    """anthropic, rules, replay, or a fake's name."""
    usage: Usage = Usage()
    request_id: str = ""
    usd: float | None = None
    """What it cost, as whoever settled the call knows; None where that is not known."""
    requests: int = 1
    """Those that may have reached the provider: a try that failed is one, too."""

    @property
    def text(self) -> str:
        """All of its text blocks, one behind the other."""
        return "".join(block["text"] for block in self.content if block["type"] == "text")


class Model(Protocol):
    """Answers questions."""

    @property
    def name(self) -> str:
        """The provider's name, as it stands in every answer."""

    async def open(self) -> None:
        """Get ready, before the first question; an SDK may take seconds to load. Idempotent."""

    async def answer(self, question: Question) -> Answer:
        """Ask once. The caller sets the deadline and cancels it.

        Raises:
            ModelError: no usable answer; see `errors.py` for what its kinds ask for.
        """

    async def close(self) -> None:
        """Give connections back."""


class RecordsReader(Protocol):
    """Looks up what the channel `database` has written."""

    async def find(self, table: str, key: str) -> dict[str, Any] | None:
        """The fields of one record; None where there is none."""


class Clock(Protocol):
    """Time, for whoever decides by it."""

    def now(self) -> datetime:
        """The moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    async def sleep(self, seconds: float) -> None:
        """Wait; other tasks run meanwhile."""


class Trigger(Protocol):
    """What turns something of the world into events: a schedule, a monitor, a hook, a queue."""

    @property
    def name(self) -> str:
        """Unique among those of its kind in an application."""

    @property
    def emits(self) -> Sequence[type[Event]]:
        """The models of the events that it makes; the application gets their topics."""


class Polls(Protocol):
    """Is told of monitors and schedules. Must not raise and must not block."""

    def polled(self, monitor: str, outcome: str, at: datetime) -> None:
        """A monitor has looked: ok, unchanged, throttled, failed, or skipped."""

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        """A schedule was woken: fired, caught_up, or skipped; `at` is the slot."""


class NoPolls:
    """Nobody wants to know."""

    def polled(self, monitor: str, outcome: str, at: datetime) -> None:
        """Forget it."""

    def fired(self, schedule: str, outcome: str, at: datetime) -> None:
        """Forget it."""


class Requests(Protocol):
    """Is told of requests to the gateway. Must not raise and must not block."""

    def answered(self, source: str, status: int, seconds: float) -> None:
        """One was answered. The source is `events`, or the configured name of a hook."""


class Calls(Protocol):
    """Is told of calls of models. Must not raise and must not block."""

    def called(
        self,
        agent: str,
        model: str,
        outcome: str,
        seconds: float,
        *,
        usage: Usage | None,
        usd: float | None,
    ) -> None:
        """One is over: ok, a code, or an error's class; what it took, as far as that is known."""


class Effects(Protocol):
    """Is told of effects that may have happened. Must not raise and must not block."""

    def unknown(self, channel: str) -> None:
        """Neither the channel nor the peer can tell about an interrupted one."""


class Observer(Protocol):
    """Is told what became of events. Must not raise and must not block."""

    def observe(self, report: Report) -> None:
        """Take note."""


class Report(NamedTuple):
    """One thing that happened to one event.

    `outcome` is one of received, started, ok, duplicate, retried, parked, delayed, dead_lettered,
    skipped, forwarded, released, step, step_rerun.
    """

    outcome: str
    topic: str
    partition: int
    offset: int
    event_id: str = ""
    agent: str = ""
    attempt: int = 0
    code: str = ""
    """The dead letter's error code, the class of a failure, or what became of a step."""
    detail: str = ""
    seconds: float = 0.0
    """How long the agent ran."""
    events: int = 1
    """Of how many events: `received` is told once for a whole poll, `offset` is its last."""
    written_ms: int = 0
    """When the event's record was written; milliseconds since the epoch, 0 where it is not told."""
    replay: int = 0
    """Which replay of a dead letter it was."""
