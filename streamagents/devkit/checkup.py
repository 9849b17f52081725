"""The check-up: does an application import, is its registry right, are its topics there.

Runs as a process of its own (`python -m streamagents.devkit.checkup MODULE`), for Python imports a
changed module only once. Standard output says which commands it needs beside its worker, or in one
sentence what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from streamagents.errors import ConfigurationError, StreamAgentsError
from streamagents.pipeline.frames import users_frames

_FAULTY = 1


def main() -> int:
    """Look at the module that the command line names; the exit code."""
    with os.fdopen(_own_output(), "w") as answer:
        try:
            answer.write(" ".join(check(sys.argv[1])))
        except StreamAgentsError as exc:
            answer.write(str(exc))
            return _FAULTY
    return 0


def check(module: str) -> list[str]:
    """Import the application and apply its topics; the commands that it needs beside its worker.

    Raises:
        StreamAgentsError: it does not work, for this reason.
    """
    from streamagents.devkit.harness import apply_topics  # noqa: PLC0415 - a fault there is one, too
    from streamagents.runtime.app import load_app  # noqa: PLC0415 - this imports Faust
    from streamagents.runtime.bridges import has_bridges  # noqa: PLC0415 - likewise
    from streamagents.runtime.folders import has_folders  # noqa: PLC0415 - likewise

    logging.disable(logging.ERROR)  # what the Kafka client says; a fault is said by us
    try:
        app = load_app(module)
    except StreamAgentsError:
        raise
    except (Exception, SystemExit) as exc:  # whatever a user's module raises, it is not usable
        raise ConfigurationError(f"{module} cannot be imported: {where(exc)}.") from exc
    asyncio.run(apply_topics(app))
    needed = {"gateway": True, "watch": has_folders(app), "bridge": has_bridges(app)}
    return [command for command, is_needed in needed.items() if is_needed]


def where(exc: BaseException) -> str:
    """An error, and the last line of the user's own code that led to it."""
    if isinstance(exc, SyntaxError):
        return f"{exc.msg} ({Path(exc.filename or '?').name}, line {exc.lineno})"
    said = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    frames = users_frames(exc)
    return f"{said} ({Path(frames[-1].file).name}, line {frames[-1].line})" if frames else said


def _own_output() -> int:
    """Keep standard output for our answer; what the module prints goes to standard error."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


if __name__ == "__main__":
    sys.exit(main())
