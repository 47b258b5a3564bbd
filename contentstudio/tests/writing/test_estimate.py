"""What an article will cost is known before it is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from researches import SITE, brief, research

from contentstudio.config import Verify, Writing
from contentstudio.writing import estimate

LONG = research([(1 + n % 3, f"Fact {n}: " + "seeds keep in jars. " * 20) for n in range(30)])


def usd(writing: Writing, **changes: Any) -> list[Decimal | None]:
    return [cost.usd for cost in estimate.costs(SITE, brief(**changes), writing)]


def test_each_section_the_answers_and_the_last_reading_are_calls() -> None:
    steps = [call.step for call in estimate.calls(SITE, brief())]
    assert steps == ["section", "section", "section", "polish"]
    assert len(list(estimate.calls(SITE, brief(faq=())))) == 3
    each = [(cost.step, cost.calls) for cost in estimate.costs(SITE, brief(), Writing())]
    assert each == [("brief", 1), ("generate", 4), ("gate", 1)]
    unjudged = estimate.costs(SITE, brief(), Writing(), Verify(judge="off"))
    assert [cost.step for cost in unjudged] == ["brief", "generate"]


def test_a_longer_article_and_more_notes_cost_more() -> None:
    planned, written, judged = usd(Writing())
    assert planned is not None and written is not None and judged is not None
    assert 0 < planned < written < 1
    assert 0 < judged < written
    (_, *longer) = usd(Writing(), length=(1_000, 2_000))
    assert all(
        after is not None and after > before
        for after, before in zip(longer, (written, judged), strict=True)
    )
    more = usd(Writing(), research=LONG)
    assert all(
        after is not None and after > before
        for after, before in zip(more, (planned, written, judged), strict=True)
    )


def test_a_long_beginning_comes_from_the_cache_after_one_call() -> None:
    first, *others, last = estimate.calls(SITE, brief(research=LONG))
    assert first.cache_write_tokens > estimate.MIN_CACHED
    assert {call.cache_read_tokens for call in others} == {first.cache_write_tokens}
    assert (last.step, last.cache_read_tokens) == ("polish", 0), "its instructions are others"
    assert all(not call.cache_read_tokens for call in estimate.calls(SITE, brief()))


def test_each_step_is_priced_by_its_own_model() -> None:
    free = {"near": {"input": 0, "output": 0}}
    own = {"provider": "openai", "model": "near"}
    planned, written, judged = usd(Writing(section=own, polish=own, prices=free))
    assert (planned, judged) == tuple(usd(Writing())[::2])
    assert written == 0
    by_another = Verify.model_validate({"model": own})
    (*_, cost) = estimate.costs(SITE, brief(), Writing(prices=free), by_another)
    assert (cost.step, cost.usd) == ("gate", 0)
    assert usd(Writing(brief=own, prices=free))[0] == 0


def test_the_cost_of_a_model_without_a_price_is_not_known() -> None:
    assert usd(Writing(model="nobody-knows")) == [None, None, None]
