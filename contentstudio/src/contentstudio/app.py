"""The composition root: the config, the adapters and the pipelines become one app."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contentstudio import alerts, pipelines, sites
from contentstudio import config as settings
from contentstudio.config import Config
from contentstudio.memory.embeddings import Embedder, Lexical
from contentstudio.pictures import Pictures as PictureSource
from contentstudio.pipelines.deps import Deps
from contentstudio.research.researcher import OfflineResearcher, Researcher
from contentstudio.review.decided import decided
from contentstudio.review.preview import preview
from contentstudio.search.connect import connect as connect_search
from contentstudio.search.port import Search
from contentstudio.store.archive import Archive, RunDays
from contentstudio.store.articles import Articles
from contentstudio.store.briefs import Briefs
from contentstudio.store.demands import Demands
from contentstudio.store.documents import Documents
from contentstudio.store.evidence import EvidenceLedger
from contentstudio.store.ideas import Ideas
from contentstudio.store.index_status import IndexStatus
from contentstudio.store.judgements import Judgements
from contentstudio.store.notes import Notes
from contentstudio.store.pages import Pages
from contentstudio.store.pictures import Pictures
from contentstudio.store.publications import Publications, PublishLocks
from contentstudio.store.quota import Quota
from contentstudio.store.results import Results
from contentstudio.store.retention import Retention as OwnRetention
from contentstudio.store.sites import Sites
from contentstudio.store.snapshots import Snapshots
from contentstudio.store.sql import queries
from contentstudio.store.verdicts import Verdicts
from contentstudio.web.polite import PoliteFetcher
from contentstudio.writing.offline import OfflineWriter
from contentstudio.writing.port import Writer
from overnight import App, Budgets, Keys, Retention, Reviews, logs
from overnight.operations.incidents import OwnIncidents
from overnight.store.database import Database
from overnight.titles import Titles

if TYPE_CHECKING:
    from contentstudio.llm.models import Models
    from contentstudio.verify.judge import Judge


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
        resources=_opener(config),
        schema=queries,
        keys=Keys("site", lambda: [site.name for site in config.site]),
        extensions=[
            Reviews(preview=preview, on_decision=decided),
            Budgets(config.budgets()),
            alerts.build(config),
            Retention(prune=OwnRetention(config.keep.days)),
            Titles(_titles),
            OwnIncidents(partial(sites.unfit, config)),
        ],
    )


async def _titles(database: Database, jobs: Sequence[str]) -> Mapping[str, str]:
    """What people call jobs: by the titles of their articles."""
    return await Articles(database).titles(jobs)


def _opener(config: Config) -> Callable[[Database], AbstractAsyncContextManager[Deps]]:
    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[Deps]:
        async with AsyncExitStack() as stack:
            pages, locks = Pages(database), PublishLocks(database)
            stack.push_async_callback(locks.aclose)
            fetcher = PoliteFetcher(config.fetch, pages)
            stack.push_async_callback(fetcher.aclose)
            models = await _models(config, database, stack)
            yield Deps(
                config=config,
                fetcher=fetcher,
                researcher=_researcher(config, models),
                models=models,
                judge=_judge(config, models),
                writer=_writer(config, models),
                locks=locks,
                articles=Articles(database),
                briefs=Briefs(database),
                demands=Demands(database),
                documents=Documents(database, _embedder(config, database, stack)),
                evidence=EvidenceLedger(database),
                ideas=Ideas(database),
                index=IndexStatus(database),
                judgements=Judgements(database),
                notes=Notes(database),
                pages=pages,
                pictures=Pictures(database),
                picture_sources=_picture_sources(config, database, stack),
                publications=Publications(database),
                quota=Quota(database),
                results=Results(database),
                search=_search(config, database, stack),
                sites=Sites(database),
                snapshots=Snapshots(database),
                verdicts=Verdicts(database),
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


def _picture_sources(
    config: Config, database: Database, stack: AsyncExitStack
) -> dict[str, PictureSource]:
    """Each site's source of pictures, of those that have one."""
    sources: dict[str, PictureSource] = {}
    for site in config.site:
        chosen = config.pictures_of(site)
        if chosen.kind == "folder" and chosen.folder is not None:
            from contentstudio.pictures.folder import Folder

            sources[site.name] = Folder(config.beside(chosen.folder))
        elif chosen.kind == "openai":
            from contentstudio.pictures.images_api import ImagesApi

            key = settings.api_key("openai")
            logs.hide(key)
            remote = ImagesApi(chosen, key, database, config.fetch)
            stack.push_async_callback(remote.aclose)
            sources[site.name] = remote
    return sources


def _search(config: Config, database: Database, stack: AsyncExitStack) -> Search:
    day = RunDays(database).read
    return connect_search(config.search, Archive(database), day, database, stack)


async def _models(config: Config, database: Database, stack: AsyncExitStack) -> Models | None:
    """The models that write, or None where none does."""
    from contentstudio.llm.models import is_offline

    offline = is_offline(config.writing)
    await _forget_other_models(config, database, offline)
    if offline:
        return None
    from contentstudio.llm.models import connect

    return connect(config.writing, database, stack, config.verify)


def _researcher(config: Config, models: Models | None) -> Researcher:
    if models is None:
        return OfflineResearcher(config.research)
    from contentstudio.research.model_researcher import ModelResearcher

    return ModelResearcher(models, config.research)


def _writer(config: Config, models: Models | None) -> Writer:
    if models is None:
        return OfflineWriter()
    from contentstudio.writing.article import ModelWriter

    return ModelWriter(models, config.writing)


def _judge(config: Config, models: Models | None) -> Judge | None:
    if models is None or config.verify.judge == "off":
        return None
    from contentstudio.verify.judge import Judge

    return Judge(models)


async def _forget_other_models(config: Config, database: Database, offline: bool) -> None:
    from contentstudio.llm.models import forget_other_models, in_use_by

    in_use = [] if offline else in_use_by(config.writing, config.verify)
    await forget_other_models(database, in_use)
