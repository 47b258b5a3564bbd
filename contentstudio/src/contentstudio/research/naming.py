"""How an idea is called: as a reader would ask for it, and never as one of its sources is called.
Pure.

A query of readers is a name already. A story that pages alone tell is named by what its pages speak
of most, in a form that readers know from such articles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count, islice

from contentstudio.text.slugs import slug_of
from contentstudio.text.titles import clean_title
from contentstudio.text.wording import tokens
from contentstudio.text.words import UNSPACED, WORD, words_in_order

LONGEST = 70  # characters of a title; search engines show about as many
SUBJECTS = 4  # words and phrases that a story is named by
ENTITLED = 3  # times that a word counts which stands in a title
PHRASE = 4  # words of a title that are one subject at most
OWNED_FROM = 3  # words from which on a title belongs to the source that has it
TEXT_LIMIT = 20_000  # characters of a page from which its subject is taken

# `{}` is what it is about. Except in English the subject stands alone before a colon: there no
# article, case or gender depends on it.
_FORMS = {
    "en": ("What to know about {}", "{}: what to know", "{}: a short guide", "{}: the essentials"),
    "de": ("{}: Was man wissen sollte", "{}: Das Wichtigste", "{}: Ein Überblick"),
    "es": ("{}: lo que hay que saber", "{}: lo esencial", "{}: una guía breve"),
    "fr": ("{} : ce qu’il faut savoir", "{} : l’essentiel", "{} : un petit guide"),
    "it": ("{}: che cosa sapere", "{}: l’essenziale", "{}: una breve guida"),
    "ja": ("{}について知っておきたいこと", "{}の基本"),
    "nl": ("{}: wat je moet weten", "{}: het belangrijkste", "{}: een korte gids"),
    "pt": ("{}: o que é preciso saber", "{}: o essencial", "{}: um breve guia"),
    "zh": ("关于{}需要知道的事", "{}要点"),
}
_OTHER_FORMS = ("{}: FAQ", "FAQ: {}")  # known to readers of most languages
_AND = {"en": "and", "de": "und", "es": "y", "fr": "et", "it": "e", "nl": "en", "pt": "e"}
_NOTHING = {"en": "this subject", "de": "dieses Thema", "es": "este tema", "fr": "ce sujet"}

_ARTICLES = frozenset({"a", "an", "the"})
_NAMING = re.compile(r"[^\W_\u3040-\u309f]+")
_PARTED = re.compile(r"[^\w\s'’-]")

Run = tuple[str, ...]  # of words, or of the parts of a slug


def is_own(title: str, sources: Sequence[str]) -> bool:
    """Whether a title is nobody else's: neither it nor its slug is a source's title or slug, or
    stands in one that has `OWNED_FROM` words or more.
    """
    return not any(
        mine == other or (len(other) >= OWNED_FROM and _has(other, mine))
        for mine, other in _beside(title, sources)
    )


def is_apart(title: str, sources: Sequence[str]) -> bool:
    """Whether it is nobody else's, and has no such title in it either."""
    return is_own(title, sources) and not any(
        len(other) >= OWNED_FROM and _has(mine, other) for mine, other in _beside(title, sources)
    )


def _beside(title: str, sources: Sequence[str]) -> Iterator[tuple[Run, Run]]:
    """The words of a title and of each source's, and the parts of their slugs."""
    words, slug = _parts(title)
    for source in sources:
        for each in (source, clean_title(source)):
            others, parts = _parts(each)
            yield words, others
            yield slug, parts


@lru_cache(maxsize=10_000)
def _parts(title: str) -> tuple[Run, Run]:
    """Made once for each title of a night: each is compared with all the others."""
    return tuple(tokens(title)), tuple(slug_of(title).split("-"))


def _has(words: Run, run: Run) -> bool:
    """Whether a run of words stands in others."""
    return bool(run) and any(
        words[start : start + len(run)] == run for start in range(len(words) - len(run) + 1)
    )


def of_query(query: str, language: str, sources: Sequence[str]) -> str:
    """What readers ask as a title: the query itself, or in a form of ours where a source is called
    so.
    """
    title = _capital(query)
    if len(title) <= LONGEST and is_own(title, sources):
        return title
    return next(_own([_cut(query, LONGEST - 25)], language, sources))


def of_story(
    titles: Sequence[str], texts: Sequence[str], language: str, sources: Sequence[str]
) -> Iterator[str]:
    """Titles for what pages tell, the best first, without an end; none is one of `sources`."""
    words = subjects(titles, texts, language) or [_NOTHING.get(language, "…")]
    second = words[1].lower() if len(words) > 1 else ""
    in_both = all(any(second in text.lower() for text in each) for each in (titles, texts))
    alone = " " in words[0] and not (second and in_both)
    return _own(words, language, sources, alone=alone)


def _own(
    words: Sequence[str], language: str, sources: Sequence[str], *, alone: bool = True
) -> Iterator[str]:
    """Titles of these words that are no source's; first those that have no source's in them."""
    titles = _worded(words, language, alone=alone)
    yield from (title for title in titles if is_apart(title, sources))
    yield from (title for title in titles if is_own(title, sources))
    first = titles[0]
    yield from (title for n in count(2) if is_own(title := f"{n}. {first}", sources))


def _worded(words: Sequence[str], language: str, *, alone: bool) -> list[str]:
    """Every form, with the first of the words `alone` before it is with another one, or after."""
    first, others = words[0], words[1:]
    pairs = [[first, other] for other in others]
    choices = [[first], *pairs] if alone else [*pairs, [first]]
    forms = _FORMS.get(language, _OTHER_FORMS)
    return [_title(form, choice, language) for form in forms for choice in choices]


def _title(form: str, words: Sequence[str], language: str) -> str:
    for joined in (_joined(words, language), *words[:1]):
        if len(title := _capital(form.format(joined))) <= LONGEST:
            return title
    return _capital(form.format(_cut(words[0], LONGEST - len(form))))


def _joined(words: Sequence[str], language: str) -> str:
    if any(UNSPACED.search(word) for word in words):
        return "と".join(words) if language == "ja" else "、".join(words)
    link = _AND.get(language)
    return f" {link} ".join(words) if link else ", ".join(words)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return text[:longest].rpartition(" ")[0] or text[:longest]


def subjects(titles: Sequence[str], texts: Sequence[str], language: str) -> list[str]:
    """What pages speak of most, as their texts write it: a phrase of a title whose words stand
    often in the texts, where there is one, and other words that do.
    """
    text = "\n".join(each[:TEXT_LIMIT] for each in texts)
    if UNSPACED.search(" ".join(titles)):
        return _unspaced(" ".join(titles), text)
    written: dict[str, Counter[str]] = {}
    for surface in WORD.findall("\n".join([*titles, text])):
        if word := _matter(surface, language):
            written.setdefault(word, Counter())[surface] += 1
    entitled = {_matter(word, language) for title in titles for word in WORD.findall(title)}
    weights = {
        word: forms.total() * (ENTITLED if word in entitled else 1)
        for word, forms in written.items()
    }
    ranked = sorted(weights, key=lambda word: (-weights[word], word))
    names = {word: _surface(written[word]) for word in ranked}
    leading = [word for word in ranked if word in entitled and written[word].total() > 1][:2]
    phrases = (_phrase(title, leading, names, language) for title in titles)
    phrase = next(filter(None, phrases), "")
    inside = {_matter(word, language) for word in WORD.findall(phrase)}
    rest = (names[word] for word in ranked if word not in inside)
    return [*filter(None, [phrase]), *islice(rest, SUBJECTS)]


def _phrase(title: str, words: Sequence[str], names: Mapping[str, str], language: str) -> str:
    """The part of a title from one of two words to the other: short, and less than the title."""
    runs = list(WORD.finditer(title))
    matters = [_matter(run[0], language) for run in runs]
    if len(words) < 2 or not {*words} <= {*matters}:
        return ""
    first, last = sorted(map(matters.index, words))
    first -= first > 0 and runs[first - 1][0].lower() in _ARTICLES
    last += last + 1 < len(runs) and matters[last + 1] != ""
    if (
        _PARTED.search(title[runs[first].start() : runs[last].end()])
        or last - first > PHRASE
        or last - first + 1 == len(runs)
    ):
        return ""
    span = zip(runs[first : last + 1], matters[first : last + 1], strict=True)
    return " ".join(
        run[0] if names.get(matter, "a")[0].isupper() else run[0].lower() for run, matter in span
    )


def _surface(forms: Counter[str]) -> str:
    """How a word is mostly written; small, where it is so at all often."""
    small = [form for form in forms if form[:1].islower()]
    capital = [form for form in forms if not form[:1].islower()]
    often = sum(forms[form] for form in small) * 4 >= sum(forms[form] for form in capital)
    return max(small if small and often else capital, key=lambda form: (forms[form], form))


def _matter(word: str, language: str) -> str:
    """The word as it is compared; nothing of one that carries no matter."""
    if len(word) < 3 or not any(map(str.isalpha, word)):
        return ""
    if language == "de" and not word[:1].isupper():
        return ""  # what German texts speak of has a capital
    return " ".join(words_in_order(word, language))


def _unspaced(title: str, text: str) -> list[str]:
    """Runs of two to four characters of the title that stand most often in the text; hiragana alone
    joins words and names nothing.
    """
    runs = {
        part
        for run in _NAMING.findall(title)
        for length in (4, 3, 2)
        for start in range(len(run) - length + 1)
        if UNSPACED.match(part := run[start : start + length])
    }
    ranked = sorted(runs, key=lambda run: (-text.count(run) * len(run), -len(run), run))
    apart: list[str] = []
    for run in ranked:
        if not any(run in other or other in run for other in apart):
            apart.append(run)
    return apart[:SUBJECTS] or [title.strip()[:4]]
