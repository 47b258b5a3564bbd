"""What the desk of contentstudio has in a big ledger: ten thousand articles of twenty sites, with
what readers did with them for eight weeks. The jobs of the articles are jobs of `ten_million.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

from pydantic_core import to_json

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio import console
from contentstudio.config import Config
from contentstudio.pipelines import measuring
from contentstudio.pipelines.work import FiguresQuery, Gathered
from contentstudio.store.results import Results
from overnight.store.database import Database

ARTICLES = 10_000
PASSED_OVER = 20_000  # stories that were scored and not chosen
SITES = 20
PIECE = "article-7"  # of site7: one that has everything
SITE = """
[[site]]
name = "site{n}"
url = "https://site{n}.example"
title = "Site {n}"
sources = ["https://news{n}.example/feed"]
search_console = {{ name = "sc-domain:site{n}.example" }}
"""

NAMES = """
    'site' || n %% 20 as site, 'article-' || n as slug, left(md5(n::text), 16) as job_id,
    'What ' || n || ' readers asked of ' || md5(n::text) as title,
    'https://site' || n %% 20 || '.example/article-' || n || '/' as url,
    ledger_now() - make_interval(mins => n * 4) as at,
    case n %% 50 when 0 then 'review' when 1 then 'ready' when 2 then 'idea' when 3 then 'rejected'
                 when 4 then 'unpublished' else 'published' end as state
    from generate_series(1, %(articles)s::int) n
"""
DRAFT = """
    jsonb_build_object('site', site, 'slug', slug, 'title', title, 'description', repeat('x ', 60),
        'language', 'en', 'writer', 'bench', 'references', '[]'::jsonb, 'sections', (
            select jsonb_agg(jsonb_build_object('heading', 'Part ' || s, 'paragraphs', (
                select jsonb_agg(jsonb_build_array(jsonb_build_object('text',
                    'Sentence ' || p || ' of part ' || s || ' of ' || md5(slug || s || p) || '.')))
                from generate_series(1, 12) p))) from generate_series(1, 6) s))
"""
FILLS = (
    f"""
    insert into articles (site, slug, job_id, title, language, url, state, created_at, changed_at)
    select site, slug, job_id, title, 'en', case state when 'published' then url end, state, at, at
    from (select {NAMES}) a
    """,
    f"""
    insert into versions (site, slug, sha256, draft, job_id, at, first_at)
    select site, slug, md5(slug || v), {DRAFT}, job_id, at + v * interval '1 hour', at
    from (select {NAMES}) a, generate_series(1, 2) v
    where state in ('published', 'unpublished') and (v = 1 or right(slug, 1) = '7')
    """,
    f"""
    insert into publications (site, slug, job_id, existing, at)
    select site, slug, job_id, jsonb_build_object('url', url, 'sha256', md5(slug || 1), 'state',
        case state when 'published' then 'published' else 'draft' end), at
    from (select {NAMES}) a where state in ('published', 'unpublished')
    """,
    f"""
    insert into ideas (site, slug, title, factors, score, decision, reason, found_on, created_at,
        decided_at)
    select site, slug, title, '{{"demand": 0.8, "fit": 0.6}}', 0.7, 'create', '3 sources', at::date,
        at, at
    from (select {NAMES}) a
    """,
    """
    insert into ideas (site, slug, title, factors, score, decision, reason, found_on, created_at,
        decided_at)
    select 'site' || n %% 20, 'story-' || n, 'What happened to ' || md5(n::text),
        '{"demand": 0.4, "fit": 0.5}', (n %% 97) / 200.0, 'skip', 'below the threshold', at::date,
        at, at
    from generate_series(1, %(passed_over)s::int) n,
        lateral (select ledger_now() - make_interval(mins => n * 2) as at) a
    """,
    f"""
    insert into documents (site, slug, kind, title, text, sha256, url, job_id, updated_at)
    select site, slug, 'published', title, repeat(md5(slug) || ' ', 40), md5(slug), url, job_id, at
    from (select {NAMES}) a where state = 'published'
    """,
    f"""
    insert into article_results (site, slug, source, day, clicks, impressions, position)
    select site, slug, 'search_console', ledger_now()::date - d, hashtext(slug || d) & 15,
        16 + (hashtext(slug) & 255), 1 + (hashtext(slug) & 127) / 8.0
    from generate_series(3, 58) d, (select {NAMES}) a
    where state = 'published'
    """,
)


def config(folder: Path) -> Config:
    """The config of the sites, written to a folder."""
    file = folder / "contentstudio.toml"
    sites = "".join(SITE.format(n=n) for n in range(SITES))
    file.write_text(f"[writing]\nwriter = 'offline'\n{sites}", "utf-8")
    return settings.load(file)


def paths(of: Config) -> list[str]:
    """The pages of the desk, and those filters that hurt most."""
    patterns = [page.path for page in console.build(of).pages]
    named = [path.replace("{site}", "site7").replace("{slug}", PIECE) for path in patterns]
    filters = [
        *(f"{path}?site=site7" for path in ("/articles", "/ideas", "/results", "/calendar")),
        *("/articles?state=failed", "/articles?state=review", "/articles?text=asked+read"),
        *("/articles?site=site7&state=published", "/articles?text=nothing+is+named+so"),
        *("/ideas?show=undecided", "/ideas?show=published", "/ideas?show=unwanted"),
        *("/ideas?order=due", "/ideas?order=new", "/ideas?site=site7&order=new"),
        *("/night?hours=744", "/search?q=readers"),
    ]
    return [*(path for path in named if "{" not in path), *filters]


async def fill(database: Database, of: Config, tell: Callable[[str], None]) -> None:
    """The articles, and the report of each site as its job left it."""
    tell(f"making {ARTICLES:,} articles")
    for sql in FILLS:
        await database.fetch(sql, {"articles": ARTICLES, "passed_over": PASSED_OVER})
    await database.fetch("vacuum analyze")
    for site in of.site:
        await _report(database, of, site.name)


async def _report(database: Database, of: Config, site: str) -> None:
    (now,) = await database.fetch("select ledger_now() as at")
    day = now["at"].astimezone(UTC).date() - timedelta(days=1)
    query = FiguresQuery(site=site, source="search_console", date=day)
    job = studio.build(of).pipeline("results").job(query).job_id
    report = await measuring.made(Results(database), of, Gathered(site=site, rows=0, merges=()))
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, outcome, attempt, output, "
        "lease_until, started_at, finished_at) values (%(job)s, 'report', 'results', %(site)s, "
        "'succeeded', 'done', 1, %(report)s::jsonb, null, ledger_now(), ledger_now())",
        {"job": job, "site": site, "report": to_json(report).decode()},
    )
