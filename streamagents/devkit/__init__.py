"""The embedded broker: Apache Kafka on this machine, without Docker, for development and tests.

Touches: processes, sockets, the data folder, the user's cache, Maven Central (once, for the jars).
Needs the extra `streamagents[devkit]`. Start at `streamagents.devkit.broker.EmbeddedBroker`.
"""
