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
from contentstudio.pipelines import work
from contentstudio.research.manners import PoliteFetcher
from contentstudio.research.records import Records
from contentstudio.sql import queries
from contentstudio.studio import Studio
from contentstudio.writing.port import Writer
from overnight import App, Context
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
            records = Records(database)
            fetcher = PoliteFetcher(config.fetch, records)
            stack.push_async_callback(fetcher.aclose)
            writer = _writer(config, database, stack)
            yield Studio(config, Memory(database), records, fetcher, writer)

    return opened


def _writer(config: Config, database: Database, stack: AsyncExitStack) -> Writer:
    choice = config.writing.writer
    if choice == "offline" or (choice == "auto" and settings.api_key() is None):
        return OfflineWriter()
    from contentstudio.writing.article import ModelWriter
    from contentstudio.writing.models import connect

    return ModelWriter(connect(config.writing, database, stack), config.writing)


class OfflineWriter:
    """The writer without a model, as an adapter of the port."""

    def canary(self, job_id: str) -> str:
        """It sends no prompt."""
        return ""

    async def write(self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]) -> Draft:
        """Compose from the sources' own sentences. Raises `TooThin` where they do not suffice."""
        import asyncio

        from contentstudio.writing import offline

        return await asyncio.to_thread(offline.compose, site, slug, snapshots)

    async def rewrite(
        self, ctx: Context[Any], site: Site, draft: Draft, snapshots: Sequence[Snapshot], reasons: Sequence[str]
    ) -> Draft | None:
        """It would write the same again."""
        return None


def preview(output: Any) -> str:
    """What waits for review, as a person reads it: the article, its sources, and what the gates said."""
    judged = work.Judged.model_validate(output)
    draft = judged.draft
    lines = [draft.title, "=" * len(draft.title), draft.description, ""]
    for section in draft.sections:
        lines += [section.heading, "-" * len(section.heading)]
        for paragraph in section.paragraphs:
            lines += [" ".join(f"“{s.text}” [{s.source}]" if s.quoted else s.text for s in paragraph), ""]
    lines += [f"[{r.id}] {r.title} {r.url}" for r in draft.references]
    lines += [""] + [f"{'passed' if v.passed else 'FAILED'}  {v.gate}: {v.reason}" for v in judged.verdicts]
    return "\n".join(lines)
