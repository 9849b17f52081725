"""`Action`: the pydantic model of one effect on the outside, and the channel it goes through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import to_json

from streamagents.errors import ConfigurationError

_OURS = frozenset({"via", "action_json"})
_CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Action(BaseModel):
    """One effect, as an agent decides it: subclass it, and name the channel that delivers it.

    ```python
    class SlackMessage(Action, via="slack"):
        channel: str
        text: str

    ctx.act(SlackMessage(channel="#leads", text="Ann from Nordwind"))
    ```

    Class keywords:
        via: the channel's name. Default: that of the class it derives from; without any it is a
            base for others.

    An action holds content, never credentials. It cannot be changed, and has no other fields than
    its own.

    Raises:
        ConfigurationError: when the class is defined, if no channel can have that name or a field
            has the name of a method; when it is instantiated, if no channel is named.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,  # no peer takes them, and JSON has no word for them
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )

    via: ClassVar[str] = ""

    if TYPE_CHECKING:
        # For type checkers, which look for class keywords here.
        def __init_subclass__(cls, *, via: str | None = None, **kwargs: Any) -> None: ...
    else:

        def __init_subclass__(cls, **_keywords: Any) -> None:
            """Let the keyword pass: pydantic hands it to the hook below, fields complete."""
            super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, *, via: str | None = None, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if taken := _OURS & cls.model_fields.keys():
            name = min(taken)
            raise ConfigurationError(
                f"{cls.__name__} has a field {name}, which every Action has for itself: name the "
                f"field otherwise, and keep the word with Field(alias={name!r})."
            )
        if via is not None:
            cls.via = via
        if via is not None or cls.via:
            cls.via = legal_channel(cls.__name__, cls.via)

    @model_validator(mode="after")  # not "before": JSON would be read by the rules for values
    def _goes_somewhere(self) -> Self:
        if not self.via:
            kind = type(self).__name__
            raise ConfigurationError(f"{kind} names no channel: class {kind}(Action, via='slack').")
        return self

    def action_json(self) -> bytes:
        """What the record of the effect carries, and `read` reads.

        Raises:
            TypeError: a field cannot be written as JSON.
        """
        try:
            # By the fields' names and without computed ones: the rest may not be readable again.
            return to_json(self.model_dump(mode="json", by_alias=False, round_trip=True))
        except (TypeError, ValueError) as exc:
            raise TypeError(
                f"{type(self).__name__} cannot be written as JSON, as an effect's record is: {exc}."
            ) from exc


A = TypeVar("A", bound=Action)


def read(kind: type[A], data: dict[str, Any]) -> A:
    """The action that a record's data are.

    Raises:
        pydantic.ValidationError: they are of another action, or of another version of it.
    """
    # As JSON again: bytes, times and tuples are read from it by other rules than from values.
    return kind.model_validate_json(to_json(data), by_alias=False, by_name=True)


def legal_channel(owner: str, name: object) -> str:
    """The name, if a channel may have it.

    Raises:
        ConfigurationError: it may not; `owner` is who wants it.
    """
    if not isinstance(name, str) or not _CHANNEL.fullmatch(name):
        raise ConfigurationError(
            f"{owner} names the channel {name!r}: a channel's name has 1 to 40 lower-case letters, "
            "digits, hyphens and underscores, and begins with a letter."
        )
    return name
