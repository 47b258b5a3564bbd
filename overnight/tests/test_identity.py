"""Ids are the mission's, to the digit."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

import overnight
from overnight.identity import hash_id, input_hash


def test_golden() -> None:
    assert overnight.job_id("My Topic", "Example.com", "2026-01-02") == "3395348374e348a8"


def test_case_and_outer_space_do_not_matter() -> None:
    assert overnight.job_id("my topic ", "example.com", "2026-01-02") != overnight.job_id(
        "my topic", "example.com", "2026-01-02"
    )
    assert overnight.job_id("T", " Example.com", "2026-01-02 ") == overnight.job_id(
        "t", "example.com", "2026-01-02"
    )


@given(st.text(), st.text(), st.text())
def test_an_id_is_16_hexadecimal_digits_and_always_the_same(
    topic: str, site: str, date: str
) -> None:
    made = overnight.job_id(topic, site, date)
    assert len(made) == 16
    assert set(made) <= set("0123456789abcdef")
    assert made == overnight.job_id(topic, site, date) == hash_id(site, topic, date)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_the_input_hash_ignores_white_space_and_key_order(payload: dict[str, object]) -> None:
    shuffled = dict(reversed(payload.items()))
    assert input_hash(json.dumps(payload)) == input_hash(json.dumps(shuffled, indent=3))
