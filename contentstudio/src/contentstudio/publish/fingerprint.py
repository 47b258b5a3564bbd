"""How we know our own words again in a CMS that changes the markup around them: a mark beside them
with two hashes.
"""

from __future__ import annotations

import html
import re
from typing import Any

from contentstudio.publish.port import sha256_of

MARK = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{16})")


def mark(sha256: str, body: str, fields: Any = None) -> str:
    """The mark of a body: the hash of its draft, and one of its words, of where its links lead, and
    of what else is
    `said` beside it (plain data: title, excerpt, terms, picture).
    """
    return f"{sha256}.{_check(body, fields)}"


def read(placed: str, body: str, *fields: Any) -> str | None:
    """The hash of the draft that a mark names, if the body's words are still that draft's, and what
    is beside it is one of `said`. Marks of old posts know of the body alone.
    """
    match = MARK.fullmatch(placed)
    return (
        match[1] if match and match[2] in {_check(body, one) for one in (None, *fields)} else None
    )


def named(text: str) -> str | None:
    """The hash of the draft that the mark in a text names, whether or not the words are still that
    draft's.
    """
    match = MARK.search(text)
    return match[1] if match else None


def _check(body: str, fields: Any) -> str:
    return words_sha(body) if fields is None else sha256_of([words_sha(body), fields])[:16]


def words(markup: str) -> list[str]:
    """The words that readers see."""
    return html.unescape(re.sub(r"<[^>]*>", " ", markup)).split()


def words_sha(body: str) -> str:
    links = re.findall(r"""(?:href|src)=["']([^"']*)""", body)
    return sha256_of([words(body), [html.unescape(link) for link in links]])[:16]
