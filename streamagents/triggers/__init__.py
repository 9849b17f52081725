"""Triggers: what turns the world into events, each in a folder of its own.

A schedule fires by the clock, once for each of its slots, whoever leads and whatever restarts. A
hook says what a sender of webhooks means. A folder's files and a queue's messages become events.

Touches: the ports, and what each trigger listens to.
"""

from streamagents.triggers.bridge import Bridge, KafkaQueue, RedisQueue, SqsQueue
from streamagents.triggers.cron import Schedule
from streamagents.triggers.files import Folder
from streamagents.triggers.hooks.hook import Hook, To

__all__ = [
    "Bridge",
    "Folder",
    "Hook",
    "KafkaQueue",
    "RedisQueue",
    "Schedule",
    "SqsQueue",
    "To",
]
