"""Asks a model whether the sources say what an article says: one call for an article of usual
length, with what was found before left out, and one more for what could not be used.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from contentstudio import config as settings
from contentstudio.llm import prompts
from contentstudio.llm.models import Models
from contentstudio.model import Draft, Fault, Snapshot
from contentstudio.text.sentences import placed
from contentstudio.text.wording import tokens
from contentstudio.verify import judgement
from contentstudio.verify.judgement import Answer, Conflict, Finding, Judgement, Line
from overnight import Context
from overnight.llm import PermanentCall

AT_ONCE = 60  # lines in one call: an answer on more may be cut off
FEWEST = 5  # lines in one call that is halved because its answer was cut off
WORDS = 25  # of an answer on one line: its verdict, and a passage
SOURCE_CHARACTERS = 12_000  # of a source that a judge reads; of a longer one what is nearest
REPAIR = "repair-1"  # the file in `llm/templates`


class Judge:
    """Asks through `Models`. Raises what `Models.ask` raises."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def judge(
        self,
        ctx: Context[Any],
        draft: Draft,
        pool: Mapping[str, Snapshot],
        known: Mapping[str, Finding],
    ) -> Judgement:
        """What the judge says of each line. `known` are findings by their keys: a line that has one
        which still counts is not asked about again.
        """
        lines = judgement.lines(draft)
        found = {line.place: known[line.key] for line in lines if line.key in known}
        said = Judgement(judgement.with_conflicts(found, {}, draft))
        for asks in (_first, _repair):
            if voids := await asyncio.to_thread(said.voids, draft, pool):
                beginning = await asyncio.to_thread(material, draft, pool)
                said = await self._asked(ctx, draft, said, voids, beginning, asks(ctx, voids))
        return said

    async def _asked(
        self,
        ctx: Context[Any],
        draft: Draft,
        said: Judgement,
        voids: Sequence[Fault],
        beginning: str,
        repair: str,
    ) -> Judgement:
        """What is known after the lines were asked about of which nothing was."""
        places = {fault.place for fault in voids}
        lines = [line for line in judgement.lines(draft) if line.place in places]
        # To have a provider write its cache costs more than it saves, unless it is read again.
        call = _Call(self._models, ctx, beginning, repair, shared=len(lines) > AT_ONCE)
        found, conflicts = dict(said.findings), dict[str, tuple[Conflict, ...]]()
        for start in range(0, len(lines), AT_ONCE):
            for part, answer, judge in await call.answers(lines[start : start + AT_ONCE]):
                new, at = judgement.read(answer, part, draft, judge)
                found |= new
                conflicts |= {place: conflicts.get(place, ()) + each for place, each in at.items()}
        return Judgement(judgement.with_conflicts(found, conflicts, draft))


_Answered = tuple[Sequence[Line], Answer, str]  # the lines, what was said of them, and by whom


@dataclass(frozen=True)
class _Call:
    """The calls on one article, which all begin alike."""

    models: Models
    ctx: Context[Any]
    beginning: str
    repair: str
    shared: bool

    async def answers(self, lines: Sequence[Line]) -> list[_Answered]:
        """The answer on some lines; on each half of them where that is too long for one."""
        try:
            return [(lines, *await self._ask(lines))]
        except PermanentCall as cut:
            if cut.kind != "truncated" or len(lines) < 2 * FEWEST:
                raise
        half = len(lines) // 2
        return [*await self.answers(lines[:half]), *await self.answers(lines[half:])]

    async def _ask(self, lines: Sequence[Line]) -> tuple[Answer, str]:
        question = f"{_question(lines)}{self.repair}"
        return await self.models.ask(
            self.ctx,
            "judge",
            prompts.instructions(judgement.PROMPT, _mark(self.ctx)),
            question if self.shared else self.beginning + question,
            Answer,
            words=WORDS * len(lines),
            prefix=self.beginning if self.shared else "",
        )


def _mark(ctx: Context[Any]) -> str:
    return prompts.canary(ctx.job_id, settings.canary_key())


def _first(ctx: Context[Any], voids: Sequence[Fault]) -> str:
    """There is nothing to be said of an answer before it is given."""
    return ""


def _question(lines: Sequence[Line]) -> str:
    return f"Judge these {len(lines)} lines: {', '.join(line.place for line in lines)}\n"


def material(draft: Draft, pool: Mapping[str, Snapshot]) -> str:
    """What each call on an article begins with: its sources and its lines."""
    cited = {r.id: pool[r.id] for r in draft.references if r.id in pool}
    sources = {name: excerpt(draft, name, page) for name, page in cited.items()}
    pages = "\n".join(_page(name, page) for name, page in cited.items())
    texts = {**sources, "pages": pages, "article": judgement.listed(draft)}
    return f"Language of the article: {draft.language}\n\n{prompts.sealed(texts)}\n"


def excerpt(draft: Draft, name: str, page: Snapshot, most: int = SOURCE_CHARACTERS) -> str:
    """A source, or of a long one its sentences that are nearest to those that cite it, each with
    its neighbours, in the order of the text.
    """
    if len(page.text) <= most:
        return page.text
    each = [span for _, span in placed(page.text, page.language or draft.language)]
    words = [set(tokens(page.text[slice(*span)])) for span in each]
    claims = [set(tokens(s.text)) for s in draft.sentences() if s.source == name]
    near = [
        max((len(w & claim) / len(claim) for claim in claims if claim), default=0) for w in words
    ]
    chosen: set[int] = set()
    size = 0
    for number in sorted(range(len(each)), key=lambda n: (-near[n], n)):
        around = set(range(max(0, number - 1), min(len(each), number + 2))) - chosen
        size += sum(each[n][1] - each[n][0] + 1 for n in around)
        if size > most:
            break
        chosen |= around
    return _joined(page.text, [each[number] for number in sorted(chosen)])


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Pieces of a text, with a mark where something is left out between them."""
    parts, end = list[str](), 0
    for start, stop in spans:
        between = text[end:start]
        parts += [between if not between.strip() else "\n[…]\n", text[start:stop]]
        end = stop
    return "".join([*parts, "\n[…]" if text[end:].strip() else ""])


def _page(name: str, page: Snapshot) -> str:
    day = page.day.isoformat() if page.day else None
    values = {"id": name, "title": page.title, "host": urlsplit(page.url).hostname, "date": day}
    return json.dumps({k: v for k, v in values.items() if v}, ensure_ascii=False)


def _repair(ctx: Context[Any], voids: Sequence[Fault]) -> str:
    """What is added where some verdicts of an answer count for nothing."""
    why = "\n".join(f"{fault.place}: {fault.reason}" for fault in voids)
    return "\n" + prompts.instructions(REPAIR, _mark(ctx)) + prompts.sealed({"why": why})
