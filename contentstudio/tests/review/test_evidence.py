"""The evidence of a claim: which passage it stands on, where that is, and what code can tell of the
two.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from contentstudio.gates import evidence
from contentstudio.model import (
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    Snapshot,
    StepsBlock,
    TableBlock,
)

TEXT = (
    "Mulch keeps the soil moist. Gardeners spread it in May.\n\n"
    "A layer of 8 centimetres\nsaves half of the water. It was measured in 2019 by "
    "two\nschools.\n\n"
    "Straw rots within one summer, and bark lasts for 3 years."
)
SHA = hashlib.sha256(TEXT.encode()).hexdigest()
SNAPSHOT = Snapshot(
    url="https://a.example/mulch", title="Mulch", text=TEXT, sha256=SHA, language="en"
)


def found(text: str, *, source: str | None = "s1", quoted: bool = False) -> list[evidence.Evidence]:
    sentence = Sentence(text=text, source=source, quoted=quoted)
    draft = Draft(
        site="garden",
        slug="mulch",
        title="Mulch",
        description="",
        sections=[Section(heading="One", paragraphs=[[sentence]])],
        references=[Reference(id="s1", url=SNAPSHOT.url, title="Mulch", sha256=SHA)],
        writer="test",
    )
    return evidence.find(draft, [SNAPSHOT])


@pytest.mark.parametrize(
    ("claim", "dated", "verdict"),
    [
        ("The garden school opened its doors in 2025.", True, "supported"),
        ("The garden school opened its doors in 2024.", True, "number_mismatch"),
        ("The garden school opened its doors in 2025.", False, "number_mismatch"),
    ],
)
def test_a_relative_date_of_a_source_is_what_it_was_on_its_day(
    claim: str, dated: bool, verdict: str
) -> None:
    text = "The garden school opened its doors last year."
    day = datetime(2026, 11, 20, tzinfo=UTC) if dated else None
    snapshot = SNAPSHOT.model_copy(update={"text": text, "published_at": day})
    draft = Draft(
        site="garden",
        slug="school",
        title="School",
        description="",
        sections=[Section(heading="One", paragraphs=[[Sentence(text=claim, source="s1")]])],
        references=[Reference.of("s1", snapshot)],
        writer="test",
    )
    (found,) = evidence.find(draft, [snapshot])
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("claim", "quoted", "verdict", "passage"),
    [
        (
            "Half of the water is saved by a layer of 8 centimetres.",
            False,
            "supported",
            "A layer of 8 centimetres\nsav",
        ),
        (
            "Half of the water is saved by a layer of 9 centimetres.",
            False,
            "number_mismatch",
            "A layer of 8",
        ),
        ("Bark lasts 3 years and straw rots within a summer.", False, "supported", "Straw rots"),
        ("Rabbits love carrots above all else.", False, "not_found", None),
        (
            "A layer of 8 centimetres saves half of the water.",
            True,
            "supported",
            "A layer of 8 centimetres\nsaves",
        ),
        ("A layer of 8 centimetres saves most of the water.", True, "not_found", "A layer of 8"),
        (
            "Mulch keeps the soil moist, so gardeners spread it in May.",
            False,
            "supported",
            "Mulch keeps the soil moist. G",
        ),
    ],
)
def test_a_claim_is_put_beside_what_it_was_made_from(
    claim: str, quoted: bool, verdict: str, passage: str | None
) -> None:
    (one,) = found(claim, quoted=quoted)
    assert one.verdict == verdict
    assert (one.claim, one.source, one.snapshot, one.quoted) == (1, "s1", SHA, quoted)
    if passage is not None:
        assert one.passage is not None
        assert one.passage.startswith(passage)
        assert TEXT[one.span_start : one.span_end] == one.passage


def test_a_number_must_be_in_the_passage_not_just_in_the_source() -> None:
    (one,) = found("A layer of 3 centimetres saves half of the water.")
    assert one.verdict == "number_mismatch"


def test_what_claims_nothing_has_no_evidence() -> None:
    assert found("Now for something else.", source=None) == []
    assert found("Mulch keeps the soil moist.", source="s9") == []


def test_items_quotes_and_cells_are_claims_in_their_order() -> None:
    text = "Mulch keeps the soil moist."
    claim, own = Sentence(text=text, source="s1"), Sentence(text="So much for that.")
    draft = Draft(
        site="g",
        slug="m",
        title="M",
        description="",
        sections=[
            Section(
                heading="One",
                paragraphs=[
                    ListBlock(items=[[own], [own, claim]]),
                    QuoteBlock(sentences=[claim]),
                    TableBlock(head=["What", "Why"], rows=[[[own], []], [[], [claim]]]),
                    StepsBlock(steps=[Instruction(name="Mulch", sentences=[own, claim])]),
                    CalloutBlock(sentences=[claim]),
                    ImageBlock(src="heap.png", caption=[claim]),
                ],
            )
        ],
        references=[Reference(id="s1", url=SNAPSHOT.url, title="", sha256=SHA)],
        images=[Image(src="heap.png", alt="A heap")],
        writer="test",
    )
    everything = evidence.find(draft, [SNAPSHOT])
    assert [(one.claim, one.quoted, one.verdict) for one in everything] == [
        (3, False, "supported"),
        (4, True, "supported"),
        (6, False, "supported"),
        (8, False, "supported"),
        (9, False, "supported"),
        (10, False, "supported"),
    ]


def test_a_source_without_sentences_has_no_passage() -> None:
    empty = SNAPSHOT.model_copy(update={"text": "a heading"})
    draft = Draft(
        site="g",
        slug="m",
        title="M",
        description="",
        sections=[
            Section(heading="One", paragraphs=[[Sentence(text="Mulch keeps moist.", source="s1")]])
        ],
        references=[Reference(id="s1", url=empty.url, title="", sha256=SHA)],
        writer="test",
    )
    (one,) = evidence.find(draft, [empty])
    assert (one.verdict, one.passage, one.span_start, one.similarity) == (
        "not_found",
        None,
        None,
        0.0,
    )


def test_an_attack_of_white_space_and_length_takes_no_time() -> None:
    long = SNAPSHOT.model_copy(update={"text": "A word of it.  \n" * 5_000})
    draft = Draft(
        site="g",
        slug="m",
        title="M",
        description="",
        sections=[
            Section(
                heading="One",
                paragraphs=[[Sentence(text="A word of it.", source="s1", quoted=True)]],
            )
        ],
        references=[Reference(id="s1", url=long.url, title="", sha256=SHA)],
        writer="test",
    )
    assert evidence.find(draft, [long])[0].verdict == "supported"


def test_of_similar_passages_the_one_with_the_number_is_taken() -> None:
    text = (
        "A layer of 8 centimetres of bark saves water in the beds. Bees sleep. A layer of 5 "
        "centimetres saves water."
    )
    draft = Draft(
        site="g",
        slug="m",
        title="M",
        description="",
        sections=[
            Section(
                heading="One",
                paragraphs=[
                    [
                        Sentence(
                            text="A layer of 5 centimetres of bark saves water in the beds.",
                            source="s1",
                        )
                    ]
                ],
            )
        ],
        references=[Reference(id="s1", url=SNAPSHOT.url, title="", sha256=SHA)],
        writer="test",
    )
    (one,) = evidence.find(draft, [SNAPSHOT.model_copy(update={"text": text})])
    assert (one.verdict, one.passage) == ("supported", "A layer of 5 centimetres saves water.")
