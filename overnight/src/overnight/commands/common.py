"""What several commands share: how rows and payloads are written."""

from __future__ import annotations

import json
from typing import Any


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `work`: pipeline and step in one."""
    return [{**row, "work": f"{row['pipeline']}/{row['step']}"} for row in rows]


def shortened(value: Any, limit: int = 600) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters; --json shows all)"
