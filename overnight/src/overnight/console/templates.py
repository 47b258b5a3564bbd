"""How pages are written: Jinja2 with everything escaped, and the few filters that they share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from overnight import formatting
from overnight.alerts import Alerts
from overnight.operations import scopes
from overnight.standard import App

if TYPE_CHECKING:
    from overnight.console.access import Visitor
    from overnight.console.extension import Page


class Templates:
    """The templates of the console, and after them those of the app."""

    def __init__(
        self, app: App, folders: Sequence[Path], may: Callable[[Visitor | None, str], bool]
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "ago": ago,
            "instant": lambda text: datetime.fromisoformat(text) if text else None,
            "moment": moment,
            "dollars": formatting.dollars,
            "duration": lambda seconds: "" if seconds is None else formatting.duration(seconds),
            "pretty": pretty,
            "short": short,
            "scope": lambda scope: scopes.text(scope, app),
        }
        self._environment.globals |= {
            "app": app,
            "program": app.extension(Alerts).command,
            "may": may,  # whether a visitor may press the button of a name
        }

    def page(
        self,
        template: str,
        request: Request,
        page: Page | None,
        pages: Sequence[Page],
        data: dict[str, Any],
        status: int = 200,
    ) -> Response:
        """A page with its frame: who looks, where they are, and what came of the last button."""
        query = request.query_params
        frame = {
            "visitor": getattr(request.state, "visitor", None),
            "page": page,
            "pages": [each for each in pages if each.title],
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "query": dict(query),
            "done": query.get("done"),
            "refused": query.get("refused"),
        }
        text = self._environment.get_template(template).render({**frame, **data})
        return HTMLResponse(text, status)


def ago(at: datetime | None) -> str:
    """How long since, or until."""
    if at is None:
        return ""
    seconds = (datetime.now(UTC) - at).total_seconds()
    return (
        f"{formatting.duration(seconds)} ago"
        if seconds >= 0
        else f"in {formatting.duration(-seconds)}"
    )


def moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def pretty(value: Any) -> str:
    """A stored value as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def short(text: str | None, limit: int = 160) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
