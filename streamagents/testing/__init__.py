"""Testing: fakes of the ports. They ship, so that a user's agent is tested without Kafka.

```python
async def test_a_good_lead_is_scored() -> None:
    ctx = FakeContext()
    await LeadEnrichmentAgent().run(NewLead(email="ann@example.com"), ctx)
    assert ctx.emitted == [LeadScored(email="ann@example.com", score=7)]
```

Touches: nothing outside of the process.
"""

from streamagents.testing.bus import MemoryBus, MemoryRecord
from streamagents.testing.channel import Note, RecordingChannel
from streamagents.testing.clock import FakeClock
from streamagents.testing.context import FakeContext
from streamagents.testing.model import FakeModel, ToolUse
from streamagents.testing.ticking import run_tick

__all__ = [
    "FakeClock",
    "FakeContext",
    "FakeModel",
    "MemoryBus",
    "MemoryRecord",
    "Note",
    "RecordingChannel",
    "ToolUse",
    "run_tick",
]
