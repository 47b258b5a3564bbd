"""Drafts to pages, and lists of pages to index, sitemap, feed and robots.txt. Pure: same input, same bytes.

Escaping has three layers, because the sentences come from strangers: the templates escape everything, the body then
passes an allowlist of elements, and the page forbids scripts by a Content-Security-Policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import nh3
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contentstudio.config import Site
from contentstudio.model import Draft, Model, Reference, Sentence
from overnight.errors import InvalidPayload

GENERATOR = '<meta name="generator" content="contentstudio">'
FEED_LENGTH = 50
WORDS_PER_MINUTE = 220
MONTHS = ["January", "February", "March", "April", "May", "June"]
MONTHS += ["July", "August", "September", "October", "November", "December"]

# What HTML and XML cannot carry, however it is escaped: one such character would break the whole feed.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TAGS = {"section", "h2", "p", "q", "sup", "a", "ol", "li", "cite", "span"}
_ATTRIBUTES = {
    "a": {"href", "rel", "aria-label"},
    "q": {"cite"},
    "li": {"id"},
    "section": {"class", "aria-labelledby"},
    "h2": {"id"},
    "span": {"class"},
}


class Page(Model):
    """What the lists say of a published article. The times are UTC; `sha256` is of the content as published."""

    title: str
    description: str
    sha256: str
    published_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Span:
    """A sentence as it is shown: `cite` is its source's URL, `mark` the number of the source that follows it."""

    text: str
    quoted: bool
    cite: str | None
    mark: int | None


def article(site: Site, draft: Draft, *, published_at: datetime, updated_at: datetime) -> str:
    """The article as a whole HTML page.

    Raises InvalidPayload when a sentence names a source that is not among the references.
    """
    body = _environment.get_template("body.html").render(
        sections=[(s.heading, [_spans(p, draft.references) for p in s.paragraphs]) for s in draft.sections],
        references=[
            (r.title or r.url, _web_url(r.url), urlsplit(_web_url(r.url) or "").hostname) for r in draft.references
        ],
    )
    return _environment.get_template("article.html").render(
        site=site,
        site_title=_site_title(site),
        draft=draft,
        url=page_url(site, draft.slug),
        generator=GENERATOR,
        body=_sanitised(body),
        minutes=max(1, round(len(draft.prose().split()) / WORDS_PER_MINUTE)),
        published_at=published_at,
        updated_at=updated_at,
        structured=_structured(site, draft, published_at, updated_at),
    )


def listings(site: Site, pages: Mapping[str, Page]) -> dict[str, str]:
    """The files that depend on all articles of a site: name to text. `pages` maps slugs to what is known of them."""
    newest_first = sorted(sorted(pages.items()), key=lambda item: item[1].published_at, reverse=True)
    values = {
        "site": site,
        "site_title": _site_title(site),
        "generator": GENERATOR,
        "articles": [(page_url(site, slug), slug, page) for slug, page in newest_first],
        "updated_at": max((page.updated_at for page in pages.values()), default=datetime.fromtimestamp(0, UTC)),
        "feed_length": FEED_LENGTH,
    }
    files = {name: _environment.get_template(name).render(values) for name in ("index.html", "sitemap.xml", "feed.xml")}
    files["robots.txt"] = f"User-agent: *\nAllow: /\n\nSitemap: {site.url}/sitemap.xml\n"
    if site.ping.key:
        files[f"{site.ping.key}.txt"] = site.ping.key
    return files


def page_url(site: Site, slug: str) -> str:
    """The address of an article; it is its canonical URL too."""
    return f"{site.url}/{slug}/"


def _site_title(site: Site) -> str:
    return site.title or site.name


def _spans(paragraph: list[Sentence], references: list[Reference]) -> list[_Span]:
    """Sentences that follow each other and come from one source share one citation mark, after the last of them."""
    numbers = {reference.id: number for number, reference in enumerate(references, 1)}
    spans = []
    for sentence, following in zip(paragraph, [*paragraph[1:], None], strict=False):
        number = numbers.get(sentence.source) if sentence.source else None
        if sentence.source and number is None:
            raise InvalidPayload(f"A sentence cites {sentence.source!r}, which is not among the article's references.")
        shared = following and (following.source, following.quoted) == (sentence.source, sentence.quoted)
        cite = _web_url(references[number - 1].url) if number else None
        spans.append(_Span(sentence.text, sentence.quoted, cite, None if shared else number))
    return spans


def _web_url(url: str) -> str | None:
    """The URL if a reader may follow it (http and https alone), else None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def _sanitised(fragment: str) -> str:
    return nh3.clean(
        fragment, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=None, strip_comments=True
    )


def _structured(site: Site, draft: Draft, published_at: datetime, updated_at: datetime) -> dict[str, Any]:
    """schema.org's Article. The site is author and publisher: no person is made up."""
    organization = {"@type": "Organization", "name": _site_title(site), "url": f"{site.url}/"}
    return {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": draft.title,
        "description": draft.description,
        "inLanguage": draft.language,
        "datePublished": _iso(published_at),
        "dateModified": _iso(updated_at),
        "mainEntityOfPage": {"@type": "WebPage", "@id": page_url(site, draft.slug)},
        "author": organization,
        "publisher": organization,
        "citation": [
            {"@type": "CreativeWork", "name": reference.title, "url": reference.url}
            for reference in draft.references
            if _web_url(reference.url)
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(moment: datetime, language: str) -> str:
    """The date for readers: in words where we know the words, else as ISO 8601. Never by the process's locale."""
    day = moment.astimezone(UTC)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}" if language == "en" else day.date().isoformat()


def _printable(value: Any) -> Any:
    return _FORBIDDEN.sub("", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _build_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("contentstudio.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    environment.filters.update(iso=_iso, day=_day)
    return environment


_environment = _build_environment()
