"""The channels that the settings name, and their end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from streamagents.actions import (
    DatabaseChannel,
    Delivery,
    EmailChannel,
    HttpChannel,
    SlackChannel,
)
from streamagents.errors import ConfigurationError, describe
from streamagents.net import Http

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamagents.settings import Settings

log = structlog.stdlib.get_logger("streamagents.runtime")

_CLOSE_S = 5.0
_SLACK_A_SECOND = 1.0
"""What Slack takes of one webhook."""


def channels_from(
    settings: Settings, *, tables: Iterable[str] | Mapping[str, str | None] = ()
) -> list[Delivery]:
    """The channels that the settings name, for `create_app(channels=...)`.

    The database is always among them. Slack, e-mail and HTTP are where they are configured: an
    event whose agent decides an effect for another fails, and becomes a letter.

    Args:
        settings: the application's.
        tables: what its records may be written to.

    Raises:
        ConfigurationError: one of them cannot work.
    """
    deliveries = [Delivery(database_from(settings, tables))]
    urls = dict(settings.slack_webhooks)
    if settings.slack_webhook_url is not None:
        urls.setdefault("*", settings.slack_webhook_url)
    if urls:
        slack = SlackChannel(urls, http=http_from(settings))
        deliveries.append(Delivery(slack, per_second=_SLACK_A_SECOND))
    if settings.smtp_host is not None:
        deliveries.append(Delivery(_email(settings, settings.smtp_host)))
    if settings.http_allow_hosts:
        http = HttpChannel(
            allow_hosts=settings.http_allow_hosts,
            secrets=settings.http_secrets,
            http=http_from(settings),
        )
        deliveries.append(Delivery(http))
    return deliveries


def database_from(
    settings: Settings, tables: Iterable[str] | Mapping[str, str | None]
) -> DatabaseChannel:
    """The records: what writes them, and what finds them.

    Raises:
        ConfigurationError: the database or a table cannot be used.
    """
    place = settings.database_url or settings.data_dir / "records.db"
    return DatabaseChannel(place, tables=tables)


def http_from(settings: Settings) -> Http:
    """A client that reaches what the settings opened.

    Raises:
        ConfigurationError: an opened host is no host:port.
    """
    return Http(private=settings.allow_private_hosts)


def _email(settings: Settings, host: str) -> EmailChannel:
    if not settings.smtp_from:
        raise ConfigurationError(
            "STREAMAGENTS_SMTP_HOST is set and STREAMAGENTS_SMTP_FROM is not: a mail needs a "
            "sender, as in 'Crm <crm@example.com>'."
        )
    return EmailChannel(
        host,
        settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password,
        sender=settings.smtp_from,
        tls=settings.smtp_tls,
        ca_file=settings.smtp_ca_file,
        allow_recipients=settings.email_allow,
    )


async def close_channels(deliveries: Mapping[str, Delivery]) -> None:
    """Let channels give their connections back. A worker that stops is not held up by them."""
    for name, delivery in deliveries.items():
        close = getattr(delivery.channel, "close", None)
        if close is None:
            continue
        try:
            async with asyncio.timeout(_CLOSE_S):
                await close()
        except Exception as exc:  # noqa: BLE001 - the process ends in any case
            log.warning("channel_not_closed", channel=name, error=describe(exc))
