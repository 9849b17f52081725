"""Checks: what `streamagents doctor` says about what was found. Rules only; others look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from streamagents.topics import ActualTopic, Change

Level = Literal["ok", "warn", "fail"]

GIB = 1 << 30
LITTLE_BYTES = 2 * GIB
TOO_LITTLE_BYTES = GIB // 4
_UNLIMITED = "-1"
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One finding."""

    level: Level
    about: str
    says: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""


def of_disk(folder: Path, free: int) -> Line:
    """The room in the data folder."""
    says = f"{free / GIB:.1f} GiB are free at {folder}"
    if free < TOO_LITTLE_BYTES:
        return Line("fail", "disk", says, "make room: the state cannot be written without")
    if free < LITTLE_BYTES:
        advice = "make room: the embedded broker keeps up to 1 GiB a topic"
        return Line("warn", "disk", says, advice)
    return Line("ok", "disk", says)


def of_folder(folder: Path, fault: str) -> Line:
    """Whether the data folder can be written."""
    if fault:
        advice = "give the worker's user the right, or set STREAMAGENTS_DATA_DIR to another folder"
        return Line("fail", "data folder", f"{folder} cannot be written: {fault}", advice)
    return Line("ok", "data folder", str(folder))


def of_key(provider: str, *, key: bool) -> Line:
    """Who answers `ctx.llm`."""
    if provider == "rules":
        advice = "set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE), if a model is to think"
        return Line("warn", "model", "no model is configured, ctx.llm answers by rules", advice)
    if provider == "anthropic" and not key:
        return Line("fail", "model", "anthropic is named and has no key", "set ANTHROPIC_API_KEY")
    return Line("ok", "model", f"{provider} answers; its key was not tried, for that costs")


def of_clock(*, synchronized: bool | None) -> Line:
    """Whether the kernel takes its clock for right; None if it does not tell."""
    if synchronized is None:
        return Line("ok", "clock", "this system does not tell whether its clock is set by others")
    if not synchronized:
        advice = "start a time service (chrony, systemd-timesyncd): waits, budgets and retention "
        advice += "go by the clock"
        return Line("warn", "clock", "nothing keeps this machine's clock right", advice)
    return Line("ok", "clock", "it is kept right")


def of_port(host: str, port: int | str, fault: str) -> Line:
    """Whether a worker could listen."""
    if port == "off":
        advice = "set STREAMAGENTS_WEB_PORT, or nobody can ask a worker how it is"
        return Line("warn", "port", "workers have no pages", advice)
    where = f"{host}:{port}" if port else f"{host}, any free port"
    if fault:
        advice = "fine if that is a worker; else set STREAMAGENTS_WEB_PORT to another port"
        return Line("warn", "port", f"{where} is in use", advice)
    return Line("ok", "port", f"{where} is free")


def of_bind(host: str) -> Iterator[Line]:
    """An address that others reach."""
    if host not in {"127.0.0.1", "::1", "localhost"}:
        advice = "let only your Prometheus reach it: /metrics and /health need no token"
        yield Line("warn", "bind", f"pages are served at {host}", advice)


def of_topics(changes: Iterable[Change]) -> Line:
    """Whether the topics are as they should be."""
    changes = list(changes)
    missing = [c.spec.name for c in changes if c.action == "create"]
    refused = [f"{c.spec.name} {c.reason}" for c in changes if c.action == "refuse"]
    other = [f"{c.spec.name} ({c.reason})" for c in changes if c.action == "configure"]
    if refused:
        advice = "set the count that they have (STREAMAGENTS_PARTITIONS, or `partitions=`)"
        return Line("fail", "topics", _few(refused), advice)
    if missing:
        says = f"{len(missing)} do not exist: {_few(missing)}"
        return Line("fail", "topics", says, "run `streamagents topics apply`")
    if other:
        says = f"{len(other)} differ: {_few(other)}"
        return Line("warn", "topics", says, "run `streamagents topics apply`, if that is not meant")
    return Line("ok", "topics", f"all {len(changes)} are as they should be")


def of_replication(brokers: int, replication: int) -> Line:
    """Whether there are as many copies as there could be."""
    if replication > brokers:
        says = f"STREAMAGENTS_REPLICATION is {replication}, and there are {brokers} brokers"
        return Line("fail", "brokers", says, f"set it to {brokers} at most")
    if replication == 1 and brokers > 1:
        advice = "set STREAMAGENTS_REPLICATION=3, before the topics are made"
        says = f"{brokers} brokers, and each record is on one of them alone"
        return Line("warn", "brokers", says, advice)
    return Line("ok", "brokers", f"{brokers}, replication {replication}")


def of_retention(consumed: Iterable[str], actual: Mapping[str, ActualTopic]) -> Iterator[Line]:
    """Topics that keep everything: their seen ids are kept, too."""
    forever = [
        name
        for name in consumed
        if name in actual and actual[name].config.get("retention.ms") == _UNLIMITED
    ]
    if forever:
        advice = "set retention.ms, or have the disk for it"
        says = f"{_few(forever)}: nothing expires, so that seen ids are never forgotten"
        yield Line("warn", "retention", says, advice)


def of_open(channels: Iterable[str]) -> Iterator[Line]:
    """Channels that let effects out to anybody."""
    for name in channels:
        advice = "name who may be reached, unless every event's sender is trusted with it"
        yield Line("warn", "allow-list", f"the channel {name!r} may reach everybody (*)", advice)


def worst(lines: Iterable[Line]) -> Level:
    """The worst of them."""
    levels = {line.level for line in lines}
    return next((level for level in ("fail", "warn") if level in levels), "ok")


def _few(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
