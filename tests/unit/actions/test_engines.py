"""Databases by their URLs, as hosters write them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from streamagents.actions.engines import engine
from streamagents.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("sqlite:///a/records.db", "sqlite+aiosqlite:///a/records.db"),
        ("sqlite+aiosqlite:////a/records.db", "sqlite+aiosqlite:////a/records.db"),
        ("postgres://u:p@db/crm", "postgresql+asyncpg://u:***@db/crm"),
        ("postgresql://u:p@db:6543/crm", "postgresql+asyncpg://u:***@db:6543/crm"),
        (
            "postgresql://u:p@db/crm?sslmode=require&channel_binding=require&connect_timeout=9",
            "postgresql+asyncpg://u:***@db/crm?ssl=require",
        ),
        ("postgresql:///crm?host=/run/pg", "postgresql+asyncpg:///crm?host=%2Frun%2Fpg"),
    ],
)
def test_a_url_leads_to_its_database(url: str, opened: str) -> None:
    assert str(engine(SecretStr(url)).url) == opened


def test_a_path_is_a_file_whatever_its_name() -> None:
    assert engine(Path("/a?b=c/%41#.db")).url.database == "/a?b=c/%41#.db"


def test_an_unknown_parameter_is_told_at_start() -> None:
    with pytest.raises(ConfigurationError, match="unknown parameter 'gssencmode'") as caught:
        engine(SecretStr("postgresql://u:marker@db/crm?gssencmode=disable"))

    assert "marker" not in str(caught.value)


def test_postgresql_without_its_client_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'streamagents\[postgres\]'"):
        engine(SecretStr("postgresql://u:p@db/crm"))
