"""What a judge found: the sources say what each line of the article says, and the article does not
contradict itself. In every language.
"""

from __future__ import annotations

from collections.abc import Sequence

from contentstudio.gates.input import Case, failed, known, passed
from contentstudio.model import Fault, Verdict
from contentstudio.text.wording import normal, shown


def check(case: Case) -> Verdict:
    """Every line has a verdict that counts, and none says that its source says otherwise or says
    nothing of it. What counts is checked here, by the texts themselves.
    """
    if case.judgement is None:
        return passed("judged", "No model wrote it, so it needs no judge.")
    judgement = known(case.judgement, "what a judge says of it")
    voids = judgement.voids(case.draft, case.pool)
    faults = [*judgement.faults(case.draft), *voids]
    if faults:
        verdict = failed("judged", _reason(faults), faults)
        return verdict.model_copy(update={"checked": not voids})
    supported, bare = judgement.count("supported"), judgement.count("no_claim")
    return passed(
        "judged",
        f"{judgement.judges()} found {supported} lines supported by passages that stand in their "
        f"sources, and {bare} that claim nothing.",
    )


def _reason(faults: Sequence[Fault]) -> str:
    first, *others = faults
    more = f" And {len(others)} more." if others else ""
    return f"{first.place}, {shown(normal(first.text))}: {first.reason}{more}"
