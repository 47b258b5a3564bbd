"""Deterministic ids: the same work has the same id, whoever starts it and however often."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic_core import to_json

_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False
)  # made once: that costs most
ID_DIGITS = 16  # hexadecimal digits of SHA-256 that make an id: 64 bits


def hash_id(*parts: str) -> str:
    """The id of a unit of work: the parts joined by `::`, lower-cased and stripped as one string,
    hashed.
    """
    raw = "::".join(parts).lower().strip()
    return hashlib.sha256(raw.encode()).hexdigest()[:ID_DIGITS]


def content_hash(content: Any) -> str:
    """SHA-256 over the canonical form of whatever JSON can hold; capitals and spaces count."""
    return input_hash(to_json(content).decode())


def input_hash(payload: str) -> str:
    """SHA-256 over the canonical form of a JSON text, so that the order of keys and white space do
    not matter.
    """
    return hashlib.sha256(_CANONICAL.encode(json.loads(payload)).encode()).hexdigest()
