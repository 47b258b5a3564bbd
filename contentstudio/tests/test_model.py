"""The model of an article: what was stored before there were other blocks than paragraphs is read,
and is the same.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    InternalLink,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish.port import content_sha256
from overnight.errors import first_fault
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
STEPS = StepsBlock(
    steps=[
        Instruction(name="Pile", sentences=[own("Pile it up."), own("Wet it.")]),
        Instruction(name="Wait", sentences=[Sentence(text="Wait a year.", source="s2")]),
    ]
)
CALLOUT = CalloutBlock(tone="warning", title="No glass", sentences=[own("Glass cuts.")])
PICTURE = ImageBlock(src="heap.png", caption=[own("A heap in May")])
EVERY_KIND: list[Block] = [LIST, QUOTE, TABLE, STEPS, CALLOUT, PICTURE]

# With lists, quotes and tables, as the last version stored it that knew no other blocks.
STORED_BLOCKS = (
    '[{"kind":"list","ordered":true,"items":[[{"text":"One.","source":null,"quoted":false},'
    '{"text":"And more.","source":null,"quoted":false}],'
    '[{"text":"Two.","source":null,"quoted":false}]]},'
    '{"kind":"quote","sentences":[{"text":"Said so.","source":"s1","quoted":true}]},'
    '{"kind":"table","head":["What",""],"rows":[[[{"text":"Bark","source":null,"quoted":false}],'
    '[]],[[{"text":"Leaf","source":null,"quoted":false}],'
    '[{"text":"5 cm","source":null,"quoted":false},'
    '{"text":"At most.","source":null,"quoted":false}]]]}]'
)


def test_a_draft_without_new_blocks_has_the_same_json_and_hash() -> None:
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


def test_lists_quotes_and_tables_are_stored_and_hashed_as_before() -> None:
    stored = json.loads(STORED)
    stored["sections"][0]["paragraphs"] += json.loads(STORED_BLOCKS)
    whole = Draft.model_validate(stored)
    assert whole == draft(LIST, QUOTE, TABLE)
    assert whole.model_dump_json() == json.dumps(stored, ensure_ascii=False, separators=(",", ":"))
    assert (
        content_sha256(whole) == "f6652f3c7199187ea0033106d864dafe764424050afd186f36a8d57a70f8dfdf"
    )


def test_facts_of_an_image_are_stored_only_where_there_are_any() -> None:
    facts: dict[str, Any] = {
        "caption": "In May",
        "credit": "Ann Lee",
        "licence": "CC BY 4.0",
        "licence_url": "https://licences.example/by",
        "width": 800,
        "height": 600,
    }
    image = Image(src="heap.png", alt="A heap", **facts)
    assert image.model_dump() == {"src": "heap.png", "alt": "A heap", **facts}
    assert Image(src="heap.png", alt="A heap").model_dump_json() == (
        '{"src":"heap.png","alt":"A heap"}'
    )


def test_every_kind_of_block_is_stored_and_read_back() -> None:
    whole = draft(*EVERY_KIND)
    assert Draft.model_validate_json(whole.model_dump_json()) == whole
    assert Draft.model_validate(json.loads(json_of(whole)[0])) == whole
    assert content_sha256(whole) != SHA256


def test_sentences_are_in_reading_order() -> None:
    assert [[s.text for s in group] for group in draft(*EVERY_KIND).paragraphs()] == [
        ["A heap is a start.", "It rots."],
        ["Ünd so on."],
        ["One.", "And more."],
        ["Two."],
        ["Said so."],
        ["Bark"],
        ["Leaf"],
        ["5 cm", "At most."],
        ["Pile it up.", "Wet it."],
        ["Wait a year."],
        ["Glass cuts."],
        ["A heap in May"],
        ["Turn it."],
        ["It is warm."],
    ]


def test_the_body_as_text_has_the_words_of_every_block() -> None:
    prose = draft(*EVERY_KIND).prose()
    assert (
        "One. And more.\n\nTwo.\n\nSaid so.\n\nWhat\n\nBark\n\nLeaf\n\n5 cm At most.\n\nPile\n\n"
        "Pile it up. Wet it.\n\nWait\n\nWait a year.\n\nNo glass\n\nGlass cuts.\n\n"
        "A heap in May\n\nTurn it." in prose
    )
    untitled = CALLOUT.model_copy(update={"title": ""})
    assert "Ünd so on.\n\nGlass cuts.\n\nTurn it." in draft(untitled).prose()


def test_what_is_read_one_after_another_is_whole_sentences() -> None:
    assert draft(LIST, QUOTE, TABLE, PICTURE).running_text() == draft().sentences()
    told = [s.text for s in draft(STEPS, CALLOUT).running_text()]
    assert told[3:7] == ["Pile it up.", "Wet it.", "Wait a year.", "Glass cuts."]


def test_links_may_be_in_every_sentence_but_quotes_and_captions() -> None:
    whole = draft(*EVERY_KIND)
    closed = [
        sentence.text
        for sentence, is_open in zip(whole.sentences(), whole.linkable(), strict=True)
        if not is_open
    ]
    assert closed == ["Said so.", "A heap in May", "Turn it."]


def test_a_picture_that_moves_takes_its_block_with_it() -> None:
    moved = draft(PICTURE).with_addresses({"heap.png": "/images/1.png"})
    assert [image.src for image in moved.images] == ["/images/1.png"] == [*moved.placed()]
    assert moved.image("/images/1.png") == Image(src="/images/1.png", alt="A heap")
    assert draft(*EVERY_KIND).with_addresses({}) == draft(*EVERY_KIND)


def test_a_block_shows_an_image_of_its_article_alone() -> None:
    with pytest.raises(ValidationError) as refusal:
        draft(ImageBlock(src="worm.png"))
    assert first_fault(refusal.value) == (
        "a block shows the picture “worm.png”, which is not among the images of the article"
    )


def test_steps_that_follow_each_other_are_one_block() -> None:
    one, other = (StepsBlock(steps=[step]) for step in STEPS.steps)
    section = Section(heading="Heaps", paragraphs=[one, other, LIST, one])
    assert section.blocks == [STEPS, LIST, one]


@pytest.mark.parametrize("kind", ["video", "", None, 7, ["list"], {}, "x" * 9_000])
def test_an_unknown_kind_of_block_is_one_clear_sentence(kind: Any) -> None:
    stored = json.loads(STORED)
    stored["sections"][0]["paragraphs"].append({"kind": kind, "items": []})
    with pytest.raises(ValidationError) as refusal:
        Draft.model_validate_json(json.dumps(stored))
    assert refusal.value.error_count() == 1
    assert first_fault(refusal.value) == (
        f"sections.0.paragraphs.2: “{str(kind)[:40]}” is not a kind of block; a block is a list of "
        "sentences, or has one of the kinds list, quote, table, steps, callout, image"
    )


def test_every_sentence_can_be_changed_and_nothing_else_is() -> None:
    whole = draft(*EVERY_KIND)
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
        {"items": [[{"text": "A."}]]},
        {"kind": "steps", "steps": []},
        {"kind": "steps", "steps": [{"name": "", "sentences": [{"text": "A."}]}]},
        {"kind": "steps", "steps": [{"name": "A", "sentences": []}]},
        {"kind": "callout", "sentences": []},
        {"kind": "callout", "tone": "danger", "sentences": [{"text": "A."}]},
        {"kind": "image", "src": ""},
        {"kind": "image", "src": "a.png", "caption": [{"text": ""}]},
        "Words.",
        None,
    ],
)
def test_what_is_no_block_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Section.model_validate({"heading": "Heaps", "paragraphs": [block]})
