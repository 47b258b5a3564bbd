"""The audit log as a page: who did what, to what, when and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from overnight.console.extension import Context, Page, Values
from overnight.operations import queries, scopes
from overnight.titles import titles_of

ROWS = 50  # of the page, before it asks for more
FILTERS = ("by", "verb", "target")


async def read(context: Context, values: Values) -> dict[str, Any]:
    """The newest actions that match, a page at a time; jobs by their titles."""
    chosen = {name: values[name].strip() for name in FILTERS if values.get(name, "").strip()}
    target = scopes.stored(chosen["target"], context.app) if "target" in chosen else None
    before = values.get("before", "")
    rows = await queries.audit(
        context.database,
        by=chosen.get("by"),
        verb=chosen.get("verb"),
        target=target,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        limit=ROWS,
    )
    older = urlencode({**chosen, "before": rows[-1]["id"]}) if len(rows) == ROWS else ""
    jobs = [row["target"] for row in rows if row["is_job"]]
    titles = await titles_of(context.app, context.database, jobs)
    return {"rows": rows, "titles": titles, "chosen": chosen, "older": older}


PAGE = Page("/audit", "audit.html", read, "Audit log", icon="audit")
