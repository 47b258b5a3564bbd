"""A check that cannot be made passes nothing: it raises, or the texts of the sources are gone."""

from __future__ import annotations

from types import ModuleType

import gate_suite
import pytest

from contentstudio.gates import judge, registry
from contentstudio.gates.input import Case
from contentstudio.model import Verdict


@pytest.fixture
def whole() -> Case:
    return gate_suite.good_case("boots")


@pytest.mark.parametrize("gate", registry.GATES, ids=lambda gate: gate.__name__.split(".")[-1])
def test_a_gate_that_raises_has_not_passed(
    gate: ModuleType, whole: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Case) -> Verdict:
        raise OSError("out of quota")

    monkeypatch.setattr(gate, "check", broken)
    [wrong] = [verdict for verdict in judge(whole) if not verdict.passed]
    assert (wrong.gate, wrong.checked) == (gate.__name__.split(".")[-1], False)
    assert "OSError: out of quota" in wrong.reason


@pytest.mark.parametrize("article", gate_suite.good()[:20], ids=lambda article: article.name)
def test_without_the_texts_of_its_sources_no_good_article_passes(
    article: gate_suite.Article,
) -> None:
    case = article.case
    bare = gate_suite.full_case(case.draft, {}, case.site, page=case.page, links=case.links)
    holding = {verdict.gate for verdict in judge(bare) if not verdict.passed}
    assert {"sources", "originality"} <= holding
