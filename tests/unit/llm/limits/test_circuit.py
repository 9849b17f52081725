"""The circuit: closed, open, half open."""

from __future__ import annotations

from streamagents.llm.limits.circuit import FAILURES, LONGEST_S, OPEN_S, PROBE_S, Circuit


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit()
    for _ in range(FAILURES):
        circuit.failed(at, "it fails", probe=circuit.enter())
    return circuit


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    circuit = Circuit()
    for _ in range(FAILURES - 1):
        circuit.failed(0, "it fails", probe=False)
    before = circuit.closed
    circuit.failed(0, "it fails", probe=False)

    assert (before, circuit.closed) == (True, False)
    assert (circuit.wait_s(1), circuit.reason) == (OPEN_S - 1, "it fails")


def test_an_answer_in_between_begins_the_count_anew() -> None:
    circuit = Circuit()
    for _ in range(10):
        for _ in range(FAILURES - 1):
            circuit.failed(0, "it fails", probe=False)
        circuit.succeeded(probe=False)

    assert circuit.closed


def test_after_its_time_one_call_probes_and_the_others_wait() -> None:
    circuit = opened()
    assert circuit.wait_s(OPEN_S) == 0
    assert circuit.enter()

    assert circuit.wait_s(OPEN_S) == PROBE_S
    circuit.succeeded(probe=True)
    assert circuit.wait_s(OPEN_S) == 0
    assert circuit.closed


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_five_minutes() -> None:
    circuit, now, waits = opened(), OPEN_S, []
    for _ in range(7):
        assert circuit.wait_s(now) == 0
        circuit.failed(now, "still", probe=circuit.enter())
        waits.append(circuit.wait_s(now))
        now += waits[-1]

    assert waits == [30, 60, 120, 240, LONGEST_S, LONGEST_S, LONGEST_S]


def test_a_probe_that_was_cancelled_lets_another_one_try() -> None:
    circuit = opened()
    circuit.enter()
    circuit.given_up()

    assert circuit.wait_s(OPEN_S) == 0


def test_calls_from_before_neither_close_it_nor_make_it_longer() -> None:
    circuit = opened()
    circuit.succeeded(probe=False)
    circuit.failed(5, "late", probe=False)

    assert (circuit.closed, circuit.wait_s(5)) == (False, OPEN_S - 5)


def test_a_time_that_the_provider_names_is_kept_however_long() -> None:
    circuit = Circuit()
    circuit.rest(86_400, "retry-after: a day")
    circuit.rest(60, "another answer")

    assert circuit.wait_s(0) == 86_400
    assert circuit.wait_s(86_400) == 0
    assert circuit.enter()
