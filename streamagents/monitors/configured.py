"""Monitors from the settings: an application gets them without a line of code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streamagents.errors import ConfigurationError
from streamagents.monitors.feed import FeedMonitor
from streamagents.monitors.hackernews import HackerNewsMonitor
from streamagents.monitors.links import LinkMonitor
from streamagents.monitors.page import PageMonitor
from streamagents.monitors.reddit import RedditMonitor
from streamagents.monitors.uptime import UptimeMonitor
from streamagents.pipeline.addressing import known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamagents.agents import Registry
    from streamagents.events import Event
    from streamagents.monitors.monitor import Monitor
    from streamagents.monitors.reddit_login import RedditLogin

SETTING = "STREAMAGENTS_MONITORS"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorDefault:
    """What monitors of a kind make, where the settings do not say it."""

    type: str
    fields: Mapping[str, str] = field(default_factory=dict)


class _Common(BaseModel):
    """What each of them takes; see `Monitor`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: str
    type: str | None = None
    fields: dict[str, str] | None = None
    every_s: float | None = None
    first: Literal["from_now", "all"] | int | None = None
    on_update: Literal["ignore", "emit"] = "ignore"
    most: int = 100
    fails: int = 5
    timeout_s: float = 60


class _Feed(_Common):
    url: str
    max_bytes: int = Field(4 << 20, ge=1, le=64 << 20)


class _Reddit(_Common):
    subreddit: str = ""
    search: str = ""
    via: Literal["rss", "json"] = "rss"
    base: str | None = None


class _HackerNews(_Common):
    query: str
    tags: list[str] = ["story", "comment"]
    base: str | None = None


class _Page(_Common):
    url: str
    select: str | None = None


class _Uptime(_Common):
    url: str
    contains: str = ""
    confirm: int = Field(2, ge=1, le=100)
    deadline_s: float = Field(10.0, gt=0, le=60)


class _Links(_Common):
    url: str
    pages: int = Field(200, ge=1, le=10_000)
    links: int = Field(1000, ge=0, le=10_000)
    elsewhere: bool = True
    round_s: float = Field(86_400.0, ge=60)
    work_s: float = Field(20.0, ge=1, le=300)


_KINDS: dict[str, tuple[type[_Common], Any]] = {
    "feed": (_Feed, FeedMonitor),
    "reddit": (_Reddit, RedditMonitor),
    "hackernews": (_HackerNews, HackerNewsMonitor),
    "page": (_Page, PageMonitor),
    "uptime": (_Uptime, UptimeMonitor),
    "links": (_Links, LinkMonitor),
    "sitemap": (_Links, LinkMonitor),
}


def configured(
    found: Mapping[str, Any],
    registry: Registry,
    *,
    defaults: Mapping[str, MonitorDefault] | None = None,
    login: RedditLogin | None = None,
) -> list[Monitor]:
    """The monitors of the settings.

    Args:
        found: by name, as JSON.
        registry: the application's agents and models.
        defaults: by kind.
        login: for Reddit's API.

    Raises:
        ConfigurationError: one sentence that names all faults.
    """
    monitors: list[Monitor] = []
    faults: list[str] = []
    for name, setting in found.items():
        try:
            monitors.append(_monitor(name, setting, registry, defaults or {}, login))
        except ConfigurationError as exc:
            faults.append(str(exc).rstrip("."))
    if faults:
        raise ConfigurationError(f"{SETTING}: {'; '.join(faults)}.")
    return monitors


def _monitor(
    name: str,
    setting: Any,
    registry: Registry,
    defaults: Mapping[str, MonitorDefault],
    login: RedditLogin | None,
) -> Monitor:
    kind = setting.get("kind") if isinstance(setting, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ConfigurationError(
            f"the monitor {name!r} is of the kind {kind!r}; there are {', '.join(_KINDS)}"
        )
    shape, make = _KINDS[kind]
    try:
        read = shape.model_validate(setting)
    except ValidationError as exc:
        told = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in exc.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(f"the monitor {name!r}: {told}") from exc
    default = defaults.get(kind)
    own = read.model_dump(exclude_unset=True, exclude={"kind", "type"})
    if default is not None and read.type in {None, default.type}:
        own.setdefault("fields", default.fields)
    if login is not None and make is RedditMonitor:
        own["login"] = login
    made: Monitor = make(name, to=_model(name, read.type, default, registry), **own)
    return made


def _model(
    name: str, said: str | None, default: MonitorDefault | None, registry: Registry
) -> type[Event]:
    type_ = said or (default.type if default else None)
    if type_ is None:
        raise ConfigurationError(f"the monitor {name!r} has no type: say which event it makes")
    _, model = known(registry, type_)
    if model is None:
        types = sorted(one.event_type.type for one in registry.events.values())
        raise ConfigurationError(
            f"the monitor {name!r} makes {type_!r}, of which the application has no model; it has "
            f"{', '.join(types) or 'none'}"
        )
    return model
