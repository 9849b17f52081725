"""Faust's own settings, as the promises need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamagents.runtime.internals import RecordTable, RecordTables, StreamWorker
from streamagents.runtime.web import faust_port
from streamagents.runtime.wiring import REBALANCE_S

if TYPE_CHECKING:
    from streamagents.settings import Settings


def faust_settings(app_id: str, settings: Settings) -> dict[str, Any]:
    """What Faust's app is made with.

    Args:
        app_id: the application, prefix included.
        settings: ours.
    """
    return {
        "broker": ";".join(
            f"kafka://{address.strip()}" for address in settings.bootstrap.split(",")
        ),
        "store": "rocksdb://",
        "datadir": str(settings.data_dir / app_id),
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        # Our own pages; Faust's are looked after by the boot strategy. A worker's --web-port and
        # --web-bind change these.
        "web_enabled": settings.web_port != "off",
        "web_port": faust_port(settings),
        "web_bind": settings.bind,
        "topic_disable_leader": True,  # see `is_leader`
        "stream_wait_empty": False,  # we drain ourselves, within a bound
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": min(3.0, settings.session_timeout_s / 3),
        "broker_rebalance_timeout": REBALANCE_S,
        "broker_request_timeout": 40.0,
        # Stock waits 20 minutes for a broker that is frozen, or whose host is gone.
        "producer_request_timeout": 10.0,
        # Back-pressure must not look like death: stock leaves the group and never comes back.
        "broker_max_poll_interval": 1_000_000.0,
        "broker_max_poll_records": 1000,
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        # A group whose leader joined before it had seen the topics gets none of them, until the
        # leader looks again: stock after five minutes.
        "consumer_metadata_max_age_ms": 10_000,
        "stream_processing_timeout": 86_400.0,  # an agent may take its time: our own limits rule
        "broker_commit_livelock_soft_timeout": 86_400.0,
        "autodiscover": False,
        "Worker": StreamWorker,
        "Table": RecordTable,
        "TableManager": RecordTables,
    }
