"""The scopes of switches and budgets, as people write them and as they are stored."""

from __future__ import annotations

from collections.abc import Iterable

from overnight.errors import NotFound, UserError
from overnight.names import among
from overnight.pipelines.app import App
from overnight.store.database import Database
from overnight.store.sql import queries


def parse(scope: str | None, app: App | None = None) -> str:
    """A scope as stored: `all`, `pipeline:NAME`, `key:NAME`, `step:PIPELINE/STEP`; checked against
    the app.
    """
    key_name = app.key_name if app else "key"
    if scope in (None, "", "all"):
        return "all"
    kind, _, name = scope.partition(":")
    kind = "key" if kind == key_name else kind
    if kind not in ("pipeline", "key", "step") or not name:
        raise UserError(
            f"“{scope}” is no scope: write all, pipeline:NAME, {key_name}:NAME or "
            "step:PIPELINE/STEP"
        )
    if app is not None:
        _check_exists(app, kind, name)
    return f"{kind}:{name}"


def parse_stored(scope: str | None, stored: Iterable[str], app: App | None) -> str:
    """A scope as stored. One that is in use can be named even when the app no longer has its
    pipeline or key.
    """
    by_text = {text(each, app): each for each in stored}
    return by_text.get(scope or "all") or parse(scope, app)


def stored(text: str, app: App | None) -> str:
    """A scope in the app's own words as it is stored; any other text as it is."""
    kind, colon, name = text.partition(":")
    return f"key:{name}" if app and colon and kind == app.key_name else text


def text(scope: str, app: App | None) -> str:
    """A stored scope in the app's own words."""
    kind, colon, name = scope.partition(":")
    return f"{app.key_name}:{name}" if app and colon and kind == "key" else scope


async def check_key(app: App | None, database: Database, key: str | None) -> None:
    """Refuse a misspelt key, which would match nothing. A key with rows in the ledger passes."""
    if app is None or key is None or key in (app.keys() or []):
        return
    if await database.one(queries["key_known"], {"key": key}) is None:
        _check_exists(app, "key", key)


def _check_exists(app: App, kind: str, name: str) -> None:
    """Refuse a wrong name: a switch on it would stop nothing."""
    names = {
        "pipeline": list(app.pipelines),
        "step": [f"{pipeline}/{step}" for pipeline, step in app.steps()],
        "key": app.keys(),
    }[kind]
    if names is not None and name not in names:
        word = app.key_name if kind == "key" else kind
        raise NotFound(f"there is no {word} “{name}”{among(name, names)}")
