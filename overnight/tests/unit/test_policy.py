"""What follows an attempt, decided without a database."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.errors import LedgerUnavailable, OutcomeUnknown, Permanent, SwitchedOff, Transient
from overnight.model import Cancel, NoWork, Review, Snooze, Status, Transition
from overnight.policy import BACKOFF, JITTER, ErrorTable, Retry, decide

RNG = random.Random(7)


def after(result: object, failures: int = 0, errors: ErrorTable | None = None) -> Transition:
    return decide(result, failures=failures, retry=Retry(), errors=errors or ErrorTable(), rng=RNG)


def test_the_numbers_are_the_missions() -> None:
    assert BACKOFF == (1, 4, 16, 60)
    assert Retry().times == 3


@given(st.integers(1, 12), st.one_of(st.none(), st.floats(0, 500)), st.integers())
def test_a_wait_stays_within_its_jitter_and_never_below_retry_after(
    failures: int, retry_after: float | None, seed: int
) -> None:
    base = BACKOFF[min(failures, 4) - 1]
    wait = Retry().delay(failures, retry_after, random.Random(seed))
    assert wait >= (retry_after or 0)
    assert wait == retry_after or base * (1 - JITTER) <= wait <= base * (1 + JITTER)


def test_a_transient_error_is_retried_three_times_and_then_is_a_dead_letter() -> None:
    results = [after(Transient("502"), failures) for failures in range(4)]
    assert [t.status for t in results] == [Status.QUEUED] * 3 + [Status.DEAD]
    assert all(t.failed for t in results)


@pytest.mark.parametrize(
    ("error", "class_"),
    [(Permanent("404"), "permanent"), (ValueError("bug"), "unknown"), (KeyError("x"), "unknown")],
)
def test_what_cannot_heal_is_a_dead_letter_at_once(error: Exception, class_: str) -> None:
    result = after(error)
    assert (result.status, result.error_class, result.delay) == (Status.DEAD, class_, 0)


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError("reset"), Transient("x")])
def test_what_may_heal_is_retried(error: Exception) -> None:
    assert after(error).status is Status.QUEUED


def test_an_app_extends_the_table_of_errors() -> None:
    table = ErrorTable([(KeyError, "transient"), (TimeoutError, "permanent")])
    assert after(KeyError("x"), errors=table).status is Status.QUEUED
    assert after(TimeoutError(), errors=table).status is Status.DEAD


@pytest.mark.parametrize(
    ("outcome", "status", "ends"),
    [
        ("a value", Status.SUCCEEDED, False),
        (None, Status.SUCCEEDED, False),
        (NoWork("empty feed"), Status.SUCCEEDED, True),
        (Review(["too short"]), Status.NEEDS_REVIEW, True),
        (Snooze(30), Status.QUEUED, True),
        (Cancel("no content"), Status.CANCELLED, True),
    ],
)
def test_outcomes(outcome: object, status: Status, ends: bool) -> None:
    result = after(outcome)
    assert (result.status, result.ends_job, result.failed) == (status, ends, False)


@pytest.mark.parametrize("failures", [0, 3, 99])
@pytest.mark.parametrize("error", [LedgerUnavailable(), SwitchedOff()])
def test_what_is_no_fault_of_the_step_counts_as_no_failure(error: Exception, failures: int) -> None:
    result = after(error, failures)
    assert (result.status, result.failed) == (Status.QUEUED, False)


def test_an_unknown_outside_write_is_for_a_person() -> None:
    assert after(OutcomeUnknown("publish?")).status is Status.NEEDS_REVIEW


@pytest.mark.parametrize("hours", [0.1, 1, 4, 12])
def test_retries_over_hours_last_at_least_so_long_and_grow_rare(hours: float) -> None:
    retry = Retry.over(hours)
    assert retry.total == sum(retry.backoff) >= hours * 3_600
    assert retry.times == len(retry.backoff)
    assert list(retry.backoff) == sorted(retry.backoff)
    assert max(retry.backoff) <= 3_600


def test_the_total_is_of_the_waits_that_are_taken() -> None:
    assert [Retry(times).total for times in (0, 1, 3, 6)] == [0, 1, 21, 201]


def test_a_dead_letter_after_hours_tells_them() -> None:
    retry = Retry.over(4)
    again = decide(Transient("down"), failures=retry.times - 1, retry=retry, errors=ErrorTable(), rng=RNG)
    assert (again.status, again.error) == (Status.QUEUED, "down")
    after = decide(Transient("down"), failures=retry.times, retry=retry, errors=ErrorTable(), rng=RNG)
    assert after.status is Status.DEAD
    assert after.error == f"down; given up after {retry.times + 1} tries in {retry.total / 3_600:.0f} h"


def test_what_never_fitted_waits_for_a_person_after_the_last_retry() -> None:
    error = Transient("title: Field required", review=True)
    retried = decide(error, failures=2, retry=Retry(), errors=ErrorTable(), rng=RNG)
    assert (retried.status, retried.outcome) == (Status.QUEUED, "retry")
    after = decide(error, failures=3, retry=Retry(), errors=ErrorTable(), rng=RNG)
    assert (after.status, after.outcome, after.error_class, after.failed) == (
        *(Status.NEEDS_REVIEW, "review", "unfit", True),
    )
    assert after.error == (
        "no answer fits the form that was asked for (4 times asked; the last: title: Field required); replay asks again"
    )
