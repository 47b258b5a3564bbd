"""Drafts to pages, and lists of pages to index, sitemap, feed and robots.txt. Pure: same input,
same bytes.

Escaping has three layers, because the sentences come from strangers: the templates escape
everything, the body then passes an allowlist of elements, and the page forbids scripts by a
Content-Security-Policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import nh3
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from contentstudio.config import Site
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    ListBlock,
    QuoteBlock,
    Reference,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.pictures import cards, raster
from contentstudio.pictures.port import sha256_in
from contentstudio.publish import about as about_page
from contentstudio.publish import anchors, captions, lists, themes
from contentstudio.publish.anchors import Piece
from contentstudio.publish.foot import enclosed
from contentstudio.publish.labels import day, direction, labels, quotation_marks
from contentstudio.publish.lists import Page as Page
from contentstudio.publish.lists import Part, Tag, folder_in_url, shortened
from contentstudio.publish.own_pages import OwnPage, refuse_collisions
from contentstudio.publish.related import related
from contentstudio.publish.themes import GENERATOR as GENERATOR
from contentstudio.publish.themes import Template
from contentstudio.text.slugs import in_url
from contentstudio.text.words import parted
from overnight.errors import InvalidPayload

FEED_LENGTH = 50
ICON = "favicon.svg"
CARD = "card.png"  # the picture of a page for social networks, beside it
SHARED = "card.jpg"  # the same of an article whose picture is stored, which is WebP
WORDS_PER_MINUTE = 220
UNSPACED_PER_MINUTE = 500  # characters of scripts without blanks between words
CONTENTS_FROM = 5  # sections: a shorter article is seen at a glance
WINDOW_TITLE = (
    60  # characters of a title that search engines show: the site's name must not cut the article's
)
# What HTML and XML cannot carry, however it is escaped: one such character would break the whole
# feed.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TAGS = {
    "section",
    "nav",
    "h2",
    "h3",
    "p",
    "q",
    "sup",
    "a",
    "ol",
    "ul",
    "li",
    "span",
    "figure",
    "figcaption",
    "img",
    "blockquote",
    "aside",
    "strong",
}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {
    "a": {"href", "rel", "aria-label"},
    "q": {"cite"},
    "blockquote": {"cite"},
    "li": {"id"},
    "th": {"scope"},
    "figure": {"class"},
    "aside": {"class", "role", "aria-label"},
    "ol": {"class"},
    "section": {"class", "id", "aria-label"},
    "nav": {"class", "aria-label"},
    "h2": {"id"},
    "h3": {"id"},
    "span": {"class"},
    "img": {"src", "alt", "width", "height", "loading"},
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_RESERVED = re.compile(r"s\d+|content|contents|questions|sources")  # ids that the page itself gives


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture for social networks: its whole address, what it shows, and its size in pixels where
    that is known.
    """

    src: str
    alt: str
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _About:
    """What a page's head says. `url` is its canonical address, "" for one that stands at many."""

    title: str
    window_title: str
    description: str
    url: str
    picture: _Picture
    kind: str = "website"
    indexed: bool = True


@dataclass(frozen=True, slots=True)
class _Span:
    """A sentence as it is shown: `cite` is its source's URL, `mark` the number of the source that
    follows it.

    `pieces` are its words with the links in them.
    """

    text: str
    pieces: list[Piece]
    quoted: bool
    cite: str | None
    mark: int | None


def article(
    site: Site,
    draft: Draft,
    *,
    published_at: datetime,
    updated_at: datetime,
    indexed: bool = True,
    foot: str | None = None,
    sizes: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> str:
    """The article as a whole HTML page, which asks search engines not to list it where it is not to
    be `indexed`.

    `foot` is its own of `feet`; without it the page names nothing else of its site. `sizes` are
    width and height of its pictures in pixels by their `src`, as far as they are known: so nothing
    moves while the page loads.

    Raises InvalidPayload when a sentence names a source that is not among the references.
    """
    topics = [
        (folder_in_url(lists.tag_folder(slug)), name)
        for slug, name in lists.named(draft.tags).items()
    ]
    about = _about_article(site, draft, indexed, sizes)
    structured = structured_data(site, draft, published_at=published_at, updated_at=updated_at)
    if _first_picture(site, draft) is None:
        structured[0]["image"] = [about.picture.src]
    crumbs = [(f"{site.url}/{path}", name) for path, name in topics[:1]]
    return _template(site, "article.html").render(
        **_frame(site, about, "../", draft.language) | ({} if foot is not None else {"icon": None}),
        draft=draft,
        tongue=draft.language if _LANGUAGE.fullmatch(draft.language) else "",
        topics=topics,
        crumbs=topics[:1],
        body=body(draft, sizes=sizes),
        minutes=reading_minutes(draft.prose()),
        byline_url=_from_article(site, site.byline_url(draft.author)),
        published_at=published_at,
        updated_at=updated_at,
        structured=[*structured, _breadcrumbs(site, [*crumbs, (about.url, draft.title)])],
        foot=enclosed(
            foot
            if foot is not None
            else _foot(_template(site, "foot.html"), draft.language, [], [])
        ),
    )


def card(site: Site, draft: Draft) -> bytes | None:
    """The picture of an article for social networks (PNG), at `CARD` in its folder; None where it
    has one of its own.

    Takes about 60 ms, 200 ms where the title is very long.
    """
    return (
        None
        if _first_picture(site, draft)
        else cards.card(draft.title, _site_title(site), site.color)
    )


def feet(site: Site, pages: Mapping[str, Page], own: Sequence[OwnPage] = ()) -> dict[str, str]:
    """The foot of each article's page, by its slug: the articles nearest to it, and the owner's
    pages.
    """
    near, template = related(pages, language=site.language), _template(site, "foot.html")
    own = about_page.among(site, own, pages)
    return {
        slug: _foot(
            template, page.language or site.language, [(one, pages[one]) for one in near[slug]], own
        )
        for slug, page in pages.items()
    }


@dataclass(frozen=True, slots=True)
class _Block:
    """A block as it is shown: `groups` are the sentences of a paragraph, of a quote, a callout or a
    caption, of each item or step, or of each cell of a table in the order of its rows.

    `head` has the words above them: of the columns, of each step, of the callout. `image` is the
    picture of an image block; without it there is nothing to show.
    """

    kind: Literal["paragraph", "list", "quote", "table", "steps", "callout", "image"]
    groups: list[list[_Span]]
    ordered: bool = False
    head: Sequence[str] = ()
    cite: str | None = None
    tone: str = ""
    image: Image | None = None


def body(
    draft: Draft,
    *,
    cms: bool = False,
    featured: Image | None = None,
    sizes: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> str:
    """What stands between the title and the foot of an article. It has no script.

    For the theme of a `cms` quotes have their marks alone: themes put marks of their own around a
    `<q>`, which our own stylesheet does not. The `featured` picture, which a theme shows above the
    article, is left out.
    `sizes` are as `article` has them.

    Raises InvalidPayload when a sentence names a source that is not among the references.
    """
    linked = iter(anchors.pieces(draft))
    elsewhere = {cards.SRC, *draft.placed()}  # a card says no more than the title above it
    loose = [None if i == featured or i.src in elsewhere else i for i in draft.images]
    ids = _ids(
        [*(section.heading for section in draft.sections), *(one.question for one in draft.faq)]
    )
    sections = [
        {
            "id": next(ids),
            "heading": section.heading,
            "images": list(filter(None, loose[number : number + 1])),
            "blocks": [_block(block, linked, draft) for block in section.blocks],
        }
        for number, section in enumerate(draft.sections)
    ]
    questions = [
        (one.question, next(ids), _spans(one.answer, linked, draft.references)) for one in draft.faq
    ]
    html = _environment.get_template("body.html").render(
        labels=labels(draft.language),
        marks=quotation_marks(draft.language),
        cms=cms,
        sizes=sizes,
        headings=[section.heading for section in draft.sections],
        contents=[(s["id"], s["heading"]) for s in sections]
        if len(sections) >= CONTENTS_FROM
        else [],
        sections=sections,
        more_images=list(filter(None, loose[len(sections) :])),
        questions=questions,
        references=[
            (r.title or r.url, _web_url(r.url), about_source(r, draft.language))
            for r in draft.references
        ],
        disclosure=draft.disclosure,
    )
    return _sanitised(html)


def about_source(reference: Reference, language: str) -> str:
    """Who wrote a source, where it stands, and of which day it is; what is not known is left
    out.
    """
    host = urlsplit(_web_url(reference.url) or "").hostname
    date = day(reference.published_at, language) if reference.published_at else None
    return ", ".join(filter(None, (reference.author, host, date)))


def structured_data(
    site: Site, draft: Draft, *, published_at: datetime, updated_at: datetime
) -> list[dict[str, Any]]:
    """What the page says to machines (JSON-LD): schema.org's Article, and FAQPage where questions
    are answered.

    The site is the publisher, and the author where nobody signs: no person is made up. Google shows
    no results of its own for FAQPage since May 2026 and none for HowTo since September 2023
    (developers.google.com/search/docs/appearance/structured-data/faqpage and
    developers.google.com/search/blog/2023/08/howto-faq-changes). What it does not use does no harm,
    it says there, and others read questions and answers; so FAQPage stays, and steps get no HowTo.
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
        "author": _person(site, draft.author) if draft.author else organization,
        "publisher": organization,
        "citation": [
            _citation(reference) for reference in draft.references if _web_url(reference.url)
        ],
    }
    if draft.images:
        article["image"] = list(map(_image_data, _images(site, draft)))
    if draft.tags:
        article["keywords"] = draft.tags
    return [article, _faq_page(draft)] if draft.faq else [article]


def _image_data(image: Image) -> str | dict[str, Any]:
    """A picture for machines: its address, or an ImageObject where its maker or licence is known.

    Google wants `contentUrl` and one of `creditText`, `creator`, `copyrightNotice`, `license`:
    developers.google.com/search/docs/appearance/structured-data/image-license-metadata.
    """
    if not (image.credit or image.licence_url):
        return image.src
    values = {
        "contentUrl": image.src,
        "url": image.src,
        "caption": image.caption,
        "creditText": image.credit,
        "license": image.licence_url,
        "width": image.width,
        "height": image.height,
    }
    return {"@type": "ImageObject"} | {name: value for name, value in values.items() if value}


def _person(site: Site, name: str) -> dict[str, Any]:
    """An author for machines: schema.org's Person. One whom the profile has no more is a name."""
    person: dict[str, Any] = {"@type": "Person", "name": name, "url": site.byline_url(name)}
    if author := site.profile.author(name):
        person |= {"jobTitle": author.role, "description": author.bio, "sameAs": author.links}
    return {key: value for key, value in person.items() if value}


def _citation(reference: Reference) -> dict[str, Any]:
    work: dict[str, Any] = {
        "@type": "CreativeWork",
        "name": reference.title,
        "url": reference.url,
    }
    if reference.author:
        work["author"] = {"@type": "Person", "name": reference.author}
    if reference.published_at:
        work["datePublished"] = _iso(reference.published_at)
    return work


def _faq_page(draft: Draft) -> dict[str, Any]:
    answers = [
        (one.question, " ".join(sentence.text for sentence in one.answer)) for one in draft.faq
    ]
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "inLanguage": draft.language,
        "mainEntity": [
            {
                "@type": "Question",
                "name": question,
                "acceptedAnswer": {"@type": "Answer", "text": answer},
            }
            for question, answer in answers
        ],
    }


def reading_minutes(text: str) -> int:
    """How long a reader needs, one minute at least."""
    words, unspaced = parted(text)
    return max(1, round(len(words) / WORDS_PER_MINUTE + unspaced / UNSPACED_PER_MINUTE))


def listings(
    site: Site, pages: Mapping[str, Page], own: Sequence[OwnPage] = ()
) -> dict[str, str | bytes]:
    """The files that depend on all articles of a site: path below its folder to content.

    `pages` maps slugs to what is known of them, `own` are the owner's pages. Raises `ConfigError`
    where one of these has the address of an article.

    Of robots.txt there is none where the site is not at the root of its host: nobody would read it.
    """
    refuse_collisions(own, pages)
    own = about_page.among(site, own, pages)
    newest, tags = lists.newest_first(pages), lists.tags(pages)
    values = {
        "site": site,
        "site_title": _site_title(site),
        "articles": [(page_url(site, slug), slug, pages[slug]) for slug in newest],
        "own": [f"{site.url}/{folder_in_url(page.slug)}" for page in own],
        "tags": [
            (
                f"{site.url}/{folder_in_url(tag.folder)}",
                max(pages[slug].updated_at for slug in tag.slugs),
            )
            for tag in tags
            if tag.indexed
        ],
        "updated_at": max(
            (page.updated_at for page in pages.values()), default=datetime.fromtimestamp(0, UTC)
        ),
        "feed_length": FEED_LENGTH,
    }
    files: dict[str, str | bytes] = {
        name: _template(site, name).render(**values) for name in ("sitemap.xml", "feed.xml")
    }
    index, topic = _template(site, "index.html"), _template(site, "tag.html")
    for part in lists.parts("", newest):
        files[_file(part.folder)] = _list(index, pages, own, part, None)
    for tag in tags:
        for part in lists.parts(tag.folder, tag.slugs):
            files[_file(part.folder)] = _list(topic, pages, own, part, tag)
    for page in own:
        files[_file(page.slug)] = _own_page(site, page, own)
    files["404.html"] = _missing(site, own)
    if themes.icon(site) is None:
        files[ICON] = cards.icon(_site_title(site), site.color)
    files[CARD] = cards.card(_site_title(site), urlsplit(site.url).hostname or "", site.color)
    if not urlsplit(site.url).path:
        files["robots.txt"] = f"User-agent: *\nAllow: /\n\nSitemap: {site.url}/sitemap.xml\n"
    if site.ping.key:
        files[f"{site.ping.key}.txt"] = site.ping.key
    return files | themes.files(site)


def _file(folder: str) -> str:
    """The file that a web server shows for a folder."""
    return f"{folder}/index.html".lstrip("/")


def _list(
    template: Template,
    pages: Mapping[str, Page],
    own: Sequence[OwnPage],
    part: Part,
    tag: Tag | None,
) -> str:
    """A part of the index, or of the list of a tag. No two parts have one description: each names
    its articles.
    """
    site = template.site
    words, depth = labels(site.language), part.folder.count("/") + bool(part.folder)
    heading = tag.name if tag else _site_title(site)
    titles = " · ".join(pages[slug].title for slug in part.slugs)
    number = words["page"].format(number=part.number, count=part.count) if part.number > 1 else ""
    topic = words["articles_on"].format(tag=tag.name) if tag else _site_title(site)
    label = ", ".join(filter(None, (topic, number)))
    description = (
        site.description if part.folder == "" and site.description else f"{label}: {titles}"
    )
    about = _About(
        title=", ".join(filter(None, (heading, number))),
        window_title=_with_site(site, label) if tag else label,
        description=shortened(description if titles or site.description else label),
        url=f"{site.url}/{folder_in_url(part.folder)}",
        picture=_site_card(site),
        indexed=tag is None or tag.indexed,
    )
    crumbs = [(about.url, heading)]
    return template.render(
        **_frame(site, about, "../" * depth, site.language),
        heading=heading,
        number=number,
        articles=[(slug, pages[slug]) for slug in part.slugs],
        newer=None if part.newer is None else folder_in_url(part.newer),
        older=None if part.older is None else folder_in_url(part.older),
        structured=[_breadcrumbs(site, crumbs)] if tag else [],
        crumbs=[],
        own=own,
    )


def _own_page(site: Site, page: OwnPage, own: Sequence[OwnPage]) -> str:
    about = _About(
        title=page.title,
        window_title=_with_site(site, page.title),
        description=page.description or f"{page.title} · {_site_title(site)}",
        url=f"{site.url}/{folder_in_url(page.slug)}",
        picture=_site_card(site),
    )
    frame = _frame(site, about, "../", site.language)
    structured = [_breadcrumbs(site, [(about.url, page.title)])]
    return _template(site, "own.html").render(
        **frame, page=page, own=own, structured=structured, crumbs=[]
    )


def _missing(site: Site, own: Sequence[OwnPage]) -> str:
    """What a server shows where there is no page. It stands at any address, so its links begin at
    the host's root.
    """
    words, root = labels(site.language), f"{urlsplit(site.url).path}/"
    about = _About(
        title=words["missing"],
        window_title=_with_site(site, words["missing"]),
        description=words["missing_text"],
        url="",
        picture=_site_card(site),
        indexed=False,
    )
    frame = _frame(site, about, root, site.language)
    return _template(site, "404.html").render(**frame, own=own, structured=[], crumbs=[])


def _foot(
    template: Template, language: str, near: Sequence[tuple[str, Page]], own: Sequence[OwnPage]
) -> str:
    return template.render(
        site_title=_site_title(template.site),
        labels=labels(language),
        root="../",
        near=near,
        own=own,
    )


def _frame(site: Site, about: _About, root: str, language: str) -> dict[str, Any]:
    """What every page has. `root` leads from it to the top of the site."""
    return {
        "site": site,
        "site_title": _site_title(site),
        "about": about,
        "root": root,
        "icon": themes.icon(site) or ICON,
        "accent": cards.accent(site.color),
        "labels": labels(language),
        "direction": direction(language),
    }


def _about_article(
    site: Site, draft: Draft, indexed: bool, sizes: Mapping[str, tuple[int, int]]
) -> _About:
    url = page_url(site, draft.slug)
    image = _first_picture(site, draft)
    card = _Picture(f"{url}{CARD}", draft.title, (cards.WIDTH, cards.HEIGHT))
    return _About(
        title=draft.title,
        window_title=_with_site(site, draft.title),
        description=draft.description,
        url=url,
        picture=_shared(url, draft, image, sizes) if image else card,
        kind="article",
        indexed=indexed,
    )


def shared(draft: Draft) -> Image | None:
    """The picture of which networks get a copy, at `SHARED`: a stored one that comes first."""
    return next((image for image in draft.images[:1] if sha256_in(image.src)), None)


def _shared(url: str, draft: Draft, image: Image, sizes: Mapping[str, tuple[int, int]]) -> _Picture:
    """The first picture as networks get it; `image` has its whole address."""
    size = _size(draft.images[0], sizes)
    if shared(draft) is None:
        return _Picture(image.src, image.alt, size)
    return _Picture(f"{url}{SHARED}", image.alt, size and raster.shared_size(*size))


def _size(
    image: Image, sizes: Mapping[str, tuple[int, int]] = MappingProxyType({})
) -> tuple[int, int] | None:
    """Width and height of a picture in pixels: as measured, else as it says itself."""
    known = (image.width, image.height) if image.width and image.height else None
    return sizes.get(image.src, known)


def _site_card(site: Site) -> _Picture:
    return _Picture(f"{site.url}/{CARD}", _site_title(site), (cards.WIDTH, cards.HEIGHT))


def _breadcrumbs(site: Site, crumbs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The way from the top of the site to a page, for machines: schema.org's BreadcrumbList of URLs
    and names.
    """
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": name, "item": url}
            for number, (url, name) in enumerate([(f"{site.url}/", _site_title(site)), *crumbs], 1)
        ],
    }


def page_url(site: Site, slug: str) -> str:
    """The address of an article; it is its canonical URL too."""
    return f"{site.url}/{in_url(slug)}/"


def _from_article(site: Site, url: str | None) -> str | None:
    """An address as an article's page has it: one of the site from the page on, so that it holds
    wherever the folder is shown.
    """
    return re.sub(rf"^{re.escape(site.url)}/", "../", url) if url else None


def _site_title(site: Site) -> str:
    return site.title or site.name


def _with_site(site: Site, title: str) -> str:
    """The title with the site's name behind it, where there is room for both."""
    both = f"{title} · {_site_title(site)}"
    return both if len(both) <= WINDOW_TITLE else title


def _images(site: Site, draft: Draft) -> list[Image]:
    """The pictures with whole addresses, for those who do not stand on the page."""
    base = page_url(site, draft.slug)
    return [image.model_copy(update={"src": urljoin(base, image.src)}) for image in draft.images]


def _first_picture(site: Site, draft: Draft) -> Image | None:
    """The first picture, with its whole address, if that is one of the web."""
    return next((image for image in _images(site, draft)[:1] if _web_url(image.src)), None)


def _ids(headings: Iterable[str]) -> Iterator[str]:
    """An id for each heading: its words, as an address has them, and no id twice."""
    from slugify import slugify

    ids: set[str] = set()
    for number, heading in enumerate(headings, 1):
        name = slugify(heading, max_length=60, word_boundary=True) or f"section-{number}"
        while name in ids or _RESERVED.fullmatch(name):
            name = f"{name}-{number}"
        ids.add(name)
        yield name


def _block(block: Block, linked: Iterator[list[Piece]], draft: Draft) -> _Block:
    def spans(group: list[Sentence]) -> list[_Span]:
        return _spans(group, linked, draft.references)

    match block:
        case ListBlock():
            return _Block("list", [spans(item) for item in block.items], ordered=block.ordered)
        case QuoteBlock():
            text = spans(block.sentences)
            cited = {span.cite for span in text}
            return _Block("quote", [text], cite=cited.pop() if len(cited) == 1 else None)
        case TableBlock():
            return _Block(
                "table", [spans(cell) for row in block.rows for cell in row], head=block.head
            )
        case StepsBlock():
            step_texts = [spans(step.sentences) for step in block.steps]
            return _Block("steps", step_texts, head=[step.name for step in block.steps])
        case CalloutBlock():
            headline = captions.headline(block.tone, block.title, draft.language)
            return _Block("callout", [spans(block.sentences)], head=[headline], tone=block.tone)
        case ImageBlock():
            return _Block("image", [spans(block.caption)], image=draft.image(block.src))
    return _Block("paragraph", [spans(block)])


def _spans(
    paragraph: list[Sentence], linked: Iterator[list[Piece]], references: list[Reference]
) -> list[_Span]:
    """Sentences that follow each other and come from one source share one citation mark, after the
    last of them.

    `linked` gives the pieces of each sentence in reading order.
    """
    numbers = {reference.id: number for number, reference in enumerate(references, 1)}
    spans = []
    for sentence, following in zip(paragraph, [*paragraph[1:], None], strict=False):
        number = numbers.get(sentence.source) if sentence.source else None
        if sentence.source and number is None:
            raise InvalidPayload(
                f"A sentence cites {sentence.source!r}, which is not among the article's "
                "references."
            )
        shared = following and (following.source, following.quoted) == (
            sentence.source,
            sentence.quoted,
        )
        cite = _web_url(references[number - 1].url) if number else None
        pieces = [piece if _followable(piece.url) else Piece(piece.text) for piece in next(linked)]
        spans.append(
            _Span(sentence.text, pieces, sentence.quoted, cite, None if shared else number)
        )
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
        fragment,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel=None,
        strip_comments=True,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _printable(value: Any) -> Any:
    return (
        _FORBIDDEN.sub("", value)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def read_template(site: Site, name: str) -> None:
    """Read a template without using it. Raises `ThemeError` where it is none."""
    _template(site, name).read()


def _template(site: Site, name: str) -> Template:
    return Template(
        site,
        _environment if site.theme is None else _themed(site.theme, themes.stamp(site.theme)),
        name,
    )


def _build_environment(
    kind: type[Environment] = Environment, theme: Path | None = None
) -> Environment:
    environment = kind(
        loader=themes.loader(theme),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
        auto_reload=False,  # a theme's templates are read again with another stamp
    )
    environment.filters.update(iso=_iso, day=lru_cache(maxsize=10_000)(day), in_url=in_url)
    environment.filters.update(credit=captions.credit, size=_size)
    return environment


@lru_cache(maxsize=256)
def _themed(theme: Path, stamp: themes.Stamp) -> Environment:
    return _build_environment(themes.Sandbox, theme)


_environment = _build_environment()
