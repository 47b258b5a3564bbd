"""The breaker's states, without a database: its clock is passed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.engine.breakers import ERRORS, PAUSE, WITHIN, Breaker, Signal, after, signal
from overnight.store.records import Ending, Run, Status, Transition

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
CLOSED = Breaker("cms", "")
ERROR, WELL, NOTHING = (Signal(1, "error", "502"), Signal(1, "well"), Signal(1, "nothing"))


def failing(*seconds: float) -> Breaker:
    """A breaker after errors at these seconds."""
    breaker = CLOSED
    for second in seconds:
        breaker = after(breaker, [ERROR], NOW + timedelta(seconds=second))
    return breaker


def test_five_errors_in_a_row_within_two_minutes_open_it_for_ten() -> None:
    assert failing(0, 30, 60, 90).state(NOW + timedelta(seconds=90)) == "closed"
    opened = failing(0, 30, 60, 90, 120)
    moment = NOW + timedelta(seconds=120)
    assert opened.open_until == moment + timedelta(seconds=600)
    assert [opened.state(moment + timedelta(seconds=s)) for s in (0, 599, 600)] == [
        "open",
        "open",
        "half-open",
    ]


def test_five_errors_spread_over_more_than_two_minutes_do_not() -> None:
    assert failing(0, 30, 60, 90, 121).open_until is None
    assert (
        failing(0, 30, 60, 90, 121, 149).open_until is not None
    )  # the last five came within 119 seconds


def test_a_success_in_between_begins_the_row_again() -> None:
    assert after(failing(0, 1, 2, 3), [WELL, ERROR, ERROR, ERROR, ERROR], NOW).open_until is None


def test_results_that_do_not_concern_the_upstream_change_nothing() -> None:
    assert after(failing(0, 1, 2, 3), [NOTHING, NOTHING], NOW) == failing(0, 1, 2, 3)


def probing() -> Breaker:
    """Half-open, with run 7 let through."""
    return replace(failing(0, 0, 0, 0, 0), probe_run=7, open_until=NOW + timedelta(hours=1))


def test_the_probe_alone_decides() -> None:
    late = NOW + timedelta(minutes=11)
    for other in (ERROR, WELL, NOTHING):
        assert after(probing(), [other], late) == probing()
    assert after(probing(), [Signal(7, "well")], late).state(late) == "closed"
    again = after(probing(), [Signal(7, "error", "503")], late)
    assert (again.open_until, again.probe_run) == (late + timedelta(seconds=PAUSE), None)
    assert after(probing(), [Signal(7, "nothing")], late).state(late) == "half-open"


def ending(
    status: Status, outcome: str, error_class: str | None = None, *, failed: bool = False
) -> Ending:
    run = Run(id=1, job_id="j", step="s", pipeline="p", key="", attempt=1, failures=0, input=None)
    return Ending(run, Transition(status, outcome, error_class=error_class, failed=failed))


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (ending(Status.SUCCEEDED, "done"), "well"),
        (ending(Status.SUCCEEDED, "no_work"), "well"),
        (ending(Status.NEEDS_REVIEW, "review"), "well"),
        (ending(Status.CANCELLED, "cancel"), "well"),
        (ending(Status.QUEUED, "retry", "transient", failed=True), "error"),
        (ending(Status.DEAD, "error", "permanent", failed=True), "error"),
        (ending(Status.DEAD, "error", "unknown", failed=True), "error"),
        (ending(Status.DEAD, "error", "payload", failed=True), "nothing"),
        (ending(Status.DEAD, "error", "deadline", failed=True), "nothing"),
        (ending(Status.QUEUED, "snooze"), "nothing"),
        (ending(Status.QUEUED, "held", "switch"), "nothing"),
        (ending(Status.QUEUED, "handed_back"), "nothing"),
        (ending(Status.NEEDS_REVIEW, "review", "unknown_outcome"), "nothing"),
    ],
)
def test_what_an_ending_says_of_the_upstream(ended: Ending, verdict: str) -> None:
    assert signal(ended).verdict == verdict


@given(st.lists(st.tuples(st.sampled_from([ERROR, WELL, NOTHING]), st.floats(0, 200)), max_size=30))
def test_it_opens_exactly_at_five_errors_in_a_row_close_together(
    story: list[tuple[Signal, float]],
) -> None:
    breaker, moment = CLOSED, NOW
    row: list[datetime] = []
    for told, pause in story:
        moment += timedelta(seconds=pause)
        breaker = after(breaker, [told], moment)
        row = [] if told.verdict == "well" else [*row, moment] if told.verdict == "error" else row
        should = len(row) >= ERRORS and row[-1] - row[-ERRORS] <= WITHIN
        assert (breaker.open_until is not None) == should
        if should:
            break
