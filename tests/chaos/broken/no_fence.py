"""Switch: every process has transactional ids of its own, so that nobody is ever fenced."""

from __future__ import annotations

import os
from typing import Any

from chaos.app import app
from streamagents.runtime.writer import Writer

_as_it_is = Writer.__init__


def _unfenced(writer: Writer, *args: Any, transactional_id: str, **more: Any) -> None:
    _as_it_is(writer, *args, transactional_id=f"{transactional_id}-{os.getpid()}", **more)


Writer.__init__ = _unfenced  # type: ignore[assignment, method-assign]

__all__ = ["app"]
