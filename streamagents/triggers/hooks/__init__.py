"""Hooks: what foreign senders post to us. Whose signature it is, what was sent, and which events.

Decisions only: the gateway reads the requests and writes the records.
"""
