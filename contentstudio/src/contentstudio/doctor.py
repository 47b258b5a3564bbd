"""Whether a site is fit for what we want to do there: publish, be found by its sitemap, and tell
search engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.config import Config, Site
from contentstudio.google import indexing
from contentstudio.indexing import indexnow
from contentstudio.publish.port import Finding
from contentstudio.research import sitemaps
from contentstudio.web import robots
from contentstudio.web.fetch import ANY_TYPE, BadStatus, Fetcher, Unavailable
from overnight.errors import ConfigError, Permanent, Transient

SEARCH_ENGINES = ("Googlebot", "Bingbot")


async def check(config: Config, site: Site) -> list[Finding]:
    """Every finding; the publisher's own come first. Changes nothing."""
    fetcher = Fetcher(config.fetch)
    try:
        sitemap, pages = await _sitemap(fetcher, site)
        findings = [
            *await _publisher(config, site),
            sitemap,
            *await _robots(config, fetcher, site, pages),
        ]
        findings += [await _key(config, fetcher, site)] if site.ping.endpoint else []
        findings += (
            [await _search_console(config, site.search_console)] if site.search_console else []
        )
        return findings
    finally:
        await fetcher.aclose()


async def _publisher(config: Config, site: Site) -> list[Finding]:
    try:
        if isinstance(site.publish, settings.WordPress):
            from contentstudio.publish import wordpress_check

            return await wordpress_check.examine(site, site.publish)
        async with publish.opened(config, site) as publisher:
            return await publisher.check()
    except ConfigError as error:
        return [
            Finding(
                what=f"publishing: {error}", ok=False, mend=f"see publish of the site “{site.name}”"
            )
        ]


async def _sitemap(fetcher: Fetcher, site: Site) -> tuple[Finding, list[str]]:
    """How the sitemap is, and the addresses that it lists."""
    try:
        fetched = await fetcher.get(
            site.sitemap, types=sitemaps.TYPES, max_unpacked=sitemaps.MAX_UNPACKED
        )
        sitemap = sitemaps.parse(fetched.body, fetched.url, fetched.charset)
    except (Permanent, Transient) as error:
        mend = "serve the sitemap at its address, or name its address as sitemap in search_console"
        return Finding(what=f"the sitemap: {error}", ok=False, mend=mend), []
    return Finding(what=f"the sitemap is at {site.sitemap}", ok=True), [
        entry.url for entry in sitemap.entries
    ]


async def _robots(
    config: Config, fetcher: Fetcher, site: Site, pages: Sequence[str]
) -> list[Finding]:
    """What the robots.txt at the root of the site's host, which is the only one that counts, says
    of the site.
    """
    parts = urlsplit(site.url)
    url = f"{parts.scheme}://{parts.netloc}/robots.txt"
    try:
        text = (await fetcher.get(url, types=ANY_TYPE)).text
    except BadStatus:
        text = ""  # which allows everything
    except Unavailable as error:
        mend = (
            "let the host answer with the file, or with 404: until then search engines may "
            "read nothing there"
        )
        return [Finding(what=f"robots.txt: {error}", ok=False, mend=mend, transient=True)]
    except (Permanent, Transient):
        return []  # the sitemap could not be asked for either
    wrong = [*_forbidden(url, text, site, pages), *_unnamed(config, url, text, site)]
    return wrong or [Finding(what=f"{url} lets search engines read the site", ok=True)]


def _forbidden(url: str, text: str, site: Site, pages: Sequence[str]) -> Iterator[Finding]:
    """What search engines may not read: the home page, the sitemap, and what that lists."""
    host = urlsplit(site.url).netloc
    urls = list(
        dict.fromkeys(
            one for one in (f"{site.url}/", site.sitemap, *pages) if urlsplit(one).netloc == host
        )
    )
    for engine in SEARCH_ENGINES:
        rules = robots.parse(text, engine)
        rulings = [(one, *rules.decisive(_target(one))) for one in urls]
        refused = [(one, pattern) for one, allowed, pattern in rulings if not allowed]
        if refused:
            first, pattern = refused[0]
            what = (
                f"{url} forbids {engine} {len(refused)} of {len(urls)} addresses of the "
                f"site, such as {first}"
            )
            top = f"{urlsplit(site.url).path}/"
            allow = (
                f", or add “Allow: {top}” beside it" if len(top) > len(pattern) else ""
            )  # the longer rule decides
            yield Finding(what=what, ok=False, mend=f"take “Disallow: {pattern}” out there{allow}")


def _unnamed(config: Config, url: str, text: str, site: Site) -> Iterator[Finding]:
    """Whether it names the sitemap of a static site; a CMS sees to that by itself."""
    if isinstance(site.publish, settings.Static) and site.sitemap not in robots.sitemaps(text):
        line = f"add the line “Sitemap: {site.sitemap}” to it"
        ours = f"serve {config.folder(site) / 'robots.txt'} there, or "
        mend = (
            f"{line}: in the folder of the site nobody reads one"
            if urlsplit(site.url).path
            else f"{ours}{line}"
        )
        yield Finding(what=f"{url} does not name the sitemap", ok=False, mend=mend)


def _target(url: str) -> str:
    """The path and query of an address, as robots.txt speaks of them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def _key(config: Config, fetcher: Fetcher, site: Site) -> Finding:
    try:
        await indexnow.find_key(fetcher, site)
    except (Permanent, Transient) as error:
        mend = f"{_place_of_key(config, site)}; or name another place as key_url in ping"
        return Finding(what=str(error), ok=False, mend=mend)
    return Finding(what=f"the key of IndexNow is at {indexnow.key_url(site)}", ok=True)


def _place_of_key(config: Config, site: Site) -> str:
    """Where the owner puts the key's file. It has to lie at the top: a key in a folder holds for
    what is below it.
    """
    url = indexnow.key_url(site)
    if site.ping.key_url:
        return f"let {url} hold the key and nothing else"
    file = f"a file {site.ping.key}.txt with the key alone"
    match site.publish:
        case settings.Static():
            return f"put {file} into {config.folder(site)}"
        case settings.WordPress():
            return (
                f"put {file} beside wp-config.php, by SFTP or the host's file manager; an "
                "upload lies too deep"
            )
        case settings.Git() as repository:
            top = {"hugo": "static", "jekyll": "the top", "astro": "public"}[repository.layout]
            return f"put {file} into {top} of the repository"
        case settings.Ghost():
            return f"let the web server in front of Ghost answer {url} with the key alone"


async def _search_console(config: Config, of: settings.Property) -> Finding:
    try:
        async with indexing.opened(config, of) as console:
            await console.check_access()
    except (Permanent, Transient) as error:
        mend = (
            "add the service account to the property's users with all rights: a sitemap is "
            "submitted by an owner's"
        )
        return Finding(what=str(error), ok=False, mend=mend)
    return Finding(what=f"Search Console lets us into {of.name}", ok=True)
