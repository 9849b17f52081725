"""The reminder agent: what a schedule has to say reaches the team."""

from streamagents import Context, Event
from streamagents.starter.review import Note, Team


class Reminder(Event, topic="reminder", key="channel"):
    """Something to be thought of; a schedule's event, as a rule."""

    channel: str
    """Of Slack, without the number sign."""
    text: str


class ReminderTold(Event, topic="reminder_told", key="channel"):
    """The team was reminded."""

    channel: str
    text: str


class ReminderAgent:
    """Tells the team."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, reminder: Reminder, ctx: Context) -> ReminderTold:
        """Tell those who read the channel, and emit `reminder_told`."""
        note = Note(channel=reminder.channel, title="A reminder", text=reminder.text, fields={})
        self.team.tell(ctx, note, name="reminder")
        return ReminderTold(channel=reminder.channel, text=reminder.text)
