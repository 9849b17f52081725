"""The settings of one source of webhooks: `STREAMAGENTS_HOOK_<SOURCE>_...`."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import from_json

from streamagents.errors import ConfigurationError
from streamagents.pipeline.mapping import FieldMap

Preset = Literal["standard", "github", "stripe", "slack", "typeform", "hmac", "unsigned"]
"""Whose way of signing and of naming it is."""

_HEADER = r"^[A-Za-z0-9-]{1,100}$"
_STANDARD_PREFIX = "whsec_"


def _secrets(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _fields(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError:
        raise ValueError('is no JSON object such as {"email": "data.email"}') from None


Header = Annotated[str, Field(pattern=_HEADER)]


class HookConfig(BaseModel):
    """How deliveries of one source are checked, named and mapped."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    preset: Preset
    secret: Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets)] = ()
    """Any of them signs: the new and the old one while a secret is changed."""
    rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Deliveries a second that are taken."""
    tolerance_s: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    """How far a signed timestamp may be from our clock, either way."""
    type: Annotated[str, Field(min_length=1, max_length=249)] | None = None
    """The event type that every delivery becomes; unset: as the application's `Hook` has it."""
    fields: Annotated[dict[str, str] | None, BeforeValidator(_fields)] = None
    """Of `type`: JMESPath by field, as JSON. Unset: the payload is the event's data."""
    id_header: Header | None = None
    """Where the sender's id of the delivery is; for presets that do not know."""
    id_field: str | None = None
    """The same in the payload, as JMESPath."""
    event_header: Header | None = None
    """Where the sender says what happened."""
    event_field: str | None = None
    """The same in the payload, as JMESPath; `type` where neither is set."""
    header: Header | None = None
    """Of `hmac`: the signature's header."""
    prefix: str = ""
    """Of `hmac`: what stands before the signature, as in `sha256=`."""
    encoding: Literal["hex", "base64"] = "hex"
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    timestamp_header: Header | None = None
    """Of `hmac`: seconds since the epoch; signed in front of the body, with a dot between."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.preset == "unsigned" and self.secret:
            raise ValueError("`unsigned` checks no secret: name another preset, or no secret")
        if self.preset != "unsigned" and not self.secret:
            raise ValueError(f"{self.preset!r} needs a secret (`..._SECRET`, `..._SECRET_FILE`)")
        if self.preset == "hmac" and self.header is None:
            raise ValueError("`hmac` needs the name of the signature's header (`..._HEADER`)")
        if self.fields is not None and self.type is None:
            raise ValueError("`..._FIELDS` needs the event's type (`..._TYPE`)")
        for path in (self.id_field, self.event_field, *(self.fields or {}).values()):
            if path is not None:
                _is_path(path)
        if self.preset == "standard":
            for one in self.secret:
                standard_key(one.get_secret_value())
        return self

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The secrets as bytes to sign with."""
        texts = [one.get_secret_value() for one in self.secret]
        if self.preset == "standard":
            return tuple(standard_key(text) for text in texts)
        return tuple(text.encode() for text in texts)


def _is_path(path: str) -> None:
    try:
        FieldMap({"it": path})
    except ConfigurationError as exc:
        raise ValueError(f"{path!r} is no JMESPath expression") from exc


def standard_key(text: str) -> bytes:
    """The bytes of a secret of Standard Webhooks, `whsec_<base64>`.

    Raises:
        ValueError: it is none.
    """
    try:
        bare = text.removeprefix(_STANDARD_PREFIX).rstrip("=")  # padding is often left out
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("a secret of Standard Webhooks is `whsec_` and base64")
    return key
