"""What the jobs and steps are given and hand on. It is stored as written, so what old jobs hold must still be read."""

from __future__ import annotations

from datetime import date
from typing import Literal

from contentstudio.config import KeywordsSource, SearchConsoleSource
from contentstudio.model import Draft, Model, Verdict
from contentstudio.studio import Studio
from overnight import Context

Ctx = Context[Studio]


class Night(Model):
    """One night of these sites; `date` is the slot's day in the schedule's zone."""

    date: date
    sites: list[str]


class SiteNight(Model):
    """One site's research of one night."""

    site: str
    date: date


class Source(Model):
    """One URL that a site reads in one night: one of the config, or a page that such a feed or sitemap lists.

    `any` is a feed or a page, whichever comes; `match` and `hosts` are of a sitemap.
    """

    site: str
    url: str
    date: date
    kind: Literal["any", "feed", "page", "sitemap"] = "any"
    match: str = ""
    hosts: tuple[str, ...] = ()


class Demanded(Model):
    """A source of demands, to be asked in one night."""

    site: str
    source: KeywordsSource | SearchConsoleSource
    date: date


class Topic(Model):
    """A topic that is worth an article; `date` is the day it was found."""

    site: str
    slug: str
    date: date


class Found(Model):
    """What a source gave: the slug of a topic, how many entries a feed has or pages of a sitemap are read tonight, or
    how many demands were kept. `faults` are what could not be read beside that.
    """

    slug: str | None = None
    entries: int = 0
    demands: int = 0
    faults: tuple[str, ...] = ()


class Judged(Model):
    """A draft with what every gate said of it."""

    draft: Draft
    verdicts: list[Verdict]
