"""Triggers: what turns the world into events, each in a folder of its own."""
