"""Sources of webhooks in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamagents.errors import ConfigurationError
from streamagents.settings import load_settings
from streamagents.triggers.hooks.variables import gather, variable_of

if TYPE_CHECKING:
    from pathlib import Path

HOOK = "STREAMAGENTS_HOOK_"


def test_a_source_is_there_if_it_has_a_preset() -> None:
    found, strays = gather(
        {
            f"{HOOK}SHOP_PRESET": "hmac",
            f"{HOOK}SHOP_A_PRESET": "github",
            f"{HOOK}SHOP_A_SECRET": "a",
            f"{HOOK}SHOP_SECRET": "b",
            f"{HOOK}OTHER_SECRET": "c",
            "PATH": "/bin",
        }
    )

    assert found == {
        "shop": {"preset": "hmac", "secret": "b"},
        "shop-a": {"preset": "github", "secret": "a"},
    }
    assert strays == [f"{HOOK}OTHER_SECRET"]
    assert variable_of("shop-a", "secret") == f"{HOOK}SHOP_A_SECRET"


def test_settings_hold_the_sources_and_hide_their_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("new-s3cret, old-s3cret\n")
    monkeypatch.setenv(f"{HOOK}GITHUB_PRESET", "github")
    monkeypatch.setenv(f"{HOOK}GITHUB_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv(f"{HOOK}SHOP_PRESET", "unsigned")
    monkeypatch.setenv(f"{HOOK}SHOP_TYPE", "order")
    monkeypatch.setenv(f"{HOOK}SHOP_FIELDS", '{"customer": "buyer.id"}')
    monkeypatch.setenv(f"{HOOK}SHOP_RATE", "2.5")

    hooks = load_settings().hooks

    assert hooks["github"].keys == (b"new-s3cret", b"old-s3cret")
    assert (hooks["shop"].type, hooks["shop"].fields) == ("order", {"customer": "buyer.id"})
    assert hooks["shop"].rate == 2.5
    assert "s3cret" not in repr(hooks)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"A_PRESET": "github"}, f"{HOOK}A: 'github' needs a secret"),
        ({"A_PRESET": "unsigned", "A_SECRET": "marker"}, "`unsigned` checks no secret"),
        ({"A_PRESET": "git"}, f"{HOOK}A_PRESET: Input should be 'standard', 'github'"),
        ({"A_PRESET": "hmac", "A_SECRET": "marker"}, "name of the signature's header"),
        ({"A_PRESET": "standard", "A_SECRET": "marker!"}, "is `whsec_` and base64"),
        ({"A_SECRET": "marker"}, f"{HOOK}A_SECRET belongs to no source with a ..._PRESET"),
        ({"A_PRESET": "unsigned", "A_COLOUR": "marker"}, f"{HOOK}A_COLOUR: Extra inputs"),
        ({"A_PRESET": "unsigned", "A_FIELDS": "{}"}, "needs the event's type"),
        ({"A_PRESET": "unsigned", "A_TYPE": "t", "A_FIELDS": "marker"}, "is no JSON object"),
        ({"A_PRESET": "unsigned", "A_ID_FIELD": "a["}, "'a[' is no JMESPath expression"),
        ({"A_PRESET": "github", "A_SECRET_FILE": "/nowhere"}, "its file /nowhere cannot be read"),
        (
            {"A_PRESET": "github", "A_SECRET_FILE": "/nowhere", "A_SECRET": "marker"},
            f"{HOOK}A_SECRET is set, and so is {HOOK}A_SECRET_FILE",
        ),
    ],
)
def test_faults_name_the_variable_and_no_secret(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(HOOK + name, value)

    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    assert words in str(refused.value)
    assert "marker" not in str(refused.value)
