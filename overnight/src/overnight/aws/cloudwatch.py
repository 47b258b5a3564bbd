"""Figures in CloudWatch's embedded metric format: lines of a log that become metrics, with no call
to anybody. Pure.

For places where nobody scrapes, such as a Lambda function: print each line as it is to where its
log goes. One is read as metrics only if it is a JSON object and nothing else. The rules are those
of AWS's "Specification: Embedded metric format".
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from overnight.store.records import Ending, Status

NAMESPACE = "overnight"
MOST_VALUES = 100  # of one metric in one line
MOST_CHARACTERS = 250  # of the value of a dimension
OF_ENDINGS = {
    "attempts": "Count",
    "errors": "Count",
    "retries": "Count",
    "dead_letters": "Count",
    "cost_usd": "None",
}
OF_STATUS = {
    "depth": "Count",
    "oldest_due_seconds": "Seconds",
    "running": "Count",
    "dead": "Count",
    "needs_review": "Count",
}

Value = float | list[int]


def of_endings(app: str, endings: Iterable[Ending], at: datetime) -> list[str]:
    """What attempts tell, by pipeline and step: how many, how long (ms), how many failed, and what
    they cost (dollars).

    The dimensions are `app`, `pipeline` and `step`. A step whose attempts are more than a line may
    hold has several.
    """
    steps: dict[tuple[str, str], list[Ending]] = defaultdict(list)
    for ending in endings:
        steps[ending.run.pipeline, ending.run.step].append(ending)
    return [
        _line(
            at,
            {"app": app, "pipeline": pipeline, "step": step},
            {**OF_ENDINGS, "latency": "Milliseconds"},
            figures,
        )
        for (pipeline, step), ended in sorted(steps.items())
        for figures in map(_figures, _portions(ended))
    ]


def of_status(app: str, now: Mapping[str, Any], at: datetime) -> str:
    """What waits and who works; `now` is that of `queries.status`. The dimension is `app`.

    `depth` are the runs that could start, `oldest_due_seconds` is the age of the oldest of them.
    """
    figures: dict[str, Value] = {
        name: float(now[name] or 0) for name in OF_STATUS if name != "depth"
    }
    return _line(at, {"app": app}, OF_STATUS, {"depth": float(now["due"]), **figures})


def _portions(ended: Sequence[Ending]) -> Iterator[Sequence[Ending]]:
    for first in range(0, len(ended), MOST_VALUES):
        yield ended[first : first + MOST_VALUES]


def _figures(ended: Sequence[Ending]) -> dict[str, Value]:
    return {
        "attempts": len(ended),
        "errors": sum(ending.transition.failed for ending in ended),
        "retries": sum(ending.transition.outcome == "retry" for ending in ended),
        "dead_letters": sum(ending.transition.status is Status.DEAD for ending in ended),
        "cost_usd": float(sum(ending.cost_usd or 0 for ending in ended)),
        "latency": [ending.duration_ms for ending in ended],
    }


def _line(
    at: datetime,
    dimensions: Mapping[str, str],
    units: Mapping[str, str],
    figures: Mapping[str, Value],
) -> str:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    about = {"Timestamp": round(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps(
        {"_aws": about, **{name: _said(text) for name, text in dimensions.items()}, **figures}
    )


def _said(text: str) -> str:
    """The value of a dimension: characters that can be printed, of ASCII alone, and at least one of
    them.
    """
    plain = text.encode("ascii", "replace").decode()
    return (
        "".join(each if each.isprintable() else "?" for each in plain)[:MOST_CHARACTERS].strip()
        or "-"
    )
