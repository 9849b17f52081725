"""`streamagents doctor`: looks at everything that a worker needs, and says what to do."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import socket
import tempfile
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from streamagents.cli.common import AppModule, AsJson, load, quiet_drivers
from streamagents.errors import StreamAgentsError, describe
from streamagents.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamagents.ops.checks import Line
    from streamagents.settings import Settings

_ANSWER_S = 5.0
_CLOCK_UNSURE = 5
"""TIME_ERROR of adjtimex(2)."""
_TIMEX_BYTES = 512
"""More than struct timex has anywhere."""
_SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def doctor(*, app: AppModule = None, as_json: AsJson = False) -> None:
    """Check settings, broker, topics, disk, key, clock and ports; exit code 1 if one fails."""
    from streamagents.ops.checks import worst  # noqa: PLC0415 - `--help` can do without

    quiet_drivers()
    lines = list(_lines(app))
    level = worst(lines)
    if as_json:
        typer.echo(json.dumps({"level": level, "checks": [asdict(line) for line in lines]}))
    else:
        for line in lines:
            advice = f": {line.advice}" if line.advice else ""
            typer.echo(f"{_SIGNS[line.level]}  {line.about:<12} {line.says}{advice}.")
    if level == "fail":
        raise typer.Exit(1)


def _lines(app: str | None) -> Iterator[Line]:
    from streamagents.ops.checks import Line  # noqa: PLC0415 - likewise

    try:
        settings = load_settings()
    except StreamAgentsError as exc:
        yield Line("fail", "settings", str(exc).rstrip("."))
        return
    yield Line("ok", "settings", "they can be read")
    yield from _of_the_machine(settings)
    try:
        application: Any = load(app)
    except StreamAgentsError as exc:
        yield Line("fail", "application", str(exc).rstrip("."))
        return
    except Exception as exc:  # noqa: BLE001 - whatever a user's module raises is a finding
        yield Line("fail", "application", f"it cannot be imported: {describe(exc)}")
        return
    yield Line("ok", "application", f"{application.conf.id}, {len(application.specs())} topics")
    yield from _of_the_application(application)
    yield from _of_the_cluster(application)


# -- the machine ---------------------------------------------------------------------------------


def _of_the_machine(settings: Settings) -> Iterator[Line]:
    from streamagents.ops import checks  # noqa: PLC0415 - likewise

    folder = settings.data_dir
    fault = _write_fault(folder)
    yield checks.of_folder(folder, fault)
    if not fault:
        yield checks.of_disk(folder, shutil.disk_usage(_existing(folder)).free)
    yield checks.of_clock(synchronized=_clock_is_kept())
    yield checks.of_port(settings.bind, settings.web_port, _port_fault(settings))
    yield from checks.of_bind(settings.bind)
    if settings.broker is None:
        yield _java()


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _write_fault(folder: Path) -> str:
    """Why nothing can be written there; the folder itself is not made."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return ""
    except OSError as exc:
        return exc.strerror or str(exc)


def _clock_is_kept() -> bool | None:
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None  # not Linux
    return None if state < 0 else state != _CLOCK_UNSURE


def _port_fault(settings: Settings) -> str:
    if not isinstance(settings.web_port, int) or not settings.web_port:
        return ""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    try:
        socket.create_server((settings.bind, settings.web_port), family=family).close()
    except OSError as exc:
        return os.strerror(exc.errno) if exc.errno and exc.errno > 0 else str(exc)
    return ""


def _java() -> Line:
    from streamagents.devkit.java import find_java  # noqa: PLC0415 - an optional part
    from streamagents.ops.checks import Line  # noqa: PLC0415 - likewise

    try:
        java = find_java()
    except StreamAgentsError as exc:
        return Line("warn", "java", str(exc).rstrip("."), "or name your Kafka: STREAMAGENTS_BROKER")
    return Line("ok", "java", f"{java.major} ({java.origin}) runs the embedded broker")


# -- the application and its cluster -------------------------------------------------------------


def _of_the_application(application: Any) -> Iterator[Line]:
    from streamagents.ops import checks  # noqa: PLC0415 - likewise

    settings: Settings = application.settings
    keys = (settings.anthropic_api_key, settings.anthropic_auth_token)
    yield checks.of_key(application.model.name, key=any(keys))
    open_to_all = [
        name
        for name, delivery in application.channels.items()
        if getattr(delivery.channel, "open", False) is True
    ]
    yield from checks.of_open(open_to_all)


def _of_the_cluster(application: Any) -> Iterator[Line]:
    from streamagents.ops import checks  # noqa: PLC0415 - likewise
    from streamagents.topics import plan  # noqa: PLC0415 - likewise

    settings: Settings = application.settings
    specs = application.specs()
    names = [spec.name for spec in specs]
    try:
        brokers, actual = asyncio.run(_ask(settings.bootstrap, names))
    except StreamAgentsError as exc:
        advice = "start it (`streamagents kafka up`), or set STREAMAGENTS_BROKER"
        yield checks.Line(
            "fail", "broker", str(exc).rstrip(".?").removesuffix(": is it running"), advice
        )
        return
    yield checks.Line("ok", "broker", f"{settings.bootstrap} answers")
    yield checks.of_replication(brokers, settings.replication)
    yield checks.of_topics(plan(specs, actual))
    yield from checks.of_retention(names, actual)


async def _ask(bootstrap: str, names: list[str]) -> tuple[int, dict[str, Any]]:
    from streamagents.bus import KafkaAdmin  # noqa: PLC0415 - this imports the Kafka client

    async with KafkaAdmin(bootstrap, timeout_s=_ANSWER_S) as admin:
        return await admin.brokers(), dict(await admin.describe(names))
