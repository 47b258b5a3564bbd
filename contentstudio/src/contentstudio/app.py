"""The composition root: the config, the adapters and the pipelines become one app."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from contentstudio import config as settings
from contentstudio import pipelines
from contentstudio.config import Config, Site
from contentstudio.memory import Memory
from contentstudio.model import Draft, Snapshot
from contentstudio.research.fetch import Fetcher
from contentstudio.sql import queries
from contentstudio.studio import Studio
from contentstudio.writing.port import Writer
from overnight import App, ConfigError, Context, logs
from overnight.database import Database


def create(file: Path | None = None) -> App:
    """The app of a config file; of CONTENTSTUDIO_CONFIG or `contentstudio.toml` here, where none is named."""
    return build(settings.load(file or Path(os.environ.get("CONTENTSTUDIO_CONFIG", settings.DEFAULT_FILE))))


def build(config: Config, name: str = "contentstudio") -> App:
    """The app of a config."""
    return App(
        name,
        pipelines.build(config),
        open=_opener(config),
        schema=queries,
        key_name="site",
        keys=lambda: [site.name for site in config.site],
        preview=preview,
        budgets=config.budgets(),
    )


def _opener(config: Config) -> Callable[[Database], AbstractAsyncContextManager[Studio]]:
    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[Studio]:
        async with AsyncExitStack() as stack:
            fetcher = Fetcher(config.fetch)
            stack.push_async_callback(fetcher.aclose)
            writer = _writer(config, database, stack)
            yield Studio(config, Memory(database), fetcher, writer)

    return opened


def _writer(config: Config, database: Database, stack: AsyncExitStack) -> Writer:
    key = settings.api_key()
    choice = config.writing.writer
    if choice == "offline" or (choice == "auto" and key is None):
        return OfflineWriter()
    if key is None:
        raise ConfigError("writing.writer is “anthropic”, which needs ANTHROPIC_API_KEY in the environment")
    from contentstudio.writing.anthropic import ModelWriter
    from overnight.llm import Anthropic, Price
    from overnight.llm.client import LLM

    logs.hide(key)
    provider = Anthropic(api_key=key, base_url=config.writing.base_url)
    stack.push_async_callback(provider.aclose)
    prices = {model: Price(**price.model_dump()) for model, price in config.writing.prices.items()}
    return ModelWriter(LLM(provider, database, deadline=config.writing.deadline_seconds, prices=prices), config.writing)


class OfflineWriter:
    """The writer without a model, as an adapter of the port."""

    async def write(self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]) -> Draft:
        """Compose from the sources' own sentences. Raises `TooThin` where they do not suffice."""
        import asyncio

        from contentstudio.writing import offline

        return await asyncio.to_thread(offline.compose, site, slug, snapshots)


def preview(output: Any) -> str:
    """What waits for review, as a person reads it: the article, its sources, and what the gates said."""
    judged = pipelines.Judged.model_validate(output)
    draft = judged.draft
    lines = [draft.title, "=" * len(draft.title), draft.description, ""]
    for section in draft.sections:
        lines += [section.heading, "-" * len(section.heading)]
        for paragraph in section.paragraphs:
            lines += [" ".join(f"“{s.text}” [{s.source}]" if s.quoted else s.text for s in paragraph), ""]
    lines += [f"[{r.id}] {r.title} {r.url}" for r in draft.references]
    lines += [""] + [f"{'passed' if v.passed else 'FAILED'}  {v.gate}: {v.reason}" for v in judged.verdicts]
    return "\n".join(lines)
