"""What a model answers becomes blocks of an article, and what is wrong with it is one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from researches import research

from contentstudio.model import Draft, groups
from contentstudio.writing import answers, polish, pool
from overnight.llm import strict_schema

SENTENCE = {"text": "Cold helps.", "notes": ["n1"], "quoted": False}
BLOCKS: dict[str, dict[str, Any]] = {
    "paragraph": {"kind": "paragraph", "sentences": [SENTENCE]},
    "list": {"kind": "list", "ordered": True, "items": [[SENTENCE], [SENTENCE]]},
    "steps": {"kind": "steps", "steps": [{"name": "Dry", "sentences": [SENTENCE]}]},
    "table": {"kind": "table", "head": ["a", "b"], "rows": [[[SENTENCE], []]]},
    "quote": {"kind": "quote", "sentences": [SENTENCE]},
    "callout": {"kind": "callout", "tone": "tip", "title": "", "sentences": [SENTENCE]},
}


def body(*blocks: dict[str, Any]) -> answers.Body:
    return answers.Body.model_validate({"blocks": list(blocks)})


def draft(*blocks: dict[str, Any]) -> Draft:
    return Draft(
        site="garden",
        slug="seeds",
        title="Seeds",
        description="",
        sections=[answers.section("One", body(*blocks))],
        references=[],
        writer="test",
    )


@pytest.mark.parametrize("kind", BLOCKS)
def test_each_kind_of_block_keeps_the_notes_of_its_sentences(kind: str) -> None:
    done = pool.cited(draft(BLOCKS[kind]), research())
    (block,) = done.blocks()
    assert getattr(block, "kind", "paragraph") == kind
    told = [sentence for group in groups(block) for sentence in group]
    assert {(s.notes, s.source) for s in told} == {(("n1",), "s1")}
    assert f"1 [n1{', quoted' if kind == 'quote' else ''}] Cold helps." in polish.numbered(done)


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_note_outside_the_pool_is_found_in_each_kind_of_block(kind: str) -> None:
    fault = answers.fault_in_bodies(["n1"])
    assert fault(body(BLOCKS[kind])) is None
    assert answers.fault_in_bodies(["n2"])(body(BLOCKS[kind])) == (
        "“n1” is named, and only n2 are given"
    )


def test_every_kind_that_a_plan_may_name_can_be_written() -> None:
    schema = strict_schema(answers.Body)
    kinds = {
        part["properties"]["kind"]["const"]
        for part in schema["$defs"].values()
        if "kind" in part["properties"]
    }
    assert kinds == set(BLOCKS)
    assert strict_schema(answers.Plan)["$defs"]["PlannedSection"]["properties"]["blocks"]["items"][
        "enum"
    ] == ["paragraph", "list", "steps", "table", "quote", "callout"]


def test_a_quote_without_note_and_an_incomplete_table_are_faults() -> None:
    fault = answers.fault_in_bodies(["n1"])
    unsaid = {"kind": "paragraph", "sentences": [{**SENTENCE, "notes": [], "quoted": True}]}
    assert fault(body(unsaid)) == "a quoted sentence names no note"
    assert "head has 2 cells" in str(fault(body({**BLOCKS["table"], "rows": [[[SENTENCE]]]})))


@pytest.mark.parametrize(
    "block", [{"kind": "image", "src": "x"}, {"kind": "faq"}, {"sentences": [SENTENCE]}]
)
def test_other_blocks_are_no_answer(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        body(block)
