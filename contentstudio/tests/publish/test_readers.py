"""What is said of the page that readers get at an article's address: a look tells, and never ends a
job.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contentstudio.publish import readers
from contentstudio.publish.readers import Page, holds, judged, posts_of

SENTENCES = [
    f"Sentence number {word} of the article."
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"]
]
ANSWER = Callable[[str], tuple[int, dict[str, str], bytes]]
LOOPBACK = frozenset({"127.0.0.1"})


def page(*sentences: str) -> str:
    return "<body>" + "".join(f"<p>{sentence}</p>" for sentence in sentences) + "</body>"


def test_an_older_version_of_the_article_is_not_the_article() -> None:
    older = [*SENTENCES[:5], "Three others.", "Stood here.", "Before."]
    assert holds(page(*SENTENCES), SENTENCES)
    assert not holds(page(*older), SENTENCES)


def test_a_theme_may_cut_a_sentence_and_change_marks_or_tags() -> None:
    shown = [
        sentence.replace("number", "<em>num</em>ber").replace(".", " …")
        for sentence in SENTENCES[1:]
    ]
    assert holds(page(*shown), SENTENCES)


@pytest.mark.parametrize("element", ["script", "style", "SCRIPT type=x"])
def test_words_in_a_script_are_not_shown_to_readers(element: str) -> None:
    name = element.split()[0]
    hidden = f"<{element}>{page(*SENTENCES)}</{name}>"
    assert not holds(hidden, SENTENCES)
    assert not holds(f"<{element}>{page(*SENTENCES)}", SENTENCES)  # it never ends
    assert holds(f"{hidden}{page(*SENTENCES)}{hidden}", SENTENCES)


def test_a_page_says_which_post_it_shows() -> None:
    body = '<body class="single postid-12">'
    links = (
        "<link href='/?p=13' rel='shortlink'><link rel='alternate' "
        "href='/wp-json/wp/v2/posts/14'><link href='/?p=9'>"
    )
    assert posts_of(links + body) == {"12", "13", "14"}
    wrong = judged(Page(200, "https://a.example/", body + links), SENTENCES, "12")
    assert wrong is not None and "older version" in wrong


async def looked(httpserver: HTTPServer, answer: ANSWER) -> str | None:
    def answered(request: Request) -> Response:
        status, headers, body = answer(request.path)
        return Response(body, status, headers)

    httpserver.expect_request(re.compile("")).respond_with_handler(answered)
    return await readers.look(httpserver.url_for("/compost/"), SENTENCES, "12", LOOPBACK)


async def test_the_article_is_found_in_what_readers_get(httpserver: HTTPServer) -> None:
    assert await looked(httpserver, lambda path: (200, {}, page(*SENTENCES).encode())) is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((302, {"Location": "http://[::1/"}, b""), ""),
        ((302, {"Location": "http://nowhere.invalid/"}, b""), "nowhere.invalid"),
        ((302, {"Location": "gopher://a.example/"}, b""), "it leads to gopher"),
        ((302, {"Location": "/again"}, b""), "come to no end"),
        (
            (200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 40_000_000)),
            "more than 3,000,000 bytes",
        ),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), ""),
        (
            (200, {"Content-Type": "text/html; charset=x-none"}, b"<title>Soon</title>"),
            "another page, titled “Soon”",
        ),
        ((403, {}, b"<title>Blocked</title>"), "answered 403, titled “Blocked”"),
    ],
    ids=[
        "no address",
        "no host",
        "no web",
        "a loop",
        "a bomb",
        "no gzip",
        "no charset",
        "a firewall",
    ],
)
async def test_whatever_a_site_answers_is_told_and_nothing_is_raised(
    httpserver: HTTPServer, answer: Any, says: str
) -> None:
    told = await looked(httpserver, lambda path: answer)
    assert told is not None and says in told
    if says[:12] != "another page":
        assert "could not be looked at" in told


async def test_a_host_without_an_address_is_told() -> None:
    told = await readers.look("https://garden.invalid/compost/", SENTENCES, "12", frozenset())
    assert told is not None and "could not be looked at" in told
