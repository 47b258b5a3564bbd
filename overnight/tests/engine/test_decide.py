"""What follows an attempt, decided without a database."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight import App
from overnight.engine.decide import decide
from overnight.error_classes import ErrorTable, describe
from overnight.errors import (
    MAX_RETRY_AFTER,
    ConfigError,
    ErrorClass,
    InvalidPayload,
    LedgerUnavailable,
    OutcomeUnknown,
    Permanent,
    SwitchedOff,
    Transient,
)
from overnight.pipelines.outcomes import Cancel, NoWork, Review, Snooze
from overnight.pipelines.policies import BACKOFF, JITTER, Retry
from overnight.store.records import Status, Transition

RNG = random.Random(7)


def after(result: object, failures: int = 0, errors: ErrorTable | None = None) -> Transition:
    return decide(result, failures=failures, retry=Retry(), errors=errors or ErrorTable(), rng=RNG)


def test_the_numbers_are_the_missions() -> None:
    assert BACKOFF == (1, 4, 16, 60)
    assert Retry().times == 3


@given(st.integers(1, 12), st.one_of(st.none(), st.floats(0, 500)), st.integers())
def test_a_delay_stays_within_its_jitter_never_below_retry_after(
    failures: int, retry_after: float | None, seed: int
) -> None:
    base = BACKOFF[min(failures, 4) - 1]
    wait = Retry().delay(failures, retry_after, random.Random(seed))
    assert wait >= (retry_after or 0)
    assert wait == retry_after or base * (1 - JITTER) <= wait <= base * (1 + JITTER)


def test_a_transient_error_is_dead_after_three_retries() -> None:
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


@pytest.mark.parametrize("form", [dict, list])
def test_an_app_extends_the_table_of_errors(form: Any) -> None:
    rows: dict[type[BaseException], ErrorClass] = {
        KeyError: "transient",
        TimeoutError: "permanent",
    }
    table = ErrorTable(form(rows.items()))
    assert after(KeyError("x"), errors=table).status is Status.QUEUED
    assert after(TimeoutError(), errors=table).status is Status.DEAD


def test_the_nearest_base_of_an_error_decides_in_any_order() -> None:
    class Paid(Permanent): ...

    rows: dict[type[BaseException], ErrorClass] = {
        Exception: "transient",
        OSError: "permanent",
        Paid: "transient",
        FileNotFoundError: "unknown",
    }
    for order in (rows.items(), reversed(rows.items())):
        table = ErrorTable(list(order))
        errors = [ValueError(), TimeoutError(), FileNotFoundError(), Permanent("no"), Paid("no")]
        assert [table.classify(error) for error in errors] == [
            "transient",
            "permanent",
            "unknown",
            "permanent",
            "transient",
        ]


@pytest.mark.parametrize(
    "rows", [{KeyError: "transiet"}, {"KeyError": "transient"}, {KeyError: None}]
)
def test_a_row_that_classes_nothing_is_refused(rows: Any) -> None:
    with pytest.raises(ConfigError, match="one of: transient, permanent, unknown"):
        App("app", [], errors=rows)


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


BUSY, GONE = Transient("429 busy", retry_after=70), Permanent("404 gone")


@pytest.mark.parametrize(
    ("errors", "status", "class_", "delay"),
    [
        ([Transient("502"), BUSY], Status.QUEUED, "transient", 70),
        (
            [ConnectionResetError(), ExceptionGroup("inner", [BUSY, TimeoutError()])],
            Status.QUEUED,
            "transient",
            70,
        ),
        ([BUSY, GONE], Status.DEAD, "permanent", 0),
        ([GONE, BUSY], Status.DEAD, "permanent", 0),
        (
            [BUSY, ExceptionGroup("inner", [ExceptionGroup("deeper", [GONE])])],
            Status.DEAD,
            "permanent",
            0,
        ),
        ([BUSY, ValueError("bug")], Status.DEAD, "unknown", 0),
        ([BUSY, InvalidPayload("no")], Status.DEAD, "payload", 0),
        ([BUSY, OutcomeUnknown("written?")], Status.NEEDS_REVIEW, "unknown_outcome", 0),
        ([SwitchedOff("off")], Status.QUEUED, "switch", 1),
        ([SwitchedOff("off"), LedgerUnavailable("away")], Status.QUEUED, "switch", 1),
        ([SwitchedOff("off"), BUSY], Status.QUEUED, "transient", 70),
        ([SwitchedOff("off"), GONE], Status.DEAD, "permanent", 0),
    ],
)
def test_the_worst_error_of_a_group_and_its_longest_wait_decide(
    errors: list[Exception], status: Status, class_: str, delay: float
) -> None:
    result = after(ExceptionGroup("unhandled errors in a TaskGroup", errors))
    assert (result.status, result.error_class, result.delay) == (status, class_, delay)


def test_a_group_whose_members_may_heal_has_the_usual_cap() -> None:
    group = ExceptionGroup("tasks", [Transient("502"), Transient("503")])
    assert [after(group, failures).status for failures in range(4)] == [Status.QUEUED] * 3 + [
        Status.DEAD
    ]


def test_a_group_says_each_of_its_errors_once() -> None:
    inner = ExceptionGroup("inner", [Transient("502"), ValueError("a bug")])
    assert (
        after(ExceptionGroup("outer", [Transient("502"), inner])).error
        == "3 errors: 502; ValueError: a bug"
    )
    assert after(ExceptionGroup("outer", [inner.exceptions[0]])).error == "502"
    assert describe(ExceptionGroup("outer", [inner])) == "2 errors: 502; ValueError: a bug"


def test_an_app_may_class_a_group_itself() -> None:
    class Mine(ExceptionGroup[Exception]): ...

    table = ErrorTable([(Mine, "transient")])
    assert after(Mine("all shards", [GONE]), errors=table).status is Status.QUEUED


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        (Decimal(120), 120),
        (timedelta(minutes=2), 120),
        (float("inf"), MAX_RETRY_AFTER),
    ],
)
def test_a_retry_after_that_is_a_number_in_other_clothes_counts(
    retry_after: Any, seconds: float
) -> None:
    result = after(Transient("429", retry_after=retry_after))
    assert (result.status, result.error, result.delay) == (Status.QUEUED, "429", seconds)


@pytest.mark.parametrize(
    "retry_after", ["soon", float("nan"), -1, [], object(), 10**400, b"\xff", "x" * 10_000]
)
def test_a_bad_retry_after_is_reported_and_the_error_retried(retry_after: Any) -> None:
    result = after(Transient("429 Too Many Requests", retry_after=retry_after))
    assert result.status is Status.QUEUED
    assert result.error is not None and len(result.error) < 400
    assert result.error.startswith(
        "429 Too Many Requests (its retry_after is no number of seconds: "
    )


def test_a_foreign_error_s_retry_after_counts_in_the_same_way() -> None:
    class RateLimited(Exception):
        @property
        def retry_after(self) -> float:
            raise RuntimeError("no header")

    result = after(RateLimited("slow down"), errors=ErrorTable([(RateLimited, "transient")]))
    assert (result.status, result.error_class) == (Status.QUEUED, "transient")
    assert result.error is not None and "slow down" in result.error


class Unreadable:
    def __str__(self) -> str:
        raise GeneratorExit

    __repr__ = __str__


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (123, "123"),
        ({"left": 0}, "{'left': 0}"),
        (ValueError("no text"), "no text"),
        (b"x", "b'x'"),
    ],
)
def test_a_reason_of_another_type_is_kept_as_text(reason: Any, text: str) -> None:
    assert [after(kind).error for kind in (NoWork(reason), Cancel(reason), Snooze(1, reason))] == [
        text
    ] * 3


def test_a_reason_that_cannot_be_read_loses_no_job() -> None:
    assert after(Cancel(Unreadable())).error == "<Unreadable that cannot be shown>"  # type: ignore[arg-type]


@pytest.mark.parametrize("nothing", ["", None])
def test_a_cancel_without_a_reason_says_so(nothing: Any) -> None:
    assert after(Cancel(nothing)).error == "the step gave no reason"


@pytest.mark.parametrize("reasons", [[], [""], [" ", "\n"], ()])
def test_a_review_without_a_reason_says_so(reasons: Any) -> None:
    assert after(Review(reasons)).error == "the step gave no reason"


def test_a_review_takes_its_reasons_from_any_iterable_once() -> None:
    review = Review(reason for reason in ("short", "", "dull"))  # type: ignore[arg-type]
    assert [after(review).error for _ in range(2)] == ["short\ndull"] * 2


@pytest.mark.parametrize(
    "reasons", ["too short", b"x", None, 7, [ValueError("too short")], ["a", Unreadable()]]
)
def test_a_review_without_a_list_of_strings_is_refused_and_shown(reasons: Any) -> None:
    shown = "cannot be shown" if isinstance(reasons, list) and "a" in reasons else repr(reasons)
    with pytest.raises(TypeError) as caught:
        Review(reasons)
    assert str(caught.value).startswith("Review takes a list of reasons, each a string, and not ")
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    "seconds", ["x", "5", None, float("nan"), float("inf"), -1, 1e12, timedelta(1), Unreadable()]
)
def test_a_bad_snooze_is_refused_with_its_value_and_its_reason(seconds: Any) -> None:
    shown = "cannot be shown" if isinstance(seconds, Unreadable) else repr(seconds)
    with pytest.raises(TypeError) as caught:
        Snooze(seconds, "the quota is spent")
    assert shown in str(caught.value)
    assert str(caught.value).endswith("(its reason was: the quota is spent)")


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
    again = decide(
        Transient("down"), failures=retry.times - 1, retry=retry, errors=ErrorTable(), rng=RNG
    )
    assert (again.status, again.error) == (Status.QUEUED, "down")
    after = decide(
        Transient("down"), failures=retry.times, retry=retry, errors=ErrorTable(), rng=RNG
    )
    assert after.status is Status.DEAD
    assert (
        after.error
        == f"down; given up after {retry.times + 1} tries in {retry.total / 3_600:.0f} h"
    )


def test_an_unfit_answer_needs_review_after_the_last_retry() -> None:
    error = Transient("title: Field required", review=True)
    retried = decide(error, failures=2, retry=Retry(), errors=ErrorTable(), rng=RNG)
    assert (retried.status, retried.outcome) == (Status.QUEUED, "retry")
    after = decide(error, failures=3, retry=Retry(), errors=ErrorTable(), rng=RNG)
    assert (after.status, after.outcome, after.error_class, after.failed) == (
        *(Status.NEEDS_REVIEW, "review", "unfit", True),
    )
    assert after.error == (
        "no answer fits the form that was asked for (4 times asked; the last: title: "
        "Field required); replay asks again"
    )
