"""Why a job stands where it stands: the gravest step decides, and each state has its sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from overnight import App, Context, Pipeline
from overnight.operations import causes

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
DONE = {
    "step": "gather",
    "pipeline": "order",
    "key": "ada",
    "status": "succeeded",
    "outcome": "done",
    "attempt": 1,
    "losses": 0,
    "error": None,
    "error_class": None,
    "held_by": None,
    "due_at": NOW,
}
OPEN = {"name": "shop ada", "state": "open", "error": "502", "open_until": NOW}


def app() -> App:
    order = Pipeline("order")

    @order.step
    async def gather(ctx: Context[Any], number: int) -> int:
        return number

    @order.step(breaker="shop {key}")
    async def book(ctx: Context[Any], number: int) -> int:
        return number

    return App("shop", [order])


def step(**changes: Any) -> dict[str, Any]:
    return {**DONE, "step": "book", **changes}


@pytest.mark.parametrize(
    ("changes", "level", "what", "text", "advice"),
    [
        (
            {"status": "dead", "attempt": 3, "error": "502", "error_class": "transient"},
            "act",
            "book failed after 3 attempts",
            "502",
            "Retry when it is well again",
        ),
        (
            {"status": "dead", "attempt": 5, "losses": 5, "error": "x", "error_class": "lost"},
            "act",
            "5 of them lost with their worker",
            "x",
            "Its worker died",
        ),
        (
            {"status": "dead", "error": "x", "error_class": "of an app"},
            "act",
            "after 1 attempt",
            "x",
            "then retry",
        ),
        (
            {"status": "needs_review", "error": "unusual"},
            "look",
            "waits for review",
            "unusual",
            "Approve",
        ),
        (
            {"status": "needs_review", "error": "?", "error_class": "unknown_outcome"},
            "look",
            "waits for review",
            "?",
            "Look on the other side",
        ),
        ({"status": "running"}, "well", "book is running", "Attempt 1", ""),
        (
            {"status": "queued", "held_by": "key:ada"},
            "look",
            "key:ada is paused",
            "",
            "Resume key:ada",
        ),
        (
            {"status": "queued", "outcome": "retry", "error": "502"},
            "look",
            "tried again at 2026-11-30 04:00:00 UTC",
            "502",
            "by itself",
        ),
        (
            {"status": "queued", "outcome": "held", "error": "no room", "error_class": "budget"},
            "look",
            "waits until 2026-11-30 04:00:00 UTC",
            "no room",
            "",
        ),
        ({"status": "queued", "outcome": None}, "well", "book is due at", "", "in its turn"),
        ({"status": "cancelled", "error": "enough"}, "look", "was cancelled", "enough", ""),
    ],
)
def test_each_state_of_a_job_has_its_cause_and_what_helps(
    changes: dict[str, Any], level: str, what: str, text: str, advice: str
) -> None:
    cause = causes.of_job([DONE, step(**changes)], None)
    assert cause is not None
    assert cause.level == level
    assert what in cause.what
    assert cause.text == text
    assert advice in cause.advice


def test_a_job_that_succeeded_has_no_cause() -> None:
    assert causes.of_job([DONE, step()], None) is None


def test_a_step_behind_an_open_breaker_waits_for_its_probe() -> None:
    waiting = step(status="queued", outcome=None)
    cause = causes.of_job([DONE, waiting], app(), [OPEN])
    assert cause is not None
    assert (cause.what, cause.text) == ("book waits: the breaker shop ada is open", "502")
    other = causes.of_job([DONE, {**waiting, "key": "ben"}], app(), [OPEN])
    assert other is not None
    assert "breaker" not in other.what


def test_a_failed_step_decides_before_one_that_waits() -> None:
    failed = {**DONE, "status": "dead", "error": "boom", "error_class": "unknown"}
    cause = causes.of_job([failed, step(status="queued", outcome=None)], None)
    assert cause is not None
    assert cause.step["step"] == "gather"
