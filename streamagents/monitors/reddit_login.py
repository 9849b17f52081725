"""Logging in to Reddit: a token for an app's credentials, kept until shortly before its end."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from streamagents.errors import PollError
from streamagents.monitors.jsons import json_of, number, word
from streamagents.monitors.visit import DEADLINE_S
from streamagents.monitors.web import shown

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import SecretStr

    from streamagents.monitors.visit import Visit

_FORM = ("Content-Type", "application/x-www-form-urlencoded")
_GRANT = b"grant_type=client_credentials"
_EARLY_S = 60.0
_MAX_BYTES = 65_536
_OK = 200


class RedditLogin:
    """Asks for tokens.

    Args:
        id_: of the app.
        secret: of the app.
        url: where tokens are given out.
    """

    def __init__(self, id_: str, secret: SecretStr, url: str) -> None:
        self._id, self._secret, self._url = id_, secret, url
        self._token, self._lasts_s = "", 0.0
        self._since: datetime | None = None

    async def token(self, visit: Visit) -> str:
        """The token of now.

        Raises:
            PollError: there is none for these credentials.
            HttpError: nobody answers.
        """
        age_s = (visit.now - self._since).total_seconds() if self._since else 0.0
        if not self._token or not 0 <= age_s < self._lasts_s:
            await self._login(visit)
        return self._token

    def forget(self) -> None:
        """The token was refused."""
        self._token = ""

    async def _login(self, visit: Visit) -> None:
        pair = b64encode(f"{self._id}:{self._secret.get_secret_value()}".encode()).decode()
        reply = await visit.web.ask(
            "POST",
            self._url,
            headers=[("Authorization", f"Basic {pair}"), _FORM],
            body=_GRANT,
            deadline_s=DEADLINE_S,
            max_bytes=_MAX_BYTES,
        )
        told = json_of(reply) if reply.status == _OK else {}
        token = word(told.get("access_token"))
        if not token or not token.isascii() or not token.isprintable():
            raise PollError(
                f"{shown(self._url)} gives no token (status {reply.status}): see to "
                "STREAMAGENTS_REDDIT_CLIENT_ID and STREAMAGENTS_REDDIT_CLIENT_SECRET."
            )
        self._token, self._since = token, visit.now
        self._lasts_s = max(0.0, float(number(told.get("expires_in")) or 0) - _EARLY_S)
