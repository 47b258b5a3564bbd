"""A whole article read once more: repetitions, transitions, introduction and conclusion. Pure.

The model gives changes and no second article: so each sentence keeps the notes that it states, and
code can check that. Where anything is wrong with an answer, the article stays as it was.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from contentstudio.model import Block, Draft, Sentence, groups, map_sentences
from contentstudio.writing.answers import Change, Polish

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbered(draft: Draft) -> str:
    """The article as a model reads it: a line for each sentence with its number and its notes."""
    lines, number = [f"# {draft.title}"], count(1)
    for section in draft.sections:
        lines += ["", f"## {section.heading}"]
        for block in section.blocks:
            lines += ["", *(_line(next(number), sentence) for sentence in _sentences(block))]
    return "\n".join(lines)


def fault(draft: Draft, polish: Polish) -> str | None:
    """Why an answer cannot be taken: which fact it would lose, change or add; None where it can."""
    return next(_Edit(draft, polish).faults(), None)


def polished(draft: Draft, polish: Polish) -> Draft:
    """The article with an answer that has no fault. Answers to questions stay as they are."""
    return _Edit(draft, polish).draft_after()


def _line(number: int, sentence: Sentence) -> str:
    names = [*sentence.notes, *(["quoted"] if sentence.quoted else [])]
    return f"{number} [{', '.join(names)}] {' '.join(sentence.text.split())}"


def _sentences(block: Block) -> list[Sentence]:
    return [sentence for group in groups(block) for sentence in group]


def _numbers(text: str) -> Counter[str]:
    return Counter(_NUMBER.findall(text))


@dataclass(frozen=True)
class _Edit:
    """A draft, and what is to be changed of it. Sentences count from 1."""

    draft: Draft
    polish: Polish

    @cached_property
    def sentences(self) -> dict[int, Sentence]:
        every = [s for block in self.draft.blocks() for s in _sentences(block)]
        return dict(enumerate(every, 1))

    @cached_property
    def texts(self) -> dict[int, str]:
        return {change.sentence: change.text for change in self.polish.changes}

    def faults(self) -> Iterator[str]:
        known = len(self.sentences)
        if len(self.texts) < len(self.polish.changes):
            yield "a sentence is changed twice"
        for change in self.polish.changes:
            if change.sentence not in self.sentences:
                yield f"there is no sentence {change.sentence}, of {known}"
                return
            yield from self._change(change)
        for addition in self.polish.additions:
            if not 0 <= addition.after <= known:
                yield f"there is no sentence {addition.after}, of {known}"
            if _numbers(addition.text):
                yield f"“{addition.text[:40]}” is added, and has a number"
        yield from self._losses()

    def _change(self, change: Change) -> Iterator[str]:
        sentence, number = self.sentences[change.sentence], change.sentence
        if set(change.notes) != set(sentence.notes):
            before, after = ", ".join(sentence.notes), ", ".join(change.notes)
            yield f"sentence {number} states [{before}], and its change [{after[:40]}]"
        if change.text and sentence.quoted and change.text != sentence.text:
            yield f"sentence {number} is a quote, and has other words"
        if change.text and _numbers(change.text) != _numbers(sentence.text):
            yield f"sentence {number} has other numbers than before"

    def _losses(self) -> Iterator[str]:
        """What is taken out and said nowhere else, or leaves a hole."""
        after = self.draft_after()
        left = {note for sentence in after.sentences() for note in sentence.notes}
        lost = [note for s in self.sentences.values() for note in s.notes if note not in left]
        if lost:
            yield f"no sentence states {lost[0]} any more"
        if any(not section.blocks for section in after.sections):
            yield "a section has no sentence any more"
        yield from self._holes()

    def _holes(self) -> Iterator[str]:
        """Only a paragraph can lose a sentence: an item, a cell or a quote would be empty."""
        start = 1
        for block in self.draft.blocks():
            numbers = range(start, start + len(_sentences(block)))
            start = numbers.stop
            if not isinstance(block, list) and any(self.texts.get(n) == "" for n in numbers):
                yield f"a sentence of a {block.kind} is taken out"

    def draft_after(self) -> Draft:
        """The draft with the changes; a section may have lost all its blocks."""
        sections, start = [], 1
        for section in self.draft.sections:
            blocks: list[Block] = []
            for block in section.blocks:
                blocks += self._block(block, start)
                start += len(_sentences(block))
            sections.append(section.model_copy(update={"blocks": blocks}))
        return self.draft.model_copy(update={"sections": sections})

    def _block(self, block: Block, start: int) -> list[Block]:
        numbers = range(start, start + len(_sentences(block)))
        before = self._added(0) if start == 1 else []
        if isinstance(block, list):
            each = zip(numbers, block, strict=True)
            return _filled(
                before + [s for n, sentence in each for s in self._sentence(n, sentence)]
            )
        number = iter(numbers)
        changed = map_sentences(block, lambda s: self._reworded(next(number), s))
        return [
            *_filled(before),
            changed,
            *_filled([s for number in numbers for s in self._added(number)]),
        ]

    def _sentence(self, number: int, sentence: Sentence) -> list[Sentence]:
        taken_out = self.texts.get(number) == ""
        return [
            *([] if taken_out else [self._reworded(number, sentence)]),
            *self._added(number),
        ]

    def _reworded(self, number: int, sentence: Sentence) -> Sentence:
        return sentence.model_copy(update={"text": self.texts.get(number) or sentence.text})

    def _added(self, after: int) -> list[Sentence]:
        return [Sentence(text=a.text) for a in self.polish.additions if a.after == after]


def _filled(paragraph: list[Sentence]) -> list[Block]:
    return [paragraph] if paragraph else []
