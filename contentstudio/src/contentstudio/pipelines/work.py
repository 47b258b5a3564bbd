"""What the jobs and steps are given and hand on. It is stored as written, so what old jobs hold
must still be read.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from contentstudio.analytics.report import Advice
from contentstudio.config import KeywordsSource, SearchConsoleSource
from contentstudio.config.fields import HttpUrl
from contentstudio.model import Draft, Model, Verdict
from contentstudio.pipelines.deps import Deps
from contentstudio.research.metadata import Hints
from contentstudio.seo import Change
from overnight import Context

Ctx = Context[Deps]


class Night(Model):
    """One night of these sites; `date` is the slot's day in the schedule's zone."""

    date: date
    sites: list[str]


class SiteNight(Model):
    """One site's research of one night."""

    site: str
    date: date


class Source(Model):
    """One URL that a site reads in one night: one of the config, or a page that such a feed or
    sitemap lists.

    `any` is a feed or a page, whichever comes; `own` is a post of the site itself, which goes into
    the memory. `match` and `hosts` are of a sitemap, `hints` are what the feed that lists a page
    says of it.
    """

    site: str
    url: str
    date: date
    kind: Literal["any", "feed", "page", "sitemap", "own"] = "any"
    match: str = ""
    hosts: tuple[str, ...] = ()
    hints: Hints | None = None


class DemandQuery(Model):
    """A source of demands, to be asked in one night."""

    site: str
    source: KeywordsSource | SearchConsoleSource
    date: date


class FiguresQuery(Model):
    """A source of figures of readers, to be asked in one night."""

    site: str
    source: Literal["search_console", "plausible", "matomo"]
    date: date


class Gathered(Model):
    """How many rows of figures a source gave. `merges` says which articles compete for one query;
    None where the source knows no queries.
    """

    site: str
    rows: int
    merges: tuple[Advice, ...] | None = None


class WeeklyRefresh(Model):
    """The look at the published articles of these sites; `date` is the slot's day in the schedule's
    zone.
    """

    date: date
    sites: list[str]


class Candidate(Model):
    """A page that may become a topic; `snapshot` is the hash of its text."""

    site: str
    date: date
    snapshot: str


class ChoiceResult(Model):
    """What was decided on in one go: how many pages told how many stories, and the slugs of those
    to be written.
    """

    pages: int
    stories: int
    slugs: tuple[str, ...]


class Topic(Model):
    """A topic that is worth an article; `date` is the day it was found."""

    site: str
    slug: str
    date: date


class Request(Model):
    """What a person asks for; `requested_at` tells one request from the next. Stored jobs name it
    `asked`.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    requested_at: datetime = Field(validation_alias="asked", serialization_alias="asked")


class RequestedTopic(Request, Topic):
    """A topic that a person asks to have written again."""


class IdeaRequest(Model):
    """An idea that a person, or another program by a webhook, wants an article on.

    `question` is what readers ask, `urls` are pages to read for it, `wish` is what the article
    should be like, `due` the day by which it should be published. `by` is who asks. `requested_at`
    tells one request from another that is the same.
    """

    site: str
    question: str = Field(min_length=3, max_length=200, pattern=r"\w")
    urls: tuple[HttpUrl, ...] = Field(default=(), max_length=20)
    wish: str = Field(default="", max_length=10_000)
    due: date | None = None
    by: str = "webhook"
    requested_at: datetime | None = None


class IdeaResult(Model):
    """What became of a request: the slug of the idea, and the day on which its article begins."""

    slug: str
    begins: date


class ReadResult(Model):
    """What a source gave: the slug of a page that may become a topic, how many entries a feed has,
    pages of a sitemap are read tonight or posts a site has, or how many demands were kept. `faults`
    are what could not be read.
    """

    slug: str | None = None
    entries: int = 0
    demands: int = 0
    faults: tuple[str, ...] = ()


class ArticleRequest(Request):
    """An article that a person names; `version` is one of it by its number."""

    site: str
    slug: str
    version: int | None = None


class Unpublished(Model):
    """What became of an article that was taken from readers; `left` is one that a person had
    changed.
    """

    url: str
    state: Literal["draft", "gone", "left"]


class SiteRequest(Request):
    """A site that a person names."""

    site: str


class Rendered(Model):
    """How many pages were made again, and the slugs of those left: a person's, or of a draft that
    is not known.
    """

    pages: int
    left: tuple[str, ...] = ()


class SiteVerdict(Model):
    """Whether a site is fit for us, and what is wrong there."""

    ok: bool
    wrong: tuple[str, ...] = ()


class Swept(Model):
    """The slugs of what was begun on a site, never went on, and was removed."""

    slugs: tuple[str, ...]


class Inspected(Model):
    """What Search Console was told and said: the sitemap if it was submitted, how many pages it
    was to tell about (`asked` where it is stored), and which of them are indexed.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    sitemap: str | None
    pages: int = Field(validation_alias="asked", serialization_alias="asked")
    indexed: tuple[str, ...]


class Judged(Model):
    """A draft with what every gate said of it. `changes` are those that optimizing made before.

    `over` is the fingerprint of a person's version on the site which may be written over, because a
    person said so.
    """

    draft: Draft
    verdicts: list[Verdict]
    over: str | None = None
    changes: tuple[Change, ...] = ()


class ReviewInput(Judged):
    """A draft to be judged: as optimizing gives it, as it was judged before, or as a person edited
    it, which is a draft alone.
    """

    verdicts: list[Verdict] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _wrap_draft(cls, value: Any) -> Any:
        is_draft = isinstance(value, Draft) or (isinstance(value, dict) and "draft" not in value)
        return {"draft": value} if is_draft else value

    def judged(self) -> Judged:
        """The draft with the verdicts that it came with."""
        return Judged(
            draft=self.draft, verdicts=self.verdicts, over=self.over, changes=self.changes
        )
