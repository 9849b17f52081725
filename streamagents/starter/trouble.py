"""The trouble agent: a person learns of a monitor that sees nothing any more."""

from streamagents import Context
from streamagents.monitors import MonitorFailing
from streamagents.starter.reading import one_line
from streamagents.starter.review import Team, ask_a_person


class MonitorTroubleAgent:
    """Asks a person to look after a monitor that keeps failing."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, failing: MonitorFailing, ctx: Context) -> None:
        """Tell the team, and emit `review_needed`."""
        why = f"{failing.failures} polls in a row have failed, the first at {failing.since:%F %T}."
        reasons = [why, one_line(failing.reason, 500)]
        ask_a_person(ctx, self.team, subject=failing.monitor, reasons=reasons)
