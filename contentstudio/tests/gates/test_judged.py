"""The gate of the judge: nothing passes that nobody judged, or whose verdict does not count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contentstudio.gates import judged, to_mend
from contentstudio.gates.input import Case, Unknown
from contentstudio.gates.registry import judge
from contentstudio.model import Verdict
from contentstudio.verify import judgement
from contentstudio.verify.judgement import Finding, Judgement, Passage


def truthful(case: Case) -> dict[str, Finding]:
    """Each line that cites a source is supported by it, and the others claim nothing."""
    findings = {}
    for line in judgement.lines(case.draft):
        page = case.pool.get(line.source or "")
        passages = (Passage(snapshot=page.sha256, text=page.text),) if page else ()
        findings[line.place] = Finding(
            text=line.text,
            ruling="supported" if page else "no_claim",
            passages=passages,
            judge="anthropic:a-judge",
        )
    return findings


@pytest.fixture
def case(good_case: Callable[[str], Case]) -> Case:
    return good_case("owls")


def said(case: Case, **findings: Finding | None) -> Verdict:
    """What the gate says where the findings of some sentences, `s1` the first, are others."""
    changes = {f"sentence {name[1:]}": finding for name, finding in findings.items()}
    every = {**truthful(case), **changes}
    known = {place: finding for place, finding in every.items() if finding is not None}
    return judged.check(replace(case, judgement=Judgement(known)))


def first(case: Case) -> Finding:
    return truthful(case)["sentence 1"]


def test_an_article_that_is_supported_passes_and_names_its_judge(case: Case) -> None:
    verdict = said(case)
    assert (verdict.passed, verdict.checked, verdict.faults) == (True, True, ())
    supported = sum(bool(s.source) for s in case.draft.sentences())
    assert f"anthropic:a-judge found {supported} lines supported" in verdict.reason


def test_a_line_that_its_source_denies_goes_back_to_the_writer(case: Case) -> None:
    denied = first(case).model_copy(update={"ruling": "contradicted", "why": "It says not."})
    verdict = said(case, s1=denied)
    assert (verdict.passed, verdict.checked) == (False, True)
    (fault,) = verdict.faults
    assert (fault.place, fault.text) == ("sentence 1", denied.text)
    assert fault.passage == denied.passages[0].text
    assert "Its source says otherwise. It says not." in verdict.reason
    mend = to_mend([verdict])
    assert mend is not None and mend.faults == (fault,)


def test_the_reason_names_the_first_fault_and_the_faults_are_all(case: Case) -> None:
    lost = first(case).model_copy(update={"ruling": "not_found", "passages": ()})
    second = truthful(case)["sentence 2"].model_copy(update={"ruling": "not_found"})
    verdict = said(case, s1=lost, s2=second)
    assert [fault.place for fault in verdict.faults] == ["sentence 1", "sentence 2"]
    assert verdict.reason.startswith("sentence 1, “")
    assert verdict.reason.endswith("And 1 more.")


@pytest.mark.parametrize(
    "lie",
    [
        None,
        Finding(text="Another text.", ruling="supported"),
    ],
)
def test_a_line_without_a_verdict_that_counts_is_for_a_person(
    case: Case, lie: Finding | None
) -> None:
    verdict = said(case, s1=lie)
    assert (verdict.passed, verdict.checked) == (False, False)
    assert [fault.place for fault in verdict.faults] == ["sentence 1"]
    assert to_mend([verdict]) is None


def test_a_passage_that_is_made_up_passes_nothing(case: Case) -> None:
    made_up = (Passage(snapshot=first(case).passages[0].snapshot, text="Owls are made of cheese."),)
    verdict = said(case, s1=first(case).model_copy(update={"passages": made_up}))
    assert (verdict.passed, verdict.checked) == (False, False)
    assert "does not stand in" in verdict.reason


def test_an_article_that_nobody_judged_does_not_pass(case: Case) -> None:
    verdicts = {v.gate: v for v in judge(replace(case, judgement=Unknown("the judge is asleep")))}
    verdict = verdicts["judged"]
    assert (verdict.passed, verdict.checked) == (False, False)
    assert "what a judge says of it is not known: the judge is asleep" in verdict.reason
    bare = Case(case.draft, case.pool, case.site)
    assert not next(v for v in judge(bare) if v.gate == "judged").passed


def test_an_article_that_no_model_wrote_needs_no_judge(case: Case) -> None:
    assert judged.check(replace(case, judgement=None)).passed
