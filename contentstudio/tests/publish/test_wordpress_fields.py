"""Which fields of a post are a person's, which are ours, and what WordPress made otherwise: decided
without a site.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.publish import fingerprint
from contentstudio.publish import wordpress_fields as fields

FOUND: dict[str, Any] = {
    "title": "Before",
    "excerpt": "Of old.",
    "content": "<p>Old words.</p>",
    "slug": "compost",
    "status": "draft",
    "tags": [1],
    "categories": [9],
    "featured_media": 0,
}
SENT: dict[str, Any] = {
    "title": "On a < b & c",
    "excerpt": "What to know.",
    "content": "<p>New words.</p>",
    "slug": "compost",
    "status": "publish",
    "tags": [3, 2],
    "categories": [4],
    "featured_media": 7,
}
PERSON: dict[str, Any] = {
    "title": "Mine",
    "excerpt": "My own.",
    "content": "<p>My words.</p>",
    "slug": "my-heap",
    "status": "private",
    "tags": [5],
    "categories": [6],
    "featured_media": 8,
}


def post(values: dict[str, Any], meta: Any = ()) -> dict[str, Any]:
    raw = {name: {"raw": values[name]} for name in fields.TEXTS}
    return {**values, **raw, "meta": list(meta) if not isinstance(meta, dict) else meta}


def row(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in fields.ROW}


def disturbed(there: dict[str, Any], before: dict[str, Any] | None = FOUND) -> list[str]:
    return fields.disturbed(
        fields.parts(post(there)), fields.parts(post(before)) if before else {}, fields.sent(SENT)
    )


@pytest.mark.parametrize("before", [FOUND, None], ids=["known", "unknown"])
@pytest.mark.parametrize("name", PERSON)
def test_a_field_that_a_person_changed_is_found_whatever_it_was(name: str, before: Any) -> None:
    for base in (FOUND, SENT) if before else (SENT,):
        assert disturbed({**base, name: PERSON[name]}, before) == [name]


def test_a_field_as_found_or_as_sent_is_not_a_persons() -> None:
    assert disturbed(FOUND) == disturbed(SENT) == disturbed(SENT, None) == []


def test_without_a_record_whatever_we_did_not_send_is_a_persons() -> None:
    assert set(disturbed(FOUND, None)) == {name for name in FOUND if FOUND[name] != SENT[name]}


@given(st.sets(st.sampled_from(["tags", "categories", "featured_media"])))
def test_a_write_that_was_cut_off_after_the_row_is_ours(arrived: set[str]) -> None:
    there = {**FOUND, **row(SENT), **{name: SENT[name] for name in arrived}}
    assert disturbed(there) == []
    assert fields.arrived(fields.parts(post(there)), fields.sent(SENT)) == (len(arrived) == 3)


@given(st.sets(st.sampled_from(["title", "excerpt", "content", "status"]), min_size=1, max_size=3))
def test_half_a_row_is_not_ours_for_a_row_is_written_at_once(ours: set[str]) -> None:
    assert disturbed({**FOUND, **{name: SENT[name] for name in ours}}) != []


def test_a_scheduled_post_that_came_out_is_not_changed() -> None:
    waiting, out = {**FOUND, "status": "future"}, {**FOUND, "status": "publish"}
    assert disturbed(out, waiting) == []
    assert disturbed(waiting, out) == ["status"]


def test_other_entities_and_spaces_of_wordpress_are_no_change() -> None:
    there = {**SENT, "title": "On a &lt; b &amp;  c", "content": "<p>New words.</p>\n"}
    assert disturbed(there) == []


def test_a_new_seo_field_is_no_persons_but_a_changed_one_is() -> None:
    seo = {"rank_math_title": "On compost"}
    ours = fields.sent(SENT, seo, {"rank_math_title": ""})
    for meta, expected in (
        ({"rank_math_title": ""}, []),
        (seo, []),
        ({"rank_math_title": "Mine"}, ["seo"]),
    ):
        assert (
            fields.disturbed(fields.parts(post(SENT, meta)), fields.parts(post(FOUND)), ours)
            == expected
        )


@pytest.mark.parametrize("name", ["title", "excerpt", "tags", "categories", "featured_media"])
@pytest.mark.parametrize("omitted", [(), ("tags",), ("categories", "featured_media")])
def test_a_mark_knows_what_went_along_with_the_text_and_no_more(
    name: str, omitted: tuple[str, ...]
) -> None:
    given_fields = {key: value for key, value in SENT.items() if key not in omitted}
    made = fingerprint.mark("a" * 64, SENT["content"], fields.said(given_fields))
    there = {**SENT, name: PERSON[name]}
    known = fingerprint.read(made, SENT["content"], *fields.could_be_said(post(there)))
    assert known == ("a" * 64 if name in omitted else None)
    assert fingerprint.read(made, SENT["content"], *fields.could_be_said(post(SENT))) == "a" * 64
    assert fingerprint.read(made, PERSON["content"], *fields.could_be_said(post(SENT))) is None


def test_a_mark_of_an_old_post_knows_its_text_alone() -> None:
    old = fingerprint.mark("a" * 64, SENT["content"])
    assert fingerprint.read(old, SENT["content"], *fields.could_be_said(post(PERSON))) == "a" * 64


@pytest.mark.parametrize(
    ("name", "there", "told"),
    [
        ("title", "On “a”", "WordPress made “On “a”” of the title “On a < b & c”"),
        ("title", "", "WordPress dropped the title"),
        ("excerpt", "", "WordPress dropped the excerpt"),
        (
            "content",
            "<p>New «words».</p>",
            "WordPress changed the text: “New words.” became “New «words».”",
        ),
        ("content", "", "WordPress dropped the text"),
        (
            "content",
            '<p><a href="https://b.example">New</a> words.</p>',
            "WordPress changed links or pictures",
        ),
        ("slug", "compost-of-2026", "WordPress made “compost-of-2026” of the slug “compost”"),
        ("tags", [2], "WordPress did not take the tags “heaps”"),
        ("tags", [2, 3, 11], "WordPress added tags of its own, with the ids 11"),
        ("categories", [1], "WordPress did not take the categories “Notes”"),
        ("featured_media", 0, "WordPress did not take the featured picture"),
    ],
)
def test_what_wordpress_made_otherwise_is_one_sentence(name: str, there: Any, told: str) -> None:
    names = {2: "soil", 3: "heaps", 4: "Notes"}
    found = fields.differences(SENT, {}, post({**SENT, name: there}), names)
    assert any(sentence.startswith(told) for sentence in found), found
    assert (
        len(fields.differences(SENT, {}, post({**SENT, "content": f"<!-- {MARKED} -->"}), names))
        == 1
    )
    assert (
        fields.differences(
            {**SENT, "content": MARKED}, {}, post({**SENT, "content": MARKED}), names
        )
        == []
    )


MARKED = f"<p>New words.</p><!-- {'a' * 64}.{'b' * 16} -->"


def term(term_id: int, name: str, slug: str = "", parent: int = 0) -> dict[str, Any]:
    return {"id": term_id, "name": name, "slug": slug or f"slug-{term_id}", "parent": parent}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Soil & Earth", [1]),
        ("soil  &  EARTH", [1]),
        ("Straße", [2]),
        ("News", [5]),
        ("Weather", [6, 7]),
        ("weather-there", [7]),
        ("Case", [9]),
        ("case", [8]),
        ("Nowhere", []),
        ("%D0%BF", []),
        ("новости", [10]),
    ],
)
def test_a_name_means_the_outermost_term_or_one_with_that_slug(
    name: str, expected: list[int]
) -> None:
    terms = [
        term(1, "Soil &amp; Earth"),
        term(2, "STRASSE"),
        term(4, "News", parent=1),
        term(5, "News"),
        term(6, "Weather", "weather-here", parent=1),
        term(7, "Weather", "weather-there", parent=2),
        term(8, "case"),
        term(9, "Case"),
        term(10, "Neues", "%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8"),
    ]
    assert fields.pick(terms, name) == expected


@pytest.mark.parametrize(
    ("template", "same"),
    [
        ("https://garden.example/%postname%/", True),
        ("https://garden.example/%postname%", True),
        ("https://garden.example/2026/11/%postname%/", False),
        ("https://garden.example/blog/%postname%/", False),
        ("https://garden.example/?p=12", False),
        ("", False),
    ],
)
def test_a_page_has_a_posts_address_only_with_such_permalinks(template: str, same: bool) -> None:
    assert fields.same_address("https://garden.example/compost/", template, "compost") is same
