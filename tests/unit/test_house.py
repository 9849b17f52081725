"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import streamagents

PACKAGE = Path(streamagents.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
OUR_TOPIC = re.compile(r"streamagents\.(inbox|ticks|letters|audit)\b|^\.dlq$|\w\.dlq\b")


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import streamagents",
        "from streamagents import Context, Event, Reject, Route",
        "import streamagents.testing",
        "import streamagents.settings",
    ],
)
def test_what_a_user_imports_loads_neither_faust_nor_a_client(statement: str) -> None:
    assert loaded_by(statement) & {"faust", "mode", "aiokafka", "anthropic", "rocksdict"} == set()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_says_what_it_does(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))

    assert docstring, f"{name(path)} has no docstring"
    assert docstring.splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("path", [p for p in MODULES if name(p) != "topics.py"], ids=name)
def test_the_names_of_our_topics_are_written_in_one_place(path: Path) -> None:
    tree = ast.parse(path.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}

    literals = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]

    assert [text for text in literals if OUR_TOPIC.search(text)] == []
