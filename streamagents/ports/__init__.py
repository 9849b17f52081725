"""The ports: what the inner rooms ask of the world, in Protocols of one to four methods."""

from streamagents.ports.models import Answer, Model, Question, Usage
from streamagents.ports.records import BulkBus, Bus, Outgoing, Position, Reader, Record, Together
from streamagents.ports.watchers import (
    Calls,
    Effects,
    NoPolls,
    Observer,
    Pauses,
    Polls,
    Report,
    Requests,
)
from streamagents.ports.world import Action, Clock, Message, Queue, RecordsReader, Trigger

__all__ = [
    "Action",
    "Answer",
    "BulkBus",
    "Bus",
    "Calls",
    "Clock",
    "Effects",
    "Message",
    "Model",
    "NoPolls",
    "Observer",
    "Outgoing",
    "Pauses",
    "Polls",
    "Position",
    "Question",
    "Queue",
    "Reader",
    "Record",
    "RecordsReader",
    "Report",
    "Requests",
    "Together",
    "Trigger",
    "Usage",
]
