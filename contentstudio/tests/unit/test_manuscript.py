"""An article as Markdown: what is written is read back as it was, and what is wrong is told with its line."""

from __future__ import annotations

import pytest

from contentstudio.model import Draft, Question, Reference, Section, Sentence
from contentstudio.review import manuscript
from overnight.errors import UserError

TRICKY = [
    "# No heading at all.",
    "> No quote of anybody.",
    "\\ A backslash begins it.",
    "[s1]: looks like a reference.",
    "It ends as if it cited [s1]",
    "Plain and simple.",
]


def draft(*texts: str, source: str | None = None, quoted: bool = False) -> Draft:
    sentences = [Sentence(text=text, source=source, quoted=quoted) for text in texts]
    return Draft(
        site="garden",
        slug="mulch",
        title="Mulch # and more",
        description="What it does. # For all.",
        sections=[Section(heading="One", paragraphs=[sentences, [Sentence(text="And so on.")]])],
        references=[Reference(id="s1", url="https://a.example/", title="M", sha256="ab")],
        writer="test",
        tags=["mulch"],
        faq=[Question(question="Why?", answer=sentences)],
    )


@pytest.mark.parametrize("source", [None, "s1"])
@pytest.mark.parametrize("quoted", [False, True])
def test_what_is_written_is_read_back_as_it_was(source: str | None, quoted: bool) -> None:
    whole = draft(*TRICKY, source=source, quoted=quoted)
    assert manuscript.read(manuscript.write(whole), whole) == whole


def test_a_persons_words_take_the_place_of_the_old_ones_and_the_rest_stays() -> None:
    text = "# Bark\n\nOn bark.\n## New\n> It lasts. [s1]\nMore.\n\nNext.\n### Who?\nMe. [s1]\n"
    read = manuscript.read(text, draft("Old."))
    assert (read.title, read.description, read.tags, read.slug) == ("Bark", "On bark.", ["mulch"], "mulch")
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
    ],
)
def test_what_is_no_article_is_told_with_its_line(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        manuscript.read(text, draft("Old."))
