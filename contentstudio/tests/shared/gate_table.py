"""What the gates catch of the suite of articles: the confusion table, its figures, and the part of
docs/proof.md that has them.

    python contentstudio/tests/shared/gate_table.py            prints them, and writes the page
    python contentstudio/tests/shared/gate_table.py --names    also each article that is misjudged
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import gate_suite
from gate_suite import Article

from contentstudio.gates import judge, judged
from contentstudio.gates.input import Case
from contentstudio.model import Verdict
from contentstudio.verify import judgement
from contentstudio.verify.judgement import Finding, Judgement, Line, Passage, Ruling

PAGE = Path(__file__).parents[3] / "docs" / "proof.md"
BEGIN, END = "<!-- generated: the gates -->", "<!-- end of what is generated -->"

# What code compares with the sources, sentence by sentence.
CLAIMS = frozenset(
    (
        *("number", "number in words", "unit", "object of a number", "date"),
        *("name of a person", "name of a place", "name of an organisation"),
        *("quote changed", "quote invented", "negation", "antonym", "lost hedge"),
        *("universal", "superlative", "attribution"),
        *("invention without a source", "list item", "table cell", "answer of the FAQ"),
        "opposites, all over the article",
        "inventions without a source, all over the article",
    )
)
# What needs somebody who understands both texts; a truthful judge sees all of `CLAIMS` as well.
MEANING = frozenset(
    (
        *("swapped roles", "swapped comparison", "cause invented", "condition lost"),
        *("invention with a source", "self-contradiction", "advice that harms"),
        *("title of another thing", "heading of another thing", "description of another thing"),
    )
)


@dataclass(frozen=True)
class Result:
    """What the gates, without a judge, say of an article."""

    article: Article
    verdicts: Sequence[Verdict]

    @cached_property
    def holding(self) -> tuple[str, ...]:
        """The gates that hold it."""
        return tuple(verdict.gate for verdict in self.verdicts if not verdict.passed)

    @cached_property
    def named(self) -> frozenset[str]:
        """The places that a gate names as wrong."""
        wrong = (verdict for verdict in self.verdicts if not verdict.passed)
        return frozenset(fault.place for verdict in wrong for fault in verdict.faults)

    @property
    def found(self) -> int:
        """How many of the bad places are named."""
        return len(self.named & set(self.article.bad))

    @cached_property
    def passes_a_truthful_judge(self) -> bool:
        """Whether a judge who knows which sentences are true finds nothing either. Of what is no
        claim (a telephone number, a leak) it is asked nothing.
        """
        wrong = self.article.bad if self.article.kind in CLAIMS | MEANING else ()
        judgement = truthful(self.article.case, wrong)
        return judged.check(replace(self.article.case, judgement=judgement)).passed


def truthful(case: Case, wrong: Collection[str]) -> Judgement:
    """What a judge says who knows the places that are wrong: no source says so. Another line is
    supported by all that its source says; one without a source claims nothing.
    """

    def finding(line: Line) -> Finding:
        page = case.pool.get(line.source or "")
        passages = (Passage(snapshot=page.sha256, text=page.text),) if page else ()
        ruling: Ruling = "supported" if page else "no_claim"
        if line.place in wrong:
            ruling, passages = "not_found", ()
        return Finding(text=line.text, ruling=ruling, passages=passages, judge="a:judge")

    return Judgement({line.place: finding(line) for line in judgement.lines(case.draft)})


@cache
def results() -> tuple[tuple[Result, ...], tuple[Result, ...]]:
    """Of the good articles, and of the bad ones."""
    good, bad = (
        tuple(Result(article, judge(article.case)) for article in articles)
        for articles in (gate_suite.good(), gate_suite.bad())
    )
    return good, bad


def stopped() -> list[Result]:
    """The good articles that a gate holds."""
    return [result for result in results()[0] if result.holding]


def stopped_by_the_judge() -> list[Result]:
    """The good articles that code lets pass and not a truthful judge."""
    return [r for r in results()[0] if not r.holding and not r.passes_a_truthful_judge]


def let_through() -> list[Result]:
    """The bad articles that no gate holds, nor would a truthful judge."""
    return [r for r in results()[1] if not r.holding and r.passes_a_truthful_judge]


def caught_claims() -> tuple[int, int]:
    """How many bad sentences of the kinds that code compares it names, and how many there are."""
    claims = [result for result in results()[1] if result.article.kind in CLAIMS]
    return sum(r.found for r in claims), sum(len(r.article.bad) for r in claims)


def page() -> str:
    """The part of docs/proof.md between its marks."""
    good, bad = results()
    languages = Counter(result.article.case.language for result in (*good, *bad))
    kinds = {result.article.kind for result in bad}
    named, claims = caught_claims()
    by_judge = sum(1 for r in bad if not r.holding and not r.passes_a_truthful_judge)
    listed = ", ".join(f"{code} {count}" for code, count in languages.most_common())
    return "\n".join(
        [
            f"{len(good)} good articles and {len(bad)} bad ones of {len(kinds)} kinds ({listed}):",
            "",
            f"* By code alone, {named} of the {claims} bad sentences of the kinds that are "
            f"compared with the sources are named ({named / claims:.0%}).",
            f"* {len(stopped())} of the {len(good)} good articles are stopped "
            f"({len(stopped()) / len(good):.1%}), and {len(stopped_by_the_judge())} more by what "
            "code asks of the judge's answers.",
            f"* By code alone, {len(bad) - by_judge - len(let_through())} of the {len(bad)} bad "
            f"articles are held. A judge who answers truthfully holds {by_judge} more, and "
            f"{len(let_through())} pass.",
            "",
            *_table(bad),
            "",
            *_good_table(good),
        ]
    )


def _table(bad: Sequence[Result]) -> Iterator[str]:
    yield "| fault | articles | held by code: gates | left to the judge | pass | places | named |"
    yield "|---|---:|---|---:|---:|---:|---:|"
    for kind in sorted({result.article.kind for result in bad}):
        of_kind = [result for result in bad if result.article.kind == kind]
        gates = Counter(gate for result in of_kind for gate in result.holding)
        free = [result for result in of_kind if not result.holding]
        passing = sum(result.passes_a_truthful_judge for result in free)
        listed = ", ".join(f"{gate} {count}" for gate, count in sorted(gates.items()))
        yield (
            f"| {kind} | {len(of_kind)} | {listed} | {len(free) - passing or ''} "
            f"| {passing or ''} | {sum(len(r.article.bad) for r in of_kind)} "
            f"| {sum(r.found for r in of_kind)} |"
        )


def _good_table(good: Sequence[Result]) -> Iterator[str]:
    yield "| good articles | articles | stopped: gates |"
    yield "|---|---:|---|"
    for kind in sorted({result.article.kind for result in good}):
        of_kind = [result for result in good if result.article.kind == kind]
        gates = Counter(gate for result in of_kind for gate in result.holding)
        listed = ", ".join(f"{gate} {count}" for gate, count in sorted(gates.items()))
        yield f"| {kind} | {len(of_kind)} | {listed} |"


def written(text: str) -> str:
    """The whole page with its part put in."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{page()}\n{END}{rest.partition(END)[2]}"


def _names() -> Iterator[str]:
    for result in stopped():
        for verdict in result.verdicts:
            if not verdict.passed:
                yield f"stopped    {result.article.name}: {verdict.gate}: {verdict.reason}"
    for result in stopped_by_the_judge():
        yield f"judge stops {result.article.name}"
    for result in let_through():
        yield f"passes     {result.article.name}"
    for result in results()[1]:
        article = result.article
        missing = [place for place in article.bad if place not in result.named]
        if missing and article.kind in CLAIMS:
            yield f"not named  {article.name}: {', '.join(missing)}"
        if article.gate not in (*result.holding, "judge", "claims"):
            yield f"not held   {article.name} by {article.gate}, but by {result.holding or 'none'}"


def main(arguments: Sequence[str]) -> int:
    """Print the table, and write it to the page."""
    sys.stdout.write(page() + "\n")
    if "--names" in arguments:
        sys.stdout.write("\n" + "\n".join(_names()) + "\n")
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
