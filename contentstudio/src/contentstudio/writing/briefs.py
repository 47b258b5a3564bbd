"""A brief by code: which notes of a research belong together, which questions they answer, and how
long an article they carry. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

from contentstudio.brief import Brief, BriefSection, Idea, Note, Research
from contentstudio.config import Site
from contentstudio.text.titles import clean_title
from contentstudio.text.wording import normal
from contentstudio.text.words import WORD, content_words, words_in_order
from overnight.errors import Permanent

MIN_NOTES = 4  # less is no article
MAX_NOTES = 18  # in an article by code: a digest is no copy
MAX_SECTIONS = 4
MAX_QUESTIONS = 4
ANSWERS = 0.5  # of a question's content words stand in a note that answers it
WORDS_OF_A_NOTE = (20, 60)  # that one note carries in an article, at least and at most
TITLE_LENGTH, DESCRIPTION_LENGTH = 70, 160  # characters at most; search engines cut a little later
SHORT_DESCRIPTION = 80  # characters; a shorter one tells too little
OFTEN = 3  # times that a word makes a description read as if it were for machines
COVERED = 12  # headings of other pages that a brief lists


class TooThin(Permanent):
    """There is nothing to write: too few notes were found."""


def plan(site: Site, research: Research) -> Brief:
    """The brief of a research, without a model: the same input gives an equal brief.

    Raises `TooThin`.
    """
    check(research)
    notes = _chosen(research.notes)
    title = title_of(research.idea)
    faq = _questions(beside(title, research.questions), notes, site.language)
    answers = {note.id for note in faq.values()}
    in_sections = [note for note in notes if note.id not in answers]
    return Brief(
        research=research,
        titles=(title,),
        description=_description([note.span for note in in_sections]),
        sections=tuple(_sections(in_sections, site.language)),
        faq=tuple(faq),
        terms=terms(research.idea),
        length=length(site, len(notes)),
        covered=covered(research),
    )


def check(research: Research) -> None:
    """Raises `TooThin` for a research of which no article can be made."""
    if not research.pages:
        raise TooThin("nothing to write: no source was read.")
    if len(research.notes) < MIN_NOTES:
        raise TooThin(
            f"nothing to write: {len(research.notes)} notes were found; at least {MIN_NOTES} "
            "are wanted."
        )


def title_of(idea: Idea) -> str:
    """The title that an idea has of its own; of an address, the words of the slug."""
    return _title(idea.title) or _title(idea.slug.replace("-", " ").capitalize()) or "Untitled"


def is_taken(title: str, research: Research) -> bool:
    """Whether a page that was read has that title: an article has one of its own."""
    titles = (each for page in research.pages for each in (page.title, clean_title(page.title)))
    return _same(title) in map(_same, titles)


def beside(title: str, questions: Iterable[str]) -> list[str]:
    """The questions that say something else than the title, which the whole article answers."""
    return [question for question in questions if _same(question) != _same(title)]


def length(site: Site, notes: int) -> tuple[int, int]:
    """The words that so many notes carry, within what the gates of the site let pass."""
    least, most = (words * notes for words in WORDS_OF_A_NOTE)
    low, high = site.gates.min_words, site.gates.max_words
    return min(max(least, low), high), max(low, min(most, high))


def terms(idea: Idea) -> tuple[str, ...]:
    """What readers search for who have this idea."""
    queries = (signal.text for signal in idea.signals if signal.kind in ("query", "suggestion"))
    return tuple(dict.fromkeys(queries))


def covered(research: Research) -> tuple[str, ...]:
    """What the pages that were read tell of, each heading once."""
    headings = (heading for page in research.pages for heading in page.headings)
    return tuple(dict.fromkeys(map(str.strip, filter(str.strip, headings))))[:COVERED]


def answer_to(question: str, notes: Sequence[Note], language: str = "en") -> Note | None:
    """The note that has most of the words of a question; None where none has enough of them."""
    words = content_words(question, language)
    shared = {note.id: len(words & content_words(note.text, language)) for note in notes}
    best = max(notes, key=lambda note: shared[note.id], default=None)
    enough = max(1, ANSWERS * len(words))
    return best if best is not None and shared[best.id] >= enough else None


def _questions(questions: Sequence[str], notes: Sequence[Note], language: str) -> dict[str, Note]:
    """Questions that notes answer, each by a note of its own, while enough others are left."""
    answered: dict[str, Note] = {}
    left = list(notes)
    for question in questions:
        if len(answered) == MAX_QUESTIONS or len(left) <= MIN_NOTES:
            break
        if (note := answer_to(question, left, language)) is not None:
            answered[question] = note
            left.remove(note)
    return answered


def _chosen(notes: Sequence[Note]) -> list[Note]:
    """As many notes as a digest may have, in their order: every page has its share."""
    pages: dict[str, list[Note]] = {}
    for note in notes:
        pages.setdefault(note.sha256, []).append(note)
    rounds = chain.from_iterable(
        (page[turn] for page in pages.values() if turn < len(page)) for turn in range(len(notes))
    )
    chosen = {note.id for note, _ in zip(rounds, range(MAX_NOTES), strict=False)}
    return [note for note in notes if note.id in chosen]


def _sections(notes: Sequence[Note], language: str) -> Iterator[BriefSection]:
    """Two to four sections, the one with the first note before the others; in other languages than
    English with numbers for headings.
    """
    groups = _groups(notes, min(MAX_SECTIONS, max(2, len(notes) // 3)), language)
    headings: list[str] = []
    for number, group in enumerate(groups, 1):
        heading = _heading(group, notes, headings) if language == "en" else ""
        headings.append(heading or str(number))
        yield BriefSection(heading=headings[-1], notes=tuple(note.id for note in group))


def _groups(notes: Sequence[Note], count: int, language: str) -> list[list[Note]]:
    """So many groups of notes that speak of the same, none of them much larger than the others.
    Notes of one page alone keep its order: their groups are its parts.
    """
    several = len({note.sha256 for note in notes}) > 1
    most = -(-len(notes) // count) + 1
    groups = [[note] for note in notes]
    words = {note.id: content_words(note.text, language) for note in notes}
    while len(groups) > count:
        pairs = [
            (-_likeness(one, other, words), first, second)
            for first, one in enumerate(groups)
            for second, other in enumerate(groups[first + 1 :], first + 1)
            if len(one) + len(other) <= most and (several or second == first + 1)
        ]
        _, first, second = min(pairs or [(0.0, len(groups) - 2, len(groups) - 1)])
        groups[first] += groups.pop(second)
    order = {note.id: place for place, note in enumerate(notes)}
    return [sorted(group, key=lambda note: order[note.id]) for group in groups]


def _likeness(
    one: Sequence[Note], other: Sequence[Note], words: dict[str, frozenset[str]]
) -> float:
    """How much two groups speak of the same; notes that contradict each other belong together."""
    shares = [
        1.0
        if b.id in a.contradicts or a.id in b.contradicts
        else len(words[a.id] & words[b.id]) / (len(words[a.id] | words[b.id]) or 1)
        for a in one
        for b in other
    ]
    return sum(shares) / len(shares)


def _heading(group: Sequence[Note], notes: Sequence[Note], taken: Sequence[str]) -> str:
    """The two words that a group has more often than the others, as they are written there."""
    everywhere = Counter(chain.from_iterable(content_words(note.text) for note in notes))
    here = Counter(chain.from_iterable(content_words(note.text) for note in group))
    ranked = sorted(here, key=lambda word: (-(here[word] ** 2) / everywhere[word], word))
    written = _written(group)
    words = [written[word] for word in ranked if word in written and word.isalpha()]
    for first, second in pairwise(words):
        heading = f"{first[:1].upper()}{first[1:]} and {second}"
        if heading not in taken:
            return heading
    return ""


def _written(group: Sequence[Note]) -> dict[str, str]:
    """How the notes write a word that carries matter, in small letters where it begins a note."""
    written: dict[str, str] = {}
    for note in group:
        for place, word in enumerate(WORD.findall(note.text)):
            for matter in words_in_order(word):
                written.setdefault(matter, word if place else word.lower())
    return written


def _title(text: str) -> str:
    """Without the site's name; empty where it is an address or has no letters."""
    title = clean_title(" ".join(text.split()))
    if not re.search(r"[^\W\d_]", title) or (" " not in title and "/" in title):
        return ""
    return _clip(title, TITLE_LENGTH)


def _clip(text: str, length: int) -> str:
    """At most `length` characters, cut between words."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:-–—(") + "…"


def _description(quotes: Sequence[str]) -> str:
    """What the page has to say, in the words of its sources, so that no two pages are described
    alike: the first quote of 80 to 160 characters in which no word stands too often, or the first
    ones together; where they are too long for that, the first one cut.
    """
    collapsed = [" ".join(quote.split()) for quote in quotes]
    quoted = [f"“{quote}”" for quote in collapsed]
    together = (" ".join(quoted[: count + 1]) for count in range(len(quoted)))
    fitting = [
        text
        for text in (*quoted, *together)
        if SHORT_DESCRIPTION <= len(text) <= DESCRIPTION_LENGTH
    ]
    best = next((text for text in fitting if _most_often(text) < OFTEN), next(iter(fitting), None))
    return best or f"“{_clip(collapsed[0], DESCRIPTION_LENGTH - 2)}”"


def _most_often(text: str) -> int:
    """How often the commonest word stands there."""
    return max(Counter(words_in_order(text)).values(), default=0)


def _same(title: str) -> str:
    return normal(title).casefold().strip(" .!?¿¡？。")
