"""How we know our own words again in a CMS that changes the markup around them: a mark beside them with two hashes."""

from __future__ import annotations

import html
import re

from contentstudio.publish.port import sha256_of

MARK = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{16})")


def mark(sha256: str, body: str) -> str:
    """The mark of a body: the hash of its draft, and one of its words and of where its links lead."""
    return f"{sha256}.{words_sha(body)}"


def read(found: str, body: str) -> str | None:
    """The hash of the draft that a mark names, if the body's words are still that draft's."""
    match = MARK.fullmatch(found)
    return match[1] if match and match[2] == words_sha(body) else None


def words(markup: str) -> list[str]:
    """The words that readers see."""
    return html.unescape(re.sub(r"<[^>]*>", " ", markup)).split()


def words_sha(body: str) -> str:
    links = re.findall(r"""(?:href|src)=["']([^"']*)""", body)
    return sha256_of([words(body), [html.unescape(link) for link in links]])[:16]
