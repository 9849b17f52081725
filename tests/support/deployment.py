"""What the tests of `deploy/`, `k8s/`, the compose file and the image share."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from streamagents.settings import Settings
from streamagents.settings.sources import is_secret
from support.commands import CHECKOUT, streamagents

SETTINGS = {
    field.validation_alias.upper()
    if isinstance(field.validation_alias, str)
    else f"STREAMAGENTS_{name.upper()}": is_secret(field.annotation)
    for name, field in Settings.model_fields.items()
}
"""Every variable of ours, and whether it is a secret."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def compose(**given: str) -> dict[str, Any]:
    """The compose file, with these variables in it.

    Raises:
        KeyError: one that must be given is not.
    """

    def filled(match: re.Match[str]) -> str:
        name, how, text = match.groups()
        return given[name] if name in given or how != "-" else text

    text = _VARIABLE.sub(filled, (CHECKOUT / "docker-compose.yml").read_text())
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def has_command(name: str) -> bool:
    """Whether `streamagents` has this command yet."""
    return f" {name} " in streamagents("--help").stdout


def seconds(duration: str) -> float:
    """A duration as compose files and systemd write it: `40s`, `90`, `1m`."""
    number, unit = re.fullmatch(r"([\d.]+)(s|m|min|h)?", duration).groups()  # type: ignore[union-attr] # a test's fault is a failure
    return float(number) * {"h": 3600, "m": 60, "min": 60}.get(unit, 1)
