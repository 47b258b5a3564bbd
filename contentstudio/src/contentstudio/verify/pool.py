"""What all sources of an article know together: words, names, whose word they give. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from contentstudio.model import Snapshot
from contentstudio.text import measures, packs
from contentstudio.text.sentences import placed
from contentstudio.text.wording import normal
from contentstudio.verify.statements import SECTION, Mark, Statement, is_material, read, stem

_TOKEN = re.compile(r"[^\W_]+(?:[.'][^\W_]+)*")
_BEGINS = re.compile(r"(?:^|[.!?:;…|]|[\"'(\[]|- )\s*[\"'(\[¿¡]*$")
_ROOT = 5  # letters that a name shares with its adjective: Germany, German
_TITLE_CASE = 0.5  # of the longer words of a title begin with a capital: none of them is a name
_PERSON = re.compile(
    r"\b[A-Z][^\W\d_]+(?: (?:de|del|da|di|van|von|der|den|du|la))* [A-Z][^\W\d_]{2,}"
    r"(?:[ -][A-Z][^\W\d_]+)*"
)
_MONTHS = frozenset(measures.MONTHS)
_CAPITAL_NOUNS = frozenset({"de"})  # a capital tells no name there


@dataclass(frozen=True)
class Source:
    """A source: its sentences as they are compared, and its text. `passages` is empty where it is
    in another language than the article.
    """

    passages: tuple[Statement, ...]
    whole: Statement


@dataclass(frozen=True)
class Pool:
    """The sources by their ids. `citing` are the texts of the article that are compared with them,
    whose words the other texts may use; `known` are names that no source has to tell: the site's.
    """

    language: str
    sources: Mapping[str, Source]
    citing: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        snapshots: Mapping[str, Snapshot],
        language: str,
        citing: Iterable[str] = (),
        known: Iterable[str] = (),
    ) -> Pool:
        """The pool of an article in a language that has a pack."""
        sources = {key: _source(snapshot, language) for key, snapshot in snapshots.items()}
        return cls(language, sources, tuple(citing), tuple(known))

    @property
    def passages(self) -> list[Statement]:
        return [passage for source in self.sources.values() for passage in source.passages]

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words that carry matter in the sources and in what cites them."""
        texts = [source.whole for source in self.sources.values()]
        texts += [read(text, self.language) for text in self.citing]
        return frozenset(stem for text in texts for stem in text.stems)

    @cached_property
    def _words(self) -> frozenset[str]:
        texts = [source.whole.text for source in self.sources.values()]
        words = {
            word.casefold() for text in (*texts, *self.known) for word in re.findall(r"\w+", text)
        }
        return frozenset(words | {word[:_ROOT] for word in words if len(word) >= _ROOT})

    def has(self, *names: str) -> bool:
        """Whether a source has a mark of one of these lists of the pack."""
        return any(source.whole.has(*names) for source in self.sources.values())

    def knows(self, word: str) -> bool:
        """Whether a word, or what it is made from, stands in a source."""
        plain = word.casefold()
        if plain in self._words:
            return True
        roots = self._capital_roots if self.language == "en" and word[0].isupper() else self._words
        return len(plain) >= _ROOT and plain[:_ROOT] in roots

    @cached_property
    def _capital_roots(self) -> frozenset[str]:
        """The roots of what is written with a capital: in English adjectives of names are so."""
        return frozenset(word[:_ROOT].casefold() for word in self._capitals)

    def unknown_names(self, statement: Statement) -> list[str]:
        """The names of a sentence that stand nowhere in the sources. In German none are told."""
        is_foreign = any(not source.passages for source in self.sources.values())
        if self.language in _CAPITAL_NOUNS or is_foreign:
            return []
        return [name for name in names(statement) if not self.knows(name)]

    @cached_property
    def _capitals(self) -> frozenset[str]:
        texts = [*(source.whole.text for source in self.sources.values()), *self.known]
        words = {word for text in texts for word in re.findall(r"\b[A-Z]\w+", text)}
        addresses = " ".join(re.findall(r"https?:\S+", " ".join(texts)))
        return frozenset(words | {word.capitalize() for word in re.findall(r"\w+", addresses)})

    def unknown_persons(self, statement: Statement) -> list[str]:
        """The names of two words and more of which one is written so in no source."""
        if self.language in _CAPITAL_NOUNS or any(not s.passages for s in self.sources.values()):
            return []
        if _is_title_case(statement.text):
            return []
        return [
            match[0]
            for match in _PERSON.finditer(statement.text)
            if any(map(self._is_unknown, self._names_in(match)))
        ]

    def _names_in(self, match: re.Match[str]) -> list[str]:
        """The words of a name; little words may have a capital too: "On What", "The Hague"."""
        words = re.findall(r"[A-Z]\w+", match[0])
        return [word for word in words if is_material(word.casefold(), self.language)]

    def _is_unknown(self, word: str) -> bool:
        usual = packs.words(self.language, SECTION, "known_names")
        return word not in self._capitals and word.casefold() not in (*usual, *_MONTHS)


def _source(snapshot: Snapshot, language: str) -> Source:
    own = (snapshot.language or language).lower()[:2]
    whole = f"{snapshot.title}\n{snapshot.text}\n{snapshot.url} {snapshot.author or ''}"
    passages = (
        tuple(read(sentence, language) for sentence, _ in placed(snapshot.text, language))
        if own == language
        else ()
    )
    return Source(passages, read(whole, language))


def names(statement: Statement) -> list[str]:
    """What is written with a capital within a sentence: names, in most languages."""
    text = statement.text
    if _is_title_case(text):
        return []
    usual = packs.words(statement.language, SECTION, "known_names")
    material = {word.start for word in statement.words} - {s.start for s in statement.sides()}
    return [
        word
        for match in _TOKEN.finditer(text)
        if match.start() in material
        and (word := match[0].removesuffix("'s"))[0].isupper()
        and "." not in word
        and word.casefold() not in usual
        and not _BEGINS.search(text[: match.start()])
    ]


def _is_title_case(text: str) -> bool:
    longer = [match[0] for match in _TOKEN.finditer(text) if len(match[0]) > 3]
    capitals = sum(word[0].isupper() for word in longer)
    return len(longer) > 2 and capitals > _TITLE_CASE * len(longer)


def marked(statement: Statement, name: str) -> Mark | None:
    """The first mark of a list."""
    return next(iter(statement.marks(name)), None)


_ATTRIBUTED = 30  # characters between who says it and that it is said


def authority(statement: Statement) -> Mark | None:
    """Whose word a sentence gives without a name: "doctors say", "it is proven"."""
    if proof := marked(statement, "proofs"):
        return proof
    for who in statement.marks("authorities"):
        for saying in statement.marks("sayings"):
            gap = max(saying.start - who.end, who.start - saying.end)
            if 0 <= gap <= _ATTRIBUTED and statement.clause_of(who.start) == statement.clause_of(
                saying.start
            ):
                start, end = min(who.start, saying.start), max(who.end, saying.end)
                return Mark(start, end, statement.text[start:end])
    return None


def unknown_promise(statement: Statement, pool: Pool) -> Mark | None:
    """An effect that no source tells of: "cures", "guaranteed"."""
    return next(
        (
            mark
            for mark in statement.marks("promises")
            if not any(
                pool.knows(word) or stem(word.casefold(), pool.language) in pool.stems
                for word in normal(mark.text).split()
                if len(word) > 3
            )
        ),
        None,
    )
