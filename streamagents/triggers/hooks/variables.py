"""The names of a source's settings: from `STREAMAGENTS_HOOK_<SOURCE>_<NAME>` to source and name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "STREAMAGENTS_HOOK_"
_PRESET = "_PRESET"


def gather(environment: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The settings by source and name, and the variables that belong to no source.

    A source is there if it has a preset. `-` in its name is `_` in the variable's.
    """
    variables = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
    owners = sorted(
        (name.removesuffix(_PRESET) for name in variables if name.endswith(_PRESET)),
        key=len,
        reverse=True,  # the longest first: `shop` and `shop-a` may both be there
    )
    hooks: dict[str, dict[str, str]] = {_source(owner): {} for owner in owners}
    strays = []
    for variable, text in variables.items():
        owner = next((one for one in owners if variable.startswith(f"{one}_")), None)
        if owner is None:
            strays.append(variable)
        else:
            hooks[_source(owner)][variable.removeprefix(f"{owner}_").lower()] = text
    return hooks, strays


def variable_of(source: str, name: str = "") -> str:
    """The variable of a setting."""
    return f"{PREFIX}{source}_{name}".upper().replace("-", "_").rstrip("_")


def _source(owner: str) -> str:
    return owner.removeprefix(PREFIX).lower().replace("_", "-")
