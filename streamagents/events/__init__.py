"""Events: the typed model a user writes, the envelope it travels in, and the bytes on the wire."""

from streamagents.events.envelope import Envelope, Headers
from streamagents.events.model import Event, EventType
from streamagents.events.trace import child_of, new_traceparent, passed_on
from streamagents.events.wire import decode, encode

__all__ = [
    "Envelope",
    "Event",
    "EventType",
    "Headers",
    "child_of",
    "decode",
    "encode",
    "new_traceparent",
    "passed_on",
]
