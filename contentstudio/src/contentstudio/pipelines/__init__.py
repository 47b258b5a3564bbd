"""The whole flow on one page.

04:00 → night: a research job for each active site
        research: a source job for each source
        source: read it → a feed or a sitemap gives source jobs, a page gives a topic → topic.validated
        demand: gather → what people look for, kept for the scores of topics
        article: generate → gate → (wait) → publish → ping
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from contentstudio.config import Config
from contentstudio.pipelines import publishing, researching, writing
from contentstudio.pipelines.researching import jobs_of
from contentstudio.pipelines.work import Demanded, Night, Source
from overnight import App, Cron, Debounce, On, Pipeline, Retry, control, hash_id, job_id
from overnight.database import Database

WRITING_CALLS = 4  # one after another, for which there is time in an attempt; the next one goes on with what is stored


def night_of(config: Config, moment: datetime) -> Night:
    """The night that a moment belongs to, in the schedule's zone: the same job as the slot of that day."""
    day = moment.astimezone(ZoneInfo(config.research.timezone)).date()
    return Night(date=day, sites=[site.name for site in config.site if site.active])


async def begin(app: App, database: Database, config: Config, moment: datetime) -> bool:
    """Begin tonight's work by hand. False where it had been begun; then what the config gained since is begun."""
    night = night_of(config, moment)
    _, new = await control.start(app, database, "night", night)
    for name in [] if new else night.sites:
        for pipeline, job in jobs_of(config.find(name), night.date):
            await control.start(app, database, pipeline, job)
    return new


def _source_id(source: Source | Demanded) -> str:
    """URLs tell capitals apart, which an id does not: so what is read goes in as its own hash."""
    what = source.model_dump_json(exclude={"site", "date"})
    return hash_id(source.site, hashlib.sha256(what.encode()).hexdigest(), str(source.date))


def build(config: Config) -> list[Pipeline]:
    """The pipelines, each step with its policy."""
    nightly = Cron(config.research.cron, config.research.timezone, input=lambda slot: night_of(config, slot))
    deadline = config.writing.deadline_seconds

    night = Pipeline("night", on=[nightly], id=lambda n: hash_id("night", str(n.date), *n.sites))
    night.step(researching.sites)

    research = Pipeline("research", id=lambda r: hash_id(r.site, str(r.date)), key=lambda r: r.site)
    research.step(researching.plan)

    source = Pipeline("source", id=_source_id, key=lambda s: s.site)
    source.step(researching.read, retry=Retry(3), timeout=config.fetch.timeout_seconds + researching.READ_SECONDS)

    demand = Pipeline("demand", id=_source_id, key=lambda d: d.site)
    demand.step(researching.gather, retry=Retry(3), timeout=300, breaker="search_console")

    article = Pipeline(
        "article",
        on=[On("topic.validated")],
        id=lambda t: job_id(t.slug, t.site, str(t.date)),
        key=lambda t: t.site,
    )
    wait = config.publishing.debounce_seconds
    last_look = Debounce(wait, at_most=max(wait, config.publishing.debounce_at_most_seconds))
    # With a fallback each model has a breaker of its own: where this one held the step, nobody would ask the other.
    breaker = "writer" if config.writing.fallback is None else None
    article.step(writing.generate, retry=Retry(3), timeout=WRITING_CALLS * deadline + 60, breaker=breaker)
    article.step(writing.gate, retry=Retry(3), timeout=(1 + config.writing.rewrites) * (deadline + 120))
    article.step(publishing.publish, retry=Retry(3), timeout=120, after=last_look, breaker="cms {key}")
    article.step(publishing.ping, retry=Retry(3), timeout=60, breaker="indexnow")
    return [night, research, source, demand, article]
