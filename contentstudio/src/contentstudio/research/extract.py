"""The text of a page as a snapshot. Navigation, banners, captions, code and footnotes are left out."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contentstudio.model import Snapshot
from contentstudio.research import markup
from contentstudio.research.fetch import Fetched
from contentstudio.research.sentences import sentences
from overnight.errors import Permanent

if TYPE_CHECKING:
    from types import ModuleType

    from lxml.html import HtmlElement

__all__ = ["MIN_WORDS", "NoContent", "page", "sentences"]

MIN_WORDS = 60  # less than a paragraph or two is a shell, a teaser or an error page
_SHELL_WORDS = 200  # a longer text may speak of JavaScript without being the notice of a page that needs it
_SYMBOL_SHARE = 0.12  # of the characters; prose with code in it stays below 0.05
_MAX_DEPTH = 400  # of elements within each other; trafilatura recurses
_MAX_ELEMENTS = 100_000  # twice the longest pages; beyond it reading takes minutes
_BLOCKS = frozenset({"p", "head", "quote", "list", "item", "table", "row", "cell", "lb"})
_PRUNED = [
    "//noscript",
    "//template | //*[@hidden]",
    # What no reader sees is often not meant for readers.
    *(
        f"//*[contains(translate(concat(@style, ';'), ' ', ''), '{how}')]"
        for how in ("font-size:0;", "font-size:0px", "opacity:0;", "left:-9999", "text-indent:-9999")
    ),
    "//figcaption",
    "//*[contains(@class, 'caption-text') or contains(@class, '-caption')][self::p or self::span or self::small]",
    "//sup[starts-with(normalize-space(.), '[')]",
    "//*[contains(@class, 'editsection')]",
    "//ol[contains(@class, 'references')]",
]
_TEMPLATES = ("{{", "<%")  # what a script was to fill in
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")  # written without blanks, about two characters a word
_NEEDS_SCRIPT = re.compile(
    r"(?:enable|activate|allow|turn(?:ing)? on|requires?|needs?|without)\s+java\s?script"
    r"|java\s?script\s+(?:is\s+|must be\s+|has been\s+|to be\s+)?"
    r"(?:disabled|required|enabled|turned off|not enabled|blocked)"
    r"|(?:activer|activez|aktivieren sie|habilitar?|habilite|attivare|abilita)\s+(?:le\s+|el\s+)?java\s?script",
    re.I,
)
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


def page(fetched: Fetched) -> Snapshot:
    """The text of `fetched`, paragraphs parted by blank lines. NoContent says what came instead of text.

    Takes some 50 ms for a usual page and up to 25 s for 5 MB of a hostile one: call it in a thread, not on the loop.
    """
    text = fetched.text
    reading = _read_plain(text) if fetched.content_type == "text/plain" else _read_markup(text, fetched)
    body = "\n\n".join(reading.paragraphs)
    _check(body, fetched)
    return Snapshot(
        url=fetched.final_url,
        title=reading.title or _name_of(fetched.final_url),
        text=body,
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        language=reading.language,
        published_at=reading.published_at,
    )


def _check(body: str, fetched: Fetched) -> None:
    if markup.garbled(body):
        raise NoContent(
            f"{fetched.final_url} cannot be decoded: its text is in no encoding that it names or that fits."
        )
    words = _count(body)
    came = f"{_size(len(fetched.body))} of markup gave {words} words of text"
    if words < _SHELL_WORDS and (_NEEDS_SCRIPT.search(body) or (words < MIN_WORDS and _says_script(fetched))):
        raise NoContent(f"{fetched.final_url} has no content without JavaScript: {came}.")
    if words < MIN_WORDS:
        raise NoContent(f"{fetched.final_url} has no content: {came}.")
    if len(_SYMBOLS.findall(body)) > _SYMBOL_SHARE * len(body):
        raise NoContent(f"{fetched.final_url} has no content: {came}, most of it code.")


def _count(text: str) -> int:
    """How many words, bare signs and numbers not counted."""
    return sum(any(map(str.isalpha, word)) for word in text.split()) + len(_UNSPACED.findall(text)) // 2


def _says_script(fetched: Fetched) -> bool:
    """Whether a page without text says, where browsers with JavaScript do not show it, what it is waiting for."""
    notices = re.findall(r"<noscript\b[^>]*>(.{0,2000}?)</noscript", fetched.text, re.I | re.S)
    return any(_NEEDS_SCRIPT.search(notice) for notice in notices)


def _size(count: int) -> str:
    return f"{count} bytes" if count < 10_000 else f"{count / 1_000:.0f} KB"


def _name_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}".rstrip("/")


def _read_plain(text: str) -> _Reading:
    paragraphs = tuple(_clean(p) for p in re.split(r"\n\s*\n", text) if p.strip())
    first = paragraphs[0] if paragraphs else ""
    return _Reading(first if len(first) <= 120 and not sentences(first) else "", paragraphs)


def _read_markup(text: str, fetched: Fetched) -> _Reading:
    """Ask for precision first. A page without landmarks gives nothing so; of a broader reading only prose is kept."""
    root = markup.root_element(text)
    if root != "html" and fetched.content_type in ("text/xml", "application/xml"):
        raise NoContent(f"{fetched.final_url} is XML ({root or 'no element'}), neither a page nor a feed.")
    tree = _tree(text)
    if tree is None:
        return _Reading()
    reading = _reading(tree, fetched.final_url, prune_xpath=[*_PRUNED, "//pre"], favor_precision=True)
    for tables in (False, True) if tree.find(".//table") is not None else (False,):
        if sum(map(_count, reading.paragraphs)) >= MIN_WORDS:
            break
        broader = _reading(tree, fetched.final_url, prune_xpath=_PRUNED, include_tables=tables)
        prose = tuple(p for p in broader.paragraphs if sentences(p))
        if sum(map(len, prose)) > sum(map(len, reading.paragraphs)):
            reading = replace(broader, paragraphs=prose)
    return reading


def _tree(text: str) -> HtmlElement | None:
    """The parsed page; None where there is nothing to parse, or more of it than a page has."""
    tree: HtmlElement | None = _library().load_html(_without_declaration(text)) if text.strip() else None
    return None if tree is None or _is_monstrous(tree) else tree


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


def _reading(tree: HtmlElement, url: str, **how: Any) -> _Reading:
    found = _library().bare_extraction(
        tree,
        url=url,
        fast=True,
        include_comments=False,
        with_metadata=True,
        **{"include_tables": False, **how},
        # The extensive search guesses from any number on the page; no date is better than a wrong one.
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    language = _language(tree)
    if found is None:
        return _Reading(language=language)
    paragraphs = tuple(_without_repeats(_paragraphs(found.body)))
    return _Reading(_clean(found.title or ""), paragraphs, language, _date(found.date))


def _language(tree: HtmlElement) -> str | None:
    value = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or tree.get("xml:lang") or ""
    code = re.match(r"([a-z]{2})(?:[-_]|$)", value.strip().lower())
    return code.group(1) if code else None


def _date(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
    except ValueError:
        return None


def _paragraphs(body: Any) -> Iterator[str]:
    """The blocks of the extracted tree in reading order, each as one line. Blocks of code are passed over."""
    line: list[str] = []
    for event, element in _walk(body):
        if event == "text":
            line.append(element)
        elif line:
            yield from _lines(line)
            line = []
    yield from _lines(line)


def _walk(body: Any) -> Iterator[tuple[str, Any]]:
    """("text", str) for each piece of text, ("block", tag) wherever one block stops and another begins."""
    from lxml import etree

    skipped = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        is_code_block = element.tag == "code" and element.getparent() is body
        if element.tag in _BLOCKS or is_code_block:
            yield "block", element.tag
        if event == "start":
            skipped += is_code_block
            if element.text and not skipped:
                yield "text", element.text
        else:
            skipped -= is_code_block
            if element.tail and not skipped and element is not body:
                yield "text", element.tail


def _lines(pieces: list[str]) -> Iterator[str]:
    line = _clean("".join(pieces))
    if line and not any(opening in line for opening in _TEMPLATES):
        yield line


def _clean(text: str) -> str:
    return " ".join(text.replace("\xad", "").replace("\u200b", "").split())


def _without_repeats(paragraphs: Iterator[str]) -> Iterator[str]:
    """A pull quote says a paragraph's words again; so does a page that is laid out twice."""
    seen: set[str] = set()
    for paragraph in paragraphs:
        if paragraph not in seen:
            seen.add(paragraph)
            yield paragraph
