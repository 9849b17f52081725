"""`anthropic`: Claude, and whatever speaks its Messages API. The only file that imports the SDK.

It is imported with the first question, for that takes more than a second.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamagents.errors import (
    ConfigurationError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    describe,
)
from streamagents.llm.providers.messages import (
    Reply,
    answer_of,
    error_of,
    request_of,
    worth_another_try,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from anthropic import AsyncAnthropic

    from streamagents.ports import Answer, Question

NAME = "anthropic"
BASE_URL = "https://api.anthropic.com"
CONNECTIONS = 500
"""Open at once; further calls wait for one within their deadline. A shell often allows a process
no more than 1,024 files, and RocksDB and Kafka want some of them."""
_CONNECT_S = 10.0
_LONGEST_S = 600.0
_AGAIN_S = 0.5
_MOST_BYTES = 8 << 20
"""Of a reply: the longest answer takes less than a tenth."""
_MOST_SCHEMAS = 500
_LEAST_SECRET = 16
"""What is shorter may be a word: a stub takes any key, and answers are not to suffer from it."""


class AnthropicModel:
    """Asks over the `anthropic` SDK.

    The SDK's own retries are off: it sleeps for as long as a `retry-after` says, with the event in
    its hands. What may be over in a moment is tried once more by us, the rest is for the runtime.

    Args:
        api_key: or `auth_token`, one of them.
        auth_token: for endpoints that issue tokens.
        base_url: of the API.
        again_s: before the second try.

    Raises:
        ConfigurationError: there is no key, or the address is none.
    """

    name = NAME

    def __init__(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | None = None,
        again_s: float = _AGAIN_S,
    ) -> None:
        if not api_key and not auth_token:
            raise ConfigurationError(
                "There is no key for the model: set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN), "
                "or STREAMAGENTS_LLM=rules to run without a model."
            )
        self._secret = api_key or auth_token or ""
        self._keys = {"api_key": api_key} if api_key else {"auth_token": auth_token}
        self._url = _checked(base_url or BASE_URL)
        self._again_s = again_s
        self._making: asyncio.Task[AsyncAnthropic] | None = None
        self._schemas: dict[int, tuple[Mapping[str, Any], dict[str, Any]]] = {}

    async def open(self) -> None:
        """Load the SDK, beside the event loop: on a busy machine it has been seen to take 7 s."""
        await self._client()

    async def answer(self, question: Question) -> Answer:
        """Ask once, or twice where the first try failed in a way that may be over at once.

        Raises:
            ModelError: no usable answer.
            ModelBusyError: not now, for as long as the provider says.
            ModelRefusedError: never.
        """
        _only_in_earnest(self._url)
        client = await self._client()
        request = request_of(question)
        if question.schema is not None:
            form = {"type": "json_schema", "schema": self._schema(question.schema)}
            request["output_config"] = {"format": form}
        requests = 0
        try:
            for last in (False, True):
                reply = await self._said(client, request)
                requests += not isinstance(reply, ModelError) or reply.requests
                if last or not _worth_another_try(reply):
                    break
                await asyncio.sleep(self._again_s)
            return replace(self._read(reply, question), requests=requests)
        except (ModelError, ModelBusyError, ModelRefusedError) as exc:
            exc.requests = requests
            raise

    async def close(self) -> None:
        """Close the connections."""
        making, self._making = self._making, None
        if making is not None:
            await (await making).close()

    async def _client(self) -> AsyncAnthropic:
        """The client, made once; the import takes a second and more."""
        if self._making is None:
            self._making = asyncio.get_running_loop().create_task(self._make())
        return await asyncio.shield(self._making)  # who is cancelled here does not stop the others

    async def _make(self) -> AsyncAnthropic:
        make = await asyncio.to_thread(_load)
        return make(self._keys, self._url)

    def _read(self, reply: Reply | ModelError, question: Question) -> Answer:
        if isinstance(reply, ModelError):
            raise reply
        now = time.time()
        if reply.status == 200:  # noqa: PLR2004
            return answer_of(reply, question, provider=NAME, now=now, secret=self._secret)
        # Without a cause: the SDK's error holds the whole request, and whatever was said of it.
        raise error_of(reply, now=now, secret=self._secret) from None

    async def _said(self, client: AsyncAnthropic, request: Mapping[str, Any]) -> Reply | ModelError:
        """What comes back, or why nothing does."""
        import anthropic  # noqa: PLC0415 - see above; it is there by now
        import httpx2  # noqa: PLC0415

        try:
            raw = await client.messages.with_raw_response.create(**request)
            return self._reply(raw.status_code, await raw.read(), raw.headers)
        except anthropic.APIStatusError as exc:
            return self._reply(exc.status_code, exc.response.content, exc.response.headers)
        except (anthropic.APIError, httpx2.HTTPError, OSError) as exc:
            # The client shows what it could not read: who talks nonsense may repeat our key.
            why = describe(exc.__cause__ or exc).replace(self._secret, "***")
            late = isinstance(exc, anthropic.APITimeoutError)
            error = ModelError(
                f"The model's provider cannot be reached: {why[:200]}.",
                code="timeout" if late else "connection",
            )
            error.requests = int(not _never_sent(exc))
            return error

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Without our key, whoever repeats it to us, and wherever."""
        secret = self._secret
        if len(secret) >= _LEAST_SECRET:
            body = body.replace(secret.encode(), b"***")
            headers = {name: said.replace(secret, "***") for name, said in headers.items()}
        return Reply(status=status, body=body, headers=headers)

    def _schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What the API takes of a schema. The rest goes into descriptions, and is checked by us.

        Raises:
            ConfigurationError: it takes nothing of it.
        """
        from anthropic import transform_schema  # noqa: PLC0415 - see above

        known = self._schemas.get(id(schema))
        if known is not None:
            return known[1]
        try:
            made = transform_schema(dict(schema))
        except (ValueError, AssertionError) as exc:
            raise ConfigurationError(
                f"The API takes no such model as {schema.get('title', 'this')}, say of each field "
                f"what it is: {str(exc).splitlines()[0][:200]}"
            ) from exc
        if len(self._schemas) >= _MOST_SCHEMAS:
            self._schemas.clear()
        self._schemas[id(schema)] = (schema, made)  # held, so that no other gets its id
        return made


def _load() -> Callable[[Mapping[str, Any], str], AsyncAnthropic]:
    """The SDK, as a function that makes a client."""
    import anthropic  # noqa: PLC0415 - see above
    import anthropic.resources.messages  # noqa: PLC0415 - else with the first request
    import httpx2  # noqa: PLC0415

    def make(keys: Mapping[str, Any], url: str) -> AsyncAnthropic:
        timeout = httpx2.Timeout(_LONGEST_S, connect=_CONNECT_S)
        return anthropic.AsyncAnthropic(
            **keys,
            base_url=url,
            timeout=timeout,
            max_retries=0,
            # What is not packed cannot grow when it is unpacked.
            default_headers={"accept-encoding": "identity"},
            http_client=anthropic.DefaultAioHttpClient(
                timeout=timeout,
                limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=100),
                follow_redirects=False,
                event_hooks={"response": [_bound]},
            ),
        )

    return make


async def _bound(response: Any) -> None:
    """Stop reading where no answer goes on."""
    from httpx2 import AsyncByteStream, ReadError  # noqa: PLC0415

    class Bounded(AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = _MOST_BYTES
            async for chunk in self._inner:
                left -= len(chunk)
                if left < 0:
                    raise ReadError(f"the reply has more than {_MOST_BYTES:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    # Of an error the SDK makes a text; there are codecs that make something else of bytes.
    response.encoding = "utf-8"
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ReadError("the reply is packed, though it was asked not to be")
    response.stream = Bounded(response.stream)


def _worth_another_try(reply: Reply | ModelError) -> bool:
    if isinstance(reply, ModelError):
        return reply.code == "connection"
    return worth_another_try(reply)


def _never_sent(error: BaseException | None) -> bool:
    """Whether nobody was there to be asked."""
    from aiohttp import ClientConnectorError, ConnectionTimeoutError  # noqa: PLC0415 - see above

    while error and not isinstance(error, (ClientConnectorError, ConnectionTimeoutError)):
        error = error.__cause__
    return error is not None


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        # Not shown: it may be the key, in the wrong place.
        raise ConfigurationError("ANTHROPIC_BASE_URL is no address that begins with http(s)://.")
    return url


def _only_in_earnest(url: str) -> None:
    """No test reaches a real model, whatever key its machine has."""
    # Read here and not in the settings: it says nothing about the application.
    host = urlsplit(url).hostname or ""
    if "PYTEST_CURRENT_TEST" in os.environ and not _on_loopback(host):
        raise ConfigurationError(
            f"A test asked the real model at {host}: hand it a FakeModel, or set "
            "ANTHROPIC_BASE_URL to a stub on 127.0.0.1."
        )


def _on_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
