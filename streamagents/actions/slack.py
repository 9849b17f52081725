"""The channel `slack`: messages through incoming webhooks, at least once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import from_json, to_json

from streamagents.actions.action import Action
from streamagents.actions.answers import problem
from streamagents.actions.blocks import blocks, fallback
from streamagents.actions.given import secret
from streamagents.errors import AddressRefusedError, ConfigurationError, NotSentError, Reject
from streamagents.net import Http

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamagents.actions.channel import Effect
    from streamagents.net import Reply

_DEFAULT = "*"
_WORD = re.compile(r"[a-z][a-z_]{0,59}")
_MAX_ANSWER_BYTES = 1 << 16
_OK = 200


class SlackLink(BaseModel):
    """Where to read on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """Shown as text, if it is neither http nor https."""
    label: str = ""


class SlackMessage(Action, via="slack"):
    """A message; all of it is shown as it is written: no text pings or links by itself."""

    text: str
    """Up to 3000 characters are shown, as of the draft."""
    channel: str = ""
    """As the application's settings name it; empty is the default one."""
    title: str = ""
    """Up to 150 characters."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Shown in two columns."""
    draft: str = ""
    """What a person may want to send; shown apart."""
    link: SlackLink | None = None


class SlackChannel:
    """Posts to incoming webhooks of Slack, or of what takes Slack's.

    ```python
    SlackChannel({"#leads": "https://hooks.slack.com/...", "*": "https://hooks.slack.com/..."})
    ```

    At least once: Slack knows no keys, so a message whose answer got lost appears twice;
    `Delivery(SlackChannel(...), on_unknown="review")` asks a person instead. Slack takes about one
    message a second and webhook: `Delivery(..., per_second=1)`.

    Args:
        urls: the webhooks by our names of channels, `*` for all others; or one for all.
        http: instead of a client of its own.
        deadline_s: for a whole delivery; shorter than its `Delivery.timeout_s`.
        now: the moment, in UTC.

    Raises:
        ConfigurationError: a webhook is no https URL.
    """

    name = "slack"
    action = SlackMessage

    def __init__(
        self,
        urls: Mapping[str, SecretStr | str] | SecretStr | str,
        *,
        http: Http | None = None,
        deadline_s: float = 25.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        named = urls if isinstance(urls, Mapping) else {_DEFAULT: urls}
        self._urls = {_plain(name): _webhook(name, secret(url)) for name, url in named.items()}
        self._http, self._deadline_s, self._now = http or Http(), deadline_s, now

    async def send(self, action: SlackMessage, _effect: Effect) -> None:
        """Post one message.

        Raises:
            Reject: nobody named that channel (code `unknown_channel`), or Slack will never take
                the message (`slack_refused`, with Slack's word in the reason).
            RetryLater: Slack said when to come back.
            NotSentError: Slack was not reached, or says that it did not take it.
            DeliveryError: Slack may have taken it.
            HttpError: Slack gave no answer.
        """
        url = self._urls.get(_plain(action.channel or _DEFAULT)) or self._urls.get(_DEFAULT)
        if url is None:
            raise Reject(
                f"No webhook is named for the Slack channel {action.channel or _DEFAULT!r}: name "
                "it, or '*' for all, in the channel slack, and replay this letter.",
                code="unknown_channel",
            )
        try:
            reply = await self._http.request(
                "POST",
                url.get_secret_value(),
                headers=[("Content-Type", "application/json; charset=utf-8")],
                body=to_json(payload(action)),
                deadline_s=self._deadline_s,
                max_bytes=_MAX_ANSWER_BYTES,
            )
        except AddressRefusedError as exc:
            raise Reject(f"The webhook cannot be used: {exc}", code=exc.code) from None
        fault = self._fault(reply)
        if fault is not None:
            raise fault

    async def close(self) -> None:
        """Give connections back."""
        await self._http.close()

    def _fault(self, reply: Reply) -> Exception | None:
        word = slacks_word(reply.body)
        if reply.status == _OK:
            return not_ok(word)
        fault = problem("Slack", reply.status, reply.headers, self._now(), word)
        if isinstance(fault, Reject) and word:
            return Reject(fault.reason, code="slack_refused")
        return fault


def payload(action: SlackMessage) -> dict[str, object]:
    """What Slack is sent."""
    link = action.link
    return {
        "text": fallback(action.title, action.text),
        "blocks": blocks(
            title=action.title,
            text=action.text,
            fields=action.fields,
            draft=action.draft,
            link=None if link is None else (link.url, link.label),
        ),
        "link_names": False,
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
    }


def slacks_word(body: bytes) -> str:
    """`ok`, or what was wrong: `invalid_payload`, `no_service`; empty if it is no word of Slack's.

    Only such a word is repeated: the rest of an answer may hold anything.
    """
    try:
        said = from_json(body)
    except ValueError:
        said = body.decode(errors="replace").strip()
    if isinstance(said, dict):
        said = "ok" if said.get("ok") is True else said.get("error", "")
    return said if isinstance(said, str) and _WORD.fullmatch(said) else ""


def not_ok(word: str) -> Exception | None:
    """What to raise for a 200 with that word in it."""
    if word == "ok":
        return None
    if word == "rate_limited":
        return NotSentError("Slack takes no more for now (rate_limited).")
    if word:
        return Reject(f"Slack refused the message: {word}.", code="slack_refused")
    # Again it would say the same, and may post each time.
    return Reject(
        "Slack answered 200, and not ok: look whether the message is there.",
        code="unexpected_answer",
    )


def _plain(name: str) -> str:
    return name.strip().removeprefix("#").casefold()


def _webhook(name: str, url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        usable = parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:  # not shown: it may be most of a secret
        raise ConfigurationError(
            f"The webhook of the Slack channel {name!r} is no https URL, as Slack shows it under "
            "Incoming Webhooks."
        )
    return url
