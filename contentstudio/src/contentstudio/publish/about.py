"""The page of a static site on itself and its authors, made from its profile. Pure.

A page about.md of the owner's takes its place, and so does an article that has its address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from contentstudio.config import ABOUT, Author, Site
from contentstudio.publish import own_pages
from contentstudio.publish.labels import labels
from contentstudio.publish.markdown import escaped, linked
from contentstudio.publish.own_pages import OwnPage


def among(site: Site, own: Sequence[OwnPage], articles: Collection[str]) -> Sequence[OwnPage]:
    """The owner's pages, and before them this one where it has something to say and its address is
    free.
    """
    profile = site.profile
    says = profile.purpose or profile.expertise or profile.authors or profile.disclosure
    if not says or ABOUT in articles or any(page.slug == ABOUT for page in own):
        return own
    return [own_pages.parsed(f"{ABOUT}.md", "\n\n".join(_parts(site))), *own]


def _parts(site: Site) -> Iterator[str]:
    """The page in Markdown."""
    profile, words = site.profile, labels(site.language)
    yield f"# {words['about']}"
    yield from map(escaped, filter(None, (site.description, profile.purpose)))
    if profile.expertise:
        yield f"## {words['topics']}"
        yield "\n".join(f"- {escaped(subject)}" for subject in profile.expertise)
    if profile.authors:
        yield f"## {words['authors']}"
        for author in profile.authors:
            yield from _author(author)
    if profile.disclosure:
        yield "---"
        yield escaped(profile.disclosure)


def _author(author: Author) -> Iterator[str]:
    yield f"### {escaped(author.name)}"
    if author.role:
        yield f"*{escaped(author.role)}*"
    if author.bio:
        yield escaped(author.bio)
    urls = dict.fromkeys([*([author.url] if author.url else []), *author.links])
    if urls:
        yield "\n".join(f"- {linked(url.partition('://')[2].rstrip('/'), url)}" for url in urls)
