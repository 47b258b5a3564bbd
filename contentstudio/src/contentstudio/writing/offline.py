"""The offline writer: a digest of the notes of a brief in the sources' own sentences, each quoted
and cited. No language model, no network.

What it adds of its own claims nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from contentstudio.brief import Brief, Note, Research
from contentstudio.config import Site
from contentstudio.model import Block, Draft, Fault, Question, Section, Sentence
from contentstudio.writing import briefs, pool
from overnight import Context

WRITER = "offline"  # what its drafts say of who wrote them

_LEAD = (
    "This page collects what others say on the subject, in their own words.",
    "Each quote is followed by its source.",
)


def compose(site: Site, brief: Brief) -> Draft:
    """An article of quotes by a brief: the same input gives an equal draft.

    A question that no note answers is left out.
    """
    idea = brief.research.idea
    draft = Draft(
        site=site.name,
        slug=idea.slug,
        title=brief.titles[0],
        description=brief.description,
        sections=list(_sections(brief, site.language)),
        references=[],
        faq=list(_answers(brief, site.language)),
        writer=WRITER,
        language=site.language,
    )
    return pool.cited(draft, brief.research)


def _sections(brief: Brief, language: str) -> Iterator[Section]:
    """Short paragraphs; in English the first one says what the page is."""
    notes = {note.id: note for note in brief.research.notes}
    lead: list[Block] = [[Sentence(text=text) for text in _LEAD]] if language == "en" else []
    for section in brief.sections:
        quotes = [_quote(notes[name]) for name in section.notes]
        yield Section(
            heading=section.heading, paragraphs=[*lead, *_split(quotes, 1 + len(quotes) // 4)]
        )
        lead = []


def _answers(brief: Brief, language: str) -> Iterator[Question]:
    """Each question with the note that answers it: rather one that no section has, and no note
    twice.
    """
    in_sections = {name for section in brief.sections for name in section.notes}
    left = sorted(brief.research.notes, key=lambda note: note.id in in_sections)
    for question in brief.faq:
        if (note := briefs.answer_to(question, left, language)) is not None:
            left.remove(note)
            yield Question(question=question, answer=[_quote(note)])


def _quote(note: Note) -> Sentence:
    return Sentence(text=" ".join(note.span.split()), quoted=True, notes=(note.id,))


def _split(items: list[Sentence], count: int) -> list[list[Sentence]]:
    """`count` runs of nearly equal length, in order."""
    ends = [round(index * len(items) / count) for index in range(count + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


class OfflineWriter:
    """The writer without a model, as an adapter of the port."""

    def canary(self, job_id: str) -> str:
        """It sends no prompt."""
        return ""

    async def brief(self, ctx: Context[Any], site: Site, research: Research) -> Brief:
        """Plan by code. Raises `TooThin` where the notes do not suffice."""
        return await asyncio.to_thread(briefs.plan, site, research)

    async def write(self, ctx: Context[Any], site: Site, brief: Brief) -> Draft:
        """Compose from the sources' own sentences."""
        return await asyncio.to_thread(compose, site, brief)

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        research: Research,
        reasons: Sequence[str],
    ) -> Draft | None:
        """It would write the same again."""
        return None

    async def mend(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        research: Research,
        faults: Sequence[Fault],
    ) -> Draft | None:
        """It has no words of its own."""
        return None
