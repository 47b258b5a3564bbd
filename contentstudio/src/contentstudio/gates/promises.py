"""The title promises nothing that the article lacks: so many tips, a table, a checklist, pictures,
a video.

What is counted and promised is told by the words of the language packs. A number of things is kept
by so many sections, items, steps, rows or questions; one section may open and one may close the
article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contentstudio import places
from contentstudio.gates.input import Case, fault, skipped, verdict
from contentstudio.model import Draft, ListBlock, StepsBlock, TableBlock, Verdict
from contentstudio.text import numbers, packs
from contentstudio.text.wording import normal

_BETWEEN = 2  # words between a number and what it counts: `seven small but useful tips`
_MANY = 3  # sections that may stand for steps
_MOST = 101  # things; a higher number counts something else
_PAGES = ("table", "list", "steps", "pictures", "faq", "absent")


def check(case: Case) -> Verdict:
    """Compare what the title promises with the blocks of the article."""
    if why := unmeasured_in(case.language):
        return skipped("promises", why)
    title = next(text for text in places.texts(case.draft) if text.kind == "title")
    wrong = [fault(title, why) for why in _broken(title.text, case.draft, case.language)]
    return verdict("promises", wrong, "The article has what its title promises.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if packs.is_known(language) else f"what titles promise is not known in “{language}”"


def _broken(title: str, draft: Draft, language: str) -> Iterator[str]:
    words, there = normal(title), _there(draft)
    for count, noun in _counts(words, language):
        if count not in _sizes(draft):
            yield f"promises {count} {noun}, and the article has no {count} of anything."
    for name in _PAGES:
        pattern = packs.pattern(language, "promises", name)
        if pattern and (match := pattern.search(words)) and not there.get(name):
            yield f"promises “{match[0]}”, which the article does not have."


def _counts(title: str, language: str) -> Iterator[tuple[int, str]]:
    """The numbers of a title that stand before something that articles count."""
    nouns = packs.pattern(language, "promises", "counted")
    assert nouns is not None
    for noun in nouns.finditer(title):
        before = re.findall(r"[\w-]+", title[: noun.start()])[-1 - _BETWEEN :]
        for word in reversed(before):
            if (count := _count(word, language)) is not None:
                yield count, noun[0]
                break


def _count(word: str, language: str) -> int | None:
    """A number in figures or words, from 2 on: `one` and its kin are articles too."""
    if word.isdigit():
        value = int(word)
        return value if 2 <= value < _MOST else None
    found = {int(v) for v in numbers.values(word.lower(), language) if v.isdigit()}
    return next((value for value in found if 2 <= value < _MOST), None)


def _there(draft: Draft) -> dict[str, bool]:
    """Which of the promised things an article has."""
    kinds = {type(block) for block in draft.blocks()}
    has_steps = StepsBlock in kinds or any(
        isinstance(block, ListBlock) and block.ordered for block in draft.blocks()
    )
    return {
        "table": TableBlock in kinds,
        "list": bool(kinds & {ListBlock, StepsBlock, TableBlock}),
        "steps": has_steps or len(draft.sections) >= _MANY,
        "pictures": bool(draft.images),
        "faq": bool(draft.faq) or any(s.heading.rstrip().endswith("?") for s in draft.sections),
    }


def _sizes(draft: Draft) -> set[int]:
    """Of how many things the article may be said to have: its parts, by their kinds."""
    lists = [len(b.items) for b in draft.blocks() if isinstance(b, ListBlock)]
    steps = [len(b.steps) for b in draft.blocks() if isinstance(b, StepsBlock)]
    rows = [len(b.rows) for b in draft.blocks() if isinstance(b, TableBlock)]
    sections = len(draft.sections)
    numbered = sum(bool(re.match(r"\D{0,12}\d+[.):]", s.heading)) for s in draft.sections)
    sums = [sum(lists), sum(steps), sum(lists) + sum(steps), numbered, len(draft.faq)]
    return {*lists, *steps, *rows, *sums, sections, sections - 1, sections - 2}
