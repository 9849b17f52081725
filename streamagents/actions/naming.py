"""Naming: which effect is the same one when an attempt decides it again."""

from __future__ import annotations

from streamagents.actions.action import Action
from streamagents.errors import ConfigurationError

_MAX_NAME = 200
_SEPARATOR = "/"


class EffectNames:
    """The names of the effects of one attempt; an effect's id is `<event id>/<name>`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._unnamed = 0

    def next(self, action: object, name: str | None) -> str:
        """The name that an effect gets. It is taken once `take` was called with it.

        Raises:
            TypeError: what is to be done is no Action.
            ConfigurationError: the name is none, or it is taken.
        """
        if not isinstance(action, Action):
            raise TypeError(
                f"act() takes an Action, got {type(action).__name__}: define a model for it."
            )
        if name is None:
            name = f"act-{self._unnamed + 1}"
        elif not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or _SEPARATOR in name:
            # A separator could make the effect of one event look like that of another.
            raise ConfigurationError(
                f"ctx.act(..., name={name!r}): a name is a text of 1 to {_MAX_NAME} characters "
                f"without {_SEPARATOR!r}."
            )
        if name in self._taken:
            raise ConfigurationError(
                f"ctx.act(..., name={name!r}) was called twice in one run: the second effect would "
                "be taken for the first."
            )
        return name

    def take(self, name: str) -> None:
        """The effect of this name is decided."""
        self._taken.add(name)
        if name == f"act-{self._unnamed + 1}":
            self._unnamed += 1
