"""Series of numbers as the page's charts want them: lines or bars over time, a bar for each day, a
distribution. What is too little for a chart is a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from overnight import formatting
from overnight.observability.signals import Anomaly

LINES = 4  # of a chart: more cannot be told apart
BARS = 40  # points of one line that are bars; more are a line
FIT = (
    0.5  # of the time asked for that points must fill; where they do not, the axis fits the points
)
EDGE = 0.04  # of the axis that is left free at its ends, so that a point there is seen whole
LOWEST = 1.5  # percent of a chart's height that a bar has at least, so that it is seen

Line = dict[float, float | None]


def chart(
    title: str,
    points: Iterable[Mapping[str, Any]],
    value: str,
    *,
    name: str | None = None,
    unit: str = "",
    since: datetime,
    marks: Sequence[Anomaly] = (),
) -> dict[str, str]:
    """A chart of `value` over `at`: a line for each `name`, the largest ones. `marks` are put at
    the next point. Points at one moment alone are told in the `summary`, and `data` is empty.
    """
    lines = _lines(title, points, value, name)
    largest = dict(sorted(lines.items(), key=lambda line: -_sum(line[1]))[:LINES])
    moments = sorted({moment for line in largest.values() for moment in line})
    said = {
        "title": title,
        "summary": _summary(title, largest, unit),
        "said": "; ".join(mark.text for mark in marks),
    }
    if len(moments) < 2:
        return {**said, "data": ""}
    first, last = _axis(moments, since.timestamp(), datetime.now(UTC).timestamp())
    data = {
        "kind": "bars" if len(largest) == 1 and len(moments) <= BARS else "line",
        "unit": unit,
        "from": first,
        "to": last,
        "labels": list(largest),
        "x": moments,
        "y": [[line.get(moment) for moment in moments] for line in largest.values()],
        "marks": [[_nearest(moments, mark.at), mark.text] for mark in marks],
    }
    return {**said, "data": json.dumps(data)}


def _lines(
    title: str, points: Iterable[Mapping[str, Any]], value: str, name: str | None
) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    for point in points:
        number = point[value]
        lines.setdefault(str(point[name]) if name else title, {})[point["at"].timestamp()] = (
            None if number is None else round(float(number), 4)
        )
    return {
        label: line for label, line in lines.items() if any(n is not None for n in line.values())
    }


def _sum(line: Line) -> float:
    return sum(number or 0 for number in line.values())


def _summary(title: str, lines: Mapping[str, Line], unit: str) -> str:
    """The lines in words: what each is now, and what it was at most."""
    parts = []
    for label, line in lines.items():
        numbers = [number for _, number in sorted(line.items()) if number is not None]
        most = f", at most {max(numbers):g}{unit}" if len(numbers) > 1 else ""
        name = f"{label}: " if label != title else ""  # a line alone has the title's name
        parts.append(f"{name}{numbers[-1]:g}{unit}{most}")
    moments = {moment for line in lines.values() for moment in line}
    at = f" at {datetime.fromtimestamp(max(moments), UTC):%Y-%m-%d %H:%M} UTC" if moments else ""
    return "; ".join(parts) + at


def _axis(moments: Sequence[float], since: float, until: float) -> tuple[float, float]:
    """The time that a chart shows: what was asked for, or what there is if that is much less."""
    first, last = moments[0], max(moments[-1], until)
    begin = since if last - first >= FIT * (last - since) else first
    free = EDGE * (last - begin)
    return begin - free, last + free


def bars(title: str, counts: Mapping[int, int], label: Callable[[int], str]) -> dict[str, Any]:
    """A distribution as rows: what, how many, and how wide the bar is in percent."""
    most = max(counts.values(), default=0)
    rows = [
        (label(number), count, round(100 * count / most, 1))
        for number, count in sorted(counts.items())
    ]
    return {"title": title, "rows": rows}


@dataclass(frozen=True, slots=True)
class DayBar:
    """A day's bar: its height in percent of the chart, what it says, and its tone: `calm`, or
    `act` over the limit.
    """

    text: str
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Days:
    """A chart of `days`, which the macro `days` of `parts.html` draws. Without a number it has no
    bars, and its summary says so.
    """

    title: str
    bars: Sequence[DayBar]
    limit: float | None  # in percent of the chart's height
    most: str  # what the chart's height stands for
    first: str
    last: str
    total: str
    summary: str


def days(
    title: str,
    amounts: Mapping[date, Any],
    *,
    first: date,
    last: date,
    limit: float | None = None,
    show: Callable[[float], str] = formatting.dollars,
) -> Days:
    """A bar for each day from `first` to `last`, and a line at `limit` a day. `show` writes an
    amount.
    """
    span = [first + timedelta(number) for number in range((last - first).days + 1)]
    values = {day: float(amounts.get(day, 0)) for day in span}
    top = max([*values.values(), limit or 0.0])
    total = sum(values.values())
    if not total:
        return Days(title, (), None, "", "", "", "", f"Nothing from {_day(first)} to {_day(last)}.")
    largest = max(values, key=lambda day: values[day])
    said = f"{show(total)} from {_day(first)} to {_day(last)}, most on {_day(largest)}: " + show(
        values[largest]
    )
    if limit is not None:
        over = formatting.count(sum(value > limit for value in values.values()), "day")
        said += f"; the limit is {show(limit)} a day, passed on {over}"
    return Days(
        title,
        [_bar(day, value, top, limit, show) for day, value in values.items()],
        None if limit is None else round(100 * limit / top, 1),
        show(top),
        _day(first),
        _day(last),
        show(total),
        said,
    )


def _bar(
    day: date, value: float, top: float, limit: float | None, show: Callable[[float], str]
) -> DayBar:
    height = max(round(100 * value / top, 1), LOWEST) if value else 0.0
    tone = "act" if limit is not None and value > limit else "calm"
    return DayBar(f"{_day(day)}: {show(value)}", height, tone)


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _nearest(moments: Sequence[float], at: datetime) -> float:
    return min(moments, key=lambda moment: abs(moment - at.timestamp()))
