"""The starter app: four agents and a fallback, the application that runs by default.

The agents decide by rules, and every result says so: `provider="rules"`. Importing this room
loads no Faust; `app.py` does.
"""
