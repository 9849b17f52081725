"""The channel `http`: a signed POST to a host that was allowed."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue, SecretStr
from pydantic_core import to_json
from standardwebhooks.webhooks import Webhook

from streamagents.actions.action import Action
from streamagents.actions.answers import problem
from streamagents.actions.given import secret, several
from streamagents.errors import AddressRefusedError, ConfigurationError, Reject
from streamagents.net import Hosts, Http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamagents.actions.channel import Effect

_CREDENTIALS = re.compile(
    r"authorization|cookie|token|secret|password|api[-_]?key|signature", re.IGNORECASE
)
_OURS = re.compile(r"host|content-.*|transfer-.*|connection|te|trailer|upgrade|expect|webhook-.*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\t -~]{0,4096}")
_IDEMPOTENCY = "idempotency-key"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MIN_SECRET_BYTES = 16
"""Standard Webhooks ask for 24 to 64; shorter ones exist."""
_MAX_ANSWER_BYTES = 1 << 20
"""Nobody reads it; a larger one is no answer."""


def _free_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header's name is a token, and its value one line of ASCII")
        if _CREDENTIALS.search(name):
            raise ValueError(
                f"the header {name} looks like a credential, and an effect's record is no place "
                "for one: give it to the HttpChannel"
            )
        if _OURS.fullmatch(name.lower()) or name.lower() == _IDEMPOTENCY:
            raise ValueError(f"the header {name} is set by the channel")
    return headers


class HttpPost(Action, via="http"):
    """A POST of JSON."""

    url: Annotated[str, Field(max_length=4096)]
    """http or https, to a host that the channel allows; without credentials."""
    body: JsonValue
    headers: Annotated[dict[str, str], AfterValidator(_free_headers), Field(max_length=20)] = Field(
        default_factory=dict
    )
    """What else to send along; no credentials."""


class HttpChannel:
    """Posts JSON, signed as Standard Webhooks say.

    ```python
    HttpChannel(allow_hosts=["hooks.example.com"], secrets=["whsec_..."])
    ```

    Every attempt of an effect carries the same `Idempotency-Key` and `webhook-id`, a UUID made of
    the effect's source and id. Once, if the receiver heeds either, as Standard Webhooks ask of it;
    say `idempotent=False` if you know that it does not, and an unknown outcome is treated by
    `Delivery(..., on_unknown=...)`.

    Args:
        allow_hosts: `example.com`, `*.example.com`, `example.com:8443`, or `*` for every public
            host. Default: none. Asked at delivery; private addresses are refused in any case,
            unless `http` was made with them open.
        secrets: `whsec_...`, the newest first; each signs, so that the receiver can change over.
            None: no signature, but still id and timestamp.
        bearer: for `Authorization: Bearer`; goes to every allowed host, so not beside `*`.
        idempotent: whether receivers do nothing twice under one key.
        http: instead of a client of its own.
        deadline_s: for a whole delivery; shorter than its `Delivery.timeout_s`.
        now: the moment, in UTC.

    Raises:
        ConfigurationError: a host or a secret cannot be one.
    """

    name = "http"
    action = HttpPost

    def __init__(
        self,
        *,
        allow_hosts: Iterable[str] = (),
        secrets: Iterable[SecretStr | str] = (),
        bearer: SecretStr | str = "",
        idempotent: bool = True,
        http: Http | None = None,
        deadline_s: float = 25.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hosts = Hosts(several(allow_hosts))
        self._bearer = secret(bearer)
        if self._hosts.open and self._bearer.get_secret_value():
            raise ConfigurationError(
                "HttpChannel(allow_hosts=['*'], bearer=...) would show the token to whoever an "
                "event names: name the hosts, or leave the token out."
            )
        self._signers = [_signer(secret(one)) for one in several(secrets)]
        self.idempotent = idempotent
        self._http, self._deadline_s, self._now = http or Http(), deadline_s, now

    @property
    def open(self) -> bool:
        """Whether it may reach everybody."""
        return self._hosts.open

    async def send(self, action: HttpPost, effect: Effect) -> None:
        """Post one body.

        Raises:
            Reject: the URL leads to where it must not (`host_not_allowed`, `private_address`,
                `bad_url`), would show the token (`not_encrypted`), or the peer will never take
                it (`peer_refused`, `redirected`).
            RetryLater: the peer said when to come back.
            NotSentError: the peer was not reached, or says that it did not take it.
            DeliveryError: the peer may have taken it.
            HttpError: the peer gave no answer.
        """
        self._check_token(action.url)
        body = to_json(action.body)
        try:
            reply = await self._http.request(
                "POST",
                action.url,
                headers=[*action.headers.items(), *self._headers(body, effect.idempotency_key)],
                body=body,
                deadline_s=self._deadline_s,
                max_bytes=_MAX_ANSWER_BYTES,
                hosts=self._hosts,
            )
        except AddressRefusedError as exc:
            raise Reject(str(exc), code=exc.code) from None
        # Not what the peer says: it knows our token, and may say it.
        fault = problem("The receiver", reply.status, reply.headers, self._now())
        if fault is not None:
            raise fault

    async def close(self) -> None:
        """Give connections back."""
        await self._http.close()

    def _check_token(self, url: str) -> None:
        """An event may name the URL, and must not choose to have the token sent in the clear."""
        if not self._bearer.get_secret_value():
            return
        try:
            parts = urlsplit(url.strip())
            host = parts.hostname
        except ValueError:
            return  # no URL: the client says so
        if parts.scheme.lower() != "https" and host not in _LOOPBACK:
            raise Reject(
                "The channel http has a token and sends it over https only: this URL is none.",
                code="not_encrypted",
            )

    def _headers(self, body: bytes, key: str) -> list[tuple[str, str]]:
        at = self._now()
        headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
            ("webhook-id", key),
            ("webhook-timestamp", str(int(at.timestamp()))),
        ]
        if self._signers:
            text = body.decode()
            signed = " ".join(signer.sign(key, at, text) for signer in self._signers)
            headers.append(("webhook-signature", signed))
        if token := self._bearer.get_secret_value():
            headers.append(("Authorization", f"Bearer {token}"))
        return headers


def _signer(key: SecretStr) -> Webhook:
    try:
        raw = base64.b64decode(key.get_secret_value().removeprefix("whsec_") + "==")
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) < _MIN_SECRET_BYTES:
        raise ConfigurationError(
            f"A secret of the channel http is whsec_ and at least {_MIN_SECRET_BYTES} bytes in "
            "base64; one of them is not."
        )
    return Webhook(raw)
