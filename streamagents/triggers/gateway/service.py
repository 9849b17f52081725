"""The service: what the gateway does with a request to `/events` and to `/hooks`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from starlette.responses import Response

from streamagents.errors import (
    BrokerUnavailableError,
    EventTooLargeError,
    TopicsError,
    UndecodableError,
)
from streamagents.triggers.gateway.answers import RefusedError, answer, not_kept, retry_after
from streamagents.triggers.gateway.bodies import is_json, media_type
from streamagents.triggers.gateway.keeper import NotKeptError
from streamagents.triggers.gateway.offers import BATCH, json_type, read_offers
from streamagents.triggers.gateway.rates import Bucket
from streamagents.triggers.gateway.room import Room
from streamagents.triggers.hooks.deliveries import Challenge, read
from streamagents.triggers.hooks.received import FORM, Received
from streamagents.triggers.hooks.signatures import is_signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from streamagents.ports import Clock
    from streamagents.triggers.gateway.access import Tokens
    from streamagents.triggers.gateway.bodies import Body
    from streamagents.triggers.gateway.keeper import Keeper
    from streamagents.triggers.gateway.offers import Offer
    from streamagents.triggers.gateway.records import Desk, Parcel
    from streamagents.triggers.gateway.sources import Source

log = structlog.stdlib.get_logger("streamagents.gateway")

_ROOM_BYTES = 64 << 20
_ANTEROOM = 2000
"""More than there are connections."""
_WRONG = "The signature is missing, wrong, or too old or too new."
_ANY_TEXT = frozenset({"", "text/plain"})
_KEPT, _NOT_SENT, _NOT_KEPT = 202, 424, 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one gateway takes."""

    max_bytes: int = 1 << 20
    in_flight: int = 256
    body_s: float = 10.0
    """From the head of a request to the end of its body."""
    rate: float | None = None
    """Requests to `/events` a second."""


class Service:
    """Takes events and deliveries, and answers when the broker has them."""

    def __init__(
        self,
        *,
        desk: Desk,
        keeper: Keeper,
        tokens: Tokens,
        sources: Mapping[str, Source],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._desk, self._keeper, self._tokens, self._clock = desk, keeper, tokens, clock
        self._sources, self._limits = sources, limits
        most_bytes = max(_ROOM_BYTES, limits.max_bytes)
        self._room = Room(limits.in_flight, most_bytes)
        # Anybody may begin to post to a hook, and be slow: that takes no place of who is known.
        self._anteroom = Room(_ANTEROOM, most_bytes)
        rates = {name: source.config.rate for name, source in sources.items()}
        self._buckets = {
            name: Bucket(rate, clock)
            for name, rate in [(None, limits.rate), *rates.items()]
            if rate is not None
        }

    @property
    def limits(self) -> Limits:
        """What it takes."""
        return self._limits

    def knows(self, source: str) -> bool:
        """Whether webhooks of this source are taken."""
        return source in self._sources

    async def events(self, request: Request, body: Body) -> Response:
        """Take one event, or a batch: all of it is checked before any of it is sent.

        Raises:
            RefusedError: it is not taken, or not known to be kept.
        """
        who = self._tokens.admit(request)
        self._take_turn(None)
        kind = json_type(request)
        with self._room.enter() as share:
            raw = await body.read(
                max_bytes=self._limits.max_bytes, timeout_s=self._limits.body_s, share=share
            )
            offers = read_offers(request, kind, raw, request.path_params.get("type"))
            made = [self._parcel(offer, who, request) for offer in offers]
            if kind == BATCH:
                return await self._batch(made, request)
            (parcel,) = made
            if isinstance(parcel, RefusedError):
                raise parcel
            await self._keep(parcel, request)
        return answer(202, {"id": parcel.id, "type": parcel.type})

    async def delivery(self, request: Request, body: Body) -> Response:
        """Take what a webhook sender posts. A wrong signature costs the right sender nothing.

        Raises:
            RefusedError: it is not taken, or not known to be kept.
        """
        source = self._sources.get(request.path_params["source"])
        if source is None:
            raise RefusedError(404, "No webhooks of this source are taken.")
        _require_type(source, media_type(request))
        if source.config.preset == "unsigned":
            self._take_turn(source.name)
        with self._anteroom.enter() as share:
            raw = await body.read(
                max_bytes=self._limits.max_bytes, timeout_s=self._limits.body_s, share=share
            )
            received = Received.of(request.headers.items(), raw)
            if not is_signed(source.config, received, self._clock.now().timestamp()):
                raise RefusedError(401, _WRONG)
            if source.config.preset != "unsigned":
                self._take_turn(source.name)
            with self._room.enter():
                return await self._deliver(source, received, request)

    async def _deliver(self, source: Source, received: Received, request: Request) -> Response:
        try:
            delivery = read(source.config, received)
        except UndecodableError as exc:
            raise RefusedError(400, str(exc)) from exc
        if isinstance(delivery, Challenge):
            return answer(200, {"challenge": delivery.answer})
        parent = _traceparent(request)
        parcels = source.parcels(self._desk, delivery, self._clock.now(), parent)
        outcomes = await asyncio.gather(*(self._outcome(parcel, request) for parcel in parcels))
        for refused in outcomes:  # all of it comes again; what was kept is the same event then
            if refused is not None:
                raise refused
        if delivery.silent:
            return Response(status_code=200)
        events = [{"id": parcel.id, "type": parcel.type} for parcel in parcels]
        return answer(202, {"id": delivery.id, "events": events})

    def _parcel(self, offer: Offer, who: str, request: Request) -> Parcel | RefusedError:
        try:
            return self._desk.of_offer(offer, who, self._clock.now(), _traceparent(request))
        except RefusedError as refused:
            return refused

    async def _batch(self, made: Sequence[Parcel | RefusedError], request: Request) -> Response:
        """All or nothing as far as it can be known beforehand; an item's outcome beside its id."""
        parcels = [one for one in made if not isinstance(one, RefusedError)]
        if len(parcels) < len(made):
            return batch_answer(made, made)
        return batch_answer(
            made, await asyncio.gather(*(self._outcome(parcel, request) for parcel in parcels))
        )

    async def _outcome(self, parcel: Parcel, request: Request) -> RefusedError | None:
        try:
            await self._keep(parcel, request)
        except RefusedError as refused:
            return refused
        return None

    async def _keep(self, parcel: Parcel, request: Request) -> None:
        """Wait for the broker; who went away meanwhile asks again, and is told then.

        Raises:
            RefusedError: 503 not known to be kept, 413 larger than a record may be.
        """
        said = {"id": parcel.id, "type": parcel.type}
        try:
            # An answer that was written was not read for that: a client in a hurry asks again soon,
            # under its own id. The senders of webhooks come back after minutes.
            hurries = "source" not in request.path_params
            await self._keeper.keep(parcel.record, parcel.identity, comes_again=hurries)
        except EventTooLargeError as exc:
            raise RefusedError(413, "The event does not fit into its topic.", more=said) from exc
        except TopicsError as exc:
            log.error("topic_missing", why=str(exc))  # noqa: TRY400 - the sentence says it all
            raise not_kept("Its topic is missing: an operator has to create it.", said) from exc
        except (NotKeptError, BrokerUnavailableError) as exc:
            raise not_kept("It is not known to be kept: send it again with this id.", said) from exc
        if await request.is_disconnected():
            self._keeper.remember(parcel.identity)

    def _take_turn(self, source: str | None) -> None:
        bucket = self._buckets.get(source)
        wait_s = bucket.take() if bucket else 0.0
        if wait_s:
            raise RefusedError(429, "Too many requests a second.", headers=retry_after(wait_s))


def _require_type(source: Source, kind: str) -> None:
    """JSON or a form; some senders sign JSON and call it text, or nothing at all."""
    named = is_json(kind) or kind == FORM
    if not named and (kind not in _ANY_TEXT or source.config.preset == "unsigned"):
        raise RefusedError(415, "A webhook is JSON, or a form without files.")


def batch_answer(
    made: Sequence[Parcel | RefusedError], outcomes: Sequence[Parcel | RefusedError | None]
) -> Response:
    """What became of each event of a batch; the whole is as its first failure.

    Args:
        made: the events, or why they cannot be taken.
        outcomes: of each a refusal, or None once it is kept; a parcel was not sent.
    """
    items = [_item(one, outcome) for one, outcome in zip(made, outcomes, strict=True)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, RefusedError)]
    if not refused:
        return answer(202, {"items": items})
    # 503 before all others: what can be sent again is worth more than what cannot.
    first = max(refused, key=lambda one: one.status == _NOT_KEPT)
    sent = any(outcome is None for outcome in outcomes)
    words = "Some events of the batch were not kept." if sent else "No event of the batch was kept."
    return answer(first.status, {"error": words, "items": items}, first.headers)


def _item(one: Parcel | RefusedError, outcome: Parcel | RefusedError | None) -> dict[str, Any]:
    if isinstance(one, RefusedError):
        return {"status": one.status, **one.body}
    said = {"id": one.id, "type": one.type}
    if isinstance(outcome, RefusedError):
        return {"status": outcome.status, **said, **outcome.body}
    return {"status": _KEPT if outcome is None else _NOT_SENT, **said}


def _traceparent(request: Request) -> bytes | None:
    given = request.headers.getlist("traceparent")
    return given[0].encode("latin-1") if len(given) == 1 else None
