"""Apache Kafka's jars: resolved once with jgo into the user's cache, then found there offline.

jgo's resolver is pure Python, so neither Maven nor Java is needed. Its environment builder is not
used: that one fetches a whole JDK only to sort the jars into two folders, and we want them in one.
A mirror of Maven Central is named where jgo looks for it, as `central` below `[repositories]` in
`~/.config/jgo.conf`; what Maven already holds in `~/.m2/repository` is taken from there; proxies
and certificates come from the variables that `requests` knows.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from streamagents.devkit.folder import DISK_FULL_ERRNOS, disk_full, exclusive, unwritable
from streamagents.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KAFKA_VERSION = "4.4.0"
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",  # the binding for the slf4j-api that Kafka brings
)
DOWNLOAD_TIMEOUT_S = 600.0
_ANSWER_TIMEOUT_S = 15
_CACHE_SETTING = "XDG_CACHE_HOME"
_MANIFEST = "manifest.txt"


def class_path(notify: Callable[[str], None] = lambda _: None) -> tuple[Path, ...]:
    """Return Kafka's jars, downloading them when the cache does not hold all of them.

    Raises:
        DevkitError: the jars cannot be downloaded, or the cache cannot be written.
    """
    home = jars_dir()
    if jars := read_manifest(home):
        return jars
    with exclusive(
        home.with_suffix(".lock"),
        DOWNLOAD_TIMEOUT_S,
        what=f"the download to {home}",
        setting=_CACHE_SETTING,
    ):
        if not read_manifest(home):  # nobody else has fetched them while we waited
            notify(f"Downloading Apache Kafka {KAFKA_VERSION} to {home} (43 MB, once).")
            _fetch(home)
    return read_manifest(home)


def jars_dir() -> Path:
    """Return the folder for the jars of this Kafka below the user's cache."""
    named = Path(os.environ.get(_CACHE_SETTING, ""))
    cache = named if named.is_absolute() else Path("~/.cache").expanduser()
    return cache / "streamagents" / f"kafka-{KAFKA_VERSION}"


def read_manifest(home: Path) -> tuple[Path, ...]:
    """Return the jars the manifest names; none when it or a jar is missing or of another size."""
    try:
        lines = (home / _MANIFEST).read_text().splitlines()
        jars = {home / name: int(size) for size, _, name in (line.partition(" ") for line in lines)}
        whole = all(jar.stat().st_size == size for jar, size in jars.items())
    except (OSError, ValueError):
        return ()
    return tuple(jars) if whole else ()


def _fetch(home: Path) -> None:
    # All work is done in a folder beside the target, which then appears whole or not at all.
    try:
        with tempfile.TemporaryDirectory(prefix=f"{home.name}.", dir=home.parent) as work:
            ready = Path(work) / "ready"
            ready.mkdir()
            with _failure_in_words():
                _collect(_download(Path(work) / "repository"), ready)
            shutil.rmtree(home, ignore_errors=True)
            ready.rename(home)
    except OSError as exc:
        raise DevkitError(unwritable(home.parent, exc, _CACHE_SETTING)) from exc


@contextmanager
def _failure_in_words() -> Iterator[None]:
    try:
        yield
    except DevkitError:
        raise
    except Exception as exc:  # jgo has no error family of its own: any fault is a failed download
        if isinstance(exc, OSError) and exc.errno in DISK_FULL_ERRNOS:
            raise DevkitError(disk_full(jars_dir().parent)) from exc
        raise DevkitError(
            f"Apache Kafka {KAFKA_VERSION} could not be downloaded from the Maven repository"
            f" ({_root_cause(exc)}): check the network, a proxy or a mirror, and try again."
        ) from exc


def _root_cause(exc: BaseException) -> str:
    while deeper := exc.__cause__ or exc.__context__:
        exc = deeper
    return f"{type(exc).__name__}: {exc}"


def _download(repository: Path) -> list[Path]:
    # Imported here: a warm start needs none of it, and it takes 0.2 s.
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

    settings = GlobalSettings.load()
    context = MavenContext(
        resolver=PythonResolver(progress_callback=_Deadline(DOWNLOAD_TIMEOUT_S).watch),
        repo_cache=repository,
        local_repos=[settings.repo_cache],
        timeout=_ANSWER_TIMEOUT_S,
    )
    context.remote_repos.update(settings.repositories)  # `central` there replaces Maven Central
    wanted = [context.create_dependency(coordinate) for coordinate in COORDINATES]
    inputs, transitive = context.resolver.resolve(wanted)
    needed = [*inputs, *(item for item in transitive if item.scope in {"compile", "runtime"})]
    return [Path(item.artifact.resolve()) for item in needed]


def _collect(jars: list[Path], target: Path) -> None:
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"{jar.name}: {damaged} is damaged")
        shutil.copyfile(jar, target / jar.name)
    lines = [f"{(target / jar.name).stat().st_size} {jar.name}\n" for jar in jars]
    (target / _MANIFEST).write_text("".join(lines))


class _Deadline:
    """Ends a download that goes on for too long: a trickle of bytes never times out by itself."""

    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s

    @contextmanager
    def watch(self, filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        """Look at the clock with every chunk, as jgo's progress callback."""

        def chunk_arrived(_count: int) -> None:
            if time.monotonic() > self._end:
                raise TimeoutError(f"{filename} took too long")

        yield chunk_arrived
