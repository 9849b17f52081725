"""What the commands of `streamagents dlq` share: the letters on the broker, who asks."""

from __future__ import annotations

import getpass
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streamagents.cli.common import ANSWER_S, load
from streamagents.errors import ConfigurationError
from streamagents.pipeline.redaction import Redaction
from streamagents.review.counts import Counts
from streamagents.review.desk import Desk
from streamagents.review.filters import Where
from streamagents.review.letter import Letter
from streamagents.review.naming import Names, Payments
from streamagents.topics import Layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamagents.agents import Registration
    from streamagents.cli.common import Application
    from streamagents.pipeline.replay import Paid
    from streamagents.review.desk import Ends
    from streamagents.review.filters import Filter
    from streamagents.settings import Settings

Closed = Annotated[
    bool, typer.Option("--closed", help="Those, too, that are done, replaced or purged.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def names_of(app: str | None) -> Callable[[Letter], list[str]]:
    """What events are called: the application's models name their id fields."""
    try:
        return Names(registrations_of(load(app)))
    except ConfigurationError as exc:
        typer.echo(f"{exc} Ids that its models name are not known here.", err=True)
        return Letter.ids


def payments_of(app: str | None) -> Callable[[Letter], Paid | None]:
    """Where the application's state keeps what its letters have paid for."""
    try:
        application = load(app)
    except ConfigurationError as exc:
        typer.echo(
            f"{exc} What steps have paid for is kept until the retention of these letters ends.",
            err=True,
        )
        return lambda _: None
    return Payments(application.group, registrations_of(application))


def registrations_of(application: Application) -> dict[str, Registration]:
    """Who handles the events of which topic."""
    registry, layout = application.registry, application.layout
    agents = registry.agents.values()
    typed = {layout.typed(registration.event).name: registration for registration in agents}
    return {**typed, layout.inbox().name: registry.fallback}


async def open_desk(settings: Settings, named: str | None) -> Desk:
    """All letters, or those of one topic.

    Raises:
        BrokerUnavailableError: no broker answered.
        TopicsError: there is no such topic.
    """
    from streamagents.bus import KafkaAdmin, KafkaReader  # noqa: PLC0415 - the Kafka client

    async with KafkaAdmin(settings.bootstrap, timeout_s=ANSWER_S) as admin:
        topics, cluster = await admin.partitions(), await admin.cluster_id()
    reader = KafkaReader(settings.bootstrap, timeout_s=ANSWER_S)
    desk = Desk(reader, topics, layout_of(settings), named, cluster=cluster)
    await desk.open()
    return desk


async def count_letters(settings: Settings, wanted: Filter) -> tuple[Counts, Ends]:
    """The letters that are not closed, counted, and how far was looked."""
    desk = await open_desk(settings, wanted.topic)
    counts, ends = Counts(), {}
    async for letter in desk.letters(wanted):
        counts.add(letter)
        ends[letter.at.topic, letter.at.partition] = letter.at.offset + 1
    return counts, ends


async def first_letters(
    settings: Settings, wanted: Filter, limit: int, *, closed: bool
) -> tuple[list[Letter], bool]:
    """The first so many letters, and whether there are more."""
    desk = await open_desk(settings, wanted.topic)
    letters: list[Letter] = []
    found = desk.letters(wanted, closed=closed)
    try:
        async for letter in found:
            if len(letters) == limit:
                return letters, True
            letters.append(letter)
    finally:
        await found.aclose()
    return letters, False


def layout_of(settings: Settings) -> Layout:
    """Where our topics are."""
    return Layout(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication=settings.replication,
    )


def redaction_of(settings: Settings) -> Redaction:
    """What is not shown."""
    return Redaction(settings.redact)


def who() -> str:
    """The person at this machine, for what is kept of what they did."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        name = "somebody"
    return f"{name}@{socket.gethostname()}"


def ask(question: str, *, yes: bool) -> None:
    """Ask before something happens.

    Raises:
        BadParameter: there is nobody to ask.
        Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to ask on, --yes is needed")
    typer.confirm(question, abort=True, err=True)


def tell_unanswered(wanted: Filter) -> None:
    """Say where an expression could not be asked: those letters were left out."""
    where = wanted.where
    if isinstance(where, Where) and where.unanswered:
        typer.echo(
            f"--where could not be asked of {where.unanswered:,} letters, as it is about values "
            "that they do not have: they are left out.",
            err=True,
        )


def rereadable(path: Path) -> Path:
    """A file that can be read more than once: for the plan, and to send.

    Raises:
        BadParameter: it cannot.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise typer.BadParameter(f"{path} is a pipe or a device: save the letters to a file first.")
    return readable(path)


def readable(path: Path) -> Path:
    """A file that can be read.

    Raises:
        BadParameter: it cannot.
    """
    try:
        with path.open("rb"):
            return path
    except OSError as exc:
        raise typer.BadParameter(f"{path} cannot be read: {exc.strerror}.") from exc
