"""Any brief is read from its Markdown as it was, and any Markdown is read or refused in a
sentence.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from researches import brief, research

from contentstudio.brief import BriefSection
from contentstudio.review import brief_text
from overnight.errors import UserError

IDS = [note.id for note in research().notes]
lines = st.text().map(lambda text: " ".join(text.split()))
words = lines.filter(bool)
many = st.lists(words, max_size=3).map(tuple)
sections = st.builds(
    BriefSection,
    heading=words,
    tells=lines,
    notes=st.lists(st.sampled_from(IDS), min_size=1, unique=True).map(tuple),
    blocks=st.lists(st.sampled_from(brief_text.BLOCKS), min_size=1, unique=True).map(tuple),
)
lengths = st.none() | st.tuples(st.integers(1, 999), st.integers(1_000, 999_999))


@given(
    titles=st.lists(words, min_size=1, max_size=3).map(tuple),
    sections=st.lists(sections, min_size=1, max_size=4).map(tuple),
    description=lines,
    intent=lines,
    length=lengths,
    faq=many,
    terms=many,
    links=many,
    adds=many,
)
def test_every_brief_comes_back_as_it_was(**values: object) -> None:
    whole = brief(**values)
    assert brief_text.read(brief_text.write(whole), whole) == whole


marks = st.sampled_from(
    ["# ", "## ", "### ", "Notes: n1", "Notes: ", "Blocks: ", "Tells: ", "Length: 1 to 2", "\n"]
)


@given(st.lists(marks | st.text(max_size=20), max_size=12).map("\n".join))
def test_every_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    try:
        read = brief_text.read(text, brief())
    except UserError as wrong:
        assert len(str(wrong).split("\n")) == 1
        return
    assert brief_text.read(brief_text.write(read), read) == read
