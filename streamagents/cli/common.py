"""What the commands share: their common options, the application they name, quiet drivers."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from streamagents.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamagents.agents import Registry
    from streamagents.agents.tick import Ticking
    from streamagents.settings import Settings
    from streamagents.topics import Layout, TopicSpec

AppModule = Annotated[
    str | None,
    typer.Option(
        "--app", "-A", metavar="MODULE", help="The application's module. Default: STREAMAGENTS_APP."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ANSWER_S = 5.0
"""The broker's time for one answer: a command that asks twice still ends within 15 s."""


class Application(Protocol):
    """What the commands ask of an application."""

    @property
    def registry(self) -> Registry:
        """Its agents and events."""

    @property
    def layout(self) -> Layout:
        """Where its topics are."""

    @property
    def settings(self) -> Settings:
        """Its settings."""

    @property
    def group(self) -> str:
        """Its consumer group."""

    @property
    def ticking(self) -> Mapping[str, Ticking]:
        """Its schedules and monitors, by name."""

    def specs(self) -> Sequence[TopicSpec]:
        """All of its topics."""


def module_of(named: str | None) -> str:
    """The application's module: the option, else the setting.

    It may lie in the folder that the command was called from, where a console script, unlike
    `python -m` and `faust -A`, does not look.
    """
    here = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if here not in sys.path:
        sys.path.insert(0, here)
    return named or load_settings().app


def load(named: str | None) -> Application:
    """Import the application.

    Raises:
        ConfigurationError: there is none, or it cannot work as written.
    """
    from streamagents.runtime.app import load_app  # noqa: PLC0415 - this imports Faust

    application: Application = load_app(module_of(named))
    return application


def quiet_drivers() -> None:
    """Keep what the Kafka client logs off the terminal: the command says what matters."""
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
