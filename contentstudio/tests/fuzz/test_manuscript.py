"""Manuscripts that people and accidents wrote: they are read as they were meant, or the wrong line
is named.
"""

from __future__ import annotations

import re

from drafts import DRAFTS, MARKS, draft
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.model import Draft
from contentstudio.review import manuscript
from overnight.errors import UserError

STARTS = [
    "- ",
    "1. ",
    "> ",
    ">> ",
    "| a | b |\n",
    "| --- | --- |\n",
    "| - |",
    "\n",
    "\n\n",
    "## A\n",
    "### B\n",
    "Words.",
    "1. **A**\n",
    "**B**",
    "!!! tip\n",
    "!!! note A\n",
    "![](heap.png)\n",
]
TEXTS = st.lists(st.sampled_from([*STARTS, *MARKS]) | st.text(max_size=3), max_size=12).map("".join)
OTHER = draft(1)


@given(DRAFTS)
def test_what_is_written_is_read_back_as_it_was(draft: Draft) -> None:
    assert manuscript.read(manuscript.write(draft), draft) == draft


@given(TEXTS)
def test_any_text_is_read_for_good_or_refused_with_its_line(text: str) -> None:
    whole = f"# Title\n\nWords.\n\n## Heading\n\n{text}\n"
    try:
        read = manuscript.read(whole, OTHER)
    except UserError as error:
        line = re.match(r"line (\d+): ", str(error))
        assert line is not None and 1 <= int(line[1]) <= len(whole.splitlines()) + 1
    else:
        assert manuscript.read(manuscript.write(read), read) == read
