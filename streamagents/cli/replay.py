"""`streamagents dlq replay`: the plan, the question, and then letter by letter."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from streamagents.cli import outcome
from streamagents.cli.common import ANSWER_S, load
from streamagents.cli.letters import (
    ask,
    open_desk,
    registrations_of,
    tell_unanswered,
    who,
)
from streamagents.errors import StreamAgentsError
from streamagents.pipeline.replay import Stage
from streamagents.review.editing import check_edit
from streamagents.review.naming import placed
from streamagents.review.plan import Plan, Send, Surroundings, decide
from streamagents.review.purging import audit
from streamagents.review.replaying import Replayer, Result
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.partitioner import partition_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from streamagents.cli.common import Application
    from streamagents.cli.orders import Orders
    from streamagents.ports import Position
    from streamagents.review.desk import Desk, Ends
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Verdict

_LOOK_S = 0.5


def run_replay(orders: Orders) -> int:
    """Replay; the exit code.

    Raises:
        StreamAgentsError: it could not be begun, or the broker left.
    """
    return _Replay(orders, load(orders.app)).run()


@dataclass(slots=True)
class _Look:
    """What there was to replay when the plan was made."""

    desk: Desk
    plan: Plan = field(default_factory=Plan)
    ends: Ends = field(default_factory=dict)
    """How far it has looked."""
    one: Letter | None = None
    """The first letter that would go."""


class _Replay:
    """One replay, from the plan to the last outcome."""

    def __init__(self, orders: Orders, application: Application) -> None:
        self._orders, self._app = orders, application
        self._settings = application.settings
        names = {spec.name for spec in application.specs()}
        letters_name = application.layout.letters_name
        self._around = Surroundings(
            topics={},
            group=application.group,
            consumed=frozenset(name for name in names if letters_name(name) in names),
        )
        self._typed = registrations_of(application)
        del self._typed[application.layout.inbox().name]  # the dispatcher places what lies there
        self._sent: set[Position] = set()
        """Of those whose outcome is waited for."""

    def run(self) -> int:
        """Plan, ask, send, wait; the exit code.

        A person answers outside of any event loop, which would keep Ctrl-C to itself.
        """
        orders = self._orders
        look = asyncio.run(self._look())
        plan = look.plan
        tell_unanswered(orders.meant)
        edited = self._edited(look) if orders.edit.wanted else None
        if not orders.as_json:
            typer.echo("\n".join(plan.lines(orders.terms)))
        if orders.dry_run or not (plan.sent or plan.parks):
            return self._conclude(plan, Result(refused=plan.refusals), Counter())
        look.desk.require_states()
        ask("Go ahead?", yes=orders.yes)
        return self._conclude(plan, *asyncio.run(self._go(look, edited)))

    def _conclude(self, plan: Plan, result: Result, outcomes: Counter[str]) -> int:
        if self._orders.as_json:
            typer.echo(json.dumps(outcome.as_dict(plan, result, outcomes)))
        elif not self._orders.dry_run:
            typer.echo(outcome.in_words(result, outcomes))
        return outcome.exit_code(result, outcomes)

    # -- what is meant ---------------------------------------------------------------------------

    async def _look(self) -> _Look:
        orders = self._orders
        desk = await open_desk(self._settings, None if orders.file else orders.meant.topic)
        self._around = replace(self._around, topics=desk.topics)
        look = _Look(desk)
        async for letter in orders.letters(desk):
            verdict = decide(letter, orders.terms, self._around)
            look.plan.add(letter, verdict)
            look.ends[letter.at.topic, letter.at.partition] = letter.at.offset + 1
            if look.one is None and isinstance(verdict, Send):
                look.one = letter
        return look

    def _decide(self, letter: Letter) -> Verdict:
        verdict = decide(letter, self._orders.terms, self._around)
        if not isinstance(verdict, Send):
            return verdict
        if self._orders.wait_s:
            self._sent.add(letter.at)
        registration = self._typed.get(verdict.topic)
        return placed(letter, verdict, registration, partial(self._partition_of, verdict.topic))

    def _decide_edited(self, where: Send, letter: Letter) -> Verdict:
        verdict = self._decide(letter)
        return where if isinstance(verdict, Send) else verdict

    def _partition_of(self, topic: str, key: bytes) -> int:
        return partition_of(key, self._around.topics[topic])

    # -- editing ---------------------------------------------------------------------------------

    def _edited(self, look: _Look) -> tuple[Letter, Send]:
        """The one letter as it is to be, checked, and where it goes.

        Raises:
            StreamAgentsError: there is not one, or the edit is refused.
        """
        letter = look.one
        if letter is None or look.plan.sent != 1:
            raise StreamAgentsError(
                f"An edit is for one letter, {look.plan.sent:,} are meant: name it with --id."
            )
        where = decide(letter, self._orders.terms, self._around)
        assert isinstance(where, Send)  # noqa: S101 - the plan has said so

        def check(edited: Letter) -> Send:
            return check_edit(
                letter,
                edited,
                where,
                registrations_of(self._app).get(where.topic),
                partial(self._partition_of, where.topic),
            )

        return self._orders.edit.of(letter, check)

    # -- sending ---------------------------------------------------------------------------------

    async def _go(
        self, look: _Look, edited: tuple[Letter, Send] | None
    ) -> tuple[Result, Counter[str]]:
        """Send what is meant, and wait for the outcomes."""
        desk, plan = look.desk, look.plan
        await desk.open()  # while we asked, somebody else may have been at it
        if edited is None:
            letters, verdict = self._orders.letters(desk, look.ends), self._decide
        else:
            letter = replace(edited[0], state=desk.states.get(edited[0].at))
            letters, verdict = _just(letter), partial(self._decide_edited, edited[1])
        result = await self._send(desk, letters, verdict, plan.sent + plan.parks)
        return result, await self._outcomes(desk)

    async def _send(
        self,
        desk: Desk,
        letters: AsyncGenerator[Letter, None],
        verdict: Callable[[Letter], Verdict],
        total: int,
    ) -> Result:
        from streamagents.bus import KafkaTogether  # noqa: PLC0415 - the Kafka client

        orders, by, clock = self._orders, who(), SystemClock()
        async with AsyncExitStack() as stack:
            writer = await stack.enter_async_context(
                KafkaTogether(self._settings.bootstrap, timeout_s=2 * ANSWER_S)
            )
            replayer = Replayer(
                writer,
                states_topic=desk.states_topic,
                by=by,
                clock=clock,
                rate=orders.rate,
                progress=stack.enter_context(outcome.bar(total, shown=not orders.as_json)),
            )
            try:
                result = await replayer.run(letters, verdict, fresh=orders.terms.fresh)
            except (asyncio.CancelledError, StreamAgentsError):
                sent = replayer.result.sent
                typer.echo(
                    f"Stopped: {sent:,} of {total:,} were replayed for sure. The same command goes "
                    "on with the rest.",
                    err=True,
                )
                raise
            facts = [
                ("letters", result.sent),
                ("parked", result.parked),
                ("edited", orders.edit.wanted),
                ("fresh", orders.terms.fresh),
            ]
            await audit(
                writer, desk.audit_topic, action="dlq.replay", by=by, clock=clock, facts=facts
            )
        return result

    async def _outcomes(self, desk: Desk) -> Counter[str]:
        """What became of those that were sent, as far as it is known when the time is over."""
        if not self._sent:
            return Counter()
        clock = SystemClock()
        over_at = clock.monotonic() + self._orders.wait_s
        while True:
            await desk.open()
            told = [desk.states.get(at) for at in self._sent]
            stages = Counter("gone" if state is None else state.stage.value for state in told)
            if not stages[Stage.REPLAYED.value] or clock.monotonic() >= over_at:
                return stages
            await clock.sleep(_LOOK_S)


async def _just(letter: Letter) -> AsyncGenerator[Letter, None]:
    yield letter
