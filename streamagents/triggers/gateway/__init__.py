"""The gateway: events over HTTP. Answers 202 when Kafka has them, and never before.

Touches: sockets, through Starlette and uvicorn. Writes through the port `Bus`.
"""
