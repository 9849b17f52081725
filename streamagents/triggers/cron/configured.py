"""Schedules from the settings: an application gets them without a line of code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streamagents.errors import ConfigurationError
from streamagents.pipeline.addressing import known
from streamagents.triggers.cron.due import CatchUp
from streamagents.triggers.cron.schedule import MAX_CAP, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.agents import Registry
    from streamagents.events import Event

_SETTING = "STREAMAGENTS_SCHEDULES"


class ScheduleSetting(BaseModel):
    """One schedule, as in `{"cron": "0 9 * * *", "type": "report_due"}`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    cron: str
    type: str
    """Of the event."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Of the event, the same for each slot."""
    zone: str = "UTC"
    catch_up: CatchUp = "skip"
    cap: Annotated[int, Field(ge=1, le=MAX_CAP)] = 100


def configured(found: Mapping[str, ScheduleSetting], registry: Registry) -> list[Schedule]:
    """The schedules of the settings.

    Args:
        found: by name.
        registry: the application's agents and models.

    Raises:
        ConfigurationError: one of them cannot work, or the application does not know its event.
    """
    return [_schedule(name, setting, registry) for name, setting in found.items()]


def _schedule(name: str, setting: ScheduleSetting, registry: Registry) -> Schedule:
    event = _event(f"{_SETTING}: {name!r}", setting, registry)
    try:
        return Schedule(
            name,
            setting.cron,
            event=event,
            zone=setting.zone,
            catch_up=setting.catch_up,
            cap=setting.cap,
        )
    except ConfigurationError as exc:
        raise ConfigurationError(f"{_SETTING}: {exc}") from exc


def _event(where: str, setting: ScheduleSetting, registry: Registry) -> Event:
    type_, model = known(registry, setting.type)
    if type_ is None:
        types = sorted(one.event_type.type for one in registry.events.values())
        raise ConfigurationError(
            f"{where} fires {setting.type!r}, which the application does not know: it has "
            f"{', '.join(types) or 'no model'}."
        )
    if model is None:
        raise ConfigurationError(
            f"{where} fires {setting.type!r}, whose agent takes a dict: only an event with a model "
            "can be checked before it is fired."
        )
    try:
        return model.model_validate(setting.data)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the data'}: {fault['msg']}"
            for fault in exc.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(f"{where}: its data is no {setting.type!r}: {faults}.") from exc
