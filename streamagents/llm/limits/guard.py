"""The guard: whether a model may be asked now, what that may cost, and what it did cost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeGuard

import structlog

from streamagents.errors import ModelBusyError, ModelError
from streamagents.llm.limits.circuit import Circuit
from streamagents.llm.limits.estimate import estimate
from streamagents.llm.limits.prices import price_of, spend_of
from streamagents.llm.limits.spend import NOTHING, Spend

if TYPE_CHECKING:
    from streamagents.llm.asker import Who
    from streamagents.llm.limits.accounts import Accounts, Charge
    from streamagents.llm.limits.policy import Limits
    from streamagents.llm.limits.prices import Price
    from streamagents.llm.limits.queue import RateQueue
    from streamagents.ports import Answer, Clock, Pauses, Question

log = structlog.stdlib.get_logger("streamagents.llm")

_AWAY = frozenset({"timeout", "connection", "server_error", "unreadable", "overloaded"})
"""Codes that speak against the provider; five in a row open its circuit."""
_ONE_MODEL = frozenset({"rate_limited", "no_model"})
"""Codes that concern one model; the provider's other ones may be asked."""
_NOT_KNOWN = frozenset({"timeout", "connection", "unreadable"})
"""Codes after which nobody knows what was spent, if anybody was asked: the estimate stands."""

_PASSING_S = 30.0
"""An overload for which the provider asks for no more than this, or for nothing, may be passing."""


class LimitedGuard:
    """The guard of one worker, over all its agents and models.

    Args:
        provider: the name of who answers.
        limits: of the application.
        queue: turns at the models.
        accounts: the budgets.
        pauses: holds agents back while the circuit is open or a budget is spent.
        clock: the time.
    """

    def __init__(
        self,
        provider: str,
        limits: Limits,
        *,
        queue: RateQueue,
        accounts: Accounts,
        pauses: Pauses,
        clock: Clock,
    ) -> None:
        self._provider, self._limits, self._queue = provider, limits, queue
        self.accounts, self._pauses, self._clock = accounts, pauses, clock
        self._circuits: dict[str, Circuit] = {}
        self._held: dict[
            str, str
        ] = {}  # agents that we hold back, and whether by circuit or budget
        self._unpriced: set[str] = set()

    async def admit(self, question: Question, who: Who) -> Pass:
        """Let a call begin, when it is its turn and what it may cost is set aside.

        Raises:
            ModelBusyError: not now: the circuit is open, the rate used up, the budget spent.
            ModelRefusedError: the budget is spent, and its events are not to wait.
        """
        self._look_at_circuits(question.model, who.agent)
        price = self._price(question.model)
        usage = estimate(question)
        spend = spend_of(usage, price)
        probed = [circuit for circuit in self._of(question.model) if circuit.enter()]
        try:
            await self._queue.turn(question.model, spend.tokens)
            try:
                charge = await self._set_aside(who, spend)
            except BaseException:  # the turn is another's
                self._queue.correct(question.model, -spend.tokens, requests=-1)
                raise
        except BaseException:  # the call does not begin
            for circuit in probed:
                circuit.given_up()
            raise
        return Pass(self, question.model, charge, probed)

    def more_is_ours(self) -> None:
        """The worker has got partitions, and what is left of their budgets."""
        for agent in [agent for agent, why in self._held.items() if why == "budget"]:
            self._let_go(agent)

    @property
    def circuit(self) -> str:
        """Why the provider is left alone; empty if it is not."""
        return next((c.reason for c in self._circuits.values() if not c.closed), "")

    # -- before ----------------------------------------------------------------------------------

    def _look_at_circuits(self, model: str, agent: str) -> None:
        now = self._clock.monotonic()
        for circuit in self._of(model):
            wait_s = circuit.wait_s(now)
            if wait_s > 0:
                wait_s += random.uniform(0, min(wait_s, 10.0))  # or they come back in one crowd
                self._hold(agent, wait_s, "circuit", circuit.reason)
                raise ModelBusyError(wait_s, circuit.reason, code="circuit_open")

    async def _set_aside(self, who: Who, spend: Spend) -> Charge:
        try:
            return await self.accounts.set_aside(who.agent, who.wallet, spend)
        except ModelBusyError as exc:
            if exc.code == "budget":
                self._hold(who.agent, exc.after_s, "budget", exc.reason)
            raise

    def _price(self, model: str) -> Price | None:
        price = price_of(model, self._limits.prices)
        if price is None and model not in self._unpriced:
            self._unpriced.add(model)
            log.warning(
                "price_unknown",
                model=model,
                advice="its tokens count, its money does not: name its Price in Limits(prices=...)",
            )
        return price

    def _price_of_answer(self, answer: Answer | None, asked: str) -> Price | None:
        """The price of who answered; behind a gateway it may have a name that nobody knows."""
        known = None if answer is None else price_of(answer.model, self._limits.prices)
        return known or self._price(asked)

    # -- afterwards ------------------------------------------------------------------------------

    async def settle(
        self, passed: Pass, answer: Answer | None, error: BaseException | None
    ) -> float | None:
        """The call is over: what it cost in dollars, None where that is not known."""
        self._tell_circuits(passed, error)
        price = self._price_of_answer(answer, passed.model)
        spend = self._spent(answer, error, price)
        self.accounts.settle(passed.charge, spend)
        tokens = 0 if spend is None else spend.tokens - passed.charge.estimate.tokens
        requests = getattr(answer or error, "requests", 1)  # one was drawn
        self._queue.correct(passed.model, tokens, requests=requests - 1)
        await self.accounts.settle_event(passed.charge, spend)
        return None if price is None or spend is None else spend.usd

    def _spent(
        self, answer: Answer | None, error: BaseException | None, price: Price | None
    ) -> Spend | None:
        if answer is not None:
            return spend_of(answer.usage, price)
        if isinstance(error, (ModelError, ModelBusyError)) and not (
            error.code in _NOT_KNOWN and error.requests
        ):
            return NOTHING
        return None  # cancelled, a deadline, a bad answer: it may have been paid for

    def _tell_circuits(self, passed: Pass, error: BaseException | None) -> None:
        whole, one = self._of(passed.model)
        code = getattr(error, "code", "")
        now = self._clock.monotonic()
        for circuit in (whole, one):
            probe = circuit in passed.probed
            about = circuit is one if code in _ONE_MODEL else circuit is whole
            if error is None or (code and not about):
                self._close(circuit, probe=probe)
            elif about and _names_a_time(error):
                circuit.rest(now + error.after_s, error.reason)
            elif code in _AWAY:
                circuit.failed(now, f"{self._provider} fails: {code}", probe=probe)
            elif probe:
                circuit.given_up()

    def _close(self, circuit: Circuit, *, probe: bool) -> None:
        was_open = not circuit.closed
        circuit.succeeded(probe=probe)
        if was_open and circuit.closed:
            log.info("circuit_closed", provider=self._provider)
            for agent in [agent for agent, why in self._held.items() if why == "circuit"]:
                self._let_go(agent)

    def _of(self, model: str) -> tuple[Circuit, Circuit]:
        """The circuit of the provider, and that of one of its models."""
        return (
            self._circuits.setdefault("", Circuit()),
            self._circuits.setdefault(model, Circuit()),
        )

    # -- agents ----------------------------------------------------------------------------------

    def _hold(self, agent: str, wait_s: float, why: str, reason: str) -> None:
        self._held[agent] = why
        until = self._clock.now() + timedelta(seconds=wait_s)
        self._pauses.pause(agent, until=until, reason=reason)

    def _let_go(self, agent: str) -> None:
        del self._held[agent]
        self._pauses.resume(agent)


def _names_a_time(error: BaseException | None) -> TypeGuard[ModelBusyError]:
    """Whether the provider wants to hear nothing before a time, from nobody."""
    if not isinstance(error, ModelBusyError):
        return False
    # One call in a thousand meets an overload that is over with the next; five in a row tell more.
    return error.code != "overloaded" or error.after_s > _PASSING_S


@dataclass(frozen=True, slots=True)
class Pass:
    """The port `Permit`: one call that was let in."""

    guard: LimitedGuard
    model: str
    charge: Charge
    probed: list[Circuit]

    async def settle(self, answer: Answer | None, error: BaseException | None) -> float | None:
        """The call is over: what it cost in dollars, None where that is not known."""
        return await self.guard.settle(self, answer, error)
