"""The intent: up to which offset a process may have events in its hands.

One durable record ahead of many events, in place of one before each: a process that dies leaves
behind, for every partition, how far it may have begun. Events in that range are handled with care
by the next owner: each gets a mark of its own, durable before its agent runs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pydantic_core import from_json, to_json

from streamagents.pipeline.mark import FORMAT, refuse_newer

AHEAD = 1000
"""Offsets that one intent reaches beyond the poll that made it necessary."""
NOTHING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is durable of one source partition's intake."""

    process: str = ""
    high: int = NOTHING
    """Events up to here may be in flight in that process; NOTHING after a release."""
    careful: int = NOTHING
    """Events up to here were in reach when a process died."""
    presumed_above: int = NOTHING
    """Of those, the ones above this offset had no mark of their own ..."""
    suspect: str = ""
    """... when this process died."""

    def encode(self) -> bytes:
        """The intent's bytes: the format byte, then JSON."""
        return bytes([FORMAT]) + to_json(asdict(self))

    @classmethod
    def decode(cls, value: bytes | None) -> Intent:
        """Read an intent; nothing was intended where there is none.

        Raises:
            NewerFormatError: this version does not know its format.
        """
        if value is None:
            return cls()
        refuse_newer(value)
        return cls(**from_json(value[1:]))

    def inherited_by(self, process: str) -> Intent:
        """What the next owner begins with. An owner that released or was ourselves died not."""
        if self.high == NOTHING or self.process == process:
            return Intent(
                process=process,
                careful=self.careful,
                presumed_above=self.presumed_above,
                suspect=self.suspect,
            )
        return Intent(
            process=process,
            careful=max(self.high, self.careful),
            presumed_above=self.careful,
            suspect=self.process,
        )

    def presumed_death(self, offset: int) -> str | None:
        """The process that may have died with the event at this offset in its hands."""
        return self.suspect if self.presumed_above < offset <= self.careful else None


def intent_key(topic: str) -> bytes:
    """The state key of a source partition's intent."""
    return b"i\0" + topic.encode()
