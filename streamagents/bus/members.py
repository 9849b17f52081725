"""Members of a consumer group, as the group's coordinator tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - dataclasses are read back in tests
from dataclasses import dataclass, field
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of them. While the group is put together, nobody has partitions or data."""

    id: str
    host: str = ""
    """Where the broker sees it."""
    partitions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By topic."""
    data: bytes = b""
    """What it told the others when it joined."""


def read_member(told: Mapping[str, Any]) -> Member:
    """One, from the coordinator's answer. What is no consumer's is left out."""
    return Member(
        id=told["member_id"],
        host=told["client_host"].removeprefix("/"),
        partitions=_partitions(told["member_assignment"] or b""),
        data=_data(told["member_metadata"] or b""),
    )


def _partitions(raw: bytes) -> dict[str, list[int]]:
    try:
        assigned = ConsumerProtocol.ASSIGNMENT.decode(raw).assignment if raw else ()
    except ValueError:  # another kind of member in a group of this name
        return {}
    return {topic: sorted(partitions) for topic, partitions in assigned}


def _data(raw: bytes) -> bytes:
    try:
        return (ConsumerProtocol.METADATA.decode(raw).user_data if raw else b"") or b""
    except ValueError:  # likewise
        return b""
