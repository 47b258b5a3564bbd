"""An article is no copy of its sources, and what only looks like a copy passes."""

from __future__ import annotations

import gate_suite
import pytest
from gate_suite import full_case

from contentstudio.config import Gates
from contentstudio.gates import judge, originality
from contentstudio.gates.input import Case
from contentstudio.model import Draft, ListBlock, Reference, Section, Sentence, Snapshot, Verdict

GUIDE = """Where it grows

The bog pine grows on wet ground between heather and moss. Its roots are flat and reach ten metres
from the trunk.

How old it gets

Some of the trees on the moor are more than three hundred years old. They are no taller than a man.
In dry years the rings of the wood are so thin that one needs a glass to count them.

Who lives on it

The black grouse sleeps in its branches and eats the buds in winter. A beetle that lives nowhere
else bores under the bark.
"""
OTHER = "The moor was drained in 1920 and flooded again in 1995 by the people of the village."
POOL = {
    "s1": Snapshot(url="https://a.example/pine", title="Bog pine", text=GUIDE, sha256="a"),
    "s2": Snapshot(url="https://b.example/moor", title="The moor", text=OTHER, sha256="b"),
}
COPIED = [
    "The bog pine grows on wet ground between heather and moss.",
    "Its roots are flat and reach ten metres from the trunk.",
    "Some of the trees on the moor are more than three hundred years old.",
    "They are no taller than a man.",
    "The black grouse sleeps in its branches and eats the buds in winter.",
]
FREE = [
    "You find this pine where heather meets moss and the soil never dries.",
    "A man standing next to it may look down on a tree that was young before his country was.",
    "Winter buds feed the grouse that spends its nights there.",
    "One beetle depends on the bark, and on nothing else.",
]


def verdict(
    *sentences: Sentence, headings: tuple[str, ...] = ("One",), **changes: object
) -> Verdict:
    body: list[object] = [list(sentences)]
    return originality.check(case(body, headings, **changes))


def case(body: list[object], headings: tuple[str, ...] = ("One",), **changes: object) -> Case:
    draft = Draft(
        site="suite",
        slug="pine",
        title="A small pine",
        description="Of a tree on wet ground.",
        sections=[Section(heading=heading, paragraphs=body) for heading in headings],
        references=[Reference.of(key, snapshot) for key, snapshot in POOL.items()],
        writer="m",
    )
    site = gate_suite.site_of({"gates": {"max_one_host": 1.0} | changes})
    return full_case(draft, POOL, site)


def cited(text: str, source: str = "s1") -> Sentence:
    return Sentence(text=text, source=source)


def test_a_copy_is_held_and_each_copied_sentence_is_named() -> None:
    found = verdict(*map(cited, COPIED), cited(FREE[0]))
    assert not found.passed
    assert [fault.text for fault in found.faults] == COPIED
    assert "in the words of its sources; 33% at most" in found.reason


@pytest.mark.parametrize(
    "disguised",
    [
        [text.replace("the ", "a ", 1).replace("The ", "This ") for text in COPIED],
        [text.upper() for text in COPIED],
        [text.replace(" and ", " & ").replace(" of ", " from ") for text in COPIED],
        [" ".join((COPIED[0], COPIED[1])), " ".join(COPIED[2:4]), COPIED[4]],  # joined
        [part for text in COPIED for part in text.split(" and ")],  # cut in pieces
        [f"As we know, {text[0].lower()}{text[1:]}" for text in COPIED],
    ],
)
def test_a_copy_is_held_in_disguise(disguised: list[str]) -> None:
    assert not verdict(*map(cited, disguised)).passed


def test_other_words_for_the_same_are_no_copy() -> None:
    assert verdict(*map(cited, FREE)).passed


def test_quotes_are_no_copy_marked_or_in_quotation_marks() -> None:
    marked = [Sentence(text=text, source="s1", quoted=True) for text in COPIED]
    assert verdict(*marked, cited(FREE[0])).passed
    inline = [cited(f"“{text}”, says the guide.") for text in COPIED]
    assert verdict(*inline, cited(FREE[0])).passed


def test_a_copy_is_held_whichever_source_it_cites() -> None:
    assert not verdict(*(cited(text, "s2") for text in COPIED)).passed
    assert not verdict(*(Sentence(text=text) for text in COPIED)).passed


def test_one_long_copied_sentence_is_named() -> None:
    long = "In dry years the rings of the wood are so thin that one needs a glass to count them."
    found = verdict(*map(cited, FREE * 3), cited(long))
    assert [fault.text for fault in found.faults] == [long]
    assert "19 words in a row of s1" in found.reason
    assert verdict(*map(cited, FREE * 3), cited(long), max_verbatim_words=20).passed


def test_a_copy_in_a_list_is_held() -> None:
    items = ListBlock(items=[[cited(text)] for text in COPIED])
    found = originality.check(case([items]))
    assert len(found.faults) == len(COPIED)


@pytest.mark.parametrize(
    ("headings", "passes"),
    [
        (("Where it grows", "How old it gets", "Who lives on it"), False),
        (("Where it grows", "How old it gets", "Who lives on it", "A walk"), False),
        (("Where it grows best", "How old it gets today", "Who lives on it?"), False),
        (("Who lives on it", "How old it gets", "Where it grows"), True),  # another order
        (("Where it grows", "A walk", "The beetle", "Who lives on it"), True),
        (("Wet feet", "Slow years", "Guests"), True),
    ],
)
def test_the_outline_of_a_source_is_held(headings: tuple[str, ...], passes: bool) -> None:
    found = verdict(*map(cited, FREE), headings=headings)
    assert found.passed is passes
    assert all(fault.place.startswith("heading ") for fault in found.faults)


@pytest.mark.parametrize(("second", "passes"), [(0, False), (1, True), (5, True)])
def test_an_article_may_not_lean_on_one_of_several_hosts(second: int, passes: bool) -> None:
    sentences = [cited(FREE[0], "s2" if number < second else "s1") for number in range(10)]
    found = verdict(*sentences, max_one_host=0.9)
    assert found.passed is passes
    assert passes or "10 of 10 citations rest on a.example" in found.reason


def test_a_site_with_one_source_may_lean_on_it() -> None:
    whole = case([[cited(FREE[0]) for _ in range(10)]])
    alone = whole.draft.model_copy(update={"references": whole.draft.references[:1]})
    one = full_case(alone, {"s1": POOL["s1"]}, whole.site)
    assert originality.check(one).passed


def test_without_the_text_of_a_source_nobody_can_tell() -> None:
    whole = case([list(map(cited, FREE))])
    half = full_case(whole.draft, {"s1": POOL["s1"]}, whole.site, page="<p>x</p>")
    [found] = [one for one in judge(half) if one.gate == "originality"]
    assert (found.passed, found.checked) == (False, False)
    assert "the text of s2 is not known" in found.reason


def test_the_thresholds_are_in_the_config() -> None:
    assert (Gates().max_verbatim, Gates().max_verbatim_words, Gates().max_one_host) == (
        0.33,
        13,
        0.9,
    )
    assert verdict(*map(cited, COPIED), max_verbatim=1.0, max_verbatim_words=30).passed
