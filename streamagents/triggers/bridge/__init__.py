"""Bridges: messages of queues that exist already, of any shape, become typed events.

Touches: the queue, through its own client: Redis and SQS here, a file each; Kafka in `bus/`.
"""

from streamagents.triggers.bridge.bridge import Bridge, BridgeSetting
from streamagents.triggers.bridge.queues import KafkaQueue, RedisQueue, SqsQueue

__all__ = ["Bridge", "BridgeSetting", "KafkaQueue", "RedisQueue", "SqsQueue"]
