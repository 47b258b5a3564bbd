"""Markdown that says what was written, whatever reads it; `make test-generators` tries it with
those who do.
"""

from __future__ import annotations

import pytest

from contentstudio.publish.markdown import escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ site }} {% raw %}", "&#123;&#123; site &#125;&#125; &#123;% raw %&#125;"),
        ("a < b & <b>c</b>", "a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;"),
        ("5 * 3 _is_ `15` [^1]", r"5 \* 3 \_is\_ &#96;15&#96; \[^1\]"),
        ("1. one", r"1\. one"),
        ("- one", r"\- one"),
        ("https://a.example or WWW.a.example", r"https\://a.example or WWW\.a.example"),
    ],
    ids=["templates", "HTML", "Markdown", "number", "list", "addresses"],
)
def test_what_a_generator_would_read_is_shown_as_it_stands(text: str, shown: str) -> None:
    assert escaped(text) == shown
