"""Triggers: what turns the world into events.

A schedule fires by the clock, once for each of its slots, whoever leads and whatever restarts.

Touches: the ports, and what each trigger listens to.
"""

from streamagents.triggers.cron import Schedule

__all__ = ["Schedule"]
