"""The bus: Kafka outside of any event's group. Writing records, shaping topics, looking at them.

Touches: the broker, through aiokafka, whose errors end here: what leaves is our own family. Every
wait has an end. The worker's own consumer and transactions are no part of it (`runtime/`).
"""

from streamagents.bus.admin import KafkaAdmin
from streamagents.bus.lasting import LastingBus
from streamagents.bus.producer import KafkaBus
from streamagents.bus.reader import KafkaReader, TopicReader, read_all, read_tail, wait_until_stable
from streamagents.bus.together import KafkaTogether

__all__ = [
    "KafkaAdmin",
    "KafkaBus",
    "KafkaReader",
    "KafkaTogether",
    "LastingBus",
    "TopicReader",
    "read_all",
    "read_tail",
    "wait_until_stable",
]
