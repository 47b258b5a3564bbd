"""What is sent to the plugins of a WordPress: only what it takes, and of our own plugin what the
post does not say.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft

from contentstudio.config import Site
from contentstudio.model import Question, Sentence
from contentstudio.publish import render, seo_fields
from contentstudio.publish.port import UNDATED

PLUGIN = (Path(__file__).parents[3] / "deploy" / "wordpress" / "contentstudio.php").read_text(
    "utf-8"
)
SITE = Site(name="garden", url="https://garden.example", sources=["https://a.example"])
DRAFT = small_draft(
    "heaps",
    "It rots.",
    description="What to know.",
    faq=[Question(question="Why?", answer=[Sentence(text="So.")])],
)
OURS = {seo_fields.STRUCTURED_DATA: "", seo_fields.NOINDEX: ""}


def test_the_plugin_has_the_fields_and_types_that_we_send() -> None:
    constants = dict(re.findall(r"^const (\w+) = (.*?);", PLUGIN, re.MULTILINE))
    assert constants["STRUCTURED_DATA"] == f"'{seo_fields.STRUCTURED_DATA}'"
    assert constants["NOINDEX"] == f"'{seo_fields.NOINDEX}'"
    assert (*re.findall(r"'(\w+)'", constants["ARTICLES"]), "FAQPage") == seo_fields.PRINTED
    assert f"\n * Version: {constants['VERSION'].strip(chr(39))}\n" in PLUGIN


def test_all_that_we_leave_out_is_told_by_the_plugin() -> None:
    for name in seo_fields.OF_THE_POST:
        assert f"'{name}' =>" in PLUGIN


@pytest.mark.parametrize(
    "meta", [[], None, {}, {"footnotes": ""}, {seo_fields.STRUCTURED_DATA: None}]
)
def test_nothing_is_sent_to_a_post_without_the_fields(meta: Any) -> None:
    assert seo_fields.wanted(meta, SITE, DRAFT) == {}


def test_structured_data_is_sent_without_what_the_post_tells() -> None:
    sent = seo_fields.wanted(OURS, SITE, DRAFT)
    article, questions = json.loads(sent[seo_fields.STRUCTURED_DATA])
    assert (article["@type"], article["@context"]) == ("Article", "https://schema.org")
    assert not article.keys() & set(seo_fields.OF_THE_POST)
    assert questions["mainEntity"][0]["acceptedAnswer"]["text"] == "So."
    assert sent[seo_fields.NOINDEX] == ""
    assert seo_fields.wanted(OURS, SITE, DRAFT, indexed=False)[seo_fields.NOINDEX] == "1"


def test_a_type_that_the_plugin_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = render.structured_data(SITE, DRAFT, published_at=UNDATED, updated_at=UNDATED)
    more = [{"@context": "https://schema.org", "@type": "BreadcrumbList"}, *objects]
    monkeypatch.setattr(render, "structured_data", lambda *_, **__: more)
    sent = json.loads(seo_fields.wanted(OURS, SITE, DRAFT)[seo_fields.STRUCTURED_DATA])
    assert [one["@type"] for one in sent] == ["Article", "FAQPage"]


def test_the_fields_of_our_own_plugin_are_no_change_of_a_persons() -> None:
    assert seo_fields.filled({seo_fields.STRUCTURED_DATA: "[…]", seo_fields.NOINDEX: "1"}) == {}
    assert seo_fields.filled({"rank_math_title": "Mine", seo_fields.NOINDEX: "1"}) == {
        "rank_math_title": "Mine"
    }


@pytest.mark.parametrize(
    "lost", [seo_fields.NOINDEX, seo_fields.STRUCTURED_DATA, "rank_math_title"]
)
def test_a_write_that_was_cut_off_before_a_field_has_not_arrived(lost: str) -> None:
    meta = {**OURS, "rank_math_title": ""}
    wanted = seo_fields.wanted(meta, SITE, DRAFT, indexed=False)
    assert seo_fields.arrived({**meta, **wanted}, wanted)
    assert not seo_fields.arrived({**meta, **wanted, lost: ""}, wanted)
    assert not seo_fields.arrived([], wanted)
    assert seo_fields.arrived([], {})
