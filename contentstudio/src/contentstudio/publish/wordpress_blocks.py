"""Drafts as blocks of WordPress's editor (Gutenberg), byte for byte as WordPress 6.1 itself would
save them. Pure.

An owner opens such a post as any other, and a save without changes changes nothing. What no block
of the editor can hold stably is put otherwise: an entity such as `&#91;` becomes a bare `[` as soon
as a person saves, so what WordPress would run as a shortcode, replace by a preview, or read as an
entity, has an element around its beginning. In `alt`, where no element can stand, a word joiner
parts it.

The content fingerprint (`publish/mark.py`) stands in `placeholder` of the first heading or
paragraph: an attribute of the block that the editor keeps and no reader sees.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

import nh3

from contentstudio.model import Draft, Image, Reference
from contentstudio.publish import anchors, captions, fingerprint, render
from contentstudio.publish.anchors import Piece
from contentstudio.publish.labels import labels, quotation_marks

# the empty draft; the editor opens it as an empty block
BEGUN = '<!-- wp:html {"contentstudio":"begun"} /-->'
_MARKED = ("heading", "paragraph")  # the blocks that have a placeholder
_NAMES = "|".join(_MARKED)
_SPACES = re.compile(r"[ \t\n\r\f]+")
# What WordPress takes for the name of a shortcode (do_shortcode).
_SHORTCODE = re.compile(r"\[(?=[^<>&/\[\]\x00-\x20=])")
_ONLY_A_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)  # WP_Embed::autoembed
_HOST = re.compile(r"[a-z]+://[^/?#]*", re.IGNORECASE)
_UNSAFE = re.compile(r"[^!#$%&'()*+,./0-9:;=?@A-Z_a-z~\u00a1-\U0010ffff-]")  # in an attribute
_UNSAFE_IN_HOST = re.compile(_UNSAFE.pattern.replace("@", r"@\[\]"))  # of IPv6
# What the editor does not escape in attributes (escapeAmpersand).
_ENTITY = re.compile(r"&([a-z0-9]+|#[0-9]+|#x[a-f0-9]+);", re.IGNORECASE)
# What WordPress makes an entity of again for accounts without `unfiltered_html`
# (wp_kses_normalize_entities).
_NUMBERED = re.compile(r"&amp;(?=#(?:[0-9]+|x[0-9a-f]+);)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # which is not seen
_TAGS = {"a", "br", "cite", "span", "strong", "sup"}
_ATTRIBUTES = {"a": {"id", "href", "rel", "aria-label"}, "span": {"id"}}

_OLD = re.compile(
    r'<!-- wp:html {"contentstudio":"([0-9a-f.]+)"} -->\n(.*)\n<!-- /wp:html -->', re.DOTALL
)
_FINGERPRINT = re.compile(
    rf'<!-- wp:(?:{_NAMES}) {{(?:(?!-->).)*?"placeholder":"({fingerprint.MARK.pattern})"'
)
_COMMENT = re.compile(r"<!-- (/?wp:[a-z/-]+) ?({.*?})? ?(/?)-->")
_ALT = re.compile(r'(?<=\salt=")[^"]*(?=")')


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the media library: `url` is of the size that stands in the text."""

    id: int
    url: str
    size: Literal["large", "full"] = "full"


@dataclass(frozen=True, slots=True)
class _Block:
    """`attributes` are those of the comment, in the order of the block's schema."""

    name: str
    html: str
    attributes: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        attributes = f" {_json(dict(self.attributes))}" if self.attributes else ""
        return f"<!-- wp:{self.name}{attributes} -->\n{self.html}\n<!-- /wp:{self.name} -->"


def content(draft: Draft, sha256: str, pictures: Mapping[str, Picture], fields: Any = None) -> str:
    """The content of a draft's post, with its fingerprint; `pictures` are those that were uploaded,
    by their `src`,
    `said` is what the fingerprint holds besides the text (see `mark.py`).

    The featured one is left out where no block places it: themes show it above the text. Raises
    InvalidPayload when a sentence names a source that is not among the references.
    """
    blocks = list(_blocks(draft, pictures))
    if not any(block.name in _MARKED for block in blocks):  # a draft without any section
        blocks.append(_paragraph(""))
    first = next(number for number, block in enumerate(blocks) if block.name in _MARKED)
    mark = fingerprint.mark(sha256, _readable("\n\n".join(map(str, blocks))), fields)
    blocks[first] = replace(
        blocks[first], attributes=(*blocks[first].attributes, ("placeholder", mark))
    )
    return "\n\n".join(map(str, blocks))


def sha256(content: str, *fields: Any) -> str | None:
    """The hash of the draft that a post's content names, if its words, links and pictures are still
    that draft's.
    """
    old = _OLD.fullmatch(content.strip())
    if old:
        return fingerprint.read(old[1], old[2], *fields)
    match = _FINGERPRINT.search(content)
    return fingerprint.read(match[1], _readable(content), *fields) if match else None


def canonical(content: str) -> str:
    """The content without what a save by WordPress or by a later version of its editor changes by
    itself.

    That is: class names (`wp-block-heading` since 6.3, `wp-block-list` since 6.6), the order of
    attributes in comments, the ends of empty elements, line breaks, and the entities that the
    editor writes as characters in a block in which something was typed. What we did not write as
    blocks stays as it is.
    """
    if not _FINGERPRINT.search(content):
        return content
    classless = re.sub(r'(<[a-z][^<>]*?) class="[^"]*"', r"\1", content.replace(" />", "/>"))
    joined = re.sub(r"\s*\n\s*", "", _COMMENT.sub(_canonical_comment, classless))
    return joined.replace("&nbsp;", "\u00a0").replace("&gt;", ">")


def plain(text: str) -> str:
    """A title or an excerpt as WordPress stores it: readers and the editor are shown the words,
    whatever they are.

    Accounts with `unfiltered_html` may store a script in a title, and others lose what looks like
    an element.
    """
    return _NUMBERED.sub(f"&amp;{_WORD_JOINER}", html.escape(_printable(text), quote=False))


def featured(draft: Draft, pictures: Mapping[str, Picture]) -> Picture | None:
    """The picture that the theme shows above the text: the first that no block places, else the
    first.
    """
    ours = [image.src for image in draft.images if image.src in pictures]
    src = next((src for src in ours if src not in draft.placed()), ours[0] if ours else None)
    return pictures[src] if src else None


def _canonical_comment(comment: re.Match[str]) -> str:
    try:
        attributes = json.loads(comment[2] or "{}")
    except ValueError:
        return comment[0]
    if attributes.get("hasFixedLayout") is False:  # which is another default since 6.6
        del attributes["hasFixedLayout"]
    return f"<!-- {comment[1]} {json.dumps(attributes, sort_keys=True)}{comment[3]}-->"


def _readable(content: str) -> str:
    """The content with the words of its pictures among those that readers see."""
    return re.sub(
        r"<img [^>]*>", lambda img: f"{img[0]} {' '.join(_ALT.findall(img[0]))} ", content
    )


def _blocks(draft: Draft, pictures: Mapping[str, Picture]) -> Iterator[_Block]:
    linked, references = iter(anchors.pieces(draft)), draft.references
    words, sentences = labels(draft.language), _Sentences(draft.language)
    headings = [section.heading for section in draft.sections]
    ids = list(render._ids([*headings, *(one.question for one in draft.faq)]))
    images = _images(draft, pictures)
    if len(headings) >= render.CONTENTS_FROM:
        yield _paragraph(f"<strong>{_text(words['contents'])}</strong>")
        yield _list(
            _link(_text(heading), f"#{name}") for name, heading in zip(ids, headings, strict=False)
        )
    for number, section in enumerate(draft.sections):
        yield from images.pop(number, [])
        yield _heading(2, ids[number], section.heading)
        for block in section.blocks:
            yield from _block(render._block(block, linked, draft), references, sentences, pictures)
    for late in images.values():
        yield from late
    if draft.faq and words["questions"] not in headings:
        yield _heading(2, "questions", words["questions"])
    for one, name in zip(draft.faq, ids[len(headings) :], strict=True):
        yield _heading(3, name, one.question)
        yield _paragraph(sentences(render._spans(one.answer, linked, references)))
    if references:
        if words["sources"] not in headings:
            yield _heading(2, "sources", words["sources"])
        sources = (_source(n, one, draft.language) for n, one in enumerate(references, 1))
        yield _list(sources)
    if draft.disclosure:
        yield _paragraph(_text(draft.disclosure))
    yield from _credit(draft, pictures)


def _credit(draft: Draft, pictures: Mapping[str, Picture]) -> Iterator[_Block]:
    """What stands below the featured picture, and whose it is: themes show it without that."""
    loose = [i for i in draft.images if i.src in pictures and i.src not in draft.placed()]
    for image in loose[:1]:
        credit = "".join(map(_piece, captions.credit(image)))
        if parts := list(filter(None, (_text(image.caption), credit))):
            below = captions.BETWEEN.join(parts)
            yield _paragraph(f"{_text(labels(draft.language)['picture'])}: {below}")


def _images(draft: Draft, pictures: Mapping[str, Picture]) -> dict[int, list[_Block]]:
    """The blocks of the pictures, by the number of the section before which they stand."""
    loose = {n: i for n, i in enumerate(draft.images) if i.src not in draft.placed()}
    first = next((number for number, image in loose.items() if image.src in pictures), None)
    return {
        number: list(_image(image, pictures.get(image.src)))
        for number, image in loose.items()
        if number != first
    }


def _heading(level: int, name: str, words: str) -> _Block:
    attributes = (("level", level),) if level != 2 else ()
    return _Block(
        "heading", f'<h{level} id="{name}">{_inline(_text(words))}</h{level}>', attributes
    )


def _paragraph(inline: str) -> _Block:
    text = _inline(inline)
    if _ONLY_A_URL.fullmatch(text):
        text = f"<span>{text}</span>"
    return _Block("paragraph", f"<p>{text}</p>")


def _list(items: Iterable[str], ordered: bool = True) -> _Block:
    tag = "ol" if ordered else "ul"
    inner = _joined(_Block("list-item", f"<li>{_inline(item)}</li>") for item in items)
    return _Block("list", f"<{tag}>{inner}</{tag}>", (("ordered", True),) if ordered else ())


def _joined(blocks: Iterable[_Block]) -> str:
    return "\n\n".join(map(str, blocks))


def _block(
    block: render._Block,
    references: list[Reference],
    sentences: _Sentences,
    pictures: Mapping[str, Picture],
) -> Iterator[_Block]:
    """The block in WordPress; none for a picture that cannot be shown."""
    groups = list(map(sentences, block.groups))
    match block.kind:
        case "list":
            yield _list(groups, block.ordered)
        case "steps":
            yield _list(map("{}<br>{}".format, map(_strong, block.head), groups))
        case "quote":
            yield _quote(block.groups[0], references, sentences)
        case "table":
            yield _table(block.head, groups)
        case "callout":
            yield _callout(block.head[0], groups[0])
        case "image":
            if block.image:
                yield from _image(block.image, pictures.get(block.image.src), groups[0])
        case "paragraph":
            yield _paragraph(groups[0])


def _strong(words: str) -> str:
    return f"<strong>{_text(words)}</strong>"


def _callout(headline: str, inline: str) -> _Block:
    """A group with a border, which every theme shows; a theme may style `aside.wp-block-group`."""
    sides = dict.fromkeys(("top", "right", "bottom", "left"), "1em")
    style = {"border": {"width": "1px"}, "spacing": {"padding": sides}}
    css = "border-width:1px;" + ";".join(f"padding-{side}:{size}" for side, size in sides.items())
    inner = _joined((_paragraph(_strong(headline)), _paragraph(inline)))
    return _Block(
        "group",
        f'<aside class="wp-block-group" style="{css}">{inner}</aside>',
        (("tagName", "aside"), ("style", style)),
    )


def _quote(spans: list[render._Span], references: list[Reference], sentences: _Sentences) -> _Block:
    """A quote, which needs no quotation marks; its source is named below where it has one alone."""
    sources = {span.mark for span in spans if span.mark}
    cite = (
        f"<cite>{_inline(_titled(references[sources.pop() - 1]))}</cite>"
        if len(sources) == 1
        else ""
    )
    inner = f"{_paragraph(sentences(spans, bare=True))}{cite}"
    return _Block("quote", f'<blockquote class="wp-block-quote">{inner}</blockquote>')


def _table(head: Sequence[str], cells: list[str]) -> _Block:
    width = len(head)
    top = "".join(f'<th scope="col">{_inline(_text(words))}</th>' for words in head)
    rows = (cells[start : start + width] for start in range(0, len(cells), width))
    body = "".join(
        f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return _Block("table", f'<figure class="wp-block-table">{table}</figure>')


def _source(number: int, reference: Reference, language: str) -> str:
    """A source; its id is on an element in the item, for the items of lists have none in WordPress
    6.1.
    """
    about = render.about_source(reference, language)
    return _titled(reference, f' id="s{number}"') + (f" {_text(about)}" if about else "")


def _titled(reference: Reference, attribute: str = "") -> str:
    """The title of a source, which leads there if readers may follow."""
    words, target = _text(reference.title or reference.url), render._web_url(reference.url)
    if target is None:
        return f"<span{attribute}>{words}</span>"
    return f'<a{attribute} rel="noopener nofollow" href="{_href(target)}">{words}</a>'


def _image(image: Image, picture: Picture | None, caption: str = "") -> Iterator[_Block]:
    """A picture of the media library, or of the web; none of neither."""
    alt, below = _alt(image.alt), _below(image, caption)
    if picture is None:
        if render._web_url(image.src):
            img = f'<img src="{_href(image.src)}" alt="{alt}"/>'
            yield _Block("image", f'<figure class="wp-block-image">{img}{below}</figure>')
        return
    attributes = (("id", picture.id), ("sizeSlug", picture.size), ("linkDestination", "none"))
    img = f'<img src="{_href(picture.url)}" alt="{alt}" class="wp-image-{picture.id}"/>'
    yield _Block(
        "image",
        f'<figure class="wp-block-image size-{picture.size}">{img}{below}</figure>',
        attributes,
    )


def _below(image: Image, caption: str) -> str:
    """What stands below a picture."""
    credit = "".join(map(_piece, captions.credit(image)))
    words = _inline(" ".join(filter(None, (caption or _text(image.caption), credit))))
    return f'<figcaption class="wp-element-caption">{words}</figcaption>' if words else ""


class _Sentences:
    """Writes sentences in a language."""

    def __init__(self, language: str) -> None:
        self._source = labels(language)["source"]
        self._marks = quotation_marks(language)

    def __call__(self, spans: Iterable[render._Span], bare: bool = False) -> str:
        """Sentences one after another. Quotes have no `<q>`, around which themes put marks of their
        own.
        """
        before, behind = ("", "") if bare else self._marks
        return " ".join(
            (_text(before + span.text + behind) if span.quoted else _linked(span.pieces))
            + self._cited(span.mark)
            for span in spans
        )

    def _cited(self, number: int | None) -> str:
        # The editor writes a link's address after its other attributes.
        return (
            f'<sup><a aria-label="{self._source} {number}" href="#s{number}">{number}</a></sup>'
            if number
            else ""
        )


def _linked(pieces: list[Piece]) -> str:
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    return _link(_text(piece.text), piece.url) if piece.url else _text(piece.text)


def _link(inline: str, url: str) -> str:
    return f'<a href="{_href(url)}">{inline}</a>'


def _text(words: str) -> str:
    """Words as browsers write them within an element, and as WordPress shows them."""
    escaped = html.escape(_printable(words), quote=False).replace("\u00a0", "&nbsp;")
    return _SHORTCODE.sub("<span>[</span>", _NUMBERED.sub("<span>&amp;</span>", escaped))


def _inline(fragment: str) -> str:
    """What stands in a block: of spaces one, as browsers show them, and no element but ours."""
    clean: str = nh3.clean(
        _SPACES.sub(" ", fragment).strip(" "),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel=None,
    )
    return clean


def _href(url: str) -> str:
    """An address as an attribute: nothing in it may end the attribute, begin a shortcode, or be
    taken for an entity.
    """
    host = _HOST.match(url)
    end = host.end() if host else 0
    safe = _UNSAFE_IN_HOST.sub(_percent, url[:end]) + _UNSAFE.sub(_percent, url[end:])
    return _ENTITY.sub(r"&\1%3B", safe).replace("&", "&amp;")


def _percent(characters: re.Match[str]) -> str:
    return quote(characters[0])


def _alt(words: str) -> str:
    """Words as the editor writes them into `alt`, where it can keep neither an entity's name nor an
    element.

    It writes `<` as it is, at which WordPress cuts the picture off for accounts without
    `unfiltered_html`.
    """
    plain, before = _SPACES.sub(" ", _printable(words)), ""
    while plain != before:
        plain, before = html.unescape(plain), plain
    plain = _ENTITY.sub(
        rf"&{_WORD_JOINER}\1;", _SHORTCODE.sub(f"[{_WORD_JOINER}", plain.replace("<", "‹"))
    )
    return plain.replace("&", "&amp;").replace('"', "&quot;").replace(">", "&gt;")


def _printable(text: str) -> str:
    return render._FORBIDDEN.sub("", text)


def _json(attributes: dict[str, Any]) -> str:
    """The attributes of a comment, as `serializeAttributes` of the editor writes them."""
    text = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
    for plain, escaped in (
        ("--", "\\u002d\\u002d"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
    ):
        text = text.replace(plain, escaped)
    return text.replace('\\"', "\\u0022")
