from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamagents.devkit import jars
from streamagents.devkit.sockets import free_port
from streamagents.errors import DevkitError


def cache_with(home: Path, manifest: str) -> Path:
    home.mkdir(parents=True)
    (home / "a.jar").write_bytes(b"12345")
    (home / "b.jar").write_bytes(b"1")
    (home / "manifest.txt").write_text(manifest)
    return home


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        ("5 a.jar\n1 b.jar\n", ["a.jar", "b.jar"]),
        ("5 a.jar\n2 b.jar\n", []),  # a jar of another size
        ("5 a.jar\n1 c.jar\n", []),  # a jar is missing
        ("damaged", []),
        ("", []),
    ],
)
def test_a_cache_is_whole_or_none(tmp_path: Path, manifest: str, names: list[str]) -> None:
    home = cache_with(tmp_path / "kafka", manifest)
    assert [jar.name for jar in jars.read_manifest(home)] == names


@pytest.mark.parametrize(
    ("named", "expected"),
    [("/var/cache/me", "/var/cache/me/streamagents"), ("", "/home/me/.cache/streamagents")],
)
def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, named: str, expected: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert jars.jars_dir() == Path(expected) / f"kafka-{jars.KAFKA_VERSION}"


def test_a_warm_cache_needs_no_resolver(tmp_path: Path) -> None:
    cache_with(tmp_path / "streamagents" / f"kafka-{jars.KAFKA_VERSION}", "5 a.jar\n")
    script = (
        "import sys; from streamagents.devkit.jars import class_path;"
        "assert len(class_path()) == 1; assert 'jgo' not in sys.modules"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=30)


def test_a_network_that_is_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DevkitError, match=r"^Apache Kafka .* could not be downloaded .*refused"):
        jars.class_path()
    assert jars.read_manifest(jars.jars_dir()) == ()
    assert [path.suffix for path in jars.jars_dir().parent.iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "streamagents").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DevkitError, match=r"cannot be written.*XDG_CACHE_HOME"):
        jars.class_path()
