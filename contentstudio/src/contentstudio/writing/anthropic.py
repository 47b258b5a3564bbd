"""The writer that asks a language model. It may cite only from the closed pool; the references are put in by code."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from contentstudio.config import Site, Writing
from contentstudio.model import Draft, Reference, Section, Sentence, Snapshot
from overnight import Context
from overnight.llm import Request, strict_schema
from overnight.llm.client import LLM

PROMPT = "article-1"  # the file in `prompts/`; its text is part of what is hashed, so a new version is asked anew
SOURCE_CHARACTERS = 30_000  # of each source that go into the prompt


class WrittenSentence(BaseModel):
    """A sentence as the model gives it: `source` is an id of the pool, or null for one that claims nothing."""

    model_config = ConfigDict(extra="forbid")
    text: str
    source: str | None
    quoted: bool


class WrittenSection(BaseModel):
    """A heading with its paragraphs."""

    model_config = ConfigDict(extra="forbid")
    heading: str
    paragraphs: list[list[WrittenSentence]]


class Written(BaseModel):
    """An article as the model gives it."""

    model_config = ConfigDict(extra="forbid")
    title: str
    description: str
    sections: list[WrittenSection]


class ModelWriter:
    """Writes through an `LLM`: cached, priced and booked."""

    def __init__(self, llm: LLM, settings: Writing) -> None:
        self._llm = llm
        self._settings = settings

    async def write(self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]) -> Draft:
        """One article in one call. Raises what `LLM.ask` raises."""
        request = Request(
            model=self._settings.model,
            system=_prompt(PROMPT),
            prompt=_question(site, title, snapshots),
            schema=strict_schema(Written),
            max_tokens=self._settings.max_tokens,
            temperature=self._settings.temperature,
        )
        written = await self._llm.ask(ctx, request, Written)
        return Draft(
            site=site.name,
            slug=slug,
            title=written.title,
            description=written.description,
            sections=[
                Section(
                    heading=section.heading,
                    paragraphs=[[Sentence(**s.model_dump()) for s in p] for p in section.paragraphs],
                )
                for section in written.sections
            ],
            references=[
                Reference(id=f"s{number}", url=s.url, title=s.title, sha256=s.sha256)
                for number, s in enumerate(snapshots, 1)
            ],
            writer=f"anthropic:{self._settings.model}",
            language=site.language,
        )


def _question(site: Site, title: str, snapshots: Sequence[Snapshot]) -> str:
    """The topic and the sources, each between tags that the source cannot forge.

    The tag carries a hash of all the texts. A text cannot contain its own hash, so no page can close its tag; and the
    same texts give the same prompt, so that a retry finds the stored answer instead of paying again.
    """
    seal = hashlib.sha256("\n".join(s.text for s in snapshots).encode()).hexdigest()[:32]
    parts = [
        f"Site: {site.title or site.name}\nLanguage: {site.language}\nTopic: {title}\n"
        f"Length: {site.gates.min_words} to {site.gates.max_words} words\n"
    ]
    for number, snapshot in enumerate(snapshots, 1):
        parts.append(f'<source-{seal} id="s{number}">\n{snapshot.text[:SOURCE_CHARACTERS]}\n</source-{seal}>\n')
    return "\n".join(parts)


@cache
def _prompt(name: str) -> str:
    return (files("contentstudio.writing") / "prompts" / f"{name}.md").read_text("utf-8")
