"""Addresses as servers of figures may give them."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from contentstudio.analytics import pages
from contentstudio.model import Figures

PARTS = st.sampled_from(
    ["http://", "https://", "//", "[", "]", "www.", "a.example", "/", "?", "#", "%", "%2F", "%zz"]
)
TEXT = st.lists(PARTS | st.text(max_size=5), max_size=8).map("".join)


@given(TEXT)
def test_any_text_is_an_address_or_stays_none(url: str) -> None:
    address = pages.address(url)
    assert pages.address(url) == address
    figures = [Figures(url=url, day=date(2026, 11, 20), visits=2)] * 2
    (row,) = pages.rows(figures, {address: "mulch"})
    assert (row.slug, row.visits) == ("mulch", 4)


@given(
    st.sampled_from(["mulch", "компост", "a-b", "堆肥"]), st.sampled_from(["", "/", "?x=1", "#t"])
)
def test_what_follows_a_path_makes_no_other_page(slug: str, tail: str) -> None:
    assert pages.address(f"http://www.a.example/{slug}{tail}") == f"a.example/{slug}"
