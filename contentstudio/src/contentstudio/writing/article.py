"""The writer that asks language models: a brief, then its sections, then the whole article once
more. The article is put together by code.

Every answer is stored before the next call is made, so that what a crash cuts off goes on with what
is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from contentstudio import config as settings
from contentstudio.brief import Brief, BriefSection, Research
from contentstudio.config import Site, Writing
from contentstudio.llm import at_once, prompts
from contentstudio.llm.models import Models, Step
from contentstudio.model import Draft, Fault, Question, Section
from contentstudio.verify import judgement
from contentstudio.writing import answers, briefs, mending, polish, pool
from overnight import Context
from overnight.errors import Permanent

T = TypeVar("T")

BRIEF, SECTION, POLISH, REWRITE, MEND, REPAIR = (
    "brief-1",
    "section-2",
    "polish-1",
    "rewrite-2",
    "mend-1",
    "repair-1",
)  # the files in `llm/templates`
BRIEF_WORDS = (
    300  # two to six headings with a sentence each, titles, a description, an angle, questions
)
WORDS_OF_AN_ANSWER = 60  # of the FAQ
POLISHED = 5  # an answer has fewer words than a fifth of an article
MENDED_WORDS = 60  # of the answer for one place


class OutsideThePool(Permanent):
    """The model states what it was not given, also after it was told."""


class ModelWriter:
    """Writes through `Models`."""

    def __init__(self, models: Models, writing: Writing) -> None:
        self._models = models
        self._writing = writing

    def canary(self, job_id: str) -> str:
        """The mark in the prompts of a job, which no article may hold."""
        return prompts.canary(job_id, settings.canary_key())

    async def brief(self, ctx: Context[Any], site: Site, research: Research) -> Brief:
        """The brief in one call. Raises `TooThin`, `OutsideThePool`, and what `LLM.ask` raises."""
        briefs.check(research)
        names = [note.id for note in research.notes]
        low, high = length = briefs.length(site, len(names))
        question = f"{prompts.profile(site)}Length: {low} to {high} words\n\n" + prompts.sealed(
            {**_idea(research), "notes": pool.shown(research)}
        )
        plan = await _Call(self, ctx).ask(
            "brief",
            BRIEF,
            question,
            answers.Plan,
            answers.fault_in_plan(names),
            words=BRIEF_WORDS,
        )
        own = [title for title in plan.titles if not briefs.is_taken(title, research)]
        titles = tuple(own) or (briefs.title_of(research.idea),)
        return Brief(
            research=research,
            intent=plan.intent,
            angle=plan.angle,
            titles=titles,
            description=plan.description,
            sections=tuple(_planned(section) for section in plan.sections),
            faq=tuple(briefs.beside(titles[0], plan.faq)[: briefs.MAX_QUESTIONS]),
            terms=tuple(plan.terms),
            length=length,
            images=tuple(plan.images),
            covered=briefs.covered(research),
            adds=tuple(plan.adds),
        )

    async def write(self, ctx: Context[Any], site: Site, brief: Brief) -> Draft:
        """Each section in one call, the answers to questions in one, and one that reads the whole
        article. Raises `OutsideThePool`, and what `LLM.ask` raises.
        """
        call = _Call(self, ctx, prefix(site, brief))
        sections = await _sections(call, site, brief, self._writing)
        draft = Draft(
            site=site.name,
            slug=brief.research.idea.slug,
            title=brief.titles[0],
            description=brief.description,
            sections=sections,
            references=[],
            faq=await _answers(call, brief) if brief.faq else [],
            writer="",
            language=site.language,
        )
        whole = await _polished(call, site, brief, draft)
        named = whole.model_copy(update={"writer": call.models()})
        return pool.cited(named, brief.research)

    async def rewrite(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        research: Research,
        reasons: Sequence[str],
    ) -> Draft | None:
        """The whole article again in one call, with the reasons in view. Raises as `write` does."""
        names = [note.id for note in research.notes]
        call = _Call(self, ctx)

        def fault(written: answers.Written) -> str | None:
            return answers.fault_in_bodies(names)(*written.sections) or answers.fault_in_answers(
                names
            )(written.faq)

        answer = await call.ask(
            "rewrite",
            REWRITE,
            _rewrite_question(site, draft, research, reasons),
            answers.Written,
            fault,
            words=site.gates.max_words,
        )
        changes = {
            "title": answer.title,
            "description": answer.description,
            "sections": [answers.section(each.heading, each) for each in answer.sections],
            "faq": list(map(answers.question, answer.faq)),
            "writer": call.models(),
        }
        return pool.cited(draft.model_copy(update=changes), research)

    async def mend(
        self,
        ctx: Context[Any],
        site: Site,
        draft: Draft,
        research: Research,
        faults: Sequence[Fault],
    ) -> Draft | None:
        """Other words at some places in one call, for all their faults. Raises as `write` does."""
        call = _Call(self, ctx)
        answer = await call.ask(
            "rewrite",
            MEND,
            _mend_question(site, draft, research, faults),
            answers.Mended,
            mending.fault(draft, faults, [note.id for note in research.notes]),
            words=MENDED_WORDS * len({fault.place for fault in faults}),
        )
        return mending.mended(draft, answer, research)


class _Call:
    """The calls for one article, all with the same prefix, and who answered them."""

    def __init__(self, writer: ModelWriter, ctx: Context[Any], prefix: str = "") -> None:
        self.ctx = ctx
        self._writer = writer
        self._prefix = prefix
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
        answer = await self.ask_once(step, prompt, question, type_, words=words)
        if (why := fault(answer)) is None:
            return answer
        repair = prompts.instructions(
            REPAIR, self._writer.canary(self.ctx.job_id)
        ) + prompts.sealed({"why": why})
        answer = await self.ask_once(step, prompt, question + repair, type_, words=words)
        if (why := fault(answer)) is not None:
            raise OutsideThePool(f"{why}, also after the model was told")
        return answer

    async def ask_once(
        self, step: Step, prompt: str, question: str, type_: type[T], *, words: int
    ) -> T:
        """An answer, whatever it says."""
        system = prompts.instructions(prompt, self._writer.canary(self.ctx.job_id))
        answer, name = await self._writer._models.ask(
            self.ctx, step, system, question, type_, words=words, prefix=self._prefix
        )
        self._names.append(name)
        return answer

    def models(self) -> str:
        """Who answered, each once."""
        return ", ".join(dict.fromkeys(self._names))


def prefix(site: Site, brief: Brief) -> str:
    """What all calls for one article begin with: the site, the brief, and all its notes. So a
    provider can cache it, and what differs between the calls comes after it.
    """
    plan = brief.model_dump_json(exclude={"research", "estimates"}, exclude_defaults=True, indent=1)
    values = {**_idea(brief.research), "brief": plan, "notes": pool.shown(brief.research)}
    return f"{prompts.profile(site)}\n{prompts.sealed(values)}\n"


async def _sections(call: _Call, site: Site, brief: Brief, writing: Writing) -> list[Section]:
    """The first section alone, and then the others side by side: they read the prefix from the
    provider's cache, which the first one wrote. In a batch all go together.
    """
    calls = [partial(_section, call, site, brief, number) for number in range(len(brief.sections))]
    if writing.batch:
        return await at_once.gather(calls, at_once=len(calls))
    first = await calls[0]()
    return [first, *await at_once.gather(calls[1:], at_once=writing.sections_at_once)]


async def _section(call: _Call, site: Site, brief: Brief, number: int) -> Section:
    plan = brief.sections[number]
    low, high = words_of_a_section(site, brief)
    question = (
        f"Part: section {number + 1} of the {len(brief.sections)} sections of the brief\n"
        f"Its notes: {', '.join(plan.notes)}\nIts blocks: {', '.join(plan.blocks)}\n"
        f"Length: {low} to {high} words\n"
    )
    body = await call.ask(
        "section",
        SECTION,
        question,
        answers.Body,
        answers.fault_in_bodies(plan.notes),
        words=high,
    )
    return answers.section(plan.heading, body)


async def _answers(call: _Call, brief: Brief) -> list[Question]:
    """Answers to those questions of the brief that notes answer."""
    names = [note.id for note in brief.research.notes]
    question = (
        f"Part: the answers to the {len(brief.faq)} questions of the brief's faq, each in one to "
        f"three sentences; leave out a question that no note answers\nIts notes: {', '.join(names)}"
        "\n"
    )

    def fault(answer: answers.Answers) -> str | None:
        return answers.fault_in_answers(names)(answer.faq)

    words = WORDS_OF_AN_ANSWER * len(brief.faq)
    by_model = await call.ask("section", SECTION, question, answers.Answers, fault, words=words)
    by_question = {question.strip().casefold(): question for question in brief.faq}
    written = {each.question.strip().casefold(): each for each in by_model.faq}
    return [
        Question(question=by_question[same], answer=answers.question(written[same]).answer)
        for same in by_question
        if same in written
    ]


async def _polished(call: _Call, site: Site, brief: Brief, draft: Draft) -> Draft:
    """The article as its editor leaves it; as it was, where the answer would change what it
    states.
    """
    _, high = brief.length or briefs.length(site, len(brief.research.notes))
    question = prompts.sealed({"article": polish.numbered(draft)})
    answer = await call.ask_once(
        "polish", POLISH, question, answers.Polish, words=max(100, high // POLISHED)
    )
    if (why := polish.fault(draft, answer)) is None:
        return polish.polished(draft, answer)
    call.ctx.log.warning("the article stays as its sections were written: %s", why)
    return draft


def words_of_a_section(site: Site, brief: Brief) -> tuple[int, int]:
    """How long a section is, at least and at most, so that together they are as long as the brief
    says.
    """
    low, high = brief.length or briefs.length(site, len(brief.research.notes))
    parts = len(brief.sections)
    return -(-low // parts), max(1, high // parts)


def _planned(section: answers.PlannedSection) -> BriefSection:
    return BriefSection(
        heading=section.heading,
        tells=section.tells,
        notes=tuple(dict.fromkeys(section.notes)),
        blocks=tuple(dict.fromkeys(section.blocks)) or ("paragraph",),
    )


def _rewrite_question(site: Site, draft: Draft, research: Research, reasons: Sequence[str]) -> str:
    length = f"Length: {site.gates.min_words} to {site.gates.max_words} words\n\n"
    article = draft.model_dump_json(include={"title", "description", "sections", "faq"}, indent=1)
    values = {
        **_idea(research),
        "notes": pool.shown(research),
        "article": article,
        "reasons": json.dumps(list(reasons), ensure_ascii=False, indent=1),
    }
    return prompts.profile(site) + length + prompts.sealed(values)


def _mend_question(site: Site, draft: Draft, research: Research, faults: Sequence[Fault]) -> str:
    by_place: dict[str, list[Fault]] = {}
    for fault in faults:
        by_place.setdefault(fault.place, []).append(fault)
    lines = [
        {
            "place": place,
            "text": each[0].text,
            "reasons": [fault.reason for fault in each],
            "passages": [fault.passage for fault in each if fault.passage],
        }
        for place, each in by_place.items()
    ]
    values = {
        **_idea(research),
        "notes": pool.shown(research),
        "article": judgement.listed(draft),
        "faults": "\n".join(json.dumps(line, ensure_ascii=False) for line in lines),
    }
    return prompts.profile(site) + "\n" + prompts.sealed(values)


def _idea(research: Research) -> dict[str, str]:
    """What readers ask, and what the owner says of it."""
    idea = research.idea
    values = {"idea": idea.title, "wish": idea.wish, "questions": "\n".join(research.questions)}
    return {name: text for name, text in values.items() if text}
