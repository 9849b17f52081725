"""Actions: effects on the outside, the channels that deliver them, and what an interruption means.

An agent decides an effect with `ctx.act(...)`; it leaves with the agent's other results, and is
delivered once, where the peer allows it, else at least once or at most once, as its channel says.
Touches: nothing by itself; channels do.
"""

from streamagents.actions.action import Action
from streamagents.actions.building import build_channels
from streamagents.actions.channel import Channel, Delivery, Effect
from streamagents.actions.database import DatabaseChannel, RecordUpsert
from streamagents.actions.deliver import Deliverer
from streamagents.actions.http import HttpChannel, HttpPost
from streamagents.actions.log import LogChannel, LogLine
from streamagents.actions.mail import Email, EmailChannel
from streamagents.actions.naming import EffectNames
from streamagents.actions.slack import SlackChannel, SlackLink, SlackMessage
from streamagents.errors import DeliveryError, NotSentError

__all__ = [
    "Action",
    "Channel",
    "DatabaseChannel",
    "Deliverer",
    "Delivery",
    "DeliveryError",
    "Effect",
    "EffectNames",
    "Email",
    "EmailChannel",
    "HttpChannel",
    "HttpPost",
    "LogChannel",
    "LogLine",
    "NotSentError",
    "RecordUpsert",
    "SlackChannel",
    "SlackLink",
    "SlackMessage",
    "build_channels",
]
