"""The attempts in flight, without a database and an event loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.engine.in_flight import MAX_UNWRITTEN, InFlight, InFlightAttempts, State
from overnight.store.records import Ending, Run, Status, Transition

DONE = Transition(Status.SUCCEEDED, "done")
RUNNING = (State.RUNNING, State.CANCELLED, State.TIMED_OUT, State.LOST)


class Task:
    """Counts how often it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


def attempt(number: int = 1, run: int = 1) -> InFlight:
    task: Any = Task()
    return InFlight(Run(run, f"job {run}", "s", "p", "", number, 0, None), task=task)


def begun(slots: int, *attempts: InFlight) -> InFlightAttempts:
    in_flight = InFlightAttempts(slots)
    for each in attempts:
        in_flight.add(each)
    return in_flight


@pytest.mark.parametrize(("state", "free"), [
    (State.RUNNING, 1), (State.CANCELLED, 1), (State.TIMED_OUT, 1), (State.LOST, 1),
    (State.CONTINUING, 1), (State.ENDED, 2), (State.WRITTEN, 2),
])  # fmt: skip
def test_a_slot_is_free_when_its_attempt_ended_and_stops_there(state: State, free: int) -> None:
    one = attempt()
    in_flight = begun(2, one)
    in_flight.move(one, state)
    assert in_flight.free_slots() == free
    in_flight.remove([one])
    assert (in_flight.free_slots(), len(in_flight)) == (2, 0)


def test_other_work_reduces_the_free_slots_but_not_below_none() -> None:
    in_flight = begun(3, attempt())
    assert [in_flight.free_slots(taken) for taken in range(5)] == [2, 1, 0, 0, 0]


def test_unwritten_endings_give_slots_away_up_to_a_bound() -> None:
    attempts = [attempt(run=number) for number in range(MAX_UNWRITTEN + 10)]
    in_flight = begun(10, *attempts)
    for each in attempts[: MAX_UNWRITTEN + 5]:
        in_flight.move(each, State.ENDED)
    assert in_flight.free_slots() == 0
    in_flight.remove(attempts[:3])
    assert in_flight.free_slots() == 3


@pytest.mark.parametrize("state", State)
def test_only_what_runs_is_cancelled(state: State) -> None:
    one = attempt()
    in_flight = begun(1, one)
    in_flight.move(one, state)
    in_flight.cancel(one, State.CANCELLED)
    assert one.task.cancelled == (state in RUNNING)  # type: ignore[union-attr]
    stopped = (State.RUNNING, State.TIMED_OUT)
    expected = State.CANCELLED if state in stopped else state
    assert one.state is expected


def test_a_cancelled_attempt_may_still_be_lost_and_then_stays_so() -> None:
    one = attempt()
    in_flight = begun(1, one)
    for state, expected in (
        (State.CANCELLED, State.CANCELLED),
        (State.LOST, State.LOST),
        (State.CANCELLED, State.LOST),
    ):
        in_flight.cancel(one, state)
        assert one.state is expected


def test_the_latest_attempt_of_a_run_is_known_until_removed() -> None:
    first, second = attempt(1), attempt(2)
    in_flight = begun(3, first, attempt(run=7), second)
    assert in_flight.latest(1) is second
    in_flight.remove([first])
    assert in_flight.latest(1) is second
    in_flight.remove([second])
    assert in_flight.latest(1) is None


def test_an_attempt_ends_once_with_its_ending_and_the_time_of_it() -> None:
    one = attempt()
    in_flight = begun(1, one)
    ending = Ending(one.run, DONE)
    in_flight.end(one, ending, State.CONTINUING)
    assert (one.result, one.state, in_flight.free_slots()) == (ending, State.CONTINUING, 0)
    assert one.ended >= one.started


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from([*State, None])), max_size=40),
)
def test_after_any_changes_the_free_slots_are_those_not_in_use(
    slots: int, changes: list[tuple[int, State | None]]
) -> None:
    attempts = [attempt(run=number) for number in range(8)]
    in_flight = InFlightAttempts(slots)
    for number, state in changes:
        each = attempts[number]
        if each not in in_flight:
            in_flight.add(each)
        elif state is None:
            in_flight.remove([each])
        else:
            in_flight.move(each, state)
    used = sum(each.state.has_slot for each in in_flight)
    assert in_flight.free_slots() == max(0, slots - used)
