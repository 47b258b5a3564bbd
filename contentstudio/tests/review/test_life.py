"""The life of an article in sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contentstudio.review import life

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


def row(kind: str, what: str, **changes: Any) -> dict[str, Any]:
    empty = {"text": "", "by": None, "job_id": None, "status": None, "cost_usd": None}
    return {"at": NOW, "kind": kind, "what": what, **empty, **changes}


@pytest.mark.parametrize(
    ("happened", "says", "text"),
    [
        (row("idea", "wish", text="Ada asked for it"), "Idea", "asked for: Ada asked for it"),
        (row("idea", "query"), "Idea", "readers ask it"),
        (row("decision", "drop", by="Ada"), "Idea dropped", ""),
        (row("step", "gate", status="succeeded"), "Check", ""),
        (row("step", "gate", status="needs_review", text="x"), "Check waits for you", "x"),
        (row("step", "publish", status="queued"), "Publishing is to come", ""),
        (row("step", "publish", status="dead", text="502"), "Publishing failed", "502"),
        (row("action", "approve", by="Ada"), "Approve", ""),
        (row("version", "2"), "Version 2 published", ""),
        (row("read", "search_console"), "First readers", "counted by search_console"),
        (row("step", "a step of tomorrow", status="succeeded"), "a step of tomorrow", ""),
        (row("idea", "an origin of tomorrow"), "Idea", "an origin of tomorrow"),
    ],
)
def test_each_moment_is_a_short_sentence(happened: dict[str, Any], says: str, text: str) -> None:
    (moment,) = life.life([happened])
    assert (moment.what, moment.text) == (says, text)
