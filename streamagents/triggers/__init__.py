"""Triggers: what turns the world into events.

A schedule fires by the clock, once for each of its slots, whoever leads and whatever restarts.
A folder makes events of the files that are dropped into it, a bridge of the messages of a queue
that exists already.

Touches: the ports, and what each trigger listens to.
"""

from streamagents.triggers.bridge import Bridge, KafkaQueue, RedisQueue, SqsQueue
from streamagents.triggers.cron import Schedule
from streamagents.triggers.files import Folder

__all__ = ["Bridge", "Folder", "KafkaQueue", "RedisQueue", "Schedule", "SqsQueue"]
