"""The whole flow on one page.

04:00  → night:    a research job for each active site
         research: a source job for each source, a memory job, and the articles that are due
         memory:   remember → what the site has already
         source:   read → a feed or a sitemap gives source jobs, a page gives candidate.found
         demand:   gather → what people look for, kept for the names and the scores of ideas
         results:  search → clicks and positions of articles, kept → report
         visits:   visits → visits of articles, kept → report
candidate.found
       → topic:    (wait for the last one) → choose → topic.validated for what is worth an article
topic.validated
       → article:  research → brief → generate → optimize → gate → (wait) → confirm → publish → ping
weekly → refresh:  a renewal job for each active site
         renewal:  renew → topic.validated for articles whose sources changed or whose clicks fell
by a person's wish
       → idea:     take → kept, and topic.validated
         rollback: before → publish → ping
         publish:  last → publish → ping
         unpublish: unpublish
         rewrite:  reread → the sources once more → topic.validated
         render:   the pages of a static site once more, in its templates of now
         search:   one query, as research would ask it
         check:    whether a site is fit for us, as `site check` tells
02:00  → checks:   a check of each active site
02:30  → tidy:     a sweep of each site with a CMS, for what was begun there and never went on
06:00  → inspections: of each site with a property of Search Console, what became of its pages
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from contentstudio.config import Config, RemoteCms, Static
from contentstudio.pipelines import (
    briefing,
    checking,
    discovering,
    ids,
    measuring,
    publishing,
    remembering,
    researching,
    searching,
    wishes,
    writing,
)
from contentstudio.pipelines.discovering import jobs_of
from contentstudio.pipelines.work import Night, WeeklyRefresh
from contentstudio.store.nights import Nights
from overnight import App, Cron, Debounce, Limit, On, Pipeline, Retry, hash_id
from overnight.operations import runs
from overnight.pipelines.pipeline import DEFAULT_TIMEOUT
from overnight.store.database import Database

# one after another, for which there is time in an attempt; the next one goes on with what is stored
SEARCH_CALLS = 3  # of one engine for one query
WRITING_CALLS = 6
GATE_CALLS = 6  # the judge, a rewrite, the judge; and once more for what is mended
JUDGE_CALLS = 2  # the second one where the first leaves something out
BRIEF_CALLS = 2  # the second one where the first names what is no note
CHECK_SECONDS = 300  # for the answers of a slow site
LINK_SECONDS = 120  # for what the links of an article answer
PATIENT = Retry.over(hours=4)  # of what reads: a source that is down at 04:00 may be up at 07:00
PROBE = 600.0  # seconds; a CMS that is away is asked as often as its breaker lets one through
AT_ONCE = 4  # steps at the CMS of one site, over all workers: what a small host bears
ONE_PING = [
    Limit("pings of {key}", at_once=1)
]  # while one is under way, what the next one tells of gathers
CHECKS = "0 2 * * *"  # before what they find would fail
TIDY = "30 2 * * *"  # before the night begins
INSPECT = "0 6 * * *"  # after it


def night_of(config: Config, moment: datetime) -> Night:
    """The night that a moment belongs to, in the schedule's zone: the same job as the slot of that
    day.
    """
    day = moment.astimezone(ZoneInfo(config.research.timezone)).date()
    return Night(date=day, sites=[site.name for site in config.site if site.active])


def refreshing_of(config: Config, moment: datetime) -> WeeklyRefresh:
    """The weekly look that a moment belongs to."""
    night = night_of(config, moment)
    return WeeklyRefresh(date=night.date, sites=night.sites)


async def begin(app: App, database: Database, config: Config, moment: datetime) -> bool:
    """Begin tonight's work by hand. False where it had been begun; then what the config gained
    since is begun.
    """
    night = night_of(config, moment)
    _, new = await runs.start(app, database, "night", night)
    for name in [] if new else night.sites:
        for pipeline, job in jobs_of(config.find(name), night.date):
            await runs.start(app, database, pipeline, job)
    return new


async def began(app: App, database: Database, config: Config, moment: datetime) -> datetime:
    """When the night of a moment was begun, by its schedule or by hand; the moment itself where it
    was not yet.
    """
    job = app.pipeline("night").job(night_of(config, moment)).job_id
    started = await Nights(database).started_at(job)
    return min(started, moment) if started else moment


def build(config: Config) -> list[Pipeline]:
    """The pipelines, each step with its policy."""
    return [
        *_nightly(config),
        *_ideas(config),
        *_weekly(config),
        _article(config),
        *_care(config),
        *_watch(config),
    ]


def _nightly(config: Config) -> list[Pipeline]:
    """What is read: of each site its sources, what people look for, and what it has already."""
    nightly = Cron(
        config.research.cron, config.research.timezone, input=lambda slot: night_of(config, slot)
    )
    night = Pipeline("night", on=[nightly], id=lambda n: hash_id("night", str(n.date), *n.sites))
    night.step(discovering.sites)

    research = Pipeline("research", id=lambda r: hash_id(r.site, str(r.date)), key=lambda r: r.site)
    research.step(discovering.plan)

    memory = Pipeline(
        "memory", id=lambda m: hash_id("memory", m.site, str(m.date)), key=lambda m: m.site
    )
    memory.step(remembering.remember, retry=PATIENT, timeout=900, breaker="cms {key}")

    source = Pipeline("source", id=ids.source_job, key=lambda s: s.site)
    source.step(
        discovering.read,
        retry=PATIENT,
        timeout=config.fetch.timeout_seconds + discovering.READ_SECONDS,
    )

    demand = Pipeline("demand", id=ids.source_job, key=lambda d: d.site)
    demand.step(discovering.gather, retry=PATIENT, timeout=300, breaker="search_console")
    return [night, research, memory, source, demand, *_figures()]


def _figures() -> list[Pipeline]:
    """What readers did with articles, of each site that has a source of such figures."""
    results = Pipeline("results", id=ids.figures_job, key=lambda query: query.site)
    results.step(measuring.search, retry=PATIENT, timeout=600, breaker="search_console")
    results.step(measuring.report, retry=Retry(3))
    visits = Pipeline("visits", id=ids.figures_job, key=lambda query: query.site)
    visits.step(measuring.visits, retry=PATIENT, timeout=600, breaker="analytics {key}")
    visits.step(measuring.report, retry=Retry(3))
    return [results, visits]


def _ideas(config: Config) -> list[Pipeline]:
    """What is worth an article: of what a night found, and by a person's wish."""
    settle = config.research.settle_seconds
    topic = Pipeline(
        "topic",
        on=[
            On(
                "candidate.found",
                Debounce(settle, at_most=max(settle, config.research.settle_at_most_seconds)),
            )
        ],
        id=lambda c: hash_id("topic", c.site, str(c.date), c.snapshot),
        key=lambda c: c.site,
    )
    choosing = 600 + config.writing.deadline_seconds  # a model may name the ideas
    topic.step(
        discovering.choose, retry=Retry(3), timeout=choosing, limits=[Limit.each_key(at_once=1)]
    )

    wish = Pipeline("idea", key=lambda request: config.find(request.site).name)
    wish.step(wishes.take, retry=Retry(3))
    return [topic, wish]


def _weekly(config: Config) -> list[Pipeline]:
    """Which published articles are to be written again."""
    weekly = Cron(
        config.refresh.cron,
        config.research.timezone,
        input=lambda slot: refreshing_of(config, slot),
    )
    refresh = Pipeline(
        "refresh", on=[weekly], id=lambda r: hash_id("refresh", str(r.date), *r.sites)
    )
    refresh.step(remembering.again)

    renewal = Pipeline(
        "renewal", id=lambda r: hash_id("renewal", r.site, str(r.date)), key=lambda r: r.site
    )
    renewal.step(remembering.renew, retry=Retry(3), timeout=600)
    return [refresh, renewal]


def _article(config: Config) -> Pipeline:
    """From an idea to the page that readers have."""
    article = Pipeline(
        "article", on=[On("topic.validated")], id=ids.article_job, key=ids.article_site
    )
    deadline = config.writing.deadline_seconds
    # With a fallback each model has a breaker of its own: where this one held the step, nobody
    # would ask the other.
    breaker = "writer" if config.writing.fallback is None else None

    def calls(count: int) -> float:
        return count * deadline + 60

    asks = partial(article.step, retry=Retry(3), breaker=breaker)  # a model
    asks(researching.research, timeout=calls(WRITING_CALLS))
    asks(briefing.brief, timeout=calls(BRIEF_CALLS))
    asks(writing.generate, timeout=calls(WRITING_CALLS))
    article.step(writing.optimize, retry=Retry(3), timeout=_picturing_seconds(config))
    # The judge may be of another provider: where it is away, the writer goes on.
    by_judge = None if breaker is None else "judge"
    article.step(
        writing.gate, retry=Retry(3), breaker=by_judge, timeout=calls(GATE_CALLS) + LINK_SECONDS
    )
    wait = config.publishing.debounce_seconds
    last_look = Debounce(wait, at_most=max(wait, config.publishing.debounce_at_most_seconds))
    article.step(
        writing.confirm, retry=Retry(3), after=last_look, timeout=calls(JUDGE_CALLS) + LINK_SECONDS
    )
    article.step(
        publishing.publish,
        retry=_away(config),
        timeout=300,
        breaker="cms {key}",
        limits=_at_site(config),
    )
    article.step(
        publishing.ping, retry=Retry(3), timeout=60, breaker="indexnow {key}", limits=ONE_PING
    )
    return article


def _picturing_seconds(config: Config) -> float:
    """For optimizing, with the time that a model may take for a picture and for its address."""
    by_model = [chosen for site in config.site if (chosen := config.pictures_of(site)).model]
    return DEFAULT_TIMEOUT + 2 * max((chosen.deadline_seconds for chosen in by_model), default=0)


def _at_site(config: Config) -> list[Limit]:
    """What the steps at the CMS of a site share. Folders of our own, where all sites are such, need
    no sparing.
    """
    if all(isinstance(site.publish, Static) for site in config.site):
        return []
    return [
        Limit("cms of {key}", at_once=AT_ONCE, starts=config.publishing.articles_per_second, per=1)
    ]


def _away(config: Config) -> Retry:
    """Retries of what changes a site. The step itself gives up, by the hours that passed
    (`publishing.patient`); the number counts for attempts that end at their time limit, and so
    never come to that.
    """
    return Retry.over(2 * config.publishing.retry_hours, longest=PROBE)


def _care(config: Config) -> list[Pipeline]:
    """What is done with articles and sites: by a person's wish, and once a night."""
    at_site = _at_site(config)
    rollback = Pipeline("rollback", key=lambda request: request.site)
    rollback.step(publishing.before)
    publish = Pipeline("publish", key=lambda request: request.site)
    publish.step(publishing.last)
    for pipeline in (rollback, publish):
        pipeline.step(
            publishing.publish,
            retry=_away(config),
            timeout=300,
            breaker="cms {key}",
            limits=at_site,
        )
        pipeline.step(
            publishing.ping, retry=Retry(3), timeout=60, breaker="indexnow {key}", limits=ONE_PING
        )

    unpublish = Pipeline("unpublish", key=lambda request: request.site)
    unpublish.step(
        publishing.unpublish, retry=_away(config), timeout=300, breaker="cms {key}", limits=at_site
    )

    rewrite = Pipeline("rewrite", key=lambda request: request.site)
    rewrite.step(remembering.reread, retry=Retry(3), timeout=600)

    render = Pipeline("render", key=lambda work: work.site)
    render.step(publishing.render, retry=Retry(3), timeout=600, breaker="cms {key}", limits=at_site)

    search = Pipeline("search", key=lambda request: request.site)
    search.step(
        searching.find, retry=Retry(0), timeout=SEARCH_CALLS * config.search.deadline_seconds + 30
    )
    check = Pipeline("check", key=lambda work: work.site)
    check.step(checking.check, retry=Retry(1), timeout=CHECK_SECONDS)
    timezone = config.research.timezone
    checks = Pipeline(
        "checks", on=[Cron(CHECKS, timezone, input=lambda slot: night_of(config, slot))]
    )
    checks.step(checking.sites_to_check)
    by_name = [rollback, publish, unpublish, rewrite, render, search, check, checks]
    if not any(isinstance(site.publish, RemoteCms) for site in config.site):
        return by_name

    tidy = Pipeline("tidy", on=[Cron(TIDY, timezone, input=lambda slot: night_of(config, slot))])
    tidy.step(publishing.sites_to_sweep)

    sweep = Pipeline("sweep", key=lambda work: work.site)
    sweep.step(publishing.sweep, retry=Retry(3), timeout=300, breaker="cms {key}", limits=at_site)
    return [*by_name, tidy, sweep]


def _watch(config: Config) -> list[Pipeline]:
    """What became of pages, asked once a day."""
    if not any(site.search_console for site in config.site):
        return []
    timezone = config.research.timezone
    inspections = Pipeline(
        "inspections", on=[Cron(INSPECT, timezone, input=lambda slot: night_of(config, slot))]
    )
    inspections.step(publishing.sites_to_inspect)

    inspection = Pipeline("inspection", key=lambda work: work.site)
    inspection.step(publishing.inspect, retry=Retry(3), timeout=900, breaker="search_console")
    return [inspections, inspection]
