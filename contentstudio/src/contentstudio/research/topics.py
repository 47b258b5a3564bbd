"""From a page to a topic: its slug, and a score whose factors are kept. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

from contentstudio.model import Snapshot

SLUG_LENGTH = 80  # characters; a limit of taste, far below what any CMS cuts at
FULL_WORDS = 400  # words from which on a text counts as wholly substantial
FRESH_DAYS = 30  # days during which a page counts as wholly fresh
STALE_DAYS = 365  # days after which it is not fresh at all
UNKNOWN_FRESHNESS = 0.5
WEIGHTS = {"substance": 0.6, "freshness": 0.4}
SEPARATORS = (" | ", " – ", " — ", " - ", " :: ", " » ")


def clean_title(title: str) -> str:
    """The title without the name of its site, which stands behind the last separator and is shorter than the rest."""
    for separator in SEPARATORS:
        head, found, tail = title.rpartition(separator)
        if found and len(tail) < len(head):
            return head.strip()
    return title.strip()


def slug_of(title: str) -> str:
    """The title as a slug; for a title without any letter or digit, a part of its hash."""
    from slugify import slugify

    slug = slugify(title, max_length=SLUG_LENGTH, word_boundary=True)
    return slug or "topic-" + hashlib.sha256(title.encode()).hexdigest()[:8]


def score(snapshot: Snapshot, now: datetime) -> dict[str, float]:
    """The factors between 0 and 1, and `score`, their weighted sum."""
    factors = {"substance": min(len(snapshot.text.split()) / FULL_WORDS, 1.0), "freshness": _freshness(snapshot, now)}
    total = sum(WEIGHTS[name] * value for name, value in factors.items())
    return {name: round(value, 3) for name, value in {**factors, "score": total}.items()}


def _freshness(snapshot: Snapshot, now: datetime) -> float:
    if snapshot.published_at is None:
        return UNKNOWN_FRESHNESS
    days = (now - snapshot.published_at).total_seconds() / 86_400
    return min(max((STALE_DAYS - days) / (STALE_DAYS - FRESH_DAYS), 0.0), 1.0)
