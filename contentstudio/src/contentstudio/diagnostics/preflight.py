"""What is known to be wrong before a night begins, and costs anything: the config, the environment,
sources, CMSs.

`static` asks nobody. `network` reads each source once, and logs in at each CMS; it changes nothing
there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, get_args
from urllib.parse import urlsplit

from contentstudio import alerts, gates, publish
from contentstudio import config as settings
from contentstudio.config import (
    Config,
    FeedSource,
    Git,
    PageSource,
    RemoteCms,
    SearchConsoleSource,
    SensitiveTopic,
    Site,
    SitemapSource,
)
from contentstudio.research import feeds, sitemaps
from contentstudio.web import guard
from contentstudio.web.fetch import Fetcher
from overnight import formatting
from overnight.errors import ConfigError, Permanent, Transient, UserError
from overnight.pipelines.triggers import Cron

T = TypeVar("T")

AT_ONCE = 16  # looks over the network under way
SECONDS = 60.0  # for one look; a CMS may ask several times
MORE = 5.0  # seconds for what a source needs beside its own time limit


@dataclass(frozen=True, slots=True)
class Check:
    """One look. `ok`: False must be fixed, None is worth knowing. `stops`: with it a night had
    better not begin.
    """

    what: str
    ok: bool | None
    details: str
    todo: str = ""
    stops: bool = False


def invalid(error: settings.InvalidConfig) -> list[Check]:
    """What is wrong in a file that can be read."""
    return [
        Check(place, False, message, "correct it in the file", True)
        for place, message in error.problems
    ]


def static(config: Config) -> list[Check]:
    """Everything that can be known without asking anybody, of the sites that are active."""
    sites = [site for site in config.site if site.active]
    return [
        *_schedules(config),
        *_writer(config),
        *_embeddings(config),
        *_search(config),
        *_budget(config),
        *_alerts(config),
        *_google(config, sites),
        *(
            check
            for site in sites
            for check in (*_secret(config, site), *_loopback(config, site), *_language(site))
        ),
        *unique(check for site in sites for check in _pictures(config, site)),
        *(check for site in sites for check in (*_theme(site), *_own_pages(config, site))),
    ]


def _wrong(what: str, details: str, todo: str) -> Check:
    return Check(what, False, details, todo, stops=True)


def _schedules(config: Config) -> list[Check]:
    zone, now = config.research.timezone, datetime.now(UTC)
    checks = []
    for key, cron in (
        ("research.cron", config.research.cron),
        ("refresh.cron", config.refresh.cron),
    ):
        slot = Cron(cron, zone).next_slot(now)
        checks.append(Check(key, True, f"{cron} ({zone}), next {slot:%Y-%m-%d %H:%M} UTC"))
    return checks


def _writer(config: Config) -> list[Check]:
    writing = config.writing
    waits = (
        ", and each article waits for your review" if writing.offline_articles == "review" else ""
    )
    if writing.writer == "offline":
        return [Check("writing", True, f"the offline writer, at no cost{waits}")]
    if writing.writer == "auto" and settings.api_key() is None:
        todo = 'put ANTHROPIC_API_KEY into the environment, or say writing.writer = "offline"'
        return [
            Check(
                "writing",
                None,
                f"no ANTHROPIC_API_KEY, so the offline writer composes{waits}",
                todo,
            )
        ]
    from contentstudio.llm import models

    checks = [_wrong("writing", what, todo) for what, todo in models.faults(writing, config.verify)]
    named = ", ".join(dict.fromkeys(models.in_use_by(writing, config.verify)))
    return [*(checks or [Check("writing", True, named)]), *_judge(config)]


def _judge(config: Config) -> list[Check]:
    if config.verify.judge == "model":
        return []
    todo = 'leave judge = "off" out of [verify], so that a model judges each sentence'
    return [Check("verify", None, "no judge, so each article waits for your review", todo)]


def _embeddings(config: Config) -> list[Check]:
    chosen = config.memory.embeddings
    if chosen is None:
        return []
    from overnight.llm.openai import OPENAI_URL
    from overnight.llm.prices import UnpricedModel, most_usd

    checks = []
    if settings.api_key("openai") is None and chosen.base_url.rstrip("/") == OPENAI_URL:
        checks.append(
            _wrong(
                "memory.embeddings",
                "the model needs a key",
                "put OPENAI_API_KEY into the environment",
            )
        )
    if chosen.usd_per_million_tokens is None:
        try:
            most_usd(chosen.prices, chosen.model, 1, 0)
        except UnpricedModel:
            message = f"the price of “{chosen.model}” of {chosen.prices} is not known"
            checks.append(_wrong("memory.embeddings", message, "set usd_per_million_tokens there"))
    return checks or [Check("memory.embeddings", True, chosen.model)]


def _pictures(config: Config, site: Site) -> list[Check]:
    """Whether the source of a site's pictures can give one. Each of a folder is looked at."""
    chosen = config.pictures_of(site)
    what = "pictures" if site.pictures is None else f"pictures of {site.name}"
    if chosen.kind == "openai":
        from contentstudio.pictures import images_api

        faults = images_api.faults(chosen, settings.api_key("openai") is not None)
        wrong = [_wrong(what, fault, todo) for fault, todo in faults]
        return wrong or [
            Check(what, True, f"{chosen.model}, ${chosen.usd_per_picture:g} a picture")
        ]
    if chosen.kind == "folder" and chosen.folder is not None:
        return _own_pictures(what, config.beside(chosen.folder))
    return []


def _own_pictures(what: str, folder: Path) -> list[Check]:
    from contentstudio.pictures import folder as own

    if not folder.is_dir():
        todo = "let folder in [pictures] name a folder beside the config"
        return [_wrong(what, f"{_shorter(folder)} is no folder", todo)]
    entries, faults = own.look(folder)
    unread = [fault for entry in entries for fault in own.faults_of(entry)]
    todo = f"correct it in {_shorter(folder)}; articles have their cards until then"
    wrong = [Check(what, False, fault, todo) for fault in (*faults, *unread)]
    usable = f"{_shorter(folder)}: {formatting.count(len(entries) - len(unread), 'picture')}"
    return [*wrong, Check(what, True if entries else None, usable)]


def _search(config: Config) -> list[Check]:
    from contentstudio.search import connect

    try:
        wrong = connect.faults(config.search)
    except ConfigError as error:
        what, _, todo = str(error).partition(": ")
        return [_wrong("search", what, todo)]
    if wrong:
        return [_wrong("search", what, todo) for what, todo in wrong]
    prices = {name: config.search.usd_per_search(name) for name in config.search.engine}
    priced = [f"{name} at ${usd:g} a search" if usd else name for name, usd in prices.items()]
    return [Check("search", True, ", ".join(priced))]


def _budget(config: Config) -> list[Check]:
    by = (
        "the default; [budget] usd_per_day sets another"
        if config.budget.is_default
        else "[budget] usd_per_day"
    )
    return [
        Check(
            "budget", True, f"models may cost ${config.budget.usd_per_day:.2f} a day (UTC), by {by}"
        )
    ]


def _alerts(config: Config) -> list[Check]:
    try:
        built = alerts.build(config)
        alerts.check(built)
    except ConfigError as error:
        what, _, todo = str(error).partition(": ")
        return [_wrong("alerts", what, todo)]
    if not built.channels:
        return [
            Check(
                "alerts",
                None,
                "no channel: nobody is told of a failure",
                "name one in alerts.channels",
            )
        ]
    return [Check("alerts", True, ", ".join(channel.name for channel in built.channels))]


def _google(config: Config, sites: Sequence[Site]) -> list[Check]:
    asking = [
        s
        for s in sites
        if s.search_console or any(isinstance(x, SearchConsoleSource) for x in s.sources)
    ]
    if not asking:
        return []
    file, todo = config.google_key_file(), "let google.key_file name the key of a service account"
    if file is None:
        return [
            _wrong(
                "google",
                f"{asking[0].name} asks the Search Console, and no key file is named",
                todo,
            )
        ]
    if not file.is_file() or not os.access(file, os.R_OK):
        return [_wrong("google", f"{file} cannot be read", todo)]
    return [Check("google", True, str(file))]


def _secret(config: Config, site: Site) -> list[Check]:
    if not isinstance(site.publish, RemoteCms):
        return []
    try:
        settings.secret(site)
    except ConfigError as error:
        what, _, todo = str(error).partition(": ")
        return [_wrong(f"CMS of {site.name}", what, todo)]
    return []


def _theme(site: Site) -> list[Check]:
    if site.theme is None:
        return []
    from contentstudio.publish import theme_faults

    faults = theme_faults.faults(site)
    wrong = [_wrong(f"theme of {site.name}", what, "correct it in the theme") for what in faults]
    return wrong or [Check(f"theme of {site.name}", True, _shorter(site.theme))]


def _own_pages(config: Config, site: Site) -> list[Check]:
    """Whether the owner's pages can be read, and each has an address of its own."""
    if site.pages is None:
        return []
    from contentstudio.publish import StaticSite, own_pages

    what, folder = f"pages of {site.name}", config.beside(site.pages)
    try:
        own = own_pages.read(folder)
        own_pages.refuse_collisions(own, StaticSite(site, config.folder(site)).pages())
    except (ConfigError, Permanent) as error:
        message, _, todo = str(error).partition(": ")
        return [_wrong(what, message, todo or "correct it there")]
    if not own:
        return [
            Check(
                what,
                None,
                f"{_shorter(folder)} has no Markdown file",
                "put about.md or imprint.md there",
            )
        ]
    return [Check(what, True, ", ".join(f"/{page.slug}/" for page in own))]


def _language(site: Site) -> list[Check]:
    """What the gates do not measure in the site's language. Health, money and law are held then,
    the rest passes.
    """
    missing = gates.unmeasured_in(site.language)
    if not missing:
        return []
    topics = [topic for topic in get_args(SensitiveTopic) if topic not in site.gates.allow_topics]
    todo = (
        f"review each article, or list {', '.join(topics)} in allow_topics"
        if "sensitive" in missing and topics
        else ""
    )
    return [
        Check(
            f"gates of {site.name}",
            None,
            f"not measured in “{site.language}”: {', '.join(missing)}",
            todo,
        )
    ]


def _addresses(site: Site) -> list[tuple[str, str]]:
    """What a site reads over the network: kind and address."""
    addresses = [("sitemap", site.posts)] if site.posts else []
    for source in site.sources:
        match source:
            case str(url):
                addresses.append(("any", url))
            case FeedSource(feed=url):
                addresses.append(("feed", url))
            case PageSource(page=url):
                addresses.append(("page", url))
            case SitemapSource(sitemap=url):
                addresses.append(("sitemap", url))
            case _:
                pass
    return addresses


def _loopback(config: Config, site: Site) -> list[Check]:
    if config.fetch.allow_loopback:
        return []
    here = [url for _, url in _addresses(site) if _is_here(url)]
    todo = "set fetch.allow_loopback = true, which is for trials alone"
    return [
        _wrong(f"sources of {site.name}", f"{url} is on this machine, which is not read", todo)
        for url in here
    ]


def _is_here(url: str) -> bool:
    return guard.is_loopback(urlsplit(url).hostname or "")


def folders(config: Config) -> list[Check]:
    """Whether the folders of static sites can be written; nothing is made."""
    checks = []
    for site in config.site:
        if site.active and isinstance(site.publish, settings.Static):
            folder = config.folder(site)
            there = next(path for path in (folder, *folder.parents) if path.exists())
            ok = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
            todo = "" if ok else "let publishing.dir name a folder that this user may write to"
            checks.append(Check(f"folder of {site.name}", ok, _shorter(folder), todo))
    return checks


def _shorter(folder: Path) -> str:
    try:
        return str(folder.relative_to(Path.cwd()))
    except ValueError:
        return str(folder)


async def network(config: Config) -> list[Check]:
    """Every source is read once and every CMS logged in to, several at a time."""
    fetcher = Fetcher(config.fetch)
    try:
        looks = [
            _source(config, fetcher, site, *each)
            for site in _active(config)
            for each in _addresses(site)
        ]
        return [*await _together(looks), *await logins(config)]
    finally:
        await fetcher.aclose()


async def logins(config: Config) -> list[Check]:
    """Whether each CMS lets us in."""
    checks = await _together(
        _login(config, site)
        for site in _active(config)
        if isinstance(site.publish, RemoteCms | Git)
    )
    return [check for each in checks for check in each]


def _active(config: Config) -> list[Site]:
    return [site for site in config.site if site.active]


async def _together(looks: Iterable[Awaitable[T]]) -> list[T]:
    """All of them in their order, so many at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(look: Awaitable[T]) -> T:
        async with room:
            return await look

    return list(await asyncio.gather(*map(one, looks)))


async def _source(config: Config, fetcher: Fetcher, site: Site, kind: str, url: str) -> Check:
    what = f"{'source' if kind == 'any' else kind} of {site.name}"
    if not config.fetch.allow_loopback and _is_here(url):
        return Check(what, None, f"{url} was not asked")
    try:
        async with asyncio.timeout(config.fetch.timeout_seconds + MORE):
            fetched = await fetcher.get(url, types=sitemaps.TYPES)
        if kind == "sitemap":
            sitemap = await asyncio.to_thread(sitemaps.parse, fetched.body, fetched.url)
            return Check(what, True, f"{url}: {len(sitemap.entries)} entries")
        if kind == "feed" or (kind == "any" and feeds.looks_like_feed(fetched)):
            entries = await asyncio.to_thread(feeds.parse, fetched.body, fetched.final_url)
            return Check(what, True, f"{url}: {len(entries)} entries")
    except TimeoutError:
        return Check(what, False, f"{url} did not answer in time", "try again later")
    except Transient as error:
        return Check(what, False, str(error), "try again later, or correct the address")
    except Permanent as error:
        return Check(what, False, str(error), "correct the address, or take the source out")
    return Check(what, True, url)


async def _login(config: Config, site: Site) -> list[Check]:
    what = f"CMS of {site.name}"
    try:
        async with asyncio.timeout(SECONDS), publish.opened(config, site) as publisher:
            findings = await publisher.check()
    except ConfigError as error:
        message, _, todo = str(error).partition(": ")
        return [_wrong(what, message, todo or f"see publish of the site “{site.name}”")]
    except TimeoutError:
        return [Check(what, False, f"it did not answer in {SECONDS:g} s", "try again later")]
    return [
        Check(what, one.ok, one.what, one.mend, not one.ok and not one.transient)
        for one in findings
    ]


def unique(checks: Iterable[Check]) -> list[Check]:
    """Each once: what two looks found alike is told once."""
    return list(dict.fromkeys(checks))


def refuse(checks: Iterable[Check], command: str) -> None:
    """Raises `UserError` with the first thing that stops a night, where there is one."""
    wrong = [check for check in unique(checks) if check.stops]
    if not wrong:
        return
    first = wrong[0]
    more = f" ({len(wrong) - 1} more: {command} check shows all)" if len(wrong) > 1 else ""
    raise UserError(f"{first.what}: {first.details}: {first.todo}{more}")


def render(checks: Sequence[Check]) -> None:
    """As a table; what to do stands beneath what was found."""
    from overnight.cli import output

    words = {True: "yes", False: "no", None: "note"}
    rows = [
        {
            "what": each.what,
            "ok": words[each.ok],
            "details": f"{each.details}\n↳ {each.todo}" if each.todo else each.details,
        }
        for each in checks
    ]
    columns = {"what": "what", "ok": "OK?", "details": "details, and what to do"}
    output.table(
        "", rows, columns, empty="", styles={"yes": "green", "no": "red", "note": "yellow"}
    )
