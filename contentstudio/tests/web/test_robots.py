"""robots.txt, by the examples and the rules of RFC 9309."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.web.robots import MAX_DELAY, Robots, parse, product_token

EXAMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("product", "path", "allowed"),
    [
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("foobot", "/example/other.html", False),
        ("FooBot", "/", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/example/", True),
        ("quxbot", "/example/", True),
        ("quxbot", "/anything.gif", True),
        ("otherbot", "/example/page.html", False),
        ("otherbot", "/publications/", True),
        ("otherbot", "/publications/x.gif", True),
        ("otherbot", "/x.gif", False),
        ("otherbot", "/x.gif?y", True),
        ("foo", "/example/page.html", False),
    ],
)
def test_the_groups_of_the_standards_example(product: str, path: str, allowed: bool) -> None:
    assert parse(EXAMPLE, product).allows(path) is allowed


def rules(*lines: str) -> Robots:
    return parse("\n".join(("User-agent: *", *lines)), "contentstudio")


@pytest.mark.parametrize(
    ("lines", "path", "allowed"),
    [
        (
            ["Allow: /example/page/", "Disallow: /example/page/disallowed.gif"],
            "/example/page/",
            True,
        ),
        (
            ["Allow: /example/page/", "Disallow: /example/page/disallowed.gif"],
            "/example/page/disallowed.gif",
            False,
        ),
        (["Disallow: /p", "Allow: /p"], "/p", True),
        (["Disallow: /a", "Allow: /"], "/a", False),
        (["Disallow:"], "/", True),
        (["Disallow: /fish"], "/Fish", True),
        (["Disallow: /fish*"], "/fish.html", False),
        (["Disallow: /*.php$"], "/a/b.php", False),
        (["Disallow: /*.php$"], "/a/b.php?x=1", True),
        (["Disallow: /*.php$"], "/a.php/b.php", False),
        (["Disallow: /fish*.php"], "/fishheads/catfish.php?x", False),
        (["Disallow: /a*b*c$"], "/abcbc", False),
        (["Disallow: /a*b*c$"], "/acb", True),
        (["Disallow: /a$"], "/a", False),
        (["Disallow: /a$"], "/ab", True),
        (["Disallow: /*?session="], "/x?session=1", False),
        (["Disallow: /foo/bar?qux=taz"], "/foo/bar?qux=taz", False),
        (["Disallow: /foo/bar/ツ"], "/foo/bar/%E3%83%84", False),
        (["Disallow: /foo/bar/%E3%83%84"], "/foo/bar/%e3%83%84", False),
        (["Disallow: /foo/bar/%62%61%7A"], "/foo/bar/baz", False),
        (["Disallow: /a%2Fb"], "/a/b", True),
        (["Disallow: /file-with-a-%2A.html"], "/file-with-a-*.html", False),
        (["Disallow: /file-with-a-%2A.html"], "/file-with-a-b.html", True),
        (["Disallow: /foo-%24"], "/foo-$", False),
        (["Disallow: /a$b"], "/a$bc", False),
        (["Disallow: /"], "/robots.txt", False),
        (["DISALLOW :  /x   # why"], "/x", False),
        (["Dissallow: /x", "no colon", ": /x"], "/x", True),
    ],
)
def test_the_longest_pattern_decides(lines: list[str], path: str, allowed: bool) -> None:
    assert rules(*lines).allows(path) is allowed


def test_groups_of_the_same_robot_are_one() -> None:
    text = (
        "User-agent: a\nDisallow: /x\n\nUser-agent: b\nDisallow: /\n\nUser-agent: A\nDisallow: /y\n"
    )
    assert [parse(text, "a").allows(path) for path in ("/x", "/y", "/z")] == [False, False, True]


def test_what_is_not_in_the_standard_ends_no_group() -> None:
    text = (
        "User-agent: a\nSitemap: https://a.example/s.xml\nCrawl-delay: 3\nUser-agent: "
        "b\nDisallow: /x\n"
    )
    assert not parse(text, "a").allows("/x")
    assert not parse(text, "b").allows("/x")
    assert (parse(text, "a").delay, parse(text, "b").delay) == (3, 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read_and_a_byte_order_mark_is_ignored(end: str) -> None:
    assert not parse("\ufeff" + end.join(["User-agent: *", "Disallow: /x", ""]), "a").allows("/x")


def test_without_a_group_everything_is_allowed() -> None:
    for text in (
        "",
        "<html><body>Not found</body></html>",
        "Disallow: /",
        "User-agent: other\nDisallow: /",
    ):
        assert parse(text, "contentstudio").allows("/x")


@pytest.mark.parametrize(
    ("value", "seconds"), [("2.5", 2.5), ("-1", 0), ("soon", 0), ("nan", 0), ("86400", MAX_DELAY)]
)
def test_a_crawl_delay_has_limits(value: str, seconds: float) -> None:
    assert rules(f"Crawl-delay: {value}").delay == seconds


def test_our_name_is_what_the_user_agent_begins_with() -> None:
    assert product_token("contentstudio/0.1 (+https://a.example)") == "contentstudio"
    assert product_token("/?") == "*"


@given(st.text(alphabet="/ab*$%4aé", max_size=30), st.text(alphabet="/ab*$%é", max_size=60))
def test_no_pattern_breaks_it(pattern: str, path: str) -> None:
    assert rules(f"Disallow: {pattern}").allows("/" + path) in (True, False)


def test_many_wildcards_are_no_trap() -> None:
    assert rules("Disallow: /" + "*a" * 50_000 + "$").allows("/" + "a" * 2_000)
