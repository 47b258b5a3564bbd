"""The text of a page as a snapshot, without navigation, banners, captions, code, footnotes and
hints at other pages.
"""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contentstudio.model import Snapshot
from contentstudio.research import metadata
from contentstudio.research.metadata import Hints
from contentstudio.text import languages
from contentstudio.text.sentences import sentences
from contentstudio.text.words import UNSPACED
from contentstudio.web import decoding
from contentstudio.web.fetch import Fetched
from overnight.errors import Permanent

if TYPE_CHECKING:
    from types import ModuleType

    from lxml.html import HtmlElement

__all__ = ["MIN_WORDS", "NoContent", "page", "sentences"]

MIN_WORDS = (
    25  # less than two or three sentences is a shell or an error page, and nothing to write from
)
_SHELL_WORDS = (
    200  # a longer text may speak of JavaScript without being the notice of a page that needs it
)
# with less beside a notice for browsers without JavaScript, the text is what the notice asks for
_WAITING_WORDS = 60
_SYMBOL_SHARE = 0.12  # of the characters; prose with code in it stays below 0.05
_MAX_DEPTH = 400  # of elements within each other; trafilatura recurses
_MAX_ELEMENTS = 100_000  # twice the longest pages; beyond it reading takes minutes
_MANY_ELEMENTS = (
    15_000  # from here on pages are read the fast way alone; one in a hundred is as long
)
_BLOCKS = frozenset({"p", "head", "quote", "list", "item", "table", "row", "lb"})
_CELLS = " | "  # between two cells of a row, as Markdown has it
_LINKED = 0.5  # of the characters of a text without a sentence; more is a list of links
_JUDGED = (
    10_000  # characters that are compared with the links of a page; each link is looked for in them
)
_LEAD = 200  # characters of a line that leads on to another page, its title included
# does not hold most of the page, as what a script fades in does
_MINOR = "[count(.//p) * 2 < count(//p)]"
_BOX = 800  # characters, blanks included, of a box beside the text or of a caption
_CLUTTER = re.compile(
    r"newsletter|subscribe|paywall|sharedaddy|share-|social|related|recommend|breadcrumb|author-?b(?:io|ox)|disclosure",
    re.I,
)
_LEADS_ON = re.compile(
    r"\W*(?:"
    r"read (?:more|also|next)|also read|see also|more on this|you (?:may|might) also like"
    r"|recommended (?:for you|reading)|related (?:articles?|stor(?:y|ies)|posts?|content|reading)"
    r"|(?:lesen sie|lies) (?:auch|dazu|hier|mehr)|auch lesen|zum weiterlesen|auch "
    r"interessant|mehr zum thema|siehe auch"
    r"|(?:das |dieses )?(?:thema )?könnte (?:dich|sie|euch) auch interessieren"
    r"|(?:empfohlene|weitere) (?:beiträge|artikel|themen)"
    r"|[aà] lire (?:aussi|également)|(?:lire|voir) aussi|sur le même (?:sujet|thème)"
    r"|le[ae]r? (?:también|más|además)|(?:te|le|les) puede interesar|puedes ver"
    r"|(?:vea|ver|mir[ae]) (?:también|además|más)|(?:lea|mir[ae])(?=:)"
    r"|(?:contenidos?|notas?|noticias?) relacionad[oa]s?"
    r"|leggi anche|leia (?:também|mais)|veja também|lees (?:ook|meer)|czytaj (?:też|także|więcej)"
    r")\b\s*(:?)",
    re.I,
)
_BOXES = ("div", "section", "ul", "ol", "p", "aside", "nav", "form")
_PRUNED = [
    # A notice, unless it is the whole article for browsers without JavaScript.
    "//noscript[count(.//p) * 2 < count(//p) or string-length(.) < 2000]",
    "//template | //*[@hidden]",
    # What no reader sees is often not meant for readers.
    *(
        f"//*[contains(translate(concat(@style, ';'), ' ', ''), '{how}')]{_MINOR}"
        for how in (
            "font-size:0;",
            "font-size:0px",
            "opacity:0;",
            "left:-9999",
            "text-indent:-9999",
        )
    ),
    "//sup[starts-with(normalize-space(.), '[')]",
    "//*[contains(@class, 'editsection')]",
    "//ol[contains(@class, 'references')]",
]
_CAPTIONS = (
    "//figcaption | //*[self::p or self::span or self::small]"
    "[contains(@class, 'caption-text') or contains(@class, '-caption')]"
)
_HEAD_BYTES = 4_096  # in which a page states its charset
_TEMPLATES = ("{{", "<%")  # what a script was to fill in
_NEEDS_SCRIPT = re.compile(
    r"(?:enable|activate|allow|turn(?:ing)? on|requires?|needs?|without)\s+java\s?script"
    r"|java\s?script\s+(?:is\s+|must be\s+|has been\s+|to be\s+)?"
    r"(?:disabled|required|enabled|turned off|not enabled|blocked)"
    r"|(?:activer|activez|aktivieren "
    r"sie|habilitar?|habilite|attivare|abilita)\s+(?:le\s+|el\s+)?java\s?script",
    re.I,
)
_PROSE_SYMBOLS = 0.01  # of the characters, in a preformatted block that is no code
_ENDS = re.compile(
    r"[.!?…。！？]\W*$"
)  # a cell that holds sentences, as in a page laid out by a table
_SYMBOLS = re.compile(r"[{}\[\];=<>|&$_\\]")


class NoContent(Permanent):
    """The page holds no text to speak of."""


@dataclass(frozen=True)
class _Reading:
    """What was read of a page, before it is judged."""

    title: str = ""
    paragraphs: tuple[str, ...] = ()
    language: str | None = None
    published_at: datetime | None = None
    author: str | None = None


def page(fetched: Fetched, hints: Hints | None = None, now: datetime | None = None) -> Snapshot:
    """The text of `fetched`, paragraphs parted by blank lines. NoContent says what came instead of
    text.

    `hints` are what a feed says of the page; no date after `now` is believed. Takes some 50 ms for
    a usual page and up to 25 s for 5 MB of a hostile one: call it in a thread, not on the loop.
    """
    hints, now = hints or Hints(), now or datetime.now(UTC)
    text = _decoded(fetched, hints)
    is_plain = fetched.content_type == "text/plain"
    reading = _read_plain(text, hints) if is_plain else _read_markup(text, fetched, hints, now)
    body = "\n\n".join(reading.paragraphs)
    _check(body, fetched)
    return Snapshot(
        url=fetched.final_url,
        title=reading.title or _name_of(fetched.final_url),
        text=body,
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        language=_spoken(body, reading.language),
        published_at=reading.published_at,
        author=reading.author,
    )


def _spoken(body: str, declared: str | None) -> str | None:
    """The language of a text. Themes declare one for all their pages, so the words decide where
    they plainly speak.
    """
    return (
        languages.contradicted(body, declared) if declared else languages.plain(body)
    ) or declared


def _decoded(fetched: Fetched, hints: Hints) -> str:
    """The text by what the page says of its charset; where it says nothing, by the charset of its
    feed.
    """
    is_stated = fetched.charset or re.search(
        rb"charset|encoding=", fetched.body[:_HEAD_BYTES], re.I
    )
    return fetched.text if is_stated else decoding.decode(fetched.body, hints.charset)


def _check(body: str, fetched: Fetched) -> None:
    if decoding.garbled(body):
        raise NoContent(
            f"{fetched.final_url} cannot be decoded: its text is in no encoding that it "
            "names or that fits."
        )
    words = _count(body)
    came = f"{_size(len(fetched.body))} of markup gave {words} words of text"
    if words < _SHELL_WORDS and (
        _NEEDS_SCRIPT.search(body) or (words < _WAITING_WORDS and _says_script(fetched))
    ):
        raise NoContent(f"{fetched.final_url} has no content without JavaScript: {came}.")
    if words < MIN_WORDS:
        raise NoContent(f"{fetched.final_url} has no content: {came}.")
    if len(_SYMBOLS.findall(body.replace(_CELLS, " "))) > _SYMBOL_SHARE * len(body):
        raise NoContent(f"{fetched.final_url} has no content: {came}, most of it code.")


def _count(text: str) -> int:
    """How many words, bare signs and numbers not counted."""
    return (
        sum(any(map(str.isalpha, word)) for word in text.split()) + len(UNSPACED.findall(text)) // 2
    )


def _says_script(fetched: Fetched) -> bool:
    """Whether a page without text says, where browsers with JavaScript do not show it, what it is
    waiting for.
    """
    notices = re.findall(r"<noscript\b[^>]*>(.{0,2000}?)</noscript", fetched.text, re.I | re.S)
    return any(_NEEDS_SCRIPT.search(notice) for notice in notices)


def _size(count: int) -> str:
    return f"{count} bytes" if count < 10_000 else f"{count / 1_000:.0f} KB"


def _name_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}".rstrip("/")


def _read_plain(text: str, hints: Hints) -> _Reading:
    paragraphs = tuple(_clean(p) for p in re.split(r"\n\s*\n", text) if p.strip())
    first = paragraphs[0] if paragraphs else ""
    title = hints.title or (first if len(first) <= 120 and not sentences(first) else "")
    published_at = hints.published_at or hints.updated_at
    return _Reading(title, paragraphs, published_at=published_at, author=hints.author or None)


def _read_markup(text: str, fetched: Fetched, hints: Hints, now: datetime) -> _Reading:
    root = decoding.root_element(text)
    if root != "html" and fetched.content_type in ("text/xml", "application/xml"):
        raise NoContent(
            f"{fetched.final_url} is XML ({root or 'no element'}), neither a page nor a feed."
        )
    tree = _tree(text)
    if tree is None:
        return _Reading()
    paragraphs = _text_of(tree, fetched.final_url)
    page = metadata.Page(tree, fetched.final_url, hints)
    return _Reading(
        *(page.title, tuple(paragraphs), _language(tree), page.published_at(now), page.author)
    )


def _text_of(tree: HtmlElement, url: str) -> Sequence[str]:
    """The paragraphs of the page; [] for a list of links.

    The library's default asks several readers and takes the best; of a very long page it asks its
    own alone.
    """
    blocks = [block for block in tree.iter("pre") if not _is_prose(block)]
    for block in [*blocks, *filter(_is_clutter, tree.iter(*_BOXES))]:
        if block.getparent() is not None:
            block.drop_tree()
    captions = _captions(tree)
    document = _library().bare_extraction(
        tree,
        url=url,
        include_comments=False,
        prune_xpath=_PRUNED,
        fast=_elements(tree) > _MANY_ELEMENTS,
    )
    lines = list(_paragraphs(document.body)) if document is not None else []
    paragraphs = [
        line
        for line in _without_captions([*_without_copies(lines)], captions)
        if not _leads_on(line)
    ]
    return paragraphs if any(map(sentences, paragraphs)) or not _is_linked(paragraphs, tree) else []


def _captions(tree: HtmlElement) -> set[str]:
    """The captions and their parts. They are taken out of the text that was read: the library reads
    otherwise without them, and may then take a teaser for the text.
    """
    short = [
        caption for caption in tree.xpath(_CAPTIONS) if sum(map(len, caption.itertext())) < _BOX
    ]
    return {_content(part) for caption in short for part in caption.iter()}


def _without_captions(lines: Sequence[str], captions: set[str]) -> Sequence[str]:
    """The lines but for the captions, unless these are most of the text, as in a gallery."""
    rest = [line for line in lines if line not in captions]
    return rest if sum(map(len, rest)) * 2 > sum(map(len, lines)) else lines


def _content(element: Any) -> str:
    return _clean("".join(map(str, element.itertext())))


def _without_copies(lines: Sequence[str]) -> Iterator[str]:
    """The lines without pull quotes and copies for another screen. These are sentences that stand
    twice; a form, a plan or a song has the same line more often, and a table the same figures.
    """
    counts = Counter(lines)
    texts: set[str] = set()
    for line in lines:
        if line not in texts or counts[line] > 2 or not sentences(line):
            yield line
        texts.add(line)


def _leads_on(line: str) -> bool:
    """Whether a line sends to another page ("Read more: …"): short, and no sentence but after a
    colon.
    """
    lead = _LEADS_ON.match(line) if len(line) < _LEAD else None
    return lead is not None and bool(lead.group(1) or not _ENDS.search(line))


def _is_linked(paragraphs: Sequence[str], tree: HtmlElement) -> bool:
    """Whether most of a text is that of links, as in a list of pages."""
    text = "\n".join(paragraphs)[:_JUDGED]
    names = Counter(map(_content, tree.iter("a")))
    return sum(len(name) * count for name, count in names.items() if name in text) >= _LINKED * len(
        text
    )


def _is_clutter(box: Any) -> bool:
    """Whether a box is named as one beside the text. These are short; a longer one has its name for
    another reason.
    """
    if not _CLUTTER.search(f"{box.get('class')} {box.get('id')}"):
        return False
    return box.find(".//h1") is None and sum(map(len, box.itertext())) < _BOX


def _tree(text: str) -> HtmlElement | None:
    """The parsed page; None where there is nothing to parse, or more of it than a page has."""
    tree: HtmlElement | None = (
        _library().load_html(_without_declaration(text)) if text.strip() else None
    )
    return None if tree is None or _is_monstrous(tree) else tree


def _elements(tree: HtmlElement) -> int:
    return int(tree.xpath("count(//*)"))


def _without_declaration(text: str) -> str:
    """lxml takes no text that declares an encoding, nor characters that XML knows not."""
    return re.sub(r"^\s*<\?xml.*?\?>", "", text.replace("\0", ""), count=1, flags=re.S)


def _is_monstrous(tree: HtmlElement) -> bool:
    from lxml import etree

    count = depth = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > _MAX_DEPTH or count > _MAX_ELEMENTS:
            return True
    return False


@cache
def _library() -> ModuleType:
    import trafilatura

    # It logs each page that it cannot read; NoContent says that, once and with the URL.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return trafilatura


def _language(tree: HtmlElement) -> str | None:
    value = (
        tree.get("lang")
        or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
        or tree.get("xml:lang")
        or ""
    )
    code = re.match(r"([a-z]{2})(?:[-_]|$)", value.strip().lower())
    return code.group(1) if code else None


def _paragraphs(body: Any) -> Iterator[str]:
    """The blocks of the extracted tree in reading order, each as one line. Blocks of code are
    passed over.
    """
    line: list[str] = []
    for event, element in _walk(body):
        if event == "text":
            line.append(element)
        elif event == "cell" and line and not _ENDS.search(line[-1]):
            line.append(_CELLS)
        elif line:
            yield from _lines(line)
            line = []
    yield from _lines(line)


def _walk(body: Any) -> Iterator[tuple[str, Any]]:
    """("text", str) for each piece of text, ("cell", tag) where a cell stops, ("block", tag)
    wherever one block stops and another begins.
    """
    from lxml import etree

    skipped = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        is_code = element.tag == "code" and element.getparent() is body and not _is_prose(element)
        if element.tag in _BLOCKS or (element.tag == "code" and element.getparent() is body):
            yield "block", element.tag
        if event == "start":
            skipped += is_code
            if element.text and not skipped:
                yield "text", element.text
        else:
            skipped -= is_code
            if element.tag == "cell":
                yield "cell", element.tag
            if element.tail and not skipped and element is not body:
                yield "text", element.tail


def _is_prose(block: Any) -> bool:
    """Whether a preformatted block is a text, such as a letter or an old page, and no code."""
    text = "".join(map(str, block.itertext()))
    return len(_SYMBOLS.findall(text)) <= _PROSE_SYMBOLS * len(text) and len(sentences(text)) > 1


def _lines(pieces: list[str]) -> Iterator[str]:
    line = _clean("".join(pieces)).removesuffix(_CELLS.rstrip())
    if line and not any(opening in line for opening in _TEMPLATES):
        yield line


def _clean(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFC", text.replace("\xad", "").replace("\u200b", "")).split()
    )
