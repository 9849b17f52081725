"""Net: requests over HTTP that reach only what they may, and that always end.

The one door for channels, tools and monitors. Touches: the network, through aiohttp.
"""

from streamagents.net.client import Http, Reply
from streamagents.net.dialling import Resolve
from streamagents.net.hosts import Hosts

__all__ = ["Hosts", "Http", "Reply", "Resolve"]
