"""Whatever owners and articles say: own pages hold no markup that runs, and lists hold each article
once.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from contentstudio.publish import foot, lists
from contentstudio.publish.own_pages import parsed
from contentstudio.publish.related import MOST, related
from contentstudio.text.slugs import is_slug

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MARKUP = st.sampled_from(
    [
        *(
            "# ",
            "## ",
            "\n",
            "\n\n",
            "---\n",
            "title: ",
            "<script>",
            "</script>",
            "<img src=x onerror=x()>",
            "<!--",
        ),
        *(
            "[a](javascript:x)",
            "![a](data:x)",
            "|a|b|\n|-|-|\n",
            "`",
            "```\n",
            "-->",
            "&lt;",
            "<svg onload=x()>",
        ),
        "[b]: javascript:x\n\n[b]",
    ]
)
MARKDOWN = st.lists(MARKUP | st.text(max_size=12), max_size=25).map("".join)
WORDS = ["soil", "worm", "heap", "frost", "Soil", "moon", "堆肥", "the", " ", "C++", "!"]
SOME = st.integers(0, 2 ** len(WORDS) - 1).map(
    lambda bits: [word for n, word in enumerate(WORDS) if bits >> n & 1]
)
LOADED = {"http", "https", "mailto", "tel"}


def page(title: list[str], tags: list[str], hour: int) -> lists.Page:
    moment = FIRST + timedelta(hours=hour)
    told: dict[str, Any] = {
        "title": " ".join(title),
        "description": "",
        "sha256": "",
        "tags": tuple(tags),
    }
    return lists.Page(**told, published_at=moment, updated_at=moment, indexed=hour > 0)


SITES = st.lists(st.builds(page, SOME, SOME, st.integers(0, 5)), max_size=7).map(
    lambda pages: {f"a-{number}": page for number, page in enumerate(pages)}
)


@given(MARKDOWN, st.text(min_size=1, max_size=20))
def test_no_page_of_an_owner_holds_markup_that_runs(text: str, name: str) -> None:
    page = parsed(f"{name}.md", text)
    assert is_slug(page.slug)
    assert len(page.description) <= 160
    tree = html.fragment_fromstring(page.html, create_parent="div")
    assert not tree.xpath("//script | //svg | //h1 | //@*[starts-with(name(), 'on')]")
    for url in tree.xpath("//@href | //@src"):
        scheme, colon, _ = url.partition(":")
        assert not colon or not scheme.isalpha() or scheme.lower() in LOADED


@given(st.integers(0, 200), st.sampled_from(["", "tags/soil"]))
def test_the_parts_of_a_list_hold_each_article_once(count: int, folder: str) -> None:
    slugs = [str(number) for number in range(count)]
    parts = lists.parts(folder, slugs)
    assert [slug for part in parts for slug in part.slugs] == slugs
    assert all(0 < len(part.slugs) <= lists.PER_PAGE for part in parts) or not count
    assert [part.newer for part in parts[1:]] == [part.folder for part in parts[:-1]]
    assert [part.older for part in parts] == [*(part.folder for part in parts[1:]), None]


@given(SITES)
def test_a_tag_has_the_articles_that_name_it(pages: dict[str, lists.Page]) -> None:
    tags = lists.tags(pages)
    assert all(is_slug(tag.slug) for tag in tags)
    found = Counter((slug, tag.slug) for tag in tags for slug in tag.slugs)
    assert found == Counter(
        (slug, key) for slug, page in pages.items() for key in lists.named(page.tags)
    )


@given(SITES)
def test_related_articles_are_few_and_the_same_in_any_order(pages: dict[str, lists.Page]) -> None:
    found = related(pages)
    assert found.keys() == pages.keys()
    for slug, near in found.items():
        assert len(set(near)) == len(near) <= MOST
        assert slug not in near
    assert related(dict(reversed(pages.items()))) == found


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_a_foot_is_replaced_and_nothing_around_it(above: str, before: str, after: str) -> None:
    plain = above.replace("<", "").encode("utf-8", "replace")
    page = plain + foot.enclosed(before.replace("<", "")).encode("utf-8", "replace") + plain
    expected = plain + foot.enclosed(after.replace("<", "")).encode("utf-8", "replace") + plain
    assert (
        foot.replaced(page, after.replace("<", "").encode("utf-8", "replace").decode()) == expected
    )
