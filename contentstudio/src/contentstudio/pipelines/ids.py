"""The ids of jobs: the same work has the same id, whoever starts it."""

from __future__ import annotations

import hashlib
from datetime import date

from contentstudio.brief import Brief, Idea, Research
from contentstudio.pipelines.work import DemandQuery, FiguresQuery, RequestedTopic, Source, Topic
from overnight import hash_id, job_id


def article_id(site: str, slug: str, day: date) -> str:
    """The job that writes a topic of a site, found on that day."""
    return job_id(slug, site, str(day))


def article_job(work: Topic | Research | Brief) -> str:
    """One article of a slug, site and day; and one for each request of a person."""
    if isinstance(work, RequestedTopic):
        return hash_id("asked", work.slug, work.site, work.requested_at.isoformat())
    if isinstance(work, Topic):
        return article_id(work.site, work.slug, work.date)
    idea = _idea(work)
    return article_id(idea.site, idea.slug, idea.found_on)


def article_site(work: Topic | Research | Brief) -> str:
    """The site of an article, at whichever step its job begins."""
    return work.site if isinstance(work, Topic) else _idea(work).site


def _idea(work: Research | Brief) -> Idea:
    return work.research.idea if isinstance(work, Brief) else work.idea


def source_job(source: Source | DemandQuery) -> str:
    """What is read in one night. URLs tell capitals apart, which an id does not: so what is read
    goes in as its own hash.

    What feeds say of a page is no part of it: a page that two of them list is read once.
    """
    what = source.model_dump_json(exclude={"site", "date", "hints"})
    return hash_id(source.site, hashlib.sha256(what.encode()).hexdigest(), str(source.date))


def figures_job(query: FiguresQuery) -> str:
    """The figures that a source gives of a site in one night."""
    return hash_id("figures", query.source, query.site, str(query.date))
