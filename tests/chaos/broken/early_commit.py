"""Switch: the commit position is what was delivered, as the stock consumer's may be."""

from __future__ import annotations

from chaos.app import app
from streamagents.runtime.ledger import Ledger


def _delivered(ledger: Ledger) -> int:
    return ledger.next


Ledger.position = property(_delivered)  # type: ignore[assignment, method-assign]

__all__ = ["app"]
