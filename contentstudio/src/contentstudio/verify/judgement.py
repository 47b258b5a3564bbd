"""What a judge says of an article, line by line, and what of it counts. Pure.

A judge is a model, so nothing that it says is believed: a passage has to stand in the snapshot word
for word, in the text that the line cites, and has to have the numbers of the line. What does not
hold so is void, and a void verdict passes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Fault,
    ImageBlock,
    ListBlock,
    Model,
    QuoteBlock,
    Sentence,
    Snapshot,
    StepsBlock,
    TableBlock,
    is_empty,
)
from contentstudio.text import dates, numbers
from contentstudio.text.wording import located, normal, shown
from contentstudio.text.words import content_words, is_unspaced

PROMPT = "judge-1"  # the file in `llm/templates`; what another one judged is judged again
ROOT = 4  # letters that the forms of a word have in common
FEWEST = 4  # words that carry matter; fewer may all be others in the passage
ROUNDED = 0.05  # of a quantity: a number that is nearer may be it

Ruling = Literal["supported", "contradicted", "not_found", "no_claim"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QuotedPassage(_Answer):
    """What a source says, word for word; `source` is its id."""

    source: str
    text: str


class LineRuling(_Answer):
    """What the judge says of a line. `why` is a sentence, empty where nothing is wrong."""

    line: str
    verdict: Ruling
    passages: list[QuotedPassage]
    why: str


class LineConflict(_Answer):
    """Lines of the article that cannot all be true."""

    lines: list[str] = Field(min_length=2)
    why: str


class Answer(_Answer):
    """The form of the judge's answer."""

    rulings: list[LineRuling]
    conflicts: list[LineConflict]


class Passage(Model):
    """A passage of the snapshot with this hash."""

    snapshot: str
    text: str


class Conflict(Model):
    """The text of another line of the article that says otherwise; empty where it is not known."""

    text: str
    why: str


class Finding(Model):
    """What the judge found of a text. `judge` is the model that said it."""

    text: str
    ruling: Ruling
    passages: tuple[Passage, ...] = Field(default=(), exclude_if=is_empty)
    why: str = ""
    conflicts: tuple[Conflict, ...] = Field(default=(), exclude_if=is_empty)
    judge: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A text of the article that is judged. `source` is the id that it cites and `snapshot` the
    hash of that text, both None where it cites none. `around` is what it is read in.
    """

    place: str
    text: str
    source: str | None = None
    snapshot: str | None = None
    around: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """By which a finding is known: the same text, in the same part of the article, of the same
        source, by the same prompt.
        """
        kind = self.place.rstrip("0123456789 ")
        said = json.dumps([PROMPT, kind, self.text, self.snapshot, self.around])
        return hashlib.sha256(said.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Judgement:
    """The findings of an article, by place. What the judge left out has none."""

    findings: Mapping[str, Finding]

    def voids(self, draft: Draft, pool: Mapping[str, Snapshot]) -> list[Fault]:
        """The lines of which nothing is known, each with the reason why what was said counts for
        nothing.
        """
        found = ((line, self.findings.get(line.place)) for line in lines(draft))
        reasons = ((line, void(line, finding, pool, draft.language)) for line, finding in found)
        return [Fault(place=line.place, text=line.text, reason=why) for line, why in reasons if why]

    def faults(self, draft: Draft) -> list[Fault]:
        """What has to change, for the sources or the article itself say otherwise, or no source
        says so.
        """
        return [
            Fault(place=line.place, text=line.text, reason=reason, passage=passage)
            for line in lines(draft)
            if (finding := self.findings.get(line.place))
            for reason, passage in _faults(finding)
        ]

    def by_key(self, draft: Draft, pool: Mapping[str, Snapshot]) -> dict[str, Finding]:
        """The findings that count, by which they are known again."""
        void = {fault.place for fault in self.voids(draft, pool)}
        return {
            line.key: self.findings[line.place] for line in lines(draft) if line.place not in void
        }

    def count(self, ruling: Ruling) -> int:
        """How many lines have this verdict."""
        return sum(finding.ruling == ruling for finding in self.findings.values())

    def judges(self) -> str:
        """The models that judged."""
        return ", ".join(dict.fromkeys(f.judge for f in self.findings.values() if f.judge))


def lines(draft: Draft) -> list[Line]:
    """The texts of an article that are judged, in reading order: title and description, headings,
    questions, sentences, and the names within blocks.

    Sentences are read in their section, questions with their answers, title and description in all
    of the article.
    """
    snapshots = {reference.id: reference.sha256 for reference in draft.references}
    numbered = _Numbered(snapshots)
    parts = [list(numbered.part(_section(s.heading, s.blocks))) for s in draft.sections]
    parts += [list(numbered.part(_question(q.question, q.answer))) for q in draft.faq]
    body = [line for part in parts for line in part]
    whole = "\n".join(line.text for line in body)
    head = [
        Line("title", draft.title, around=whole),
        Line("description", draft.description, around=whole),
    ]
    return [line for line in (*head, *body) if any(map(str.isalnum, line.text))]


def listed(draft: Draft) -> str:
    """The article as a model reads it: a line for each text, with its place and its source."""
    return "\n".join(map(_listed, lines(draft)))


def read(
    answer: Answer, asked: Iterable[Line], draft: Draft, judge: str
) -> tuple[dict[str, Finding], dict[str, tuple[Conflict, ...]]]:
    """The findings of an answer on these lines by place, and the conflicts of all lines by place.
    Of two verdicts on a line none counts; nor does one on a line that nobody asked for.
    """
    by_place = {line.place: line for line in asked}
    counts = Counter(ruling.line for ruling in answer.rulings)
    snapshots = {reference.id: reference.sha256 for reference in draft.references}
    findings = {
        ruling.line: Finding(
            text=by_place[ruling.line].text,
            ruling=ruling.verdict,
            passages=_passages(ruling, snapshots),
            why=_plain(ruling.why),
            judge=judge,
        )
        for ruling in answer.rulings
        if ruling.line in by_place and counts[ruling.line] == 1
    }
    return findings, _conflicts(answer, draft)


def _passages(ruling: LineRuling, snapshots: Mapping[str, str]) -> tuple[Passage, ...]:
    if ruling.verdict not in ("supported", "contradicted"):
        return ()
    return tuple(
        Passage(snapshot=snapshots.get(each.source, ""), text=each.text) for each in ruling.passages
    )


def with_conflicts(
    findings: Mapping[str, Finding],
    conflicts: Mapping[str, tuple[Conflict, ...]],
    draft: Draft,
) -> dict[str, Finding]:
    """The findings with these conflicts beside their own. One with a text that the article has no
    more is none.
    """
    texts = {line.text for line in lines(draft)}

    def merged(place: str, finding: Finding) -> Finding:
        every = (*finding.conflicts, *conflicts.get(place, ()))
        by_text = {each.text: each for each in every if each.text in {*texts, ""}}
        return finding.model_copy(update={"conflicts": tuple(by_text.values())})

    return {place: merged(place, finding) for place, finding in findings.items()}


def void(
    line: Line, finding: Finding | None, pool: Mapping[str, Snapshot], language: str
) -> str | None:
    """Why a finding says nothing of a line, in a sentence; None where it counts."""
    if finding is None or finding.text != line.text:
        return "The judge gave no verdict on it."
    if finding.ruling == "not_found":
        return None
    if finding.ruling == "no_claim":
        cites = f"The judge says that it claims nothing, and it cites {line.source}."
        return cites if line.source else None
    by_hash = {snapshot.sha256: snapshot for snapshot in pool.values()}
    return next(_faults_of_passages(line, finding, by_hash, language), None)


def _faults_of_passages(
    line: Line, finding: Finding, by_hash: Mapping[str, Snapshot], language: str
) -> Iterator[str]:
    if not finding.passages:
        yield f"The judge calls it {finding.ruling} and names no passage."
        return
    for passage in finding.passages:
        snapshot = by_hash.get(passage.snapshot)
        if snapshot is None:
            yield f"The judge names {shown(passage.text)} of a source that the article lacks."
        elif located(passage.text, snapshot.text) is None:
            yield f"The judge names {shown(passage.text)}, which does not stand in {snapshot.url}."
    if line.snapshot and line.snapshot not in {each.snapshot for each in finding.passages}:
        yield f"The judge calls it {finding.ruling} by another source than {line.source}."
    elif finding.ruling == "supported":
        yield from _unsupported(line, finding, by_hash, language)


def _unsupported(
    line: Line, finding: Finding, by_hash: Mapping[str, Snapshot], language: str
) -> Iterator[str]:
    """What code can see: the numbers of a sentence stand in the passages, and these speak of what
    it speaks of, where both are in one language. Whether the source denies the sentence is for the
    gate of the claims.
    """
    passages = [(each.text, by_hash[each.snapshot]) for each in finding.passages]
    own = language.lower()[:2]
    if line.place.startswith("sentence") and (number := _missing(line.text, passages, own)):
        named = shown(passages[0][0])
        yield f"The judge calls it supported by {named}, which has not {number}."
    if any(_language(page, own) != own for _, page in passages):
        return
    roots = _roots(line.text, own)
    there = set().union(*(_roots(text, own) for text, _ in passages))
    if len(roots) >= FEWEST and not roots & there:
        yield f"The judge calls it supported by {shown(passages[0][0])}, on another subject."


def _missing(text: str, passages: Sequence[tuple[str, Snapshot]], language: str) -> str | None:
    """The first number of a sentence that stands in the source, where none of its numbers stands in
    the passages, not even about. What stands nowhere, or follows from others, is for the gate of
    the sources.
    """
    claimed = numbers.claimed(text, language)
    told = [
        (_dated(passage, page, language), _language(page, language)) for passage, page in passages
    ]
    if not claimed or _stands(claimed, told):
        return None
    known = [quantity for each, own in told for quantity in numbers.quantities(normal(each), own)]
    if any(_is_about(a, b) for a in numbers.quantities(normal(text), language) for b in known):
        return None
    whole = [
        (_dated(page.text, page, language), own)
        for (_, page), (_, own) in zip(passages, told, strict=True)
    ]
    return _stands(claimed, whole)


def _stands(claimed: Sequence[numbers.Number], texts: Sequence[tuple[str, str]]) -> str | None:
    """The first of some numbers that stands in one of some texts, each with its language."""
    there = set().union(*(numbers.values(text, language) for text, language in texts))
    return next((number.shown for number in claimed if number.values & there), None)


def _is_about(one: numbers.Quantity, other: numbers.Quantity) -> bool:
    """Whether one of two quantities is the other, rounded."""
    return one.units == other.units and any(
        abs(a - b) <= ROUNDED * abs(b) for a in one.values for b in other.values
    )


def _faults(finding: Finding) -> Iterator[tuple[str, str]]:
    """Each reason, with the passage that it rests on."""
    why = f" {finding.why}" if finding.why else ""
    passage = " ".join(each.text for each in finding.passages)
    if finding.ruling == "contradicted":
        yield f"Its source says otherwise.{why}", passage
    if finding.ruling == "not_found":
        yield f"No source says so.{why}", ""
    for conflict in finding.conflicts:
        yield f"The article says otherwise itself. {conflict.why}".rstrip(), conflict.text


class _Numbered:
    """Counts the texts of each kind in reading order, as `places` does."""

    def __init__(self, snapshots: Mapping[str, str]) -> None:
        self._snapshots = snapshots
        self._counts: Counter[str] = Counter()

    def part(self, texts: Sequence[tuple[str, str, str | None]]) -> Iterator[Line]:
        """The lines of a part, of (kind, text, source)."""
        around = "\n".join(text for _, text, _ in texts)
        for kind, text, source in texts:
            self._counts[kind] += 1
            place = f"{kind} {self._counts[kind]}"
            yield Line(place, text, source, self._snapshots.get(source or ""), around)


_Texts = list[tuple[str, str, str | None]]


def _section(heading: str, blocks: Sequence[Block]) -> _Texts:
    return [("heading", heading, None), *(text for block in blocks for text in _block(block))]


def _question(question: str, answer: Sequence[Sentence]) -> _Texts:
    return [("question", question, None), *_sentences(answer)]


def _block(block: Block) -> _Texts:
    """The texts of a block in reading order."""
    match block:
        case ListBlock():
            return [text for item in block.items for text in _sentences(item)]
        case QuoteBlock():
            return _sentences(block.sentences)
        case TableBlock():
            cells = [text for row in block.rows for cell in row for text in _sentences(cell)]
            return [*(("head of a table", name, None) for name in block.head), *cells]
        case StepsBlock():
            named = (
                (("name of a step", s.name, None), *_sentences(s.sentences)) for s in block.steps
            )
            return [text for step in named for text in step]
        case CalloutBlock():
            return [("title of a callout", block.title, None), *_sentences(block.sentences)]
        case ImageBlock():
            return _sentences(block.caption)
    return _sentences(block)


def _sentences(sentences: Sequence[Sentence]) -> _Texts:
    return [("sentence", sentence.text, sentence.source) for sentence in sentences]


def _listed(line: Line) -> str:
    cited = f" [{line.source}]" if line.source else ""
    return f"{line.place}{cited}: {' '.join(line.text.split())}"


def _conflicts(answer: Answer, draft: Draft) -> dict[str, tuple[Conflict, ...]]:
    """Each conflict at each of its lines; at the title where it names no line that there is."""
    texts = {line.place: line.text for line in lines(draft)}
    at: dict[str, tuple[Conflict, ...]] = {}
    for conflict in answer.conflicts:
        named = [place for place in dict.fromkeys(conflict.lines) if place in texts]
        for place in named or ["title"]:
            other = next((texts[each] for each in named if texts[each] != texts[place]), "")
            at[place] = (*at.get(place, ()), Conflict(text=other, why=_plain(conflict.why)))
    return at


def _plain(why: str) -> str:
    """A reason as one line that Postgres can hold."""
    return " ".join(why.replace("\0", "").split())


def _language(page: Snapshot, default: str) -> str:
    return (page.language or default).lower()[:2]


def _dated(text: str, page: Snapshot, language: str) -> str:
    return dates.with_dates(text, _language(page, language), page.day)


def _roots(text: str, language: str) -> set[str]:
    """The beginnings of the words that carry matter: what is the same in each of their forms."""
    return set() if is_unspaced(text) else {w[:ROOT] for w in content_words(text, language)}
