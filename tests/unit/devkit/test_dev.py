from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import streamagents
from streamagents.devkit.checkup import where
from streamagents.devkit.ends import backoff_s, reason
from streamagents.devkit.watching import folder_of, in_words

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_worker_that_keeps_crashing_is_started_ever_more_slowly() -> None:
    assert [backoff_s(n) for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff_s(10_000) == 30


@pytest.mark.parametrize(
    ("code", "words"), [(1, "exit code 1"), (-9, "killed by SIGKILL"), (-200, "by signal 200")]
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert words in reason(code)


def test_a_package_is_watched_as_a_whole() -> None:
    ours = Path(streamagents.__file__).resolve().parent

    assert folder_of("streamagents") == folder_of("streamagents.starter.app:app") == ours


def test_a_single_file_is_watched_with_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "watched_crm.py").write_text("raise SystemExit  # never imported")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert folder_of("watched_crm:app") == tmp_path.resolve()


def test_a_missing_module_may_still_appear_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert folder_of("not_there_yet") == tmp_path.resolve()


def test_a_few_changed_files_are_named() -> None:
    folder = Path("/app")

    assert in_words({folder / "b.py", folder / "a/x.py"}, folder) == "a/x.py, b.py"
    assert in_words({folder / f"{n}.py" for n in "abcde"}, folder) == (
        "a.py, b.py, c.py and 2 more"
    )
    assert in_words({Path("/else/z.py")}, folder) == "/else/z.py"


def faulty(source: str) -> Callable[[], None]:
    def run() -> None:
        exec(compile(source, "/somewhere/crm.py", "exec"), {})

    return run


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\ny = z", "NameError: name 'z' is not defined (crm.py, line 2)"),
        ("def f(:", "invalid syntax (crm.py, line 1)"),
        ("def f():\n  raise ValueError\nf()", "ValueError (crm.py, line 2)"),
        ("raise SystemExit(3)", "SystemExit: 3 (crm.py, line 1)"),
    ],
)
def test_a_module_that_does_not_import_is_explained(source: str, words: str) -> None:
    with pytest.raises((Exception, SystemExit)) as caught:
        faulty(source)()

    assert where(caught.value) == words
