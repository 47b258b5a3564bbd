"""The life of an article in sentences, from its idea to its readers. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STEPS: Mapping[str, str] = {
    "research": "Research",
    "brief": "Brief",
    "generate": "Writing",
    "optimize": "Preparation for search",
    "gate": "Check",
    "confirm": "Last look",
    "publish": "Publishing",
    "ping": "Search engines told",
    "unpublish": "Unpublishing",
    "before": "Rollback",
    "last": "Publishing again",
}
STATUSES: Mapping[str, str] = {
    "queued": "is to come",
    "running": "is under way",
    "needs_review": "waits for you",
    "dead": "failed",
    "cancelled": "ended without a result",
}
ORIGINS: Mapping[str, str] = {
    "query": "readers ask it",
    "suggestion": "search engines suggest it",
    "story": "sources tell it",
    "pillar": "a subject of the site",
    "wish": "asked for",
}
DECISIONS: Mapping[str, str] = {
    "create": "Idea approved",
    "skip": "Idea passed over",
    "drop": "Idea dropped",
}
PUBLISHES = "publish"  # the step that makes a version


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened at a time, or is to happen. `status` is that of a step, empty of all else."""

    at: datetime
    what: str
    text: str = ""
    by: str = ""
    job_id: str = ""
    status: str = ""
    cost_usd: float = 0.0


def life(rows: Iterable[Mapping[str, Any]]) -> list[Moment]:
    """The moments of `Articles.life`, in its order. A version says that it was published, so the
    step that did so is left out.
    """
    known = list(rows)
    done = {row["job_id"] for row in known if row["kind"] == "version"}
    return [_moment(row) for row in known if not _is_told(row, done)]


def _is_told(row: Mapping[str, Any], done: Container[str]) -> bool:
    is_done = (row["kind"], row["what"], row["status"]) == ("step", PUBLISHES, "succeeded")
    return is_done and row["job_id"] in done


def _moment(row: Mapping[str, Any]) -> Moment:
    what, text = _said(row["kind"], row["what"], row["text"], row["status"] or "")
    return Moment(
        at=row["at"],
        what=what,
        text=text,
        by=row["by"] or "",
        job_id=row["job_id"] or "",
        status=row["status"] or "",
        cost_usd=row["cost_usd"] or 0.0,
    )


def _said(kind: str, what: str, text: str, status: str) -> tuple[str, str]:
    match kind:
        case "idea":
            origin = ORIGINS.get(what, what)
            return "Idea", f"{origin}: {text}" if text else origin
        case "decision":
            return DECISIONS.get(what, what), text
        case "step":
            name = STEPS.get(what, what)
            return f"{name} {STATUSES[status]}" if status in STATUSES else name, text
        case "version":
            return f"Version {what} published", text
        case "indexed":
            return "In the index of Google", what
        case "read":
            return "First readers", f"counted by {what}"
    return what.replace("-", " ").capitalize(), text
