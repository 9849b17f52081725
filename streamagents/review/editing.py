"""Editing: another payload for one letter, checked by the model before it goes anywhere.

What identifies and orders the event stays as it is: else it would be another event.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from streamagents.errors import EventError, InvalidEventError, UndecodableError
from streamagents.review.naming import read_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.agents import Registration
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Send

_WRAPPED = ("envelope", "structured")
"""Forms whose value holds the event's data in a field `data`."""


def text_of(letter: Letter) -> str:
    """A letter's data as text that a person can change.

    Raises:
        InvalidEventError: it is no text.
    """
    data = letter.data()
    if data is not None:
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    try:
        return (letter.value or b"").decode()
    except UnicodeDecodeError as exc:
        raise InvalidEventError(
            f"The letter {letter.at} holds bytes that are no text: give new data with --data."
        ) from exc


def with_fields(letter: Letter, changes: Iterable[str]) -> bytes:
    """A letter's data with some fields changed: `name=value`, `customer.email="ann@example.com"`.

    A value is JSON, else text.

    Raises:
        InvalidEventError: the data has no such place.
    """
    data = letter.data()
    if not isinstance(data, dict):
        raise InvalidEventError(
            f"The letter {letter.at} holds no JSON object, so no field of it can be set: give new "
            "data with --data."
        )
    for change in changes:
        path, found, value = change.partition("=")
        *parents, name = path.strip().split(".")
        at: Any = data
        for parent in parents:
            at = at.get(parent) if isinstance(at, dict) else None
        if not found or not name or not isinstance(at, dict):
            raise InvalidEventError(
                f"--set {path!r} names no place in the data: write name=value, or outer.inner=value"
                " where `outer` is an object."
            )
        at[name] = _value(value)
    return json.dumps(data, ensure_ascii=False).encode()


def with_data(letter: Letter, data: bytes) -> Letter:
    """The letter with other data, in the form that it has.

    Raises:
        UndecodableError: the data is no JSON.
    """
    envelope = letter.envelope()
    try:
        parsed = from_json(data)
    except ValueError as exc:
        raise UndecodableError(f"The new data is no JSON: {exc}.") from exc
    if envelope is None or envelope.form not in _WRAPPED:
        return replace(letter, value=data.strip())
    wrapped = from_json(letter.value or b"{}")
    wrapped.pop("data_base64", None)
    wrapped["data"] = parsed
    return replace(letter, value=json.dumps(wrapped, ensure_ascii=False).encode())


def check_edit(
    letter: Letter,
    edited: Letter,
    where: Send,
    registration: Registration | None,
    partition_of: Callable[[bytes], int],
) -> Send:
    """Check an edited letter as its worker will; where it goes.

    Args:
        letter: as it was.
        edited: as it is to be.
        where: where the plan sends it.
        registration: who will handle it; None: nobody here knows, only that it must be an event.
        partition_of: where a key belongs on the target topic.

    Raises:
        EventError: it is not what the model asks for, or it would be another event.
    """
    if registration is None:
        if edited.data() is None:
            raise InvalidEventError("The new data is no JSON.")
        return where
    after = read_event(edited, where.topic, registration)
    try:
        before = read_event(letter, where.topic, registration)
    except EventError:  # what it was could not be read: what it is now says where it belongs
        if after.key is None or not where.in_place:
            return where
        return replace(where, partition=partition_of(after.key))
    if before.key != after.key:
        raise InvalidEventError(
            "The edit changes the event's key, which orders it and says where its state lies: "
            "send a new event instead, and purge this letter."
        )
    if before.seen_key != after.seen_key:
        raise InvalidEventError(
            "The edit changes the event's id: it would be another event. Send a new one instead, "
            "and purge this letter."
        )
    return where


def _value(text: str) -> Any:
    try:
        return from_json(text.encode(errors="surrogateescape"))
    except ValueError:
        return text
