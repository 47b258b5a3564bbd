"""Which hits are read: hosts that differ, good sources first, never more than the config allows."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.config import Research
from contentstudio.search.port import Hit
from contentstudio.search.selection import choose, is_primary

OWN = "https://garden.example"


def hits(*urls: str) -> list[Hit]:
    return [Hit(url=url) for url in urls]


def urls(chosen: list[Hit]) -> list[str]:
    return [hit.url for hit in chosen]


def test_one_page_of_each_host_comes_before_a_second_of_any() -> None:
    results = [hits("https://a.example/1", "https://a.example/2", "https://b.example/1")]
    chosen = choose(results, [], OWN, Research(pages=3))
    assert urls(chosen) == ["https://a.example/1", "https://b.example/1", "https://a.example/2"]


def test_a_page_that_answers_several_questions_comes_first() -> None:
    results = [
        hits("https://a.example/", "https://both.example/"),
        hits("https://b.example/", "https://both.example/"),
    ]
    assert urls(choose(results, [], OWN, Research()))[0] == "https://both.example/"


def test_primary_and_preferred_hosts_come_before_others() -> None:
    results = [
        hits(
            "https://blog.example/", "https://extension.umn.edu/seeds", "https://sub.good.example/"
        )
    ]
    chosen = choose(results, [], OWN, Research(prefer_hosts=["good.example"]))
    assert urls(chosen) == [
        "https://sub.good.example/",
        "https://extension.umn.edu/seeds",
        "https://blog.example/",
    ]


def test_avoided_hosts_own_pages_and_known_ones_are_not_read() -> None:
    results = [
        hits(
            "https://spam.example/1",
            "https://www.spam.example/2",
            "https://deep.spam.example/3",
            "https://garden.example/mulch/",
            "https://known.example/#part",
            "ftp://files.example/",
            "https://notspam.example/",
        )
    ]
    limits = Research(avoid_hosts=["spam.example"])
    chosen = choose(results, ["https://known.example/"], OWN, limits)
    assert urls(chosen) == ["https://notspam.example/"]


def test_pages_that_are_known_count_for_their_hosts_and_for_all() -> None:
    known = ["https://a.example/1", "https://a.example/2"]
    results = [hits("https://a.example/3", "https://b.example/1", "https://c.example/1")]
    assert urls(choose(results, known, OWN, Research(pages=3))) == ["https://b.example/1"]


@pytest.mark.parametrize(
    ("host", "primary"),
    [
        *(("www.gov.uk", True), ("usda.gov", True), ("extension.psu.edu", True), ("w3.org", True)),
        *(("environnement.gouv.fr", True), ("ox.ac.uk", True), ("ec.europa.eu", True)),
        *(("gov.example", False), ("mygov.com", False), ("edu.blog.example", False)),
    ],
)
def test_governments_universities_and_standards_are_primary(host: str, primary: bool) -> None:
    assert is_primary(host) == primary


HOSTS = st.sampled_from(["a.example", "b.example", "usda.gov", "spam.example", "garden.example"])
HITS = st.builds(lambda host, page: Hit(url=f"https://{host}/{page}"), HOSTS, st.integers(0, 5))


@given(st.lists(st.lists(HITS, max_size=8), max_size=4), st.integers(1, 6), st.integers(1, 3))
def test_no_limit_is_passed_whatever_is_found(
    results: list[list[Hit]], pages: int, per_host: int
) -> None:
    limits = Research(pages=pages, pages_per_host=per_host, avoid_hosts=["spam.example"])
    chosen = urls(choose(results, [], OWN, limits))
    hosts = [urlsplit(url).hostname for url in chosen]
    assert len(chosen) == len(set(chosen)) <= pages
    assert all(hosts.count(host) <= per_host for host in hosts)
    assert {"spam.example", "garden.example"}.isdisjoint(hosts)
    assert chosen == urls(choose(results, [], OWN, limits))
