"""How values are shown: numbers, durations, money, JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from overnight.terminal import escaped, plain


def plain_data(data: Any) -> Any:
    """Plain data whose texts are as `plain` gives them."""
    match data:
        case str():
            return plain(data)
        case dict():
            return {name: plain_data(value) for name, value in data.items()}
        case list():
            return [plain_data(value) for value in data]
    return data


def as_json(data: Any) -> str:
    """One line of JSON: moments as ISO 8601, money as a number."""
    return escaped(json.dumps(data, default=_plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return dollars(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return plain(value) if isinstance(value, str) else as_json(value)


def dollars(value: Decimal | float) -> str:
    """Money with as many digits as it needs: whole cents, or fractions of one."""
    return f"${value:.2f}" if value == 0 or value >= 1 else f"${value:.4f}"


def count(number: int, thing: str) -> str:
    """So many things, in plain English."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def duration(seconds: float) -> str:
    """A span as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
