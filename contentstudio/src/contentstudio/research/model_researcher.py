"""The researcher that asks language models: what to look for, and what each page states."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contentstudio import config as settings
from contentstudio.brief import Idea
from contentstudio.config import Research as Limits
from contentstudio.config import Site
from contentstudio.llm import prompts
from contentstudio.llm.models import Models, Step
from contentstudio.model import Snapshot
from contentstudio.research import passages
from contentstudio.research.notes import Fact
from overnight import Context

T = TypeVar("T")

QUESTIONS, NOTES = "questions-1", "notes-1"  # the files in `llm/templates`
QUESTION_WORDS = 40  # a question and whose it is
FACT_WORDS = 75  # the wording of a fact and its passage
LEAD_CHARACTERS = 2_000  # of each page that is known before the search
PAGE_CHARACTERS = 16_000  # of a page that is read for its facts


def _storable(text: str) -> str:
    """Postgres stores no NUL."""
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


Words = Annotated[str, AfterValidator(_storable), Field(min_length=1)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskedQuestion(_Answer):
    """A question, and which part of the audience asks it."""

    perspective: Words
    question: Words


class Questions(_Answer):
    """What the pages answer already, what they leave open, and what to look for."""

    answered: Words
    open: Words
    questions: list[AskedQuestion] = Field(min_length=1)


class StatedFact(_Answer):
    """A fact in words of one's own, and the passage of the page that it rests on."""

    text: Words
    span: Words


class Facts(_Answer):
    """What a page states."""

    facts: list[StatedFact]


class ModelResearcher:
    """Asks through `Models`: one call for the questions, one for each page. No prompt depends on
    another page, so that a page that is gone by the next attempt does not have the others read
    once more.
    """

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models = models
        self._limits = limits

    async def questions(
        self, ctx: Context[Any], site: Site, idea: Idea, pages: Sequence[Snapshot]
    ) -> tuple[str, ...]:
        """The title first, then what the model asks."""
        most = self._limits.questions
        leads = {
            f"s{number}": "\n\n".join(
                filter(None, (page.title, *passages.headings(page), page.text[:LEAD_CHARACTERS]))
            )
            for number, page in enumerate(pages, 1)
        }
        prompt = f"{prompts.profile(site)}Questions: at most {most}\n\n" + prompts.sealed(
            {"idea": _told(idea), **leads}
        )
        answer = await self._ask(
            ctx, "questions", QUESTIONS, prompt, Questions, QUESTION_WORDS * (most + 2)
        )
        texts = (" ".join(one.question.split()) for one in answer.questions)
        return tuple(dict.fromkeys((idea.title, *texts)))[: most + 1]

    async def facts(
        self, ctx: Context[Any], site: Site, idea: Idea, questions: Sequence[str], page: Snapshot
    ) -> list[Fact]:
        """The facts of one page, with one call."""
        most = self._limits.notes_per_page
        text = await asyncio.to_thread(passages.best, questions, page, PAGE_CHARACTERS)
        day = f"{page.published_at:%Y-%m-%d}" if page.published_at else "not known"
        prompt = (
            f"{prompts.profile(site)}Facts: at most {most}\nThe page is of: {day}\n\n"
            + prompts.sealed(
                {
                    "idea": _told(idea),
                    "questions": "\n".join(questions),
                    "page": f"{page.title}\n\n{text}",
                }
            )
        )
        answer = await self._ask(ctx, "notes", NOTES, prompt, Facts, FACT_WORDS * most)
        return [Fact(fact.text, fact.span, page.sha256) for fact in answer.facts[:most]]

    async def _ask(
        self, ctx: Context[Any], step: Step, template: str, prompt: str, type_: type[T], words: int
    ) -> T:
        mark = prompts.canary(ctx.job_id, settings.canary_key())
        system = prompts.instructions(template, mark)
        answer, _ = await self._models.ask(ctx, step, system, prompt, type_, words=words)
        return answer


def _told(idea: Idea) -> str:
    """An idea as a model is told of it."""
    signals = (f"- {signal.kind}: {signal.text}" for signal in idea.signals)
    return "\n".join(filter(None, (idea.title, idea.wish, *signals)))
