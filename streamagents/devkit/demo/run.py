"""The run: broker, agents, samples, reader and view together, from the first line to the result."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import AsyncExitStack
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

import typer

from streamagents.bus import KafkaBus
from streamagents.devkit.borrowed import BorrowedBroker
from streamagents.devkit.demo.facts import Places
from streamagents.devkit.demo.producing import new_run_id, produce
from streamagents.devkit.demo.reading import Reader
from streamagents.devkit.demo.story import Story, one_line
from streamagents.devkit.demo.summary import Evidence, Summary, summarize
from streamagents.devkit.demo.view import Frame, Screen
from streamagents.devkit.folder import unwritable
from streamagents.devkit.foreground import StopAsked
from streamagents.devkit.harness import Harness, apply_topics
from streamagents.devkit.stopping import Stopping
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streamagents.devkit.demo.producing import Sample
    from streamagents.devkit.demo.summary import Sent
    from streamagents.runtime.app import StreamApp
