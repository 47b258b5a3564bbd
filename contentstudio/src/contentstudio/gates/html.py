"""The page is sanitised, and the text holds no markup. In every language.

Two looks. The article as it was rendered must be what an allowlist leaves of it: the list here is
another than the renderer's, so that one mistake is not made twice. And what the writer wrote must
hold no tags, for they are either an attack or would be shown to readers as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import nh3

from contentstudio import places
from contentstudio.gates import markup
from contentstudio.gates.input import Case, fault, known, verdict
from contentstudio.model import Fault, Verdict
from contentstudio.text.wording import listed

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_TAGS = listed(
    "a abbr aside b blockquote br caption cite code dd del details dfn div dl dt em "
    "figcaption figure footer h1 h2 h3 "
    "h4 header hr i img ins kbd li main mark nav ol p pre q s samp section small span "
    "strong sub summary sup table "
    "tbody td tfoot th thead time tr u ul var wbr"
)
_ANYWHERE = frozenset(
    {"class", "id", "lang", "dir", "title", "role", "aria-label", "aria-labelledby", "aria-hidden"}
)
_ATTRIBUTES = {
    "a": {"href", "rel"},
    "blockquote": {"cite"},
    "img": {"src", "alt", "width", "height", "loading", "decoding"},
    "ol": {"start"},
    "q": {"cite"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_SCHEMES = frozenset({"http", "https"})
_RUN = frozenset({"javascript", "data", "vbscript"})
_ACTIVE = listed(
    "script style iframe frame frameset object embed applet svg math form input button "
    "select textarea link meta base "
    "template video audio source noscript"
)
_DATA = "application/ld+json"  # a script that nobody runs


def check(case: Case) -> Verdict:
    """Compare the article with what the allowlist leaves of it, look over its page, and over the
    draft's own words.
    """
    page = known(case.page, "the page")
    wrong: list[Fault | str] = [
        *(fault(text, why) for text in places.texts(case.draft) for why in _markup_in(text.text)),
        *_on_page(page, case),
    ]
    return verdict("html", wrong, "The page is what the allowlist leaves of it.")


def _markup_in(text: str) -> Iterator[str]:
    tags = markup.Tags(text)
    for name, attributes in tags.opened:
        if name in _ACTIVE or name == "img":
            yield f"has a <{name}> in it."
        for attribute, value in attributes:
            if attribute.startswith("on") or _scheme(value or "") in _RUN:
                yield f"has {attribute} on a <{name}> in it."
    if closed := [name for name in tags.closed if name in (*_TAGS, *_ACTIVE)]:
        yield f"has markup in it: </{closed[0]}>."


def _on_page(page: str, case: Case) -> Iterator[str]:
    article = markup.article(page)
    for element in markup.whole(page).iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag == "script" and element.get("type") != _DATA:
            yield "The page has a <script> that a browser runs."
        for name in element.attrib:
            if name.startswith("on") or name == "style":
                yield f"The page has {name} on a <{element.tag}>."
    active = next(article.iter(*_ACTIVE), None)
    if active is not None:
        yield f"The article has an <{active.tag}>."
    for url in markup.urls(article):
        if (scheme := _scheme(url)) and scheme not in _SCHEMES:
            yield f"The article has an address that begins with {scheme}: ."
    for image in article.iter("img"):
        host = urlsplit(image.get("src") or "").hostname
        if host and host != urlsplit(case.site.url).hostname:
            yield f"The article loads a picture from {host}, which is another host than the site's."
    if change := _difference(markup.inside(page)):
        yield f"The article is not what the allowlist leaves of it: {change}."


def _difference(raw: str) -> str | None:
    """The first element that sanitising takes away or changes; None where it leaves everything as
    it is.
    """
    attributes = {tag: set(_ATTRIBUTES.get(tag, ())) | _ANYWHERE for tag in _TAGS}
    clean = nh3.clean(
        raw, tags=set(_TAGS), attributes=attributes, url_schemes=set(_SCHEMES), link_rel=None
    )
    before, after = (
        _shape(markup.whole(f"<div>{raw}</div>")),
        _shape(markup.whole(f"<div>{clean}</div>")),
    )
    if before == after:
        return None
    gone = next(
        (one for one, other in zip(before, after, strict=False) if one != other), before[-1]
    )
    return f"<{gone[0]}{''.join(' ' + name for name, _ in gone[1])}> is changed"


def _shape(tree: HtmlElement) -> list[tuple[str, tuple[tuple[str, str], ...], str]]:
    """Elements, attributes and words in reading order, however they are spelled."""
    return [
        (
            str(e.tag) if isinstance(e.tag, str) else "!--",
            tuple(sorted(e.attrib.items())),
            f"{e.text or ''}|{e.tail or ''}",
        )
        for e in tree.iter()
    ]


def _scheme(url: str) -> str:
    """What stands before the first colon, as browsers see it: without blanks and control
    characters.
    """
    plain = "".join(c for c in url if c > " ")
    head, colon, _ = plain.partition(":")
    return head.lower() if colon and head.isascii() and not set("/?#") & set(head) else ""
