"""Drafts to pages, and lists of pages to index, sitemap, feed and robots.txt. Pure: same input, same bytes.

Escaping has three layers, because the sentences come from strangers: the templates escape everything, the body then
passes an allowlist of elements, and the page forbids scripts by a Content-Security-Policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import nh3
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from contentstudio.config import Site
from contentstudio.model import Draft, Image, Model, Reference, Sentence
from contentstudio.publish import anchors, themes
from contentstudio.publish.anchors import Piece
from contentstudio.publish.labels import day, direction, labels
from contentstudio.publish.themes import GENERATOR as GENERATOR
from contentstudio.publish.themes import Template
from contentstudio.research.slugs import in_url
from overnight.errors import InvalidPayload

FEED_LENGTH = 50
WORDS_PER_MINUTE = 220
UNSPACED_PER_MINUTE = 500  # characters of scripts without blanks between words
CONTENTS_FROM = 5  # sections: a shorter article is seen at a glance
WINDOW_TITLE = 60  # characters of a title that search engines show: the site's name must not cut the article's
# What HTML and XML cannot carry, however it is escaped: one such character would break the whole feed.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TAGS = {"section", "nav", "h2", "h3", "p", "q", "sup", "a", "ol", "li", "span", "figure", "img"}
_ATTRIBUTES = {
    "a": {"href", "rel", "aria-label"},
    "q": {"cite"},
    "li": {"id"},
    "section": {"class", "id", "aria-label"},
    "nav": {"class", "aria-label"},
    "h2": {"id"},
    "h3": {"id"},
    "span": {"class"},
    "img": {"src", "alt", "loading"},
}
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_RESERVED = re.compile(r"s\d+|content|contents|questions|sources")  # ids that the page itself gives


class Page(Model):
    """What the lists say of a published article. The times are UTC; `sha256` is of the content as published.

    What is not `indexed` is left out of the sitemap.
    """

    title: str
    description: str
    sha256: str
    published_at: datetime
    updated_at: datetime
    indexed: bool = True


@dataclass(frozen=True, slots=True)
class _Span:
    """A sentence as it is shown: `cite` is its source's URL, `mark` the number of the source that follows it.

    `pieces` are its words with the links in them.
    """

    text: str
    pieces: list[Piece]
    quoted: bool
    cite: str | None
    mark: int | None


def article(site: Site, draft: Draft, *, published_at: datetime, updated_at: datetime, indexed: bool = True) -> str:
    """The article as a whole HTML page, which asks search engines not to list it where it is not to be `indexed`.

    Raises InvalidPayload when a sentence names a source that is not among the references.
    """
    return _template(site, "article.html").render(
        site=site,
        site_title=_site_title(site),
        window_title=_window_title(site, draft),
        draft=draft,
        url=page_url(site, draft.slug),
        tongue=draft.language if _LANGUAGE.fullmatch(draft.language) else "",
        images=_images(site, draft),
        body=body(draft),
        indexed=indexed,
        labels=labels(draft.language),
        direction=direction(draft.language),
        minutes=reading_minutes(draft.prose()),
        published_at=published_at,
        updated_at=updated_at,
        structured=structured_data(site, draft, published_at=published_at, updated_at=updated_at),
    )


def body(draft: Draft) -> str:
    """What stands between the title and the foot of an article, for a CMS that has a page around it. It has no script.

    Raises InvalidPayload when a sentence names a source that is not among the references.
    """
    linked = iter(anchors.pieces(draft))
    ids = _ids([*(section.heading for section in draft.sections), *(one.question for one in draft.faq)])
    sections = [
        {
            "id": next(ids),
            "heading": section.heading,
            "image": draft.images[number] if number < len(draft.images) else None,
            "paragraphs": [_spans(paragraph, linked, draft.references) for paragraph in section.paragraphs],
        }
        for number, section in enumerate(draft.sections)
    ]
    questions = [(one.question, next(ids), _spans(one.answer, linked, draft.references)) for one in draft.faq]
    html = _environment.get_template("body.html").render(
        labels=labels(draft.language),
        headings=[section.heading for section in draft.sections],
        contents=[(s["id"], s["heading"]) for s in sections] if len(sections) >= CONTENTS_FROM else [],
        sections=sections,
        more_images=draft.images[len(sections) :],
        questions=questions,
        references=[
            (r.title or r.url, _web_url(r.url), urlsplit(_web_url(r.url) or "").hostname) for r in draft.references
        ],
    )
    return _sanitised(html)


def structured_data(site: Site, draft: Draft, *, published_at: datetime, updated_at: datetime) -> list[dict[str, Any]]:
    """What the page says to machines (JSON-LD): schema.org's Article, and FAQPage where questions are answered.

    The site is author and publisher: no person is made up.
    """
    organization = {"@type": "Organization", "name": _site_title(site), "url": f"{site.url}/"}
    article = {
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
    if draft.images:
        article["image"] = [image.src for image in _images(site, draft)]
    if draft.tags:
        article["keywords"] = draft.tags
    return [article, _faq_page(draft)] if draft.faq else [article]


def _faq_page(draft: Draft) -> dict[str, Any]:
    answers = [(one.question, " ".join(sentence.text for sentence in one.answer)) for one in draft.faq]
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "inLanguage": draft.language,
        "mainEntity": [
            {"@type": "Question", "name": question, "acceptedAnswer": {"@type": "Answer", "text": answer}}
            for question, answer in answers
        ],
    }


def reading_minutes(text: str) -> int:
    """How long a reader needs, one minute at least."""
    unspaced = len(_UNSPACED.findall(text))
    words = len(_UNSPACED.sub(" ", text).split())
    return max(1, round(words / WORDS_PER_MINUTE + unspaced / UNSPACED_PER_MINUTE))


def listings(site: Site, pages: Mapping[str, Page]) -> dict[str, str | bytes]:
    """The files beside the articles of a site: path below its folder to content. `pages` maps slugs to what is known
    of them.

    Of robots.txt there is none where the site is not at the root of its host: nobody would read it.
    """
    newest_first = sorted(sorted(pages.items()), key=lambda item: item[1].published_at, reverse=True)
    values = {
        "site": site,
        "site_title": _site_title(site),
        "articles": [(page_url(site, slug), slug, page) for slug, page in newest_first],
        "updated_at": max((page.updated_at for page in pages.values()), default=datetime.fromtimestamp(0, UTC)),
        "feed_length": FEED_LENGTH,
        "labels": labels(site.language),
        "direction": direction(site.language),
    }
    files: dict[str, str | bytes] = {
        name: _template(site, name).render(**values) for name in ("index.html", "sitemap.xml", "feed.xml")
    }
    if not urlsplit(site.url).path:
        files["robots.txt"] = f"User-agent: *\nAllow: /\n\nSitemap: {site.url}/sitemap.xml\n"
    if site.ping.key:
        files[f"{site.ping.key}.txt"] = site.ping.key
    return files | themes.files(site)


def page_url(site: Site, slug: str) -> str:
    """The address of an article; it is its canonical URL too."""
    return f"{site.url}/{in_url(slug)}/"


def _site_title(site: Site) -> str:
    return site.title or site.name


def _window_title(site: Site, draft: Draft) -> str:
    """The title with the site's name behind it, where there is room for both."""
    both = f"{draft.title} · {_site_title(site)}"
    return both if len(both) <= WINDOW_TITLE else draft.title


def _images(site: Site, draft: Draft) -> list[Image]:
    """The pictures with whole addresses, for those who do not stand on the page."""
    base = page_url(site, draft.slug)
    return [image.model_copy(update={"src": urljoin(base, image.src)}) for image in draft.images]


def _ids(headings: Iterable[str]) -> Iterator[str]:
    """An id for each heading: its words, as an address has them, and no id twice."""
    from slugify import slugify

    given: set[str] = set()
    for number, heading in enumerate(headings, 1):
        id = slugify(heading, max_length=60, word_boundary=True) or f"section-{number}"
        while id in given or _RESERVED.fullmatch(id):
            id = f"{id}-{number}"
        given.add(id)
        yield id


def _spans(paragraph: list[Sentence], linked: Iterator[list[Piece]], references: list[Reference]) -> list[_Span]:
    """Sentences that follow each other and come from one source share one citation mark, after the last of them.

    `linked` gives the pieces of each sentence in reading order.
    """
    numbers = {reference.id: number for number, reference in enumerate(references, 1)}
    spans = []
    for sentence, following in zip(paragraph, [*paragraph[1:], None], strict=False):
        number = numbers.get(sentence.source) if sentence.source else None
        if sentence.source and number is None:
            raise InvalidPayload(f"A sentence cites {sentence.source!r}, which is not among the article's references.")
        shared = following and (following.source, following.quoted) == (sentence.source, sentence.quoted)
        cite = _web_url(references[number - 1].url) if number else None
        pieces = [piece if _followable(piece.url) else Piece(piece.text) for piece in next(linked)]
        spans.append(_Span(sentence.text, pieces, sentence.quoted, cite, None if shared else number))
    return spans


def _followable(url: str | None) -> bool:
    """Whether a reader may be led there: a page of the web, or one of this site by its path."""
    return url is not None and (_web_url(url) is not None or bool(re.match(r"/(?!/)", url)))


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


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _printable(value: Any) -> Any:
    return _FORBIDDEN.sub("", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def read_template(site: Site, name: str) -> None:
    """Read a template without using it. Raises `ThemeError` where it is none."""
    _template(site, name).read()


def _template(site: Site, name: str) -> Template:
    return Template(site, _environment if site.theme is None else _themed(site.theme), name)


def _build_environment(kind: type[Environment] = Environment, theme: Path | None = None) -> Environment:
    environment = kind(
        loader=themes.loader(theme),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
        cache_size=400 if theme is None else 0,  # an owner may add a template while we run
    )
    environment.filters.update(iso=_iso, day=day)
    return environment


@lru_cache(maxsize=256)
def _themed(theme: Path) -> Environment:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return _build_environment(ImmutableSandboxedEnvironment, theme)


_environment = _build_environment()
