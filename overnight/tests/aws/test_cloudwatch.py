"""Lines of CloudWatch's embedded metric format, held against the rules of its specification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from overnight.aws.cloudwatch import of_endings, of_status
from overnight.store.records import Ending, Run, Status, Transition

AT = datetime(2030, 1, 1, 4, 0, 0, 500_000, tzinfo=UTC)
UNITS = {
    *(
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Bytes",
        "Kilobytes",
        "Megabytes",
        "Gigabytes",
        "Terabytes",
    ),
    *("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "None"),
    *(f"{unit}/Second" for unit in ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")),
    *(
        f"{unit}/Second"
        for unit in ("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Count")
    ),
}
LIMIT = 256 * 1024  # bytes of a line
LARGEST = 2.0**360  # of a value


def checked(line: str) -> dict[str, Any]:
    """The line as CloudWatch reads it. Fails where it breaks a rule of the format."""
    assert "\n" not in line and len(line.encode()) <= LIMIT
    root = json.loads(line, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(name)))
    assert set(root["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(root["_aws"]["Timestamp"], int)
    for directive in root["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Namespace"] == "overnight"
        assert directive["Dimensions"]
        for dimensions in directive["Dimensions"]:
            assert 1 <= len(dimensions) <= 30
            for name in dimensions:
                assert 1 <= len(name) <= 250 and name.isascii() and not name.startswith(":")
                value = root[name]
                assert isinstance(value, str) and value.strip() and len(value) <= 1024
                assert value.isascii() and value.isprintable()
        assert 1 <= len(directive["Metrics"]) <= 100
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert len(set(names)) == len(names)
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            assert 1 <= len(metric["Name"]) <= 1024 and metric["Unit"] in UNITS
            values = root[metric["Name"]]
            values = values if isinstance(values, list) else [values]
            assert 1 <= len(values) <= 100
            assert all(type(value) in (int, float) and abs(value) <= LARGEST for value in values)
    return dict(root)


def ending(
    transition: Transition,
    ms: int = 10,
    cost: Decimal | None = None,
    step: str = "check",
    pipeline: str = "order",
) -> Ending:
    run = Run(1, "job", step, pipeline, "ada", 1, 0, None)
    return Ending(run, transition, duration_ms=ms, cost_usd=cost)


DONE = Transition(Status.SUCCEEDED, "done")
RETRY = Transition(Status.QUEUED, "retry", "502", "transient", 1.0, failed=True)
DEAD = Transition(Status.DEAD, "error", "no", "permanent", failed=True)


def told(endings: Sequence[Ending]) -> list[dict[str, Any]]:
    return [checked(line) for line in of_endings("shop", endings, AT)]


def test_a_step_s_attempts_are_one_line_with_its_figures() -> None:
    (line,) = told(
        [ending(DONE, 20, Decimal("0.25")), ending(RETRY, 30), ending(DEAD, 40, Decimal("0.5"))]
    )
    assert {name: value for name, value in line.items() if name != "_aws"} == {
        "app": "shop",
        "pipeline": "order",
        "step": "check",
        "attempts": 3,
        "errors": 2,
        "retries": 1,
        "dead_letters": 1,
        "cost_usd": 0.75,
        "latency": [20, 30, 40],
    }
    assert line["_aws"]["Timestamp"] == 1_893_470_400_500
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["app", "pipeline", "step"]]


def test_each_step_has_lines_of_its_own() -> None:
    lines = told(
        [ending(DONE, step="b"), ending(DONE, step="a"), ending(DONE, step="a", pipeline="z")]
    )
    assert [(line["pipeline"], line["step"]) for line in lines] == [
        ("order", "a"),
        ("order", "b"),
        ("z", "a"),
    ]


def test_a_line_has_at_most_a_hundred_values_and_none_is_lost() -> None:
    lines = told([ending(DONE, ms) for ms in range(250)])
    assert [len(line["latency"]) for line in lines] == [100, 100, 50]
    assert sum(line["attempts"] for line in lines) == 250
    assert [ms for line in lines for ms in line["latency"]] == list(range(250))


def test_no_attempt_is_no_line() -> None:
    assert told([]) == []


def test_what_waits_is_a_line_of_the_app() -> None:
    now = {
        "due": 7,
        "oldest_due_seconds": None,
        "running": 3,
        "dead": 2,
        "needs_review": 1,
        "held": 4,
    }
    line = checked(of_status("shop", now, AT))
    figures = {name: value for name, value in line.items() if name not in ("_aws", "app")}
    assert figures == {
        "depth": 7,
        "oldest_due_seconds": 0,
        "running": 3,
        "dead": 2,
        "needs_review": 1,
    }
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["app"]]


@given(
    st.text(max_size=2_000),
    st.text(max_size=400),
    st.integers(0, 10**12),
    st.decimals(0, 10**8, places=6),
)
def test_the_lines_are_valid_for_all_names_and_figures(
    name: str, step: str, ms: int, cost: Decimal
) -> None:
    for line in of_endings(name, [ending(DONE, ms, cost, step, name)], AT):
        checked(line)
