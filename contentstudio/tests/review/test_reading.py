"""An article as a reviewer reads it: every text is there, at the place that the gates name."""

from __future__ import annotations

import pytest
from drafts import DRAFTS, small_draft
from hypothesis import given
from hypothesis import strategies as st

from contentstudio import places
from contentstudio.model import Draft, Fault, TableBlock
from contentstudio.review import reading

OF_PICTURES_AND_LINKS = (
    *("title", "tag", "link", "alternative text", "caption", "credit", "licence"),
)


def pieces(parts: list[reading.Part]) -> list[reading.Piece]:
    return [piece for part in parts for group in (part.head, *part.groups) for piece in group]


@given(DRAFTS)
def test_each_text_of_the_body_stands_once_at_its_place(draft: Draft) -> None:
    shown = sorted((piece.place, piece.text) for piece in pieces(reading.parts(draft)))
    body = [t for t in places.texts(draft) if t.kind not in OF_PICTURES_AND_LINKS]
    assert shown == sorted((text.place, text.text) for text in body)


@given(DRAFTS, st.data())
def test_a_fault_is_beside_its_text_or_among_those_elsewhere(
    draft: Draft, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(places.texts(draft)))
    fault = Fault(place=text.place, text=text.text, reason="Its source says otherwise.")
    parts = reading.parts(draft, [fault])
    beside = [piece for part in parts for piece in part.doubtful if piece.text]
    assert [piece.place for piece in beside] == [text.place] * len(beside)
    assert len(beside) + len(reading.elsewhere(parts, [fault])) == 1


@given(DRAFTS)
def test_the_rows_of_a_table_are_as_wide_as_its_head(draft: Draft) -> None:
    tables = [block for block in draft.blocks() if isinstance(block, TableBlock)]
    shown = [part for part in reading.parts(draft) if part.kind == "table"]
    assert [[len(row) for row in part.rows] for part in shown] == [
        [len(table.head)] * len(table.rows) for table in tables
    ]


@pytest.mark.parametrize("place", ["sentence 99", "tag 1", "title", "nothing"])
def test_a_place_that_the_body_has_not_is_elsewhere(place: str) -> None:
    fault = Fault(place=place, text="x", reason="It is doubtful.")
    assert reading.elsewhere(reading.parts(small_draft(), [fault]), [fault]) == [fault]
