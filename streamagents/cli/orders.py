"""The orders of a replay: what a person asked for, and the letters that are meant by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamagents.cli.letters import rereadable
from streamagents.review.exported import from_line

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from streamagents.cli.edit import Edit
    from streamagents.review.desk import Desk, Ends
    from streamagents.review.filters import Filter
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a person asked for."""

    meant: Filter
    file: Path | None
    terms: Terms
    rate: float | None
    wait_s: float
    app: str | None
    edit: Edit
    dry_run: bool
    yes: bool
    as_json: bool

    async def letters(self, desk: Desk, up_to: Ends | None = None) -> AsyncGenerator[Letter, None]:
        """The letters that are meant, on the broker or in the file.

        Args:
            desk: knows what became of them.
            up_to: of those on the broker, only what a former reading got to see.

        Raises:
            InvalidEventError: a line of the file is no letter.
        """
        if self.file is None:
            async for letter in desk.letters(self.meant, up_to=up_to):
                yield letter
            return
        with rereadable(self.file).open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    letter = from_line(line, f"Line {number} of {self.file}", desk.cluster)
                    letter = replace(letter, state=desk.states.get(letter.at))
                    if self.meant.matches(letter):
                        yield letter
