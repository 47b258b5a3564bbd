"""Whatever a server answers has words that can be kept, and a cause or none, but never an error of
ours.
"""

from __future__ import annotations

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.publish import diagnosis
from contentstudio.publish.cms_client import Denied, NotAnswered, _answer, _judged
from overnight.errors import Permanent, Transient

MARKS = [
    "<",
    ">",
    "<!--",
    "-->",
    "<title>",
    "</title>",
    "<script>",
    "</script>",
    "<p>",
    "&amp;",
    "\x00",
    "\u202e",
    " ",
]
MARKS += [
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    "1",
    "\ufeff",
    "<b>Warning</b>: x in <b>/wp-content/plugins/a/b.php</b> on line 3",
]
TEXTS = st.lists(st.sampled_from(MARKS) | st.text(max_size=3), max_size=12).map("".join)
HEADERS = st.fixed_dictionaries(
    {"Content-Type": st.sampled_from(["text/html", "application/json"])}
)
STATUSES = st.sampled_from([200, 201, 204, 301, 302, 400, 401, 403, 404, 413, 429, 500, 503])


@given(TEXTS)
def test_the_words_of_a_page_are_one_short_line_without_marks(page: str) -> None:
    told = diagnosis.page_text(page)
    assert len(told) <= diagnosis.TOLD
    assert told == " ".join(told.split())
    assert told.isprintable()


@given(
    STATUSES,
    HEADERS,
    TEXTS,
    st.sampled_from(["/", "/wp-json/x", "http://[", "https://a.example/wp-json/wp/v2/posts"]),
)
def test_every_answer_is_judged(
    status: int, headers: dict[str, str], body: str, location: str
) -> None:
    response = httpx2.Response(
        status,
        headers={
            **headers,
            "Location": location,
            "Link": f'<{location}>; rel="https://api.w.org/"',
        },
        content=body.encode("utf-8", "replace"),
    )
    answer = _answer(response, "https://a.example", "/wp-json/wp/v2/posts")
    try:
        assert _judged("GET", answer, ()) is answer
    except (Denied, NotAnswered, Permanent, Transient) as error:
        assert str(error).startswith(
            f"GET https://a.example/wp-json/wp/v2/posts was answered {status}"
        )
        assert str(error).isprintable()
