"""Sources: one webhook sender as it was configured, and the records of what it sends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from streamagents.errors import ConfigurationError, StreamAgentsError
from streamagents.pipeline.addressing import known
from streamagents.topics import OUR_TOPICS
from streamagents.triggers.gateway.answers import RefusedError
from streamagents.triggers.hooks.hook import ANY, Hook, To

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from streamagents.agents import Registry
    from streamagents.ports import Trigger
    from streamagents.triggers.gateway.records import Desk, Parcel
    from streamagents.triggers.hooks.config import HookConfig
    from streamagents.triggers.hooks.deliveries import Delivery
    from streamagents.triggers.hooks.hook import Draft

log = structlog.stdlib.get_logger("streamagents.gateway")

_OURS = OUR_TOPICS.rstrip(".")

UNMAPPED = "streamagents-unmapped"
"""Header of a delivery that is in the inbox because its mapping failed: why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One sender."""

    name: str
    config: HookConfig
    hook: Hook | None = None

    def parcels(
        self, desk: Desk, delivery: Delivery, now: datetime, parent: bytes | None
    ) -> list[Parcel]:
        """The records of a delivery; none if its mapping says that it is nothing.

        A mapping that fails would fail again: the delivery is kept as it came, and the sender is
        not asked to repeat it.
        """
        try:
            drafts = self.hook.drafts(delivery) if self.hook else None
            if drafts is not None:
                return self._mapped(desk, drafts, delivery, now, parent)
        except Exception as exc:  # noqa: BLE001 - a user's function may raise anything; see above
            why = _why(exc)
            log.warning("hook_mapping_failed", source=self.name, kind=delivery.kind, why=why)
            return [_marked(self._raw(desk, delivery, now, parent), why)]
        return [self._raw(desk, delivery, now, parent)]

    def _mapped(
        self,
        desk: Desk,
        drafts: list[Draft],
        delivery: Delivery,
        now: datetime,
        parent: bytes | None,
    ) -> list[Parcel]:
        several = len(drafts) > 1
        return [
            desk.make_out(
                draft.type,
                draft.value,
                id_=f"{delivery.id}/{number}" if several else delivery.id,
                source=f"hooks/{self.name}",
                time=now,
                parent=parent,
            )
            for number, draft in enumerate(drafts, start=1)
        ]

    def _raw(self, desk: Desk, delivery: Delivery, now: datetime, parent: bytes | None) -> Parcel:
        return desk.raw(
            f"{self.name}.{delivery.kind}",
            delivery.value,
            id_=delivery.id,
            source=f"hooks/{self.name}",
            time=now,
            parent=parent,
        )


def build_sources(
    configs: Mapping[str, HookConfig], triggers: Iterable[Trigger], registry: Registry
) -> dict[str, Source]:
    """The senders by name: what the settings say, joined with the application's hooks.

    Raises:
        ConfigurationError: two hooks have one name, both say how to map, or a type is unknown.
    """
    if _OURS in configs:
        raise ConfigurationError(
            f"A source of webhooks cannot be called {_OURS!r}: what it sends would go by the names "
            "of our own topics."
        )
    hooks: dict[str, Hook] = {}
    for trigger in triggers:
        if isinstance(trigger, Hook) and hooks.setdefault(trigger.name, trigger) is not trigger:
            raise ConfigurationError(f"The application has two hooks for {trigger.name!r}.")
    return {
        name: Source(name=name, config=config, hook=_hook(name, config, hooks.get(name), registry))
        for name, config in configs.items()
    }


def _hook(name: str, config: HookConfig, hook: Hook | None, registry: Registry) -> Hook | None:
    if config.type is None:
        return hook
    variable = f"STREAMAGENTS_HOOK_{name.upper().replace('-', '_')}_TYPE"
    if hook is not None:
        raise ConfigurationError(
            f"{variable} is set, and the application has a Hook for {name!r}: leave one to map it."
        )
    if known(registry, config.type)[0] is None:
        raise ConfigurationError(
            f"{variable} names {config.type!r}, which no agent and no model of the application has."
        )
    return Hook(name, {ANY: To(config.type, config.fields)})


def _why(exc: Exception) -> str:
    """Why a mapping failed, without a value of the payload."""
    if isinstance(exc, RefusedError):
        errors = exc.body.get("errors", [])
        fields = ", ".join(".".join(map(str, error["loc"])) for error in errors[:10])
        return f"{exc.body['error']} {fields}".strip()[:500]
    return str(exc)[:500] if isinstance(exc, StreamAgentsError) else type(exc).__name__


def _marked(parcel: Parcel, why: str) -> Parcel:
    note = (UNMAPPED, why.encode(errors="replace"))
    return replace(parcel, record=replace(parcel.record, headers=(*parcel.record.headers, note)))
