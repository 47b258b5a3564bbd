"""How pages are written: Jinja2 with everything escaped, the few filters that they share, and the
frame around them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from overnight import formatting
from overnight.alerts import Alerts
from overnight.console import actions
from overnight.console.extension import Console, Context, Page, Part
from overnight.operations import scopes
from overnight.standard import App
from overnight.store.sql import queries

NOTHING_OWN = Console()
STATIC = Path(__file__).parent / "static"
MAX_BADGE = 99  # that a badge counts to
QUICK = ("/", "/review")  # are always at hand on a phone
QUICK_ENTRIES = 4  # of the menu that fit there
# The colour of a state: good, calm, to look at, to act on. Others are grey.
TONES: Mapping[str, Sequence[str]] = {
    "well": (
        *("succeeded", "on", "closed", "published", "updated", "refreshed", "passed", "active"),
        *("done", "ok", "healthy", "approved", "stored", "live", "sent", "supported", "written"),
    ),
    "calm": ("running", "queued", "started", "due", "planned", "scheduled", "waiting", "idea"),
    "look": (
        *("needs_review", "review", "half-open", "intended", "paused", "snooze", "stale"),
        *("retry", "unknown", "doubtful"),
    ),
    "act": ("dead", "failed", "off", "open", "error", "lost", "overdue", "spent", "down"),
}
TONE = {state: tone for tone, states in TONES.items() for state in states}
STATES = {"dead": "failed"}  # what people call a state that has another name in the ledger
DAYS_AGO = 30  # longer ago than these, a day is named
ASIDE = ("done", "refused")  # of an address: what came of the last button, and no part of the page


class Templates:
    """The templates of the console, and after them those of the app."""

    def __init__(self, app: App, folders: Sequence[Path], own: Console = NOTHING_OWN) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "ago": ago,
            "badge": badge,
            "digest": lambda value: f"{zlib.crc32(str(value).encode()):08x}",
            "instant": lambda text: datetime.fromisoformat(text) if text else None,
            "moment": moment,
            "dollars": formatting.dollars,
            "duration": lambda seconds: "" if seconds is None else formatting.duration(seconds),
            "pretty": pretty,
            "short": short,
            "state": state,
            "tone": lambda value: TONE.get(str(value), "none"),
            "scope": lambda scope: scopes.text(scope, app),
        }
        self._environment.globals |= {
            "app": app,
            "asset": asset,
            "may": actions.permitting(own),
            "program": app.extension(Alerts).command,
        }

    def page(
        self,
        template: str,
        request: Request,
        page: Page | None,
        pages: Sequence[Page],
        data: Mapping[str, Any],
        status: int = 200,
        badges: Mapping[str, int] | None = None,
    ) -> Response:
        """A page with its frame: who looks, where they are, and what came of the last button."""
        query = request.query_params
        titled = [each for each in pages if each.title]
        names = {
            "visitor": getattr(request.state, "visitor", None),
            "page": page,
            "pages": titled,
            "frame": {
                **_navigation(page, titled),
                "badges": badges or {},
                "now": datetime.now(UTC),
            },
            "here": _without_notice(request),
            "query": dict(query),
            **{name: query.get(name) for name in ASIDE},
        }
        text = self._environment.get_template(template).render({**names, **data})
        return HTMLResponse(text, status)


def _without_notice(request: Request) -> str:
    url = request.url.remove_query_params(ASIDE)
    return request.url.path + (f"?{url.query}" if url.query else "")


def _navigation(page: Page | None, titled: Sequence[Page]) -> dict[str, Any]:
    """The menu by its parts, the entry where this page is, and the page that it is reached from."""
    entries = [each for each in titled if not each.under]
    parts = [(part, [each for each in entries if each.part == part]) for part in get_args(Part)]
    menu = [(part, each) for part, each in parts if each]
    entry = entry_of(page, entries)
    return {
        "menu": menu,
        "current": entry.path if entry else "",
        "parent": entry if page and entry and not page.title else None,
        "quick": _quick(menu[0][1]) if menu else [],
    }


def entry_of(page: Page | None, entries: Sequence[Page]) -> Page | None:
    """The entry of the menu to which a page belongs: it says so, or its path begins with it."""
    if page is None:
        return None
    path = page.under or page.path
    above = [each for each in entries if (path + "/").startswith(each.path.rstrip("/") + "/")]
    above = [each for each in above if each.path != "/" or path == "/"]
    return max(above, key=lambda each: len(each.path), default=None)


def _quick(entries: Sequence[Page]) -> list[Page]:
    """The entries that a thumb reaches, in the order of the menu."""
    chosen = sorted(entries, key=lambda each: each.path not in QUICK)[:QUICK_ENTRIES]
    return [each for each in entries if each in chosen]


async def badges(context: Context) -> dict[str, int]:
    """How much waits on pages of the menu, each counted to one more than a badge shows."""
    row = await context.database.one(queries["badges"], {"most": MAX_BADGE + 1})
    own = await context.own.badges(context.database) if context.own.badges else {}
    counts = {f"/{name}": count for name, count in (row or {}).items()}
    return {**counts, **own}


@cache
def asset(name: str) -> str:
    """The address of a file of ours. It changes with its content, so that no browser shows an old
    one.
    """
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:8]}"


def ago(at: datetime | None) -> str:
    """How long since, or until, as `console.js` says it while the page is open."""
    if at is None:
        return ""
    seconds = (datetime.now(UTC) - at).total_seconds()
    if abs(seconds) >= DAYS_AGO * 86_400:
        return f"{at.astimezone(UTC):%-d %b %Y}"
    return f"{_span(seconds)} ago" if seconds >= 0 else f"in {_span(-seconds)}"


def _span(seconds: float) -> str:
    """A span in its largest unit."""
    if seconds < 60:
        return f"{int(seconds)} s"
    if seconds < 3_600:
        return f"{int(seconds / 60)} min"
    if seconds < 86_400:
        return f"{int(seconds / 3_600)} h"
    return formatting.count(int(seconds / 86_400), "day")


def badge(count: int) -> str:
    return str(count) if count <= MAX_BADGE else f"{MAX_BADGE}+"


def state(value: str | None) -> str:
    """A state as people read it."""
    return STATES.get(value or "", value or "–").replace("_", " ")


def moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def pretty(value: Any) -> str:
    """A stored value as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def short(text: str | None, limit: int = 160) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
