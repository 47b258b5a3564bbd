"""The steps that read what readers did with articles, and make the report of a site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from contentstudio.analytics import pages
from contentstudio.analytics import report as reports
from contentstudio.analytics.connect import connect, variable
from contentstudio.analytics.report import SPAN, Report
from contentstudio.config import Config, Matomo, Plausible, Site
from contentstudio.google import analytics
from contentstudio.model import Figures
from contentstudio.pipelines.ids import figures_job
from contentstudio.pipelines.work import Ctx, FiguresQuery, Gathered
from contentstudio.store.results import Results
from overnight import NoWork

SEARCH = "search_console"  # the name of its figures
AGAIN = 3  # days of which figures are read once more: a source may correct its last ones
KEPT = 8  # days back in which the latest report of a site is looked for


def jobs_of(site: Site, day: date) -> Iterator[tuple[str, FiguresQuery]]:
    """What is asked for a site's figures in one night: a pipeline and its input for each source."""
    if site.property_name is not None:
        yield "results", FiguresQuery(site=site.name, source=SEARCH, date=day)
    if isinstance(site.analytics, Plausible | Matomo):
        yield "visits", FiguresQuery(site=site.name, source=site.analytics.kind, date=day)


def report_jobs(config: Config, sites: list[str], day: date) -> list[str]:
    """The ids of all jobs that may have the latest report of sites."""
    days = [day + timedelta(days=1 - back) for back in range(KEPT + 1)]
    return [
        figures_job(query)
        for name in sites
        for each in days
        for _, query in jobs_of(config.find(name), each)
    ]


async def search(ctx: Ctx, query: FiguresQuery) -> Gathered | NoWork:
    """Keep the clicks, impressions and positions of a site's articles, and find articles that
    compete for one query.
    """
    deps, site = ctx.deps, ctx.deps.config.find(query.site)
    if site.property_name is None:
        return NoWork(f"{site.name} has no property of Search Console any more")
    _, last = analytics.span(query.date, 1)
    first = await _first(ctx, query, last)
    since = last - SPAN + timedelta(days=1)
    endpoint, key_file = deps.config.google.endpoint, deps.config.google_key_file()
    figures, queries = await analytics.pages(
        site.property_name, endpoint, key_file, first, last, since
    )
    rows, addresses = await _keep(ctx, query, figures)
    titles = {each.slug: each.title for each in await deps.results.articles(site.name, last)}
    merges = reports.merges(site.name, queries, addresses, titles)
    return Gathered(site=site.name, rows=rows, merges=tuple(merges))


async def visits(ctx: Ctx, query: FiguresQuery) -> Gathered | NoWork:
    """Keep the visits of a site's articles."""
    site = ctx.deps.config.find(query.site)
    server = connect(site)
    if server is None:
        return NoWork(f"visits are read where the key of analytics is in {variable(site)}")
    last = query.date - timedelta(days=1)
    figures = await server.read(await _first(ctx, query, last), last)
    rows, _ = await _keep(ctx, query, figures)
    return Gathered(site=site.name, rows=rows)


async def report(ctx: Ctx, gathered: Gathered) -> Report | NoWork:
    """What all figures of the site say now."""
    return await made(ctx.deps.results, ctx.deps.config, gathered)


async def made(results: Results, config: Config, gathered: Gathered) -> Report | NoWork:
    """The report of a site on all figures that are kept."""
    last = await results.last_day(gathered.site)
    if last is None:
        return NoWork(f"no article of {gathered.site} was seen by readers yet")
    return reports.report(
        gathered.site,
        last,
        await results.articles(gathered.site, last),
        await results.days(gathered.site, last),
        gathered.merges,
        fallen=config.refresh.fallen,
        min_clicks=config.refresh.min_clicks,
    )


async def _first(ctx: Ctx, query: FiguresQuery, last: date) -> date:
    """The first day to ask for: what is not kept yet, two reports long at most."""
    told = await ctx.deps.results.last_told(query.site, query.source)
    earliest = last - 2 * SPAN + timedelta(days=1)
    again = last - timedelta(days=AGAIN - 1)
    return earliest if told is None else max(earliest, min(told + timedelta(days=1), again))


async def _keep(
    ctx: Ctx, query: FiguresQuery, figures: list[Figures]
) -> tuple[int, dict[str, str]]:
    """Keep the figures of articles; how many rows these are, and the articles by address."""
    addresses = await ctx.deps.results.addresses(query.site)
    rows = pages.rows(figures, addresses)
    await ctx.deps.results.keep(query.site, query.source, rows)
    return len(rows), addresses
