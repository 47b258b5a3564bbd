"""The figures of a source: which stand there, and the passage that a claim was made from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from contentstudio.text import numbers
from contentstudio.text.sentences import placed
from contentstudio.text.words import content_words
from contentstudio.verify import derivation


@dataclass(frozen=True)
class Source:
    """A source's title and text, its relative dates made absolute, its language, and the year in
    which it was written, where that is known.
    """

    text: str
    language: str
    year: int | None = None

    @cached_property
    def values(self) -> frozenset[str]:
        """Every reading that it gives: see `numbers`."""
        return frozenset(numbers.values(self.text, self.language))

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        return tuple(sentence for sentence, _ in placed(self.text, self.language))

    def gives(self, number: numbers.Number, text: str, before: str, language: str) -> bool:
        """Whether a number of a text stands there, or is reckoned from those that do. `before` is
        the sentence before the text.
        """
        return bool(number.values & self.values) or derivation.is_derived(
            number, text, before, language, self.sentences, self.year
        )

    def nearest(self, text: str, language: str) -> str:
        """The sentence that has most of the words of a text; empty where none has any."""
        words = content_words(text, language)
        counts = [len(words & content_words(one, language)) for one in self.sentences]
        most = max(counts, default=0)
        return self.sentences[counts.index(most)] if most else ""
