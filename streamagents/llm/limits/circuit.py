"""The circuit: a provider that fails again and again is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 5
"""In a row, until the circuit opens."""
OPEN_S = 15.0
LONGEST_S = 300.0
"""It is open for 15 s first, and twice as long after each probe that fails, up to five minutes."""
PROBE_S = 2.0
"""While a probe is under way, the others ask again after this."""


@dataclass(slots=True)
class Circuit:
    """Closed: calls pass. Open: none does. Half open: one does, and decides."""

    failures: int = 0
    """In a row."""
    open_until: float = 0.0
    """By the monotonic clock; 0 is closed."""
    open_s: float = OPEN_S
    """How long it was open the last time."""
    probing: bool = False
    reason: str = ""

    @property
    def closed(self) -> bool:
        """Whether calls pass."""
        return not self.open_until

    def wait_s(self, now: float) -> float:
        """Seconds until a call may be tried; 0 is now."""
        if self.closed:
            return 0.0
        if now < self.open_until:
            return self.open_until - now
        return PROBE_S if self.probing else 0.0

    def enter(self) -> bool:
        """A call begins. True: it is the probe, and has to tell how it ended, whatever comes."""
        if self.closed:
            return False
        self.probing = True
        return True

    def succeeded(self, *, probe: bool) -> None:
        """The provider answered. An answer to a call from before it opened closes nothing."""
        if not (probe or self.closed):
            return
        self.failures, self.open_until, self.open_s = 0, 0.0, OPEN_S
        self.probing, self.reason = False, ""

    def failed(self, now: float, reason: str, *, probe: bool) -> None:
        """The provider did not answer: it opens, at the fifth time or after a probe."""
        self.failures += 1
        if probe:
            self.open_s = min(LONGEST_S, 2 * self.open_s)
            self._open(now + self.open_s, reason)
        elif self.closed and self.failures >= FAILURES:
            self._open(now + self.open_s, reason)

    def rest(self, until: float, reason: str) -> None:
        """The provider named a time before which it wants to hear nothing."""
        self._open(max(until, self.open_until), reason)

    def given_up(self) -> None:
        """The probe ended without a word: the next one tries."""
        self.probing = False

    def _open(self, until: float, reason: str) -> None:
        self.open_until, self.reason, self.probing = until, reason, False
