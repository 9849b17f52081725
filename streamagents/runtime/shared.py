"""What all partitions of one worker share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.llm.asker import Asker
    from streamagents.pipeline.replay import Answers
    from streamagents.ports import Clock, Observer
    from streamagents.runtime.emitter import Emitter
    from streamagents.runtime.gate import Gate
    from streamagents.runtime.invoke import Invoker
    from streamagents.runtime.pauses import AgentPauses
    from streamagents.runtime.till import PartitionTill


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What all partitions of one worker share."""

    process: str
    """Names this process in the marks that it writes; no two processes share one."""
    group: str
    """The consumer group."""
    gate: Gate
    pauses: AgentPauses
    invoker: Invoker
    emitter: Emitter
    asker: Asker
    till: PartitionTill
    clock: Clock
    observer: Observer
    answers: Answers
    """To replayed letters."""
    alive: Callable[[], bool]
    """Whether the group still takes this worker for alive."""
    end_of: Callable[[str, int], int | None] = lambda _topic, _partition: None
    """Where a source partition ends, as its last fetch said; None if there was none."""
    stuck_after_s: float = 30.0
    """What stands still for longer than it may and this, is told."""
    cleared: set[str] = field(default_factory=set)
    """Processes whose deaths an event has been found guilty of: their bystanders are free."""
