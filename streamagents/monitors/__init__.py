"""Monitors: look at what others publish, every so often, and tell what is new as events.

A monitor says how to look, in a file of less than 80 lines; the loop, the news, the politeness
are shared. Touches: the network, through net.
"""

from streamagents.monitors.events import MonitorFailing, MonitorItemDropped, MonitorRecovered
from streamagents.monitors.feed import FeedMonitor
from streamagents.monitors.hackernews import HackerNewsMonitor
from streamagents.monitors.item import Item
from streamagents.monitors.links import LinkMonitor
from streamagents.monitors.loop import MonitorLoop
from streamagents.monitors.monitor import Monitor
from streamagents.monitors.page import PageMonitor
from streamagents.monitors.reddit import RedditMonitor
from streamagents.monitors.reddit_login import RedditLogin
from streamagents.monitors.uptime import UptimeMonitor
from streamagents.monitors.visit import NothingNew, Visit
from streamagents.monitors.web import Web

__all__ = [
    "FeedMonitor",
    "HackerNewsMonitor",
    "Item",
    "LinkMonitor",
    "Monitor",
    "MonitorFailing",
    "MonitorItemDropped",
    "MonitorLoop",
    "MonitorRecovered",
    "NothingNew",
    "PageMonitor",
    "RedditLogin",
    "RedditMonitor",
    "UptimeMonitor",
    "Visit",
    "Web",
]
