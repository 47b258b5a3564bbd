"""The article is in its site's language, as a detector tells it: as a whole, and each part of it.

A part is a paragraph, an item or a description, quotes apart. One that is short says too little.
"""

from __future__ import annotations

from collections.abc import Iterator

from contentstudio import places
from contentstudio.gates.input import Case, failed, fault, skipped, verdict
from contentstudio.model import Fault, Verdict
from contentstudio.text import languages

_ENOUGH = 60  # letters of a part; names and numbers alone are shorter


def check(case: Case) -> Verdict:
    """The draft declares the site's language, and no part of it is plainly in another one."""
    expected = case.site.language
    if case.language != expected:
        return failed(
            "language", f"The article is in “{case.draft.language}”, the site in “{expected}”."
        )
    if why := unmeasured_in(expected):
        return skipped("language", why)
    parts = list(_parts(case, expected))
    if detected := languages.contradicted(case.draft.prose(), expected):
        whole = f"The text reads as “{detected}”, and the site is in “{expected}”."
        return verdict("language", [whole, *parts], "")
    return verdict("language", parts, f"The article is in “{expected}”, as its site is.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if languages.is_known(language) else f"no detector knows “{language}”"


def _parts(case: Case, expected: str) -> Iterator[Fault]:
    for part in _groups(case):
        words = " ".join(text.text for text in part)
        if sum(map(str.isalpha, words)) < _ENOUGH:
            continue
        if detected := languages.contradicted(words, expected):
            yield from (fault(text, f"reads as “{detected}”.") for text in part)


def _groups(case: Case) -> Iterator[list[places.Text]]:
    """The description, and of each paragraph, item, step and cell what is no quote."""
    texts = places.texts(case.draft)
    yield [text for text in texts if text.kind == "description"]
    sentences = iter([text for text in texts if text.kind == "sentence"])
    for group in case.draft.paragraphs():
        pairs = [(sentence, next(sentences)) for sentence in group]
        yield [text for sentence, text in pairs if not sentence.quoted]
