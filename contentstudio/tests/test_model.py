"""The model of an article: what was stored before there were lists, quotes and tables is read, and
is the same.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contentstudio.model import (
    Block,
    Draft,
    Image,
    InternalLink,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    TableBlock,
)
from contentstudio.publish.port import content_sha256
from overnight.store.storable import json_of

# As it was stored, and hashed, by the last version that knew paragraphs alone.
STORED = (
    '{"site":"garden","slug":"compost","title":"On compost: a < b & '
    '“c”","description":"What to know of heaps.",'
    '"sections":[{"heading":"Heaps","paragraphs":[[{"text":"A heap is a '
    'start.","source":null,"quoted":false},'
    '{"text":"It rots.","source":"s1","quoted":false}],[{"text":"Ünd so '
    'on.","source":"s2","quoted":false}]]},'
    '{"heading":"Turning","paragraphs":[[{"text":"Turn it.","source":"s1","quoted":true}]]}],'
    '"references":[{"id":"s1","url":"https://a.example/?b=1&c=2","title":"A & B","sha256":"'
    + "0"
    * 64
    + '"},'
    '{"id":"s2","url":"https://b.example/","title":"B","sha256":"' + "1" * 64 + '"}],'
    '"writer":"offline","language":"en","tags":["soil","heaps"],'
    '"faq":[{"question":"Why?","answer":[{"text":"It is warm.","source":"s2","quoted":false}]}],'
    '"links":[{"anchor":"heap","url":"/heap/"}],"images":[{"src":"heap.png","alt":"A heap"}]}'
)
SHA256 = "243c33527d6be2570c538dc3879d569421341472e9e2b60801f8e6a9c59ddb18"


def own(text: str) -> Sentence:
    return Sentence(text=text)


def draft(*blocks: Block) -> Draft:
    return Draft(
        site="garden",
        slug="compost",
        title="On compost: a < b & “c”",
        description="What to know of heaps.",
        sections=[
            Section(
                heading="Heaps",
                paragraphs=[
                    [own("A heap is a start."), Sentence(text="It rots.", source="s1")],
                    [Sentence(text="Ünd so on.", source="s2")],
                    *blocks,
                ],
            ),
            Section(
                heading="Turning",
                paragraphs=[[Sentence(text="Turn it.", source="s1", quoted=True)]],
            ),
        ],
        references=[
            Reference(id="s1", url="https://a.example/?b=1&c=2", title="A & B", sha256="0" * 64),
            Reference(id="s2", url="https://b.example/", title="B", sha256="1" * 64),
        ],
        writer="offline",
        tags=["soil", "heaps"],
        faq=[Question(question="Why?", answer=[Sentence(text="It is warm.", source="s2")])],
        links=[InternalLink(anchor="heap", url="/heap/")],
        images=[Image(src="heap.png", alt="A heap")],
    )


LIST = ListBlock(ordered=True, items=[[own("One."), own("And more.")], [own("Two.")]])
QUOTE = QuoteBlock(sentences=[Sentence(text="Said so.", source="s1", quoted=True)])
TABLE = TableBlock(
    head=["What", ""], rows=[[[own("Bark")], []], [[own("Leaf")], [own("5 cm"), own("At most.")]]]
)


def test_a_draft_without_new_blocks_is_stored_and_hashed_as_before() -> None:
    assert draft().model_dump_json() == STORED
    assert (
        json.dumps(draft().model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        == STORED
    )
    assert json.loads(json_of(draft())[0]) == json.loads(STORED)
    assert content_sha256(draft()) == SHA256


def test_what_was_stored_before_is_read() -> None:
    assert Draft.model_validate_json(STORED) == draft() == Draft.model_validate(json.loads(STORED))
    assert content_sha256(Draft.model_validate_json(STORED)) == SHA256


def test_every_kind_of_block_is_stored_and_read_back() -> None:
    whole = draft(LIST, QUOTE, TABLE)
    assert Draft.model_validate_json(whole.model_dump_json()) == whole
    assert Draft.model_validate(json.loads(json_of(whole)[0])) == whole
    assert content_sha256(whole) != SHA256


def test_sentences_are_in_reading_order() -> None:
    assert [[s.text for s in group] for group in draft(LIST, QUOTE, TABLE).paragraphs()] == [
        ["A heap is a start.", "It rots."],
        ["Ünd so on."],
        ["One.", "And more."],
        ["Two."],
        ["Said so."],
        ["Bark"],
        ["Leaf"],
        ["5 cm", "At most."],
        ["Turn it."],
        ["It is warm."],
    ]


def test_the_body_as_text_has_the_words_of_every_block() -> None:
    prose = draft(LIST, QUOTE, TABLE).prose()
    assert (
        "One. And more.\n\nTwo.\n\nSaid so.\n\nWhat\n\nBark\n\nLeaf\n\n5 cm At most.\n\nTurn it."
        in prose
    )


def test_what_is_read_one_after_another_is_paragraphs_and_answers() -> None:
    assert draft(LIST, QUOTE, TABLE).running_text() == draft().sentences()


def test_every_sentence_can_be_changed_and_nothing_else_is() -> None:
    whole = draft(LIST, QUOTE, TABLE)
    louder = whole.map_sentences(lambda s: s.model_copy(update={"text": s.text.upper()}))
    assert [s.text for s in louder.sentences()] == [s.text.upper() for s in whole.sentences()]
    assert (
        louder.map_sentences(
            lambda s: next(t for t in whole.sentences() if t.text.upper() == s.text)
        )
        == whole
    )


def test_every_sentence_of_a_quote_is_quoted() -> None:
    assert QuoteBlock(sentences=[own("Said so.")]).sentences == [
        Sentence(text="Said so.", quoted=True)
    ]


def test_two_lists_of_one_kind_that_follow_each_other_are_one() -> None:
    one, two, other = (
        ListBlock(ordered=o, items=[[own(t)]]) for o, t in ((False, "1"), (False, "2"), (True, "3"))
    )
    section = Section(heading="Heaps", paragraphs=[one, two, other, [own("4")], other])
    assert section.blocks == [ListBlock(items=[[own("1")], [own("2")]]), other, [own("4")], other]


@pytest.mark.parametrize(
    "block",
    [
        {"kind": "list", "items": []},
        {"kind": "list", "items": [[]]},
        {"kind": "quote", "sentences": []},
        {"kind": "table", "head": [], "rows": [[]]},
        {"kind": "table", "head": ["A"], "rows": []},
        {"kind": "table", "head": ["A"], "rows": [[[], []]]},
        {"kind": "table", "head": ["A", "B"], "rows": [[[]]]},
        {"kind": "other", "items": [[{"text": "A."}]]},
        {"kind": "list", "items": [[{"text": "A."}]], "more": 1},
    ],
)
def test_what_is_no_block_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({"heading": "Heaps", "paragraphs": [block]})
