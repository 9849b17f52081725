"""`create_app(triggers=[...])`: what the clock wakes becomes agents on a topic of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from faust.types import TP
from structlog.testing import capture_logs

from streamagents import create_app
from streamagents.errors import ConfigurationError
from streamagents.pipeline.outcome import Skip
from streamagents.ports import NoPolls
from streamagents.runtime.ticking import TickJudge, register_tickings, tickings
from streamagents.settings import Settings
from streamagents.testing.bus import murmur2_partition
from streamagents.topics import TICKS
from support.metronome import Beat, Metronome
from support.records import Anything, Order, Scripted, record, subscription

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamagents.runtime.app import StreamApp


class Hook:
    """A trigger that the clock does not wake."""

    name = "hook"
    emits = (Order,)


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., StreamApp]:
    def build(*triggers: Any, **settings: Any) -> StreamApp:
        return create_app(
            "shop",
            agents={"order": Scripted()},
            fallback=Anything(),
            triggers=triggers,
            settings=Settings(data_dir=tmp_path, **settings),
        )

    return build


async def test_an_app_with_nothing_to_wake_has_no_ticks(build: Callable[..., StreamApp]) -> None:
    app = build(Hook())

    assert app.ticking == {}
    assert not [spec.name for spec in app.specs() if "ticks" in spec.name]
    assert "shop.consume_streamagents_ticks" not in app.agents


async def test_what_the_clock_wakes_brings_the_topic_its_letters_and_its_stream(
    build: Callable[..., StreamApp],
) -> None:
    app = build(Metronome("a"), Hook(), Metronome("b"), topic_prefix="p.")

    names = [spec.name for spec in app.specs()]

    assert list(app.ticking) == ["a", "b"]
    assert {f"p.{TICKS}", f"p.{TICKS}.dlq", "p.beat"} <= set(names)
    assert len(names) == len(set(names))
    assert "p.shop.consume_p_streamagents_ticks" in app.agents
    assert Beat in app.registry.events.values()


async def test_each_is_an_agent_with_a_name_state_and_source_of_its_own(
    build: Callable[..., StreamApp],
) -> None:
    (registration,) = register_tickings(build(Metronome("a")).ticking).values()

    assert (registration.name, registration.source) == ("cron/a", "cron/a")
    assert (registration.route.attempts, registration.route.timeout_s) == (3, 10.0)
    assert registration.wants_context
    assert registration.is_async


@pytest.mark.parametrize("ticking", [(), (Metronome(),)])
async def test_the_leader_is_who_owns_partition_0_and_has_recovered_it(
    build: Callable[..., StreamApp], ticking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(*ticking)
    asked: list[TP] = []
    owned = False

    def owns(tp: TP) -> bool:
        asked.append(tp)
        return owned

    monkeypatch.setattr(app.engine, "owns", owns)

    assert not app.is_leader()
    owned = True
    assert app.is_leader()
    assert set(asked) == {TP(TICKS if ticking else "streamagents.inbox", 0)}


async def test_nobody_leads_before_anything_is_assigned(build: Callable[..., StreamApp]) -> None:
    assert not build(Metronome()).is_leader()


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"called 'pulse'.*Rename one"):
        tickings([Metronome(), Metronome()], NoPolls())


@pytest.mark.parametrize(
    "name", ["", "A", "-a", ".a", "a b", "a/b", "ä", "a:b", "a" * 81, "a\n", None]
)
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="1 to 80 small letters"):
        tickings([Metronome(name)], NoPolls())


@pytest.mark.parametrize("name", ["a", "0", "a.b-c_d", "a" * 80])
def test_a_legal_name_is_taken(name: str) -> None:
    assert list(tickings([Metronome(name)], NoPolls())) == [name]


def test_a_name_that_is_gone_is_logged_once() -> None:
    woken = {n: subscription(r) for n, r in register_tickings({"pulse": Metronome()}).items()}
    judge = TickJudge(woken, app_id="shop", partition_of=murmur2_partition)
    gone = record(key=b"gone", headers=(("streamagents-app", b"shop"),))
    foreign = record(key=b"gone", headers=(("streamagents-app", b"other"),))
    with capture_logs() as logs:
        decisions = [judge(one) for one in (foreign, gone, gone)]

    assert decisions == [Skip("other_app"), Skip("unknown_tick"), Skip("unknown_tick")]
    assert [(entry["event"], entry["name"]) for entry in logs] == [("tick_skipped", "gone")]
