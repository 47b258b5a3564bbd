"""An article as Markdown: what is written is read back as it was, and what is wrong is told with
its line.
"""

from __future__ import annotations

import pytest
from drafts import DRAFTS
from hypothesis import given, settings

from contentstudio.model import (
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.review import manuscript
from overnight.errors import UserError

TRICKY = [
    "# No heading at all.",
    "> No quote of anybody.",
    "\\ A backslash begins it.",
    "[s1]: looks like a reference.",
    "It ends as if it cited [s1]",
    "- No item.",
    "12. No item.",
    "* No item.",
    "-",
    "| No cell. |",
    ">> No block quote.",
    r"A pipe | and \| and <br> and \<br> and \\.",
    "**No name**",
    "** and no name",
    "!!! note",
    "!!!",
    "![](heap.png)",
    "![No picture.",
    "Plain and simple.",
]


def draft(*texts: str, source: str | None = None, quoted: bool = False) -> Draft:
    sentences = [Sentence(text=text, source=source, quoted=quoted) for text in texts]
    return Draft(
        site="garden",
        slug="mulch",
        title="Mulch # and more",
        description="What it does. # For all.",
        sections=[
            Section(
                heading="One",
                paragraphs=[
                    sentences,
                    [Sentence(text="And so on.")],
                    ListBlock(items=[sentences, [Sentence(text="Last.")]]),
                    ListBlock(
                        ordered=True, items=[sentences, *([sentence] for sentence in sentences)]
                    ),
                    QuoteBlock(sentences=sentences),
                    QuoteBlock(sentences=sentences),
                    TableBlock(
                        head=[*texts, ""],
                        rows=[[*([s] for s in sentences), sentences], [[]] * (len(texts) + 1)],
                    ),
                    StepsBlock(
                        steps=[Instruction(name=text, sentences=sentences) for text in texts]
                    ),
                    *(
                        CalloutBlock(tone="tip", title=text, sentences=sentences)
                        for text in ["", *texts]
                    ),
                    ImageBlock(src="heap (1).png", caption=sentences),
                    ImageBlock(src="heap (1).png"),
                ],
            )
        ],
        references=[Reference(id="s1", url="https://a.example/", title="M", sha256="ab")],
        writer="test",
        tags=["mulch"],
        faq=[Question(question="Why?", answer=sentences)],
        images=[Image(src="heap (1).png", alt="A heap"), Image(src="worm.png", alt="A worm")],
    )


@pytest.mark.parametrize("source", [None, "s1"])
@pytest.mark.parametrize("quoted", [False, True])
def test_what_is_written_is_read_back_as_it_was(source: str | None, quoted: bool) -> None:
    whole = draft(*TRICKY, source=source, quoted=quoted)
    assert manuscript.read(manuscript.write(whole), whole) == whole


@settings(deadline=None)
@given(DRAFTS)
def test_any_article_is_read_back_as_it_was(article: Draft) -> None:
    assert manuscript.read(manuscript.write(article), article) == article


def test_sentences_that_a_person_leaves_alone_keep_their_notes() -> None:
    first, second = (
        Sentence(text=text, source="s1", notes=(name,))
        for text, name in (("It lasts.", "n1"), ("It rots.", "n2"))
    )
    article = draft("So.").model_copy(
        update={"sections": [Section(heading="Bark", paragraphs=[[first, second]])], "faq": []}
    )
    words = manuscript.write(article)
    assert manuscript.read(words, article) == article
    edited = manuscript.read(words.replace("It rots.", "It rots slowly."), article)
    assert [sentence.notes for sentence in edited.sentences()] == [("n1",), ()]


def test_a_person_writes_lists_quotes_and_tables() -> None:
    text = """# Bark
On bark.
## New
* > It lasts. [s1]
  More.
* Next.

- And one more.

1) One.
7) Two.

>> Said so. [s1]
>>And so on.

|a\\|b|  |
|:--|--:|
| - | > 5 cm [s1]<br/>At most. |
||1. May
"""
    (section,) = manuscript.read(text, draft("Old.")).sections
    own, lasts = (
        (lambda text: Sentence(text=text)),
        Sentence(text="It lasts.", source="s1", quoted=True),
    )
    assert section.blocks == [
        ListBlock(items=[[lasts, own("More.")], [own("Next.")], [own("And one more.")]]),
        ListBlock(ordered=True, items=[[own("One.")], [own("Two.")]]),
        QuoteBlock(sentences=[Sentence(text="Said so.", source="s1"), own("And so on.")]),
        TableBlock(
            head=["a|b", ""],
            rows=[
                [[own("-")], [Sentence(text="5 cm", source="s1", quoted=True), own("At most.")]],
                [[], [own("1. May")]],
            ],
        ),
    ]


def test_a_person_writes_steps_callouts_and_pictures() -> None:
    text = """# Bark
On bark.
## New
1. **Water it**
   > It lasts. [s1]
   More.
2) ** Wait [s1] **
Next.

!!! warning No  glass
It cuts. [s1]

!!!tip
Wear gloves.

![A worm](worm.png)
A worm. [s1]
In May

![](heap (1).png)

1. **Bold** is no name.
"""
    (section,) = manuscript.read(text, draft("Old.")).sections
    own, lasts = (
        (lambda text: Sentence(text=text)),
        Sentence(text="It lasts.", source="s1", quoted=True),
    )
    assert section.blocks == [
        StepsBlock(
            steps=[
                Instruction(name="Water it", sentences=[lasts, own("More.")]),
                Instruction(name="Wait [s1]", sentences=[own("Next.")]),
            ]
        ),
        CalloutBlock(
            tone="warning", title="No glass", sentences=[Sentence(text="It cuts.", source="s1")]
        ),
        CalloutBlock(tone="tip", sentences=[own("Wear gloves.")]),
        ImageBlock(src="worm.png", caption=[Sentence(text="A worm.", source="s1"), own("In May")]),
        ImageBlock(src="heap (1).png"),
        ListBlock(ordered=True, items=[[own("**Bold** is no name.")]]),
    ]


def test_a_persons_text_replaces_the_old_and_the_rest_stays() -> None:
    text = "# Bark\n\nOn bark.\n## New\n> It lasts. [s1]\nMore.\n\nNext.\n### Who?\nMe. [s1]\n"
    read = manuscript.read(text, draft("Old."))
    assert (read.title, read.description, read.tags, read.slug) == (
        "Bark",
        "On bark.",
        ["mulch"],
        "mulch",
    )
    (section,) = read.sections
    assert section.heading == "New"
    assert section.blocks == [
        [Sentence(text="It lasts.", source="s1", quoted=True), Sentence(text="More.")],
        [Sentence(text="Next.")],
    ]
    assert read.faq == [Question(question="Who?", answer=[Sentence(text="Me.", source="s1")])]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a title"),
        ("# Title\n", "at least one heading"),
        ("## Heading\n\nWords.\n", "needs a title"),
        ("# Title\n\n## Heading\n", "line 3: a heading needs words"),
        (
            "# Title\n\n## Heading\n\nWords.\nMore. [s2]\n",
            r"line 6: \[s2\] is no source of this article; there are: s1",
        ),
        ("# Title\n\n## Heading\n\n> [s1]\n", "line 5: there is no sentence"),
        ("# Title\n\n## Heading\nWords.\n# Another\n", "line 5: “# Another” is no heading"),
        ("# Title\n\n#### Deep\nWords.\n", "line 3: “#### Deep” is no heading"),
        ("# T\n## H\nWords.\n- An item.\n", "line 4: .* an empty line before it"),
        ("# T\n## H\nWords.\n>> A quote.\n", "line 4: .* an empty line before it"),
        ("# T\n## H\nWords.\n| A cell |\n", "line 4: .* an empty line before it"),
        ("# T\n## H\n- A.\n1. B.\n", "line 4: a list has “- ” before each item, or “1. ”"),
        ("# T\n## H\n- A.\n- - B.\n", "line 4: .* stand alone"),
        ("# T\n## H\n- A.\n-\n", "line 4: there is no sentence"),
        ("# T\n## H\n- A. [s9]\n", r"line 3: \[s9\] is no source"),
        ("# T\n## H\n>> A.\nB.\n", "line 4: “>>” belongs before each sentence"),
        ("# T\n## H\n>> A.\n>>\n", "line 4: there is no sentence"),
        (
            "# T\n## H\n| a | b |\n",
            r"line 4: the head of a table, .* needs \| --- \| --- \| below it",
        ),
        (
            "# T\n## H\n| a | b |\n| 1 | 2 |\n",
            r"line 4: the head of a table, .* needs \| --- \| --- \| below it",
        ),
        ("# T\n## H\n| a | b |\n| --- | --- |\n", "line 4: a table needs at least one row"),
        (
            "# T\n## H\n| a | b |\n| --- |\n| 1 | 2 |\n",
            "line 4: this row has cells for 1 columns, and the table has 2",
        ),
        (
            "# T\n## H\n| a | b |\n| - | - |\n| 1 |\n",
            "line 5: this row has cells for 1 columns, and the table has 2",
        ),
        (
            "# T\n## H\n| a |\n| - |\n| 1 | 2 |\n",
            "line 5: this row has cells for 2 columns, and the table has 1",
        ),
        ("# T\n## H\n| a |\n| - |\n1\n", "line 5: each row of a table begins with “|”"),
        ("# T\n## H\n| a |\n| - |\n| A. [s9] |\n", r"line 5: \[s9\] is no source"),
        ("# T\n## H\n| a |\n| - |\n| A.<br> |\n", "line 5: there is no sentence"),
        ("# T\n## H\n|\n", "line 4: the head of a table"),
        ("# T\n## H\nA.\n### Q?\n\n- B.\n", "line 6: an answer has only sentences"),
        ("# T\n## H\nA.\n### Q?\n\n!!! tip\nB.\n", "line 6: an answer has only sentences"),
        ("# T\n## H\nWords.\n!!! tip\n", "line 4: .* an empty line before it"),
        ("# T\n## H\nWords.\n![](worm.png)\n", "line 4: .* an empty line before it"),
        ("# T\n## H\n1. **A**\nA.\n2. B.\n", "line 5: each step begins with its name"),
        ("# T\n## H\n1. **A**\nA.\n- B.\n", "line 5: each step begins with its name"),
        ("# T\n## H\n1. ** **\nA.\n", "line 3: each step begins with its name"),
        ("# T\n## H\n1. **A**\n2. **B**\nB.\n", "line 3: a step needs a sentence"),
        ("# T\n## H\n1. **A**\nA.\n2. **B**\n", "line 5: a step needs a sentence"),
        ("# T\n## H\n1. **A**\nA. [s9]\n", r"line 4: \[s9\] is no source"),
        ("# T\n## H\n!!! danger\nA.\n", "line 3: a callout begins with !!! note, !!! tip"),
        ("# T\n## H\n!!!\nA.\n", "line 3: a callout begins with !!! note, !!! tip"),
        ("# T\n## H\n!!! note Mind\n", "line 3: a callout needs a sentence"),
        ("# T\n## H\n!!! note\nA. [s9]\n", r"line 4: \[s9\] is no source"),
        (
            "# T\n## H\n![](bark.png)\n",
            r"line 3: bark.png is no picture of this article; there are: heap \(1\).png, worm.png",
        ),
        ("# T\n## H\n![](worm.png)\n- A.\n", "line 4: .* an empty line before it"),
    ],
)
def test_what_is_no_article_is_told_with_its_line(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        manuscript.read(text, draft("Old."))
