"""The operator's drill: an agent breaks under load, and a person brings its events home.

`python -m drill` (with `tests` on the path) plays it in full; `--short` in half a minute.
An independent count judges: a raw reader of Kafka, and what the agents and the world outside wrote.
"""
