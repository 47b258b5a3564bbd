"""The search of a config: its engines, their keys and their prices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date
from typing import Any

from contentstudio import config as settings
from contentstudio.config import Search as Settings
from contentstudio.config import SearchEngine
from contentstudio.search.brave import Brave
from contentstudio.search.merged import MergedSearch
from contentstudio.search.port import Search
from contentstudio.search.searxng import SearXNG
from contentstudio.search.tavily import Tavily
from contentstudio.search.web import Engine, WebSearch
from overnight import ConfigError, Context, logs
from overnight.store.database import Database

Day = Callable[[Context[Any]], Awaitable[date]]


def connect(
    config: Settings, archive: Search, day: Day, database: Database, stack: AsyncExitStack
) -> MergedSearch:
    """The search of a config, closed with the stack. Raises `ConfigError` where a key is missing.

    `day` gives the day on which a run was made.
    """
    if missing := faults(config):
        what, todo = missing[0]
        raise ConfigError(f"[search]: {what}: {todo}")

    def search(name: SearchEngine) -> Search:
        if name == "archive":
            return archive
        engine = _engine(config, name)
        stack.push_async_callback(engine.aclose)
        usd = config.usd_per_search(name)
        return WebSearch(engine, usd, database, deadline=config.deadline_seconds, day=day)

    return MergedSearch([search(name) for name in config.engine])


def faults(config: Settings) -> list[tuple[str, str]]:
    """What keeps the engines of a config from being asked: what it is, and what to do. Nobody is
    asked. Raises `ConfigError` for the file of a key that others can read, or that cannot be read.
    """
    return [
        (f"{name} needs a key", f"put {name.upper()}_API_KEY into the environment")
        for name in config.engine
        if _needs_key(config, name) and settings.search_key(name) is None
    ]


def _needs_key(config: Settings, name: SearchEngine) -> bool:
    """Whether an engine is asked at its own address. A proxy of the owner's may have the key."""
    if name not in ("brave", "tavily"):
        return False
    chosen = config.brave if name == "brave" else config.tavily
    return bool(chosen.base_url == type(chosen).model_fields["base_url"].default)


def _engine(config: Settings, name: SearchEngine) -> Engine:
    key = settings.search_key(name)
    logs.hide(key)
    match name:
        case "brave":
            return Brave(config.brave.base_url, key, config.brave.country)
        case "tavily":
            return Tavily(config.tavily.base_url, key, config.tavily.depth)
    assert config.searxng is not None
    return SearXNG(config.searxng.base_url)
