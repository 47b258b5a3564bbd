"""The composition root: the config, the adapters and the pipelines become one app."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from contentstudio import alerts, pipelines
from contentstudio import config as settings
from contentstudio.config import Config, Site
from contentstudio.memory import Memory, documents
from contentstudio.memory.documents import Documents
from contentstudio.memory.embeddings import Embedder, Lexical
from contentstudio.model import Draft, Snapshot
from contentstudio.pipelines import work
from contentstudio.pipelines.deps import Studio
from contentstudio.review import text
from contentstudio.store.pages import Records
from contentstudio.store.publications import Turns
from contentstudio.store.retention import Retention
from contentstudio.store.sql import queries
from contentstudio.web.polite import PoliteFetcher
from contentstudio.writing.port import Writer
from overnight import App, Context, logs
from overnight.observability import report
from overnight.operations.decisions import Decision, Reject
from overnight.store.database import Database, Row
from overnight.store.ledger import Ledger

OPEN_ALERTS = 10_000  # that are looked through when a worker starts


def create(file: Path | None = None) -> App:
    """The app of a config file; of CONTENTSTUDIO_CONFIG or `contentstudio.toml` here, where none is
    named.
    """
    return build(
        settings.load(file or Path(os.environ.get("CONTENTSTUDIO_CONFIG", settings.DEFAULT_FILE)))
    )


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
        decided=decided,
        budgets=config.budgets(),
        alerts=alerts.build(config),
        prune=Retention(config.keep.days),
    )


def _opener(config: Config) -> Callable[[Database], AbstractAsyncContextManager[Studio]]:
    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[Studio]:
        async with AsyncExitStack() as stack:
            records = Records(database)
            fetcher = PoliteFetcher(config.fetch, records)
            stack.push_async_callback(fetcher.aclose)
            writer = _writer(config, database, stack)
            await _forget_other_models(config, database, writer)
            turns = Turns(database)
            stack.push_async_callback(turns.aclose)
            yield Studio(
                config,
                Memory(database),
                Documents(database, _embedder(config, database, stack)),
                records,
                fetcher,
                writer,
                turns,
            )

    return opened


def _embedder(config: Config, database: Database, stack: AsyncExitStack) -> Embedder:
    if config.memory.embeddings is None:
        return Lexical()
    from contentstudio.memory.embeddings_api import EmbeddingsApi

    key = settings.api_key("openai")
    logs.hide(key)
    remote = EmbeddingsApi(config.memory.embeddings, key, database)
    stack.push_async_callback(remote.aclose)
    return remote


def _writer(config: Config, database: Database, stack: AsyncExitStack) -> Writer:
    choice = config.writing.writer
    if choice == "offline" or (choice == "auto" and settings.api_key() is None):
        return OfflineWriter()
    from contentstudio.writing.article import ModelWriter
    from contentstudio.writing.models import connect

    return ModelWriter(connect(config.writing, database, stack), config.writing)


async def _forget_other_models(config: Config, database: Database, writer: Writer) -> None:
    """That a provider switches a model off is no news any more where the config names
    it no longer.
    """
    in_use: list[str] = []
    if not isinstance(writer, OfflineWriter):
        from contentstudio.writing.models import in_use_by

        in_use = in_use_by(config.writing)
    open = [
        row["subject"]
        for row in await report.alerts(database, limit=OPEN_ALERTS)
        if row["kind"] == "model_end"
    ]
    if gone := [model for model in open if model not in in_use]:
        await Ledger(database).resolve_alerts("model_end", gone)


class OfflineWriter:
    """The writer without a model, as an adapter of the port."""

    def canary(self, job_id: str) -> str:
        """It sends no prompt."""
        return ""

    async def write(
        self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]
    ) -> Draft:
        """Compose from the sources' own sentences. Raises `TooThin` where they do not suffice."""
        import asyncio

        from contentstudio.writing import offline

        return await asyncio.to_thread(offline.compose, site, slug, snapshots)

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        snapshots: Sequence[Snapshot],
        reasons: Sequence[str],
    ) -> Draft | None:
        """It would write the same again."""
        return None


async def decided(database: Database, decision: Decision, run: Row) -> None:
    """What a person turns down is known to the memory at once, whoever carried the
    decision here.
    """
    if isinstance(decision, Reject):
        await documents.reject(database, run["job_id"], decision.reason)


def preview(output: Any) -> str:
    """What waits for review, as a person reads it: the article, its sources, and what the gates
    said.
    """
    if "verdicts" not in output:
        return f"What stands there now: {output['url']}"
    judged = work.Judged.model_validate(output)
    return f"{text.article(judged.draft)}\n\n{text.verdicts(judged.verdicts)}"
