"""An application with a folder and a bridge: sales that drop in are booked, once each."""

from __future__ import annotations

import os

from pydantic import SecretStr

from streamagents import Context, Event, create_app
from streamagents.triggers.bridge import Bridge, KafkaQueue, RedisQueue
from streamagents.triggers.files import Folder


class Sale(Event, topic="sale", key="who", id=None):
    """One row of a file, or one message of the old system."""

    n: int
    who: str


class Booked(Event, topic="booked", key="who", id=None):
    """What became of a sale."""

    n: int
    who: str


class Booker:
    async def run(self, sale: Sale, ctx: Context) -> Booked:
        return Booked(n=sale.n, who=sale.who)


class Leftovers:
    async def run(self, event: dict[str, object]) -> None:
        """Take anything."""


app = create_app(
    "ears",
    agents={"sale": Booker()},
    fallback=Leftovers(),
    emits=[Booked],
    triggers=[
        Folder(
            "drop",
            os.environ.get("EARS_FOLDER", "drop"),
            to=Sale,
            patterns=["*.csv", "*.jsonl"],
            done="done",
            failed="failed",
            settle_s=0.3,
        ),
        Bridge(
            "old",
            KafkaQueue(topic=os.environ.get("EARS_TOPIC", "old")),
            to=Sale,
            fields={"n": "order.no", "who": "order.customer.mail"},
        ),
        Bridge(
            "redis",
            RedisQueue(
                stream="sales", url=SecretStr(os.environ.get("EARS_REDIS", "redis://127.0.0.1"))
            ),
            to=Sale,
        ),
    ],
)
