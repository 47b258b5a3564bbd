"""Series of numbers as the page's charts want them: a line for each name, marks where it is
unusual.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from overnight.observability.signals import Anomaly

LINES = 4  # of a chart: more cannot be told apart


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
    the next point.
    """
    lines: dict[str, dict[float, float | None]] = {}
    for point in points:
        label = str(point[name]) if name else title
        number = point[value]
        lines.setdefault(label, {})[point["at"].timestamp()] = (
            None if number is None else round(float(number), 4)
        )
    largest = sorted(
        lines, key=lambda label: -sum(number or 0 for number in lines[label].values())
    )[:LINES]
    moments = sorted({moment for label in largest for moment in lines[label]})
    data = {
        "unit": unit,
        "from": since.timestamp(),
        "labels": largest,
        "x": moments,
        "y": [[lines[label].get(moment) for moment in moments] for label in largest],
        "marks": [[_nearest(moments, mark.at), mark.text] for mark in marks if moments],
    }
    return {
        "title": title,
        "data": json.dumps(data) if moments else "",
        "said": "; ".join(mark.text for mark in marks),
    }


def bars(title: str, counts: Mapping[int, int], label: Callable[[int], str]) -> dict[str, Any]:
    """A distribution as rows: what, how many, and how wide the bar is in percent."""
    most = max(counts.values(), default=0)
    rows = [
        (label(number), count, round(100 * count / most, 1))
        for number, count in sorted(counts.items())
    ]
    return {"title": title, "rows": rows}


def _nearest(moments: Sequence[float], at: datetime) -> float:
    return min(moments, key=lambda moment: abs(moment - at.timestamp()))
