"""What waits for review, as a person reads it in a terminal."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from contentstudio.model import Published
from contentstudio.pipelines.work import Judged, Unpublished
from contentstudio.review import text

# The outputs with which steps ask a person; no two of them have the same fields.
_waiting: TypeAdapter[Judged | Published | Unpublished] = TypeAdapter(
    Judged | Published | Unpublished
)


def preview(output: Any) -> str:
    """The article, its sources, and what the gates said; or where a person's version stands."""
    match _waiting.validate_python(output):
        case Judged(draft=draft, verdicts=verdicts):
            return f"{text.article(draft)}\n\n{text.verdicts(verdicts)}"
        case Published(url=url) | Unpublished(url=url):
            return f"What stands there now: {url}"
