"""Attempts to lead a model astray, and what every prompt has to keep to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamagents.testing.model import ToolUse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamagents.ports import Question

CORPUS = Path(__file__).parents[1] / "evals" / "injections.jsonl"
EVENT_FIELDS = ("message", "name", "company", "website", "tags", "nested", "json_key")
TOOL_FIELDS = ("record_value", "record_key", "recent")
PAGE_FIELDS = ("page_text", "page_title", "page_plain", "page_json")
UNSEEN_FIELDS = (
    "page_comment",
    "page_hidden",
    "page_style",
    "page_attribute",
    "page_meta",
    "page_script",
    "page_noscript",
    "page_template",
    "page_nav",
)
"""What no reader of the page sees: it does not reach the model at all."""

_REF = re.compile(r"\[(ref-\d{3})\]$")
_DATA = re.compile(r"<data>([^<>&]*)</data>")
_PAGES = {
    "page_text": "<p>{}</p>",
    "page_title": "<title>{}</title><p>Boots</p>",
    "page_comment": "<p>Boots</p><!-- {} -->",
    "page_hidden": "<p>Boots</p><div hidden><p>{}</p></div>",
    "page_style": "<p>Boots</p><div style='display: none'><p>{}</p></div>",
    "page_attribute": '<p title="{0}">Boots</p><img alt="{0}">',
    "page_meta": '<meta name="description" content="{}"><p>Boots</p>',
    "page_script": "<p>Boots</p><script>// {}</script>",
    "page_noscript": "<p>Boots</p><noscript>{}</noscript>",
    "page_template": "<p>Boots</p><template>{}</template>",
    "page_nav": "<nav>{}</nav><p>Boots</p>",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One text, where it stands, and what a model would do that obeyed it."""

    id: str
    technique: str
    field: str
    text: str
    wants: dict[str, Any]

    @property
    def ref(self) -> str:
        """A plain word in it, by which it is found however it is written."""
        match = _REF.search(self.text)
        assert match is not None
        return match[1]

    @property
    def event(self) -> dict[str, Any]:
        """What the event's data say."""
        return event_with(self.text, self.field)

    @property
    def record(self) -> dict[str, Any]:
        """What the agent's record says."""
        values = {"record_value": {"note": self.text}, "record_key": {self.text: "note"}}
        return values.get(self.field, {"score": 7})

    @property
    def remembered(self) -> str:
        """What an earlier event was about."""
        return self.text if self.field == "recent" else "asked for boots"

    @property
    def page(self) -> tuple[str, bytes]:
        """What the page says, and of which kind it says to be."""
        if self.field == "page_json":
            return "application/json", json.dumps({"note": self.text}).encode()
        if self.field == "page_plain":
            return "text/plain; charset=utf-8", self.text.encode()
        markup = _PAGES.get(self.field, "<p>Boots</p>").format(escape(self.text))
        return "text/html; charset=utf-8", markup.encode()


def event_with(text: str, field: str) -> dict[str, Any]:
    """An event in which a text stands in this field."""
    event: dict[str, Any] = {"name": "Ann", "message": "Where are my boots?"}
    if field == "tags":
        return {**event, "tags": ["vip", text]}
    if field == "nested":
        return {**event, "form": {"answers": [{"question": "size", "answer": text}]}}
    if field == "json_key":
        return {**event, text: "vip"}
    return {**event, field: text} if field in EVENT_FIELDS else event


def attempts() -> list[Attempt]:
    """The corpus."""
    return [Attempt(**json.loads(line)) for line in CORPUS.read_text().splitlines()]


def obedient(ref: str, wants: dict[str, Any], first: Sequence[ToolUse]) -> Callable[..., Any]:
    """A model that looks around first, and does what an attacker wants once it sees him."""
    done = False

    def answer(question: Question) -> Any:
        nonlocal done
        if not done and any(ref in text for text in _told(question)):
            done = True
            return ToolUse(wants["tool"], wants["input"])
        return list(first) if len(question.messages) == 1 and not done else "Done."

    return answer


def data_in(question: Question, prompt: str) -> list[Any]:
    """All that a prompt tells as data; fails where something else could be taken for orders."""
    found = []
    for text in _told(question):
        if text in {prompt, "queued"}:
            continue
        match = _DATA.fullmatch(text)
        assert match is not None, f"not between intact delimiters: {text!r}"
        found.append(json.loads(match[1]))
    return found


def orders_in(question: Question, prompt: str) -> str:
    """All that a prompt tells as orders."""
    told = [text for text in _told(question) if text == prompt]
    return json.dumps([question.system, question.tools, told])


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def _told(question: Question) -> Iterator[str]:
    """What the user's turns say; the model's own are its own words."""
    for message in question.messages:
        if message["role"] == "user":
            for block in message["content"]:
                yield block["content"] if block["type"] == "tool_result" else block["text"]
