"""Sources of settings beside plain variables: files of secrets, and the variables of hooks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_settings import PydanticBaseSettingsSource

from streamagents.triggers.hooks.variables import gather, variable_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Fault:
    """What was wrong with the file of a secret: told with all other faults."""

    words: str


class SecretFiles(PydanticBaseSettingsSource):
    """Reads every secret `NAME` also from the file that `NAME_FILE` names."""

    def __call__(self) -> dict[str, Any]:
        """The secrets that lie in files; faults in the place of those that cannot be read."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            if is_secret(field.annotation):
                value, key, _ = self.get_field_value(field, name)
                if value is not None:
                    found[key] = value
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """A secret, the key of its field, and False: it is no JSON for pydantic to read."""
        alias = field.validation_alias
        key = alias if isinstance(alias, str) else field_name
        prefix = "" if isinstance(alias, str) else self.config.get("env_prefix", "")
        variable = f"{prefix}{key}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            return None, key, False
        if os.environ.get(variable):
            return Fault(f"is set, and so is {variable}_FILE: unset one of the two"), key, False
        return _text_of(path), key, False


class HookVariables(PydanticBaseSettingsSource):
    """Reads the settings of all sources of webhooks, `STREAMAGENTS_HOOK_<SOURCE>_<NAME>`."""

    def __call__(self) -> dict[str, Any]:
        """The settings by source; a fault instead if one of them cannot be read."""
        hooks, strays = gather({name: text for name, text in os.environ.items() if text})
        faults = [f"{stray} belongs to no source with a ..._PRESET" for stray in strays]
        read: dict[str, dict[str, Any]] = {}
        for source, given in hooks.items():
            read[source] = {name: text for name, text in given.items() if name != "secret_file"}
            if "secret_file" in given:
                secret = _secret_of(variable_of(source, "secret"), given)
                faults += [secret.words] if isinstance(secret, Fault) else []
                read[source]["secret"] = secret
        if faults:
            return {"hooks": Fault("; ".join(faults))}
        return {"hooks": read} if read else {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class asks for it
        """Not asked for: all sources are one field."""
        return None, field_name, False


def _secret_of(variable: str, given: Mapping[str, str]) -> Any:
    if "secret" in given:
        return Fault(f"{variable} is set, and so is {variable}_FILE: unset one of the two")
    found = _text_of(given["secret_file"])
    return Fault(f"{variable}: {found.words}") if isinstance(found, Fault) else found


def _text_of(path: str) -> str | Fault:
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as exc:
        words = getattr(exc, "strerror", None) or "it is no text"
        return Fault(f"its file {path} cannot be read: {words}")


def is_secret(annotation: Any) -> bool:
    """Whether a secret stands in a setting of this type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(is_secret(field.annotation) for field in annotation.model_fields.values())
    return annotation is SecretStr or any(is_secret(part) for part in get_args(annotation))
