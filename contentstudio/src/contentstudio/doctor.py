"""Whether a site is fit for what we want to do there: publish, be found by its sitemap, and tell search engines."""

from __future__ import annotations

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.config import Config, Site
from contentstudio.indexing import indexnow, search_console
from contentstudio.publish.port import Finding
from contentstudio.research import sitemaps
from contentstudio.research.fetch import Fetcher
from overnight.errors import ConfigError, Permanent, Transient


async def check(config: Config, site: Site) -> list[Finding]:
    """Every finding; the publisher's own come first. Changes nothing."""
    fetcher = Fetcher(config.fetch)
    try:
        found = [*await _publisher(config, site), await _sitemap(fetcher, site)]
        found += [await _key(config, fetcher, site)] if site.ping.endpoint else []
        found += [await _search_console(config, site.search_console)] if site.search_console else []
        return found
    finally:
        await fetcher.aclose()


async def _publisher(config: Config, site: Site) -> list[Finding]:
    try:
        if isinstance(site.publish, settings.WordPress):
            from contentstudio.publish import wordpress_doctor

            return await wordpress_doctor.examine(site, site.publish)
        async with publish.opened(config, site) as publisher:
            return await publisher.check()
    except ConfigError as error:
        return [Finding(what=f"publishing: {error}", ok=False, mend=f"see publish of the site “{site.name}”")]


async def _sitemap(fetcher: Fetcher, site: Site) -> Finding:
    try:
        fetched = await fetcher.get(site.sitemap, types=sitemaps.TYPES, max_unpacked=sitemaps.MAX_UNPACKED)
        sitemaps.parse(fetched.body, fetched.url, fetched.charset)
    except (Permanent, Transient) as error:
        mend = "serve the sitemap at its address, or name its address as sitemap in search_console"
        return Finding(what=f"the sitemap: {error}", ok=False, mend=mend)
    return Finding(what=f"the sitemap is at {site.sitemap}", ok=True)


async def _key(config: Config, fetcher: Fetcher, site: Site) -> Finding:
    try:
        await indexnow.find_key(fetcher, site)
    except (Permanent, Transient) as error:
        mend = f"{_place_of_key(config, site)}; or name another place as key_url in ping"
        return Finding(what=str(error), ok=False, mend=mend)
    return Finding(what=f"the key of IndexNow is at {indexnow.key_url(site)}", ok=True)


def _place_of_key(config: Config, site: Site) -> str:
    """Where the owner puts the key's file. It has to lie at the top: a key in a folder holds for what is below it."""
    url = indexnow.key_url(site)
    if site.ping.key_url:
        return f"let {url} hold the key and nothing else"
    file = f"a file {site.ping.key}.txt with the key alone"
    match site.publish:
        case settings.Static():
            return f"put {file} into {config.folder(site)}"
        case settings.WordPress():
            return f"put {file} beside wp-config.php, by SFTP or the host's file manager; an upload lies too deep"
        case settings.Git() as repository:
            top = {"hugo": "static", "jekyll": "the top", "astro": "public"}[repository.layout]
            return f"put {file} into {top} of the repository"
        case settings.Ghost():
            return f"let the web server in front of Ghost answer {url} with the key alone"


async def _search_console(config: Config, property: settings.Property) -> Finding:
    try:
        async with search_console.opened(config, property) as console:
            await console.known()
    except (Permanent, Transient) as error:
        mend = "add the service account to the property's users with all rights: a sitemap is submitted by an owner's"
        return Finding(what=str(error), ok=False, mend=mend)
    return Finding(what=f"Search Console lets us into {property.name}", ok=True)
