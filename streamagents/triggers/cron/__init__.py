"""Cron: named schedules in the time of a zone, and what becomes of slots that were missed."""

from streamagents.triggers.cron.due import CatchUp
from streamagents.triggers.cron.expression import Cron
from streamagents.triggers.cron.schedule import Schedule

__all__ = ["CatchUp", "Cron", "Schedule"]
