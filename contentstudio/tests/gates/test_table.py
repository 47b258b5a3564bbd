"""What the gates are measured by: nothing bad passes with a judge who tells the truth, and
docs/proof.md says what is measured now.
"""

from __future__ import annotations

import gate_suite
import gate_table
import pytest
from gate_table import CLAIMS, MEANING, Result

# All 600 articles are judged once in each process: half a minute, longer beside other tests.
pytestmark = [pytest.mark.large, pytest.mark.timeout(900)]

COMPARED = {"sources", "claims"}  # what holds a sentence that it does not find in its source
TRIALS = {
    "opposites, all over the article": 15,
    "inventions without a source, all over the article": 15,
    "copy of a source": 16,
}


def named_with_the_judge(result: Result) -> set[str]:
    """The places that code or a truthful judge names."""
    wrong = result.article.bad if result.article.kind in CLAIMS | MEANING else ()
    told = gate_table.truthful(result.article.case, wrong).faults(result.article.case.draft)
    return {*result.named, *(fault.place for fault in told)}


def test_no_bad_article_passes_a_truthful_judge() -> None:
    assert [result.article.name for result in gate_table.let_through()] == []


def test_code_alone_holds_what_no_judge_is_asked() -> None:
    apart = [r for r in gate_table.results()[1] if r.article.kind not in CLAIMS | MEANING]
    missed = [r.article.name for r in apart if r.article.gate not in r.holding]
    assert missed == []


def test_no_good_article_is_stopped_by_gates_without_claims() -> None:
    stopped = {r.article.name: {*r.holding} - COMPARED for r in gate_table.results()[0]}
    assert {name: gates for name, gates in stopped.items() if gates} == {}


def test_code_alone_names_four_of_five_bad_sentences() -> None:
    named, claims = gate_table.caught_claims()
    assert named >= 0.8 * claims


def test_at_most_one_good_article_in_fifty_is_stopped() -> None:
    stopped = [*gate_table.stopped(), *gate_table.stopped_by_the_judge()]
    assert len(stopped) <= 0.02 * len(gate_table.results()[0]), [r.article.name for r in stopped]


@pytest.mark.parametrize("kind", TRIALS)
def test_no_trial_passes_and_each_bad_sentence_is_named(kind: str) -> None:
    [result] = [r for r in gate_table.results()[1] if r.article.kind == kind]
    assert result.holding
    assert len(result.article.bad) == TRIALS[kind]
    assert set(result.article.bad) <= named_with_the_judge(result)


def test_the_judge_holds_each_of_the_trials_of_claims_alone() -> None:
    for kind in CLAIMS & set(TRIALS):
        [result] = [r for r in gate_table.results()[1] if r.article.kind == kind]
        assert not result.passes_a_truthful_judge


def test_every_kind_of_claim_is_in_the_suite() -> None:
    kinds = {article.kind for article in gate_suite.bad()}
    assert kinds >= CLAIMS | MEANING


def test_the_page_says_what_is_measured_now() -> None:
    text = gate_table.PAGE.read_text("utf-8")
    assert gate_table.written(text) == text, "make gates writes docs/proof.md"
