"""Front matter that people, programs and accidents wrote: it is read or passed over, and nothing
else happens.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from contentstudio.publish import front_matter
from contentstudio.publish.layouts import PAGES, Post, is_post
from contentstudio.publish.port import OwnPost

UNPRINTABLE = "\0\x1f\x7f\x80\x85\x9f\u2028\u2029\ufeff\ufffe\uffff\U0001ffff"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
NAMES = [
    "title",
    "slug",
    "url",
    "permalink",
    "date",
    "pubDate",
    "draft",
    "published",
    "aliases",
    "tags",
]
VALUES = [
    "true",
    "no",
    "2026-01-02",
    "2026-13-45T99:00",
    "2026-01-02 10:00:00 +0100",
    "/a/b/",
    "a: b",
    "[",
    "{a: [1",
    "&a",
    "*a",
]
VALUES += [
    "'",
    '"\\ud800"',
    "!!python/object/apply:os.system [x]",
    "0001-01-01T00:00:00+23:59",
    "1" * 5_000,
    "//[",
    "公式",
    ".nan",
]
VALUES += [
    "https://[",
    ":title",
    "\0",
    "\x85",
    "- - - -",
    "? a",
    "<<: 1",
    "|",
    ">",
    "%YAML 9",
    "...",
    "---",
]
FENCES = ["---\n", "+++\n", "---\r\n", "---", "{", "}", "\n", "\ufeff", "...\n"]
LINES = st.builds(
    "{}{}{}\n".format,
    st.sampled_from(NAMES),
    st.sampled_from([": ", " = ", ":"]),
    st.sampled_from(VALUES) | st.text(),
)
TEXTS = st.one_of(
    st.text(),
    st.builds(
        "{0}{1}{0}{2}".format, st.sampled_from(FENCES), st.lists(LINES).map("".join), st.text()
    ),
    st.lists(st.sampled_from(FENCES) | LINES | st.text(max_size=9)).map("".join),
)
PATHS = st.lists(
    st.sampled_from(["a", "index", "2026-01-02-a", "..a", "_b", "A b", "公式", "2026-99-99-x"]),
    min_size=1,
    max_size=3,
)


@given(
    TEXTS,
    PATHS,
    st.sampled_from([".md", ".html", ".markdown", ".mdx", ""]),
    st.sampled_from(sorted(PAGES)),
)
def test_any_file_has_an_address_or_none(
    text: str, parts: list[str], suffix: str, layout: str
) -> None:
    path = PurePosixPath("/".join(parts) + suffix)
    values, body = front_matter.parted(text)
    post = Post(layout, PAGES[layout], path, values, body)
    is_post(layout, path, {path.parent})
    address = post.address(NOW)
    assert address.isascii()
    assert address.startswith(("/", "http"))
    assert post.has(post.slug) or not post.slug
    OwnPost(
        url=f"https://a.example{address}",
        slug=post.slug,
        title=post.title,
        html="",
        published_at=post.date or NOW,
        modified=NOW,
    )
    assert post.is_shown in (True, False)


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(UNPRINTABLE),
    st.dates(min_value=date(1000, 1, 1)),
    st.booleans(),
)
def test_what_we_write_is_read_again(title: str, day: date, hidden: bool) -> None:
    from contentstudio.publish import markdown

    moment = datetime.fromisoformat(f"{day}T10:00:00+00:00")
    text = (
        markdown.front_matter({"title": title, "date": moment, "draft": hidden, "slug": "a"})
        + "\nBody"
    )
    values, body = front_matter.parted(text)
    assert values.get("title", "") == title
    assert front_matter.is_hidden(values) == hidden
    assert front_matter.moment(values) == moment
    assert body == "Body"
