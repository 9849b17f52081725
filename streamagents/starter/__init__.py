"""The starter app: seven agents, the application that runs by default.

They think through `ctx.llm`, with Claude or by rules, and every result says with whom: `provider`.
The rules claim no intelligence. Importing this room loads no Faust; `app.py` does.
"""
