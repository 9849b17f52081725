"""Triggers: what turns the world into events.

A schedule fires by the clock, once for each of its slots, whoever leads and whatever restarts.
A hook makes events of what foreign senders post to the gateway.

Touches: the ports, and what each trigger listens to.
"""

from streamagents.triggers.cron import Schedule
from streamagents.triggers.hooks.hook import Hook, To

__all__ = ["Hook", "Schedule", "To"]
