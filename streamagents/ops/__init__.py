"""Operation: what a process shows of itself. Metrics, health, what its logs leave out.

`metrics` composes; `series` are the numbers behind it, `health` decides, `server` answers over HTTP
from a thread of its own. Nothing here knows Faust or Kafka: whoever runs hands in a `View`.
"""
