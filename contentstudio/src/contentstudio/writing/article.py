"""The writer that asks language models: an outline, then its sections. The article is put together
by code.

Every answer is stored before the next call is made, so that what a crash cuts off goes on with what
is missing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contentstudio import config as settings
from contentstudio.config import Site, Writing
from contentstudio.llm import prompts
from contentstudio.llm.models import Models, Step
from contentstudio.model import Block, Draft, Reference, Section, Sentence, Snapshot
from overnight import Context
from overnight.errors import Permanent, Waiting

T = TypeVar("T")

OUTLINE, SECTION, REWRITE, REPAIR = (
    "outline-1",
    "section-1",
    "rewrite-1",
    "repair-1",
)  # the files in `llm/templates`
OUTLINE_WORDS = (
    250  # three to six headings with a sentence each, a title, a description and an angle
)
IN_A_BATCH = 100  # calls for one article that are asked for together
SOURCE_CHARACTERS = 30_000  # of each source that go into a prompt


def _storable(text: str) -> str:
    """Postgres stores no NUL: an answer with one is malformed, and so it is asked for again instead
    of kept.
    """
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Words = Annotated[Text, Field(min_length=1)]
Pool = Mapping[str, Snapshot]  # the closed pool: what may be cited, by its id


class OutsideThePool(Permanent):
    """The model cites what it was not given, also after it was told."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlannedSection(_Answer):
    """A section of an outline: what it tells, and the ids of the sources it leans on."""

    heading: Words
    tells: Text
    sources: list[str] = Field(min_length=1)


class Outline(_Answer):
    """The plan of an article."""

    title: Words
    description: Text
    angle: Text
    sections: list[PlannedSection] = Field(min_length=1)


class WrittenSentence(_Answer):
    """A sentence as the model gives it: `source` is an id of the pool, or null for one that claims
    nothing.
    """

    text: Words
    source: str | None
    quoted: bool


class Body(_Answer):
    """What stands beneath a heading."""

    paragraphs: list[Annotated[list[WrittenSentence], Field(min_length=1)]] = Field(min_length=1)


class WrittenSection(Body):
    """A heading and what stands beneath it."""

    heading: Words


class Written(_Answer):
    """A whole article, as the model gives it when it mends one."""

    title: Words
    description: Text
    sections: list[WrittenSection] = Field(min_length=1)


class ModelWriter:
    """Writes through `Models`."""

    def __init__(self, models: Models, writing: Writing) -> None:
        self._models = models
        self._writing = writing

    def canary(self, job_id: str) -> str:
        """The mark in the prompts of a job, which no article may hold."""
        return prompts.canary(job_id, settings.canary_key())

    async def write(
        self, ctx: Context[Any], site: Site, slug: str, title: str, snapshots: Sequence[Snapshot]
    ) -> Draft:
        """An outline in one call, each section in one. Raises `OutsideThePool`, and what `LLM.ask`
        raises.
        """
        pool = {f"s{number}": snapshot for number, snapshot in enumerate(snapshots, 1)}
        call = _Call(self, ctx)
        outline = await call.ask(
            "outline",
            OUTLINE,
            _outline_question(site, title, pool),
            Outline,
            _of_outline(pool),
            words=OUTLINE_WORDS,
        )

        async def section(number: int) -> Section:
            plan = outline.sections[number]
            own_pool = {name: pool[name] for name in pool if name in plan.sources}
            question = _section_question(site, title, outline, number, own_pool)
            words = _words_of_a_section(site, outline)
            body = await call.ask(
                "section", SECTION, question, Body, _of_bodies(own_pool), words=words
            )
            return _section(plan.heading, body)

        sections = await _all(
            [partial(section, number) for number in range(len(outline.sections))],
            at_once=IN_A_BATCH if self._writing.batch else self._writing.sections_at_once,
        )
        draft = Draft(
            site=site.name,
            slug=slug,
            title=outline.title,
            description=outline.description,
            sections=sections,
            references=_references(pool),
            writer=call.models(),
            language=site.language,
        )
        return cited_only(draft)

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        snapshots: Sequence[Snapshot],
        reasons: Sequence[str],
    ) -> Draft:
        """The whole article again in one call, with the reasons in view. Raises as `write` does."""
        texts = {snapshot.sha256: snapshot for snapshot in snapshots}
        pool = {r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts}
        call = _Call(self, ctx)
        question = _rewrite_question(site, draft, pool, reasons)
        words = site.gates.max_words
        answer = await call.ask(
            "rewrite",
            REWRITE,
            question,
            Written,
            lambda w: _of_bodies(pool)(*w.sections),
            words=words,
        )
        changes = {
            "title": answer.title,
            "description": answer.description,
            "sections": [_section(section.heading, section) for section in answer.sections],
            "references": _references(pool),
            "writer": call.models(),
        }
        return cited_only(draft.model_copy(update=changes))


class _Call:
    """The calls for one article, and who answered them."""

    def __init__(self, writer: ModelWriter, ctx: Context[Any]) -> None:
        self._writer = writer
        self._ctx = ctx
        self._names: list[str] = []

    async def ask(
        self,
        step: Step,
        prompt: str,
        question: str,
        type_: type[T],
        fault: Callable[[T], str | None],
        *,
        words: int,
    ) -> T:
        """An answer without a fault. One that has a fault is asked for once more, with the fault in
        view.
        """
        answer = await self._ask(step, prompt, question, type_, words)
        if (why := fault(answer)) is None:
            return answer
        repair = prompts.instructions(
            REPAIR, self._writer.canary(self._ctx.job_id)
        ) + prompts.sealed({"why": why})
        answer = await self._ask(step, prompt, question + repair, type_, words)
        if (why := fault(answer)) is not None:
            raise OutsideThePool(f"{why}, also after the model was told")
        return answer

    async def _ask(self, step: Step, prompt: str, question: str, type_: type[T], words: int) -> T:
        system = prompts.instructions(prompt, self._writer.canary(self._ctx.job_id))
        answer, name = await self._writer._models.ask(
            self._ctx, step, system, question, type_, words=words
        )
        self._names.append(name)
        return answer

    def models(self) -> str:
        """Who answered, each once."""
        return ", ".join(dict.fromkeys(self._names))


def cited_only(draft: Draft) -> Draft:
    """The draft with the references that its sentences cite and no others, numbered s1, s2, … as
    they come.

    A citation of what is no reference stays as it is, for a gate to find.
    """
    known = {reference.id: reference for reference in draft.references}
    cited = dict.fromkeys(s.source for s in draft.sentences() if s.source in known)
    ids = {old: f"s{number}" for number, old in enumerate(cited, 1) if old is not None}

    def renamed(sentence: Sentence) -> Sentence:
        return sentence.model_copy(
            update={"source": ids.get(sentence.source or "", sentence.source)}
        )

    references = [known[old].model_copy(update={"id": new}) for old, new in ids.items()]
    return draft.map_sentences(renamed).model_copy(update={"references": references})


async def _all(calls: Sequence[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """The results in order. After a failure no other call begins; those under way come to their
    end: they are paid. Answers that are waited for are no failure: all are asked for first.
    """
    turn = asyncio.Semaphore(at_once)
    failures: list[Exception] = []

    async def one(call: Callable[[], Awaitable[T]]) -> T | None:
        async with turn:
            if not all(map(_is_awaited, failures)):
                return None
            try:
                return await call()
            except Exception as error:
                failures.append(error)
                return None

    results = await asyncio.gather(*map(one, calls))
    if failures:
        raise min(failures, key=_is_awaited)
    return [result for result in results if result is not None]


def _is_awaited(failure: Exception) -> bool:
    """Whether the answer is on its way, and nothing holds other calls back."""
    return isinstance(failure, Waiting) and failure.held is None


def _of_outline(pool: Pool) -> Callable[[Outline], str | None]:
    def fault(outline: Outline) -> str | None:
        return _outside(pool, (name for section in outline.sections for name in section.sources))

    return fault


def _of_bodies(pool: Pool) -> Callable[..., str | None]:
    """What is wrong with the citations of some bodies, or None."""

    def fault(*bodies: Body) -> str | None:
        sentences = [s for body in bodies for paragraph in body.paragraphs for s in paragraph]
        if any(s.quoted and s.source is None for s in sentences):
            return "a quoted sentence names no source"
        return _outside(pool, (s.source for s in sentences if s.source is not None))

    return fault


def _outside(pool: Pool, ids: Iterable[str]) -> str | None:
    wrong = next((name for name in ids if name not in pool), None)
    return (
        f"“{wrong[:40]}” is cited, and only {', '.join(pool)} are given"
        if wrong is not None
        else None
    )


def _section(heading: str, body: Body) -> Section:
    paragraphs: list[Block] = [
        [Sentence(**sentence.model_dump()) for sentence in paragraph]
        for paragraph in body.paragraphs
    ]
    return Section(heading=heading, paragraphs=paragraphs)


def _references(pool: Pool) -> list[Reference]:
    return [
        Reference(id=name, url=s.url, title=s.title, sha256=s.sha256) for name, s in pool.items()
    ]


def _outline_question(site: Site, title: str, pool: Pool) -> str:
    least, most = site.gates.min_words, site.gates.max_words
    return f"{_site(site)}Length: {least} to {most} words\n\n" + prompts.sealed(
        {"topic": title, **_texts(pool)}
    )


def _section_question(site: Site, title: str, outline: Outline, number: int, pool: Pool) -> str:
    parts = len(outline.sections)
    length = (
        f"Length: {-(-site.gates.min_words // parts)} to "
        f"{_words_of_a_section(site, outline)} words\n"
    )
    text = f"{_site(site)}{length}Section: number {number + 1} of the {parts} in the outline\n\n"
    return text + prompts.sealed(
        {"topic": title, "outline": outline.model_dump_json(indent=1), **_texts(pool)}
    )


def _words_of_a_section(site: Site, outline: Outline) -> int:
    return max(1, site.gates.max_words // len(outline.sections))


def _rewrite_question(site: Site, draft: Draft, pool: Pool, reasons: Sequence[str]) -> str:
    length = f"Length: {site.gates.min_words} to {site.gates.max_words} words\n\n"
    article = draft.model_dump_json(include={"title", "description", "sections"}, indent=1)
    values = {
        "article": article,
        "reasons": json.dumps(list(reasons), ensure_ascii=False, indent=1),
    }
    return _site(site) + length + prompts.sealed({**values, **_texts(pool)})


def _site(site: Site) -> str:
    return f"Site: {site.title or site.name}\nLanguage: {site.language}\n"


def _texts(pool: Pool) -> dict[str, str]:
    return {name: snapshot.text[:SOURCE_CHARACTERS] for name, snapshot in pool.items()}
