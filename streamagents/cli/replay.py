"""`streamagents dlq replay`: the plan, the question, and then letter by letter."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from streamagents.cli.common import ANSWER_S, load
from streamagents.cli.letters import (
    ask,
    open_desk,
    readable,
    registrations_of,
    tell_unanswered,
    who,
)
from streamagents.errors import EventError, StreamAgentsError, UndecodableError
from streamagents.pipeline.replay import Stage
from streamagents.review.editing import check_edit, text_of, with_data, with_fields
from streamagents.review.exported import from_line
from streamagents.review.naming import read_event
from streamagents.review.plan import Plan, Send, Surroundings, decide
from streamagents.review.purging import audit
from streamagents.review.replaying import Replayer, Result
from streamagents.runtime.clock import SystemClock
from streamagents.runtime.partitioner import partition_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from streamagents.cli.common import Application
    from streamagents.ports import Position
    from streamagents.review.desk import Desk, Ends
    from streamagents.review.filters import Filter
    from streamagents.review.letter import Letter
    from streamagents.review.plan import Terms, Verdict

_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a person asked for."""

    meant: Filter
    file: Path | None
    terms: Terms
    rate: float | None
    wait_s: float
    app: str | None
    edit: bool
    changes: tuple[str, ...]
    data: str | None
    dry_run: bool
    yes: bool
    as_json: bool

    @property
    def edits(self) -> bool:
        """Whether one letter is to be changed."""
        return self.edit or bool(self.changes) or self.data is not None


def run_replay(orders: Orders) -> int:
    """Replay; the exit code.

    Raises:
        StreamAgentsError: it could not be begun, or the broker left.
    """
    return asyncio.run(_Replay(orders, load(orders.app)).run())


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

    async def run(self) -> int:
        """Plan, ask, send, wait; the exit code."""
        orders = self._orders
        desk = await open_desk(self._settings, None if orders.file else orders.meant.topic)
        self._around = replace(self._around, topics=desk.topics)
        plan, ends, one = await self._plan(desk)
        tell_unanswered(orders.meant)
        edited = self._edited(plan, one) if orders.edits else None
        if not orders.as_json:
            typer.echo("\n".join(plan.lines(orders.terms)))
        if orders.dry_run or not (plan.sent or plan.parks):
            return self._conclude(plan, Result(refused=plan.refusals), Counter())
        desk.require_states()
        ask("Go ahead?", yes=orders.yes)
        await desk.open()  # while we asked, somebody else may have been at it
        letters = self._letters(desk, ends) if edited is None else _just(edited[0])
        verdict = self._decide if edited is None else partial(_always, edited[1])
        result = await self._send(desk, letters, verdict, plan.sent + plan.parks)
        return self._conclude(plan, result, await self._outcomes(desk))

    # -- what is meant ---------------------------------------------------------------------------

    async def _plan(self, desk: Desk) -> tuple[Plan, Ends, Letter | None]:
        """The plan, how far it has looked, and the first letter that would go."""
        plan, ends = Plan(), {}
        one: Letter | None = None
        async for letter in self._letters(desk, None):
            verdict = decide(letter, self._orders.terms, self._around)
            plan.add(letter, verdict)
            ends[letter.at.topic, letter.at.partition] = letter.at.offset + 1
            if one is None and isinstance(verdict, Send):
                one = letter
        return plan, ends, one

    async def _letters(self, desk: Desk, up_to: Ends | None) -> AsyncGenerator[Letter, None]:
        orders = self._orders
        if orders.file is None:
            async for letter in desk.letters(orders.meant, up_to=up_to):
                yield letter
            return
        with readable(orders.file).open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    letter = from_line(line, f"Line {number} of {orders.file}")
                    letter = replace(letter, state=desk.states.get(letter.at))
                    if orders.meant.matches(letter):
                        yield letter

    def _decide(self, letter: Letter) -> Verdict:
        verdict = decide(letter, self._orders.terms, self._around)
        if not isinstance(verdict, Send):
            return verdict
        if self._orders.wait_s:
            self._sent.add(letter.at)
        return self._placed(letter, verdict)

    def _placed(self, letter: Letter, where: Send) -> Send:
        """Where the event's marks lie by now: its topic may have been grown since."""
        registration = self._typed.get(where.topic)
        if registration is None or not where.in_place:
            return where
        try:
            key = read_event(letter, where.topic, registration).key
        except EventError:  # it is known by its position, and stays where it lay
            return where
        if key is None:
            return where
        return replace(where, partition=partition_of(key, self._around.topics[where.topic]))

    # -- editing ---------------------------------------------------------------------------------

    def _edited(self, plan: Plan, letter: Letter | None) -> tuple[Letter, Send]:
        """The one letter as it is to be, checked, and where it goes.

        Raises:
            StreamAgentsError: there is not one, or the edit is refused.
        """
        if letter is None or plan.sent != 1:
            raise StreamAgentsError(
                f"An edit is for one letter, {plan.sent:,} are meant: name it with --id."
            )
        edited = with_data(letter, self._new_data(letter))
        where = decide(letter, self._orders.terms, self._around)
        assert isinstance(where, Send)  # noqa: S101 - the plan has said so

        where = check_edit(
            letter,
            edited,
            where,
            registrations_of(self._app).get(where.topic),
            lambda key: partition_of(key, self._around.topics[where.topic]),
        )
        if self._orders.wait_s:
            self._sent.add(letter.at)
        return edited, where

    def _new_data(self, letter: Letter) -> bytes:
        orders = self._orders
        if orders.changes:
            return with_fields(letter, orders.changes)
        if orders.data is not None:
            return _given(orders.data)
        import click  # noqa: PLC0415 - only here

        if not sys.stdin.isatty():
            raise typer.BadParameter("without a terminal to edit on, use --set or --data")
        text = click.edit(text_of(letter), extension=".json")
        if text is None:
            raise StreamAgentsError("Nothing was changed: the letter stays as it is.")
        return text.encode()

    # -- sending ---------------------------------------------------------------------------------

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
            progress = stack.enter_context(_bar(total, shown=not orders.as_json))
            replayer = Replayer(
                writer,
                states_topic=desk.states_topic,
                by=by,
                clock=clock,
                rate=orders.rate,
                progress=progress,
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
            await audit(
                writer,
                desk.audit_topic,
                action="dlq.replay",
                by=by,
                clock=clock,
                facts=[
                    ("letters", result.sent),
                    ("parked", result.parked),
                    ("edited", orders.edits),
                    ("fresh", orders.terms.fresh),
                ],
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

    # -- the end ---------------------------------------------------------------------------------

    def _conclude(self, plan: Plan, result: Result, outcomes: Counter[str]) -> int:
        orders = self._orders
        if orders.as_json:
            said: dict[str, Any] = {
                "plan": plan.as_dict(),
                "replayed": result.sent,
                "parked": result.parked,
                "refused": dict(result.refused),
                "outcomes": dict(outcomes),
            }
            typer.echo(json.dumps(said))
        elif not orders.dry_run:
            typer.echo(_words(result, outcomes))
        failed = outcomes.total() - outcomes[Stage.DONE.value] - outcomes[Stage.SENT.value]
        return 1 if result.refused.total() or failed else 0


def _words(result: Result, outcomes: Counter[str]) -> str:
    said = [f"{result.sent:,} letters replayed, each confirmed by the broker"]
    if result.parked:
        said.append(f"{result.parked:,} parked for people")
    if result.refused.total():
        said.append(f"{result.refused.total():,} not")
    line = ", ".join(said) + "."
    if outcomes:
        names = {"done": "succeeded", "replaced": "failed again", "replayed": "are still under way"}
        told = ", ".join(f"{n:,} {names.get(word, word)}" for word, n in outcomes.most_common())
        line += f" Of these {told}."
    return line


def _given(data: str) -> bytes:
    if data == "-":
        value = sys.stdin.buffer.read()
    elif data.startswith("@"):
        value = readable(Path(data[1:])).read_bytes()
    else:
        value = data.encode(errors="surrogateescape")
    if not value.strip():
        raise UndecodableError("There is no data: an event's data is a JSON object.")
    return value


async def _just(letter: Letter) -> AsyncGenerator[Letter, None]:
    yield letter


def _always(verdict: Verdict, _: Letter) -> Verdict:
    return verdict


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[Result], None]]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.console import Console  # noqa: PLC0415 - `--help` can do without
    from rich.progress import Progress  # noqa: PLC0415 - likewise

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        yield lambda result: progress.update(task, completed=result.sent + result.parked)
