"""Charts say something with one point, with a day of them, and with a year."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.console import charts

NOW = datetime.now(UTC)


def points(*ages: timedelta, name: str = "order/check") -> list[dict[str, Any]]:
    return [
        {"at": NOW - age, "step": name, "seconds": 1.5 + number} for number, age in enumerate(ages)
    ]


def drawn(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    since = NOW - timedelta(days=365)
    text = charts.chart("Latency", rows, "seconds", unit=" s", since=since, **more)
    return {**text, "data": json.loads(text["data"]) if text["data"] else None}


def test_one_point_is_a_sentence_and_no_dot() -> None:
    lone = drawn(points(timedelta(hours=1)), name="step")
    assert lone["data"] is None
    assert lone["summary"].startswith("order/check: 1.5 s at ")


def test_several_lines_of_one_moment_are_a_sentence() -> None:
    hour = timedelta(hours=1)
    lone = drawn([*points(hour), *points(hour, name="order/book")], name="step")
    assert lone["data"] is None
    assert "order/check: 1.5 s; order/book: 1.5 s at " in lone["summary"]


def test_no_point_is_neither_a_chart_nor_a_sentence() -> None:
    assert (drawn([])["data"], drawn([])["summary"]) == (None, "")
    assert drawn([{"at": NOW, "step": "a", "seconds": None}])["data"] is None


def test_few_points_of_one_line_are_bars_and_many_are_a_line() -> None:
    few = drawn(points(*(timedelta(hours=n) for n in range(24))))
    many = drawn(points(*(timedelta(days=n) for n in range(300))))
    assert (few["data"]["kind"], many["data"]["kind"]) == ("bars", "line")


@pytest.mark.parametrize(("newest", "oldest", "shown"), [(0, 1, 1), (0, 30, 30), (0, 364, 365)])
def test_the_axis_fits_a_day_a_month_and_a_year(newest: int, oldest: int, shown: int) -> None:
    data = drawn(points(timedelta(days=newest), timedelta(days=oldest)))["data"]
    days = (data["to"] - data["from"]) / 86_400
    assert shown <= days <= shown * (1 + 3 * charts.EDGE)
    assert data["from"] <= min(data["x"]) and max(data["x"]) <= data["to"]


def test_a_chart_has_a_summary_for_those_who_do_not_see_it() -> None:
    summary = drawn(points(timedelta(hours=1), timedelta(hours=2)))["summary"]
    assert summary.startswith("1.5 s, at most 2.5 s at "), "the title is said above it"


def days(amounts: dict[date, float], limit: float | None = None) -> charts.Days:
    first = date(2026, 11, 1)
    return charts.days("Cost", amounts, first=first, last=date(2026, 11, 28), limit=limit)


def test_a_bar_for_each_day_has_its_words_and_the_limit_its_line() -> None:
    chart = days({date(2026, 11, 3): 4.5, date(2026, 11, 5): 12}, limit=10)
    assert len(chart.bars) == 28
    assert chart.bars[2] == charts.DayBar("Tue 3 Nov: $4.50", 37.5, "calm")
    assert chart.bars[4] == charts.DayBar("Thu 5 Nov: $12.00", 100.0, "act")
    assert (chart.limit, chart.most, chart.total) == (83.3, "$12.00", "$16.50")
    assert chart.summary == (
        "$16.50 from Sun 1 Nov to Sat 28 Nov, most on Thu 5 Nov: $12.00; the limit is $10.00 a day,"
        " passed on 1 day"
    )


def test_days_without_an_amount_are_a_sentence() -> None:
    chart = days({}, limit=10)
    assert (list(chart.bars), chart.summary) == ([], "Nothing from Sun 1 Nov to Sat 28 Nov.")


@given(
    st.dictionaries(st.dates(date(2026, 11, 1), date(2026, 11, 28)), st.floats(0, 1e6)),
    st.none() | st.floats(0, 1e6),
)
def test_no_bar_and_no_limit_leaves_the_chart(
    amounts: dict[date, float], limit: float | None
) -> None:
    chart = days(amounts, limit)
    heights = [bar.height for bar in chart.bars]
    assert all(0 <= height <= 100 for height in heights)
    assert chart.limit is None or 0 <= chart.limit <= 100
    assert all(
        height > 0
        for height, bar in zip(heights, chart.bars, strict=True)
        if "$0.00" not in bar.text
    )
