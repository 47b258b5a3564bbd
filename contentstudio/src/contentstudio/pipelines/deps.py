"""What the steps depend on: the config, the adapters and the repositories."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contentstudio import publish
from contentstudio.config import Config
from contentstudio.pictures import Pictures as PictureSource
from contentstudio.publish.port import Publisher
from contentstudio.research.researcher import Researcher
from contentstudio.search.port import Search
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
from contentstudio.store.sites import Sites
from contentstudio.store.snapshots import Snapshots
from contentstudio.store.verdicts import Verdicts
from contentstudio.web.fetch import Fetcher
from contentstudio.writing.port import Writer

if TYPE_CHECKING:
    from contentstudio.llm.models import Models
    from contentstudio.verify.judge import Judge


@dataclass(frozen=True, kw_only=True)
class Deps:
    """The dependencies of one config, as `ctx.deps`. `models` is None where no model is asked, and
    `judge` where none judges.
    """

    config: Config
    fetcher: Fetcher
    researcher: Researcher
    writer: Writer
    locks: PublishLocks
    articles: Articles
    briefs: Briefs
    demands: Demands
    documents: Documents
    evidence: EvidenceLedger
    ideas: Ideas
    index: IndexStatus
    judgements: Judgements
    notes: Notes
    pages: Pages
    pictures: Pictures
    picture_sources: Mapping[str, PictureSource]  # by site; none where articles have their cards
    publications: Publications
    quota: Quota
    results: Results
    search: Search
    sites: Sites
    snapshots: Snapshots
    verdicts: Verdicts
    models: Models | None = None
    judge: Judge | None = None

    def publisher(self, site: str) -> AbstractAsyncContextManager[Publisher]:
        """Where a site is published, for as long as it is open."""
        return publish.opened(self.config, self.config.find(site))
