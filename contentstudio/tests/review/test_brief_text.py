"""A brief as Markdown, and back: what a person may change, and what is wrong with a line."""

from __future__ import annotations

import pytest
from researches import brief

from contentstudio.brief import BriefSection
from contentstudio.review import brief_text
from overnight.errors import UserError

TEXT = """\
# Tomato seeds last for years
# Keep your tomato seeds

Description: How long tomato seeds keep in a jar, in a cellar and on a warm shelf.
Intent: To know whether old seeds are worth sowing.
Angle: A cold place is worth two years.
Length: 200 to 500 words
Term: tomato seeds

## Years
Tells: How long.
Notes: n1, n3, n4
Blocks: paragraph

## Damp
Tells:
Notes: n2, n7
Blocks: paragraph, list

### Which packet should a gardener sow first?

[n1]: Tomato seeds keep for four years in a dry jar. (host-1.example)
"""


def test_a_brief_is_written_as_a_person_reads_it() -> None:
    written = brief_text.write(brief())
    assert written.startswith(TEXT)
    assert [line[:5] for line in written.splitlines()[-8:]] == [f"[n{n}]:" for n in range(1, 9)]


def test_what_is_written_is_read_as_it_was() -> None:
    whole = brief(
        links=("https://garden.example/jars/",),
        images=("A jar of seeds", "A cellar"),
        covered=("Jars",),
        adds=("Both places side by side",),
        length=None,
    )
    assert brief_text.read(brief_text.write(whole), whole) == whole
    assert brief_text.read(TEXT, brief()) == brief()


def test_a_person_changes_what_there_is() -> None:
    read = brief_text.read(
        "# Mine\nTerm: old seeds\nTerm: seeds\nAdds: a table\n"
        "## First\nNotes: n8 n1, n8\n### Why?\n### How?\n",
        brief(),
    )
    assert read.titles == ("Mine",)
    assert read.sections == (BriefSection(heading="First", notes=("n8", "n1")),)
    assert (read.terms, read.adds, read.faq) == (
        ("old seeds", "seeds"),
        ("a table",),
        ("Why?", "How?"),
    )
    assert (read.description, read.length) == ("", None)
    assert read.research == brief().research


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a brief needs a title behind “# ”"),
        ("## One\nNotes: n1\n", "a brief needs a title behind “# ”"),
        ("# One\n", "at least one section behind “## ”"),
        ("# One\n\n## Two\nTells: it\n", "line 3: section “Two” names no note; write “Notes: n1"),
        ("# One\n## Two\nNotes:\n", "line 2: section “Two” names no note"),
        ("# One\n## Two\nNotes: n1, n99\n", "line 3: n99 is no note of this brief; there are: n1,"),
        (
            "# One\n## Two\nNotes: n1\nBlocks: tabel\n",
            "line 4: “tabel” is no block; there are:",
        ),
        ("# One\nNotes: n1\n## Two\n", "line 2: “Notes” belongs below the heading of a section"),
        ("# One\nTitle: x\n", "line 2: “Title” is no part of a brief; there are: Description"),
        ("# One\nsome words\n", "line 2: “some words” has no mark: write # before a title"),
        ("#\n", "line 1: # needs words behind it"),
        ("# One\n## Two\nNotes: n1\n###\n", "line 4: ### needs words behind it"),
        ("# One\n#### Two\n", "line 2: “#### Two” has no mark"),
        ("# One\nLength: long\n", "line 2: write a length as in “Length: 300 to 900 words”"),
        ("# One\nLength: 900 to 300 words\n", "line 2: write a length as in"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(text: str, says: str) -> None:
    with pytest.raises(UserError) as wrong:
        brief_text.read(text, brief())
    assert says in str(wrong.value)
