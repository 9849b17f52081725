"""The brokers' own files: did they keep the transactions that they said were committed?

A transaction that its coordinator has begun to commit has to have a commit marker in each of its
partitions. Where one is missing the broker has lost what it had acknowledged, and a round proves
nothing about whoever wrote it. Read from the log segments, for no client is shown the markers.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TRANSACTIONS = "__transaction_state-"
_BATCH = struct.Struct(">qiibIhiqqqhii")
_HEAD = struct.Struct(">qhib")
_CONTROL, _COMMIT, _PREPARE_COMMIT = 0x20, 1, 2
_VERSION = 1
"""Of the coordinator's records: that of Kafka since 3.8."""

Marker = tuple[str, int, int]
"""A partition, and the producer's id and epoch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One record batch."""

    control: bool
    producer: int
    epoch: int
    count: int
    records: bytes


def broken_commits(folder: Path) -> list[str]:
    """Commits that are missing in a partition, by the brokers whose data is in this folder."""
    logs = [(log.parent.name, log) for log in sorted(folder.rglob("*-*/*.log"))]
    committed = {
        (name, batch.producer, batch.epoch)
        for name, log in logs
        if not name.startswith(_TRANSACTIONS)
        for batch in _batches(log)
        if batch.control and _marks_commit(batch)
    }
    promised = {
        marker: by
        for name, log in logs
        if name.startswith(_TRANSACTIONS)
        for batch in _batches(log)
        for by, marker in _promises(batch)
    }
    return [
        f"{by}, epoch {marker[2]}: no commit in {marker[0]}"
        for marker, by in sorted(promised.items())
        if marker not in committed
    ]


def _batches(log: Path) -> Iterator[Batch]:
    if not log.stat().st_size:
        return
    with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        while at + _BATCH.size <= len(data):
            fields = _BATCH.unpack_from(data, at)
            length, magic, attributes = fields[1], fields[3], fields[5]
            if magic != 2 or length <= 0:
                return  # preallocated, or torn by a kill
            control = bool(attributes & _CONTROL)
            wanted = control or log.parent.name.startswith(_TRANSACTIONS)
            records = data[at + _BATCH.size : at + 12 + length] if wanted else b""
            yield Batch(control, fields[9], fields[10], fields[12], records)
            at += 12 + length


def _marks_commit(batch: Batch) -> bool:
    key, _ = next(_records(batch))
    return bool(struct.unpack_from(">hh", key)[1] == _COMMIT)


def _promises(batch: Batch) -> Iterator[tuple[str, Marker]]:
    """Of each transaction that begins to be committed: who wrote it, and where it has to be."""
    for key, value in _records(batch) if not batch.control else ():
        if not value:
            continue
        version = struct.unpack_from(">h", value)[0]
        producer, epoch, _, status = _HEAD.unpack_from(value, 2)
        if version == _VERSION and status == _PREPARE_COMMIT:
            by = key[4:].decode()
            for partition in _partitions(value, 2 + _HEAD.size):
                yield by, (partition, producer, epoch)


def _partitions(value: bytes, at: int) -> Iterator[str]:
    topics, at = _unsigned(value, at)
    for _ in range(topics - 1):
        size, at = _unsigned(value, at)
        topic, at = value[at : at + size - 1].decode(), at + size - 1
        count, at = _unsigned(value, at)
        numbers = struct.unpack_from(f">{count - 1}i", value, at)
        yield from (f"{topic}-{number}" for number in numbers)
        at += 4 * (count - 1) + 1  # no tagged fields


def _records(batch: Batch) -> Iterator[tuple[bytes, bytes | None]]:
    data, at = batch.records, 0
    for _ in range(batch.count):
        size, at = _varint(data, at)
        end = at + size
        at += 1
        for _ in range(2):  # the deltas of time and offset
            _, at = _varint(data, at)
        length, at = _varint(data, at)
        key, at = data[at : at + max(length, 0)], at + max(length, 0)
        length, at = _varint(data, at)
        yield key, None if length < 0 else data[at : at + length]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(data, at)
    return (value >> 1) ^ -(value & 1), at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
