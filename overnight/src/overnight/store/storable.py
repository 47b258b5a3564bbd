"""Values as JSON text, and whether they can be stored."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import to_json

# characters of JSON; what is larger belongs into a file, and its address into the ledger
MAX_PAYLOAD = 16_000_000
# an escaped NUL, and not an escaped backslash before the letters
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def json_of(value: Any) -> tuple[str, str | None]:
    """The JSON text of a value, and why it cannot be stored as it is; None if it can."""
    try:
        text = to_json(value).decode()
    except BaseException as error:  # the functions of a type may raise whatever they like
        return "", f"cannot be written as JSON: {' '.join(str(error).split())}"
    if ("NaN" in text or "Infinity" in text) and not _is_json(text):
        return text, "is a number that JSON does not have"
    if r"\u0000" in text and NUL.search(text):
        return text, "holds a NUL character, which Postgres cannot store"
    if len(text) > MAX_PAYLOAD:
        return text, f"has {len(text):,} characters of JSON; at most {MAX_PAYLOAD:,} are stored"
    if value is None or "null" not in text:
        return text, None
    from overnight.store.unstorable import loss

    return text, loss(value, text)


def fault(value: Any, reason: str) -> str:
    """Which part of a value cannot be stored, and why."""
    from overnight.store import unstorable

    return unstorable.fault(value, reason)


def _is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True
