"""`Folder`: a folder whose files become events, as data."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence  # noqa: TC003 - pydantic reads FolderSetting back
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from streamagents.errors import ConfigurationError
from streamagents.triggers.inbound import Fields, mapper, type_of

if TYPE_CHECKING:
    from streamagents.events import Event

Rows = Literal["csv", "jsonl", "json", "file"]
_BY_SUFFIX: dict[str, Rows] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_LONGEST_S = 3600.0


@dataclass(frozen=True)
class Folder:
    """Makes events of the files in a folder: `streamagents watch` runs it.

    ```python
    Folder("orders", "inbox/orders", to=Order, patterns=["*.csv"], done="done", failed="failed")
    ```

    Raises:
        ConfigurationError: when built with a value that cannot work.
    """

    name: str
    """1 to 40 letters, digits, underscores or hyphens; events come from `files/<name>`."""
    path: str | Path
    """From where the command is called, if it is relative."""
    to: type[Event] | str
    """The events' model, or the name of their type."""
    patterns: Sequence[str] = ("*",)
    """`*.csv` is files of the folder itself, `**/*.csv` of all below it."""
    fields: Fields | None = None
    """JMESPath by field, or a function, over a row, a JSON file's content, or what is told of a
    file. Default: that is the data."""
    rows: Rows | None = None
    """What is one event: each row (`csv`, `jsonl`), the object in the file (`json`), or the file
    itself: `path, name, size, modified, sha256` and `text` or `content_base64` (`file`). Default:
    by the end of the file's name."""
    done: str | Path | None = None
    """Where files go whose events are sent, relative to the folder; None leaves them."""
    failed: str | Path | None = None
    """Where files go that cannot be read, with `<name>.reason`, and rejected rows; None leaves
    them, and the log tells."""
    settle_s: float = 2.0
    """A file has to stay as it is for so many seconds."""
    encoding: str | None = None
    """Of files that are no UTF-8 and do not begin with a byte order mark, such as `latin-1`."""
    delimiter: str | None = None
    """Between the cells of a CSV file. Default: what its header has most of `, ; | tab`."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise self._fault("name", "a name has 1 to 40 letters, digits, underscores or hyphens")
        if isinstance(self.patterns, str) or not self.patterns:
            raise self._fault("patterns", "say a list such as ['*.csv']")
        if any(not p or p.startswith("/") or ".." in p.split("/") for p in self.patterns):
            raise self._fault("patterns", "a pattern is relative to the folder")
        if self.rows is not None and self.rows not in get_args(Rows):
            raise self._fault("rows", f"say one of {', '.join(get_args(Rows))}")
        if isinstance(self.settle_s, bool) or not 0 <= self.settle_s <= _LONGEST_S:
            raise self._fault("settle_s", f"say seconds between 0 and {_LONGEST_S:g}")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise self._fault("delimiter", "say one character")
        if self.encoding is not None and not _is_text_encoding(self.encoding):
            raise self._fault("encoding", "Python knows no such encoding")
        for word in ("done", "failed"):
            place = getattr(self, word)
            if place is not None and (self.root / place).resolve() == self.root.resolve():
                raise self._fault(word, "it is the folder itself")
        mapper(self.fields)

    @property
    def emits(self) -> tuple[type[Event], ...]:
        """The models of the events that it makes."""
        return () if isinstance(self.to, str) else (self.to,)

    @property
    def type(self) -> str:
        """The type of the events that it makes."""
        return type_of(self.to)

    @property
    def source(self) -> str:
        """`ce_source` of the events that it makes."""
        return f"files/{self.name}"

    @property
    def root(self) -> Path:
        """The folder, absolute."""
        return Path(self.path).expanduser().absolute()

    def kind_of(self, path: str) -> Rows:
        """What is one event in this file."""
        return self.rows or _BY_SUFFIX.get(Path(path).suffix.lower(), "file")

    def _fault(self, word: str, advice: str) -> ConfigurationError:
        return ConfigurationError(
            f"Folder({self.name!r}, {word}={getattr(self, word)!r}): {advice}."
        )


class FolderSetting(BaseModel):
    """A folder as `STREAMAGENTS_WATCH` names it, by its name."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    path: Path
    type: Annotated[str, Field(min_length=1)]
    pattern: str | list[str] = "*"
    fields_: Annotated[dict[str, str] | None, Field(alias="fields")] = None
    rows: Rows | None = None
    done: Path | None = None
    failed: Path | None = None
    settle_s: float = 2.0
    encoding: str | None = None
    delimiter: str | None = None

    def folder(self, name: str) -> Folder:
        """The folder.

        Raises:
            ConfigurationError: it cannot work.
        """
        return Folder(
            name=name,
            path=self.path,
            to=self.type,
            patterns=[self.pattern] if isinstance(self.pattern, str) else self.pattern,
            fields=self.fields_,
            rows=self.rows,
            done=self.done,
            failed=self.failed,
            settle_s=self.settle_s,
            encoding=self.encoding,
            delimiter=self.delimiter,
        )


def _is_text_encoding(name: str) -> bool:
    try:
        codecs.getincrementaldecoder(name)
        b" ".decode(name)
    except UnicodeError:
        return True  # half a character of it
    except (LookupError, ValueError):
        return False
    return True
