"""Every link leads somewhere, and no link leads where the writer was not sent. In every language.

A link is dead where its page is gone or its name unknown. A site that refuses machines (401, 403,
429) or does not answer in time says nothing of what its readers see: such a link is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

from contentstudio import places
from contentstudio.gates import markup
from contentstudio.gates.input import Case, failed, fault, known, passed, verdict
from contentstudio.model import Fault, Verdict
from contentstudio.text.slugs import in_url
from contentstudio.text.wording import normal, shown

_BARE = re.compile(
    r"\bhttps?://\S+|\bwww\.\w\S+|\b(?:[\w-]+\.)+[a-z]{2,}/\w\S*|\b[\w.+-]+@[\w-]+\.[\w.-]*\w", re.I
)


def check(case: Case) -> Verdict:
    """Links are the pool's, the site's own or the draft's; each was asked, and none is dead."""
    page = known(case.page, "the page")
    states = known(case.links, "what the links answer")
    urls = links_of(page, case.site.url, case.draft.slug)
    if wrong := [*_foreign(case, urls), *_written(case)]:
        return verdict("links", wrong, "")
    if never := [url for url in urls if url not in states]:
        return failed("links", f"Nobody asked whether {never[0]} is alive.")
    if dead := [url for url in urls if states[url].state == "dead"]:
        return failed(
            "links", f"{len(dead)} of {len(urls)} links are dead: {states[dead[0]].why or dead[0]}"
        )
    unknown = [url for url in urls if states[url].state == "unknown"]
    if unknown and not case.gates.allow_unknown_links:
        return failed(
            "links",
            f"{len(unknown)} of {len(urls)} links are unknown: "
            f"{states[unknown[0]].why or unknown[0]}",
        )
    return passed(
        "links",
        f"{len(urls) - len(unknown)} of {len(urls)} links are alive, {len(unknown)} are unknown.",
    )


def links_of(page: str, site_url: str, slug: str) -> list[str]:
    """The addresses that the article's links lead to, each once and without its fragment; none
    within the page.
    """
    base = f"{site_url}/{in_url(slug)}/"
    hrefs = [href for href in (a.get("href") for a in markup.article(page).iter("a")) if href]
    whole = [
        href if urlsplit(href).scheme else urljoin(base, href)
        for href in hrefs
        if not href.startswith("#")
    ]
    return list(dict.fromkeys(urldefrag(url).url for url in whole))


def _foreign(case: Case, urls: list[str]) -> Iterator[Fault | str]:
    sources = {snapshot.url for snapshot in case.pool.values()} | case.byline_urls
    sources |= {image.licence_url for image in case.draft.images if image.licence_url}
    own = urlsplit(case.site.url).netloc
    for url in urls:
        if url not in sources and urlsplit(url).netloc != own:
            yield f"The page links to {url}, which is none of its sources."
    anchors = [text for text in places.texts(case.draft) if text.kind == "link"]
    for text, link in zip(anchors, case.draft.links, strict=True):
        if urlsplit(link.url).netloc not in ("", own):
            reason = f"The link {shown(link.anchor)} to {link.url} is no page of this site."
            yield Fault(place=text.place, text=text.text, reason=reason)


def _written(case: Case) -> Iterator[Fault]:
    for text in places.texts(case.draft):
        if bare := _BARE.search(text.text) or _BARE.search(normal(text.text)):
            yield fault(text, f"has an address in its text: {bare[0]}.")
