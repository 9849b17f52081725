"""An application and its consumer, without a broker; a state in RocksDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rocksdict import Options, Rdict

from streamagents import create_app
from streamagents.runtime.store import Store
from streamagents.settings import Settings
from support.records import Anything, Scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamagents.runtime.app import StreamApp


@pytest.fixture
def rocks(tmp_path: Path) -> Iterator[Store]:
    """A state in a real RocksDB."""
    db = Rdict(str(tmp_path / "state"), options=Options(raw_mode=True))
    store = Store()
    store.open(db)
    yield store
    store.close()
    db.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[StreamApp]:
    """An application; a coroutine because Faust would else make a loop that nobody closes."""
    app = create_app(
        "shop",
        agents={"order": Scripted()},
        fallback=Anything(),
        settings=Settings(data_dir=tmp_path),
    )
    yield app
    if app._consumer is not None:
        app.consumer._thread.thread_loop.close()


@pytest.fixture
async def consumer(shop: StreamApp) -> Any:
    """Our Faust consumer, made as Faust makes it and not started."""
    return shop.consumer


@pytest.fixture
async def client(consumer: Any) -> AsyncIterator[Any]:
    """The aiokafka consumer under it, made as Faust makes it and not started."""
    client = consumer._thread._create_worker_consumer(consumer.app.transport)
    yield client
    await client.stop()
