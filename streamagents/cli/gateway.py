"""`streamagents gateway`: events and webhooks over HTTP."""

from __future__ import annotations

from streamagents.cli.common import AppModule, module_of


def gateway(*, app: AppModule = None) -> None:
    """Take events and webhooks over HTTP, for the application's agents."""
    from streamagents.runtime.gateway import run  # noqa: PLC0415 - this imports Faust

    run(module_of(app))
