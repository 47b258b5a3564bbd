"""Optimizing brings into shape what can be, makes nothing up, and says what it did."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.config import Author, Profile, Site
from contentstudio.model import Draft, Image, InternalLink, Question, Section, Sentence
from contentstudio.seo import Change, optimize
from contentstudio.seo.description import description_of
from contentstudio.seo.structure import heading_of
from contentstudio.seo.title import title_of

SITE = Site.model_validate(
    {
        "name": "garden",
        "url": "https://garden.example",
        "title": "The Garden",
        "sources": ["https://a.example"],
    }
)
DESCRIPTION = "What a heap needs to become soil within a year, and what to do with one that smells."


def make_draft(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "good-compost",
        "title": "Good compost from a small heap",
        "description": DESCRIPTION,
        "sections": [Section(heading="Heaps", paragraphs=[[Sentence(text="A heap is a start.")]])],
        "references": [],
        "writer": "some-model",
    }
    return Draft.model_validate(values | changes)


def own(*texts: str) -> list[Sentence]:
    return [Sentence(text=text) for text in texts]


@pytest.mark.parametrize(
    ("title", "better"),
    [
        ("Good compost  from\na heap", "Good compost from a heap"),
        ("Good compost from a heap.", "Good compost from a heap"),
        ("What is left of the U.S.", "What is left of the U.S."),
        ("Good compost from a heap | The Garden", "Good compost from a heap"),
        ("Good compost from a heap. | The Garden - The Garden", "Good compost from a heap"),
        (".", "."),
        ("What grows in the garden - the garden", "What grows in the garden"),
        ("A year in the garden", "A year in the garden"),
        (
            "How to make good compost in a small garden: everything that a beginner needs to know",
            "How to make good compost in a small garden",
        ),
        (
            "What belongs on the heap, and what does not? Ten answers for those who begin today",
            "What belongs on the heap, and what does not?",
        ),
        (
            "How to keep a heap warm in winter (and why that matters to the worms)",
            "How to keep a heap warm in winter",
        ),
        (
            "Compost: how a heap becomes soil, told by those who turned it for more than a year",
            "Compost: how a heap becomes soil, told by those who turned it for more than a year",
        ),
        (
            "How those who turn their heaps every other week have soil in less than half a year",
            "How those who turn their heaps every other week have soil in less than half a year",
        ),
        ("堆肥" * 20 + "の作り方", "堆肥" * 20 + "の作り方"),
    ],
)
def test_a_title_loses_only_decoration_and_no_word_of_a_sentence(title: str, better: str) -> None:
    assert title_of(title, "The Garden") == better


SHORT = "What a heap needs."
LONG = (
    "Heaps need air. " * 3
    + "Turn the heap every other week, and give it water in a dry summer. " * 3
)


@pytest.mark.parametrize(
    ("description", "sentences", "better"),
    [
        (f" {DESCRIPTION}\n", [], DESCRIPTION),
        (SHORT, [], SHORT),
        (
            "What a heap needs",
            own("A heap of leaves and grass becomes dark soil within one year."),
            f"{SHORT} A heap of leaves and grass becomes dark soil within one year.",
        ),
        (
            "",
            own("Leaves and grass become dark soil within one year. " + "They really do it. " * 2),
            None,
        ),
        (
            SHORT,
            [
                Sentence(
                    text="A heap of leaves and grass becomes dark soil within one year.",
                    quoted=True,
                )
            ],
            SHORT,
        ),
        (
            SHORT,
            own("Will a heap of leaves and grass be dark soil within one year from now?"),
            SHORT,
        ),
        (
            SHORT,
            own("She said “a heap of leaves and grass becomes dark soil within one year”."),
            SHORT,
        ),
        (
            SHORT,
            own("Every heap wants another heap beside it, where the older one can rest."),
            SHORT,
        ),
        (SHORT, own("Turn it. " * 30), SHORT),
        (LONG, [], "Heaps need air. Heaps need air. Heaps need air. " + LONG.split(". ")[3] + "."),
        ("word " * 40, [], "word " * 31 + "word…"),
        ("堆肥を作る。" * 15, [], "堆肥を作る。" * 13),
    ],
)
def test_a_description_has_a_length_that_lists_show_whole(
    description: str, sentences: list[Sentence], better: str | None
) -> None:
    found = description_of(description, sentences)
    assert found == (better if better is not None else sentences[0].text.strip())


@pytest.mark.parametrize(
    ("heading", "better"),
    [
        ("## Heaps", "Heaps"),
        ("# # Heaps", "Heaps"),
        ("What they need:", "What they need"),
        ("Turn it.", "Turn it"),
        ("What then?", "What then?"),
        ("1", "1"),
        ("Made in the U.S.", "Made in the U.S."),
        ("#", "#"),
        ("必要なもの：", "必要なもの"),
    ],
)
def test_a_heading_has_no_marks_of_another_kind_of_text(heading: str, better: str) -> None:
    assert heading_of(heading) == better


def test_what_is_well_stays_and_no_change_is_told() -> None:
    draft = make_draft(links=[InternalLink(anchor="heap", url="https://garden.example/heaps/")])
    done = optimize(draft, SITE, draft.links)
    assert (done.draft, done.changes) == (draft, ())


def test_every_change_is_told_with_what_was_there_before() -> None:
    draft = make_draft(
        title="Good compost from a small heap.",
        description=f"{DESCRIPTION} ",
        sections=[Section(heading="Heaps:", paragraphs=[own("A heap is a start.")])],
        faq=[
            Question(question="heaps", answer=own("Yes.")),
            Question(question="Why?", answer=own("So.")),
        ],
        links=[InternalLink(anchor="nowhere", url="https://garden.example/old/")],
        images=[Image(src="/a.jpg", alt="A  heap")],
    )
    link = InternalLink(anchor="heap", url="https://garden.example/heaps/")
    done = optimize(draft, SITE, [link])
    assert done.changes == (
        Change(
            what="title",
            before="Good compost from a small heap.",
            after="Good compost from a small heap",
        ),
        Change(what="description", before=f"{DESCRIPTION} ", after=DESCRIPTION),
        Change(what="heading", before="Heaps:", after="Heaps"),
        Change(what="question", before="heaps", after=""),
        Change(
            what="link",
            before="nowhere → https://garden.example/old/",
            after="heap → https://garden.example/heaps/",
        ),
        Change(what="alternative text", before="A  heap", after="A heap"),
    )
    assert [q.question for q in done.draft.faq] == ["Why?"]
    assert done.draft.links == [link]


def test_the_slug_of_a_topic_never_changes_with_its_title() -> None:
    for slug in ("good-compost", "good--compost", "good-" * 30 + "compost"):
        done = optimize(
            make_draft(slug=slug, title="Another title altogether, which is good"), SITE, []
        )
        assert done.draft.slug == slug


@pytest.mark.parametrize(
    ("slug", "title", "better"),
    [
        ("Über Kompost!", "x", "uber-kompost"),
        ("", "Good compost", "good-compost"),
        ("", "!!!", "topic-e84c538e"),
    ],
)
def test_only_a_slug_that_is_no_address_is_made_anew(slug: str, title: str, better: str) -> None:
    assert optimize(make_draft(slug=slug, title=title), SITE, []).draft.slug == better


def test_a_page_is_linked_once_and_never_to_itself() -> None:
    urls = [
        "https://garden.example/a/",
        "https://garden.example/a",
        "https://garden.example/good-compost/",
    ]
    links = [InternalLink(anchor=f"heap {number}", url=url) for number, url in enumerate(urls)]
    assert optimize(make_draft(), SITE, links).draft.links == links[:1]


TEXT = st.text(alphabet=st.sampled_from("ab .:?-|(“„。堆\n#…é"), max_size=250)


@given(TEXT.filter(bool), TEXT, TEXT.filter(bool), TEXT.filter(bool))
def test_optimizing_twice_equals_once_and_no_sentence_is_touched(
    title: str, description: str, heading: str, sentence: str
) -> None:
    draft = make_draft(
        title=title,
        description=description,
        sections=[Section(heading=heading, paragraphs=[own(sentence)])],
        faq=[Question(question=heading, answer=own(sentence))] * 2,
    )
    once = optimize(draft, SITE, []).draft
    assert once.sections[0].blocks == draft.sections[0].blocks
    again = optimize(once, SITE, [])
    assert (again.draft, again.changes) == (once, ())


OTHERS = [
    DESCRIPTION.upper(),
    "Another description that some other article of the site has had for a long time.",
]


@pytest.mark.parametrize(
    ("sentences", "better"),
    [
        (
            own("A heap rests in autumn and in spring."),
            f"{DESCRIPTION} A heap rests in autumn and in spring.",
        ),
        (own("w " * 60 + "."), "w " * 60 + "."),
        (own("Too short."), DESCRIPTION + " Too short."),
        ([Sentence(text="q " * 60 + ".", source="s1", quoted=True)], "“" + "q " * 60 + ".”"),
        ([Sentence(text="Why?")], DESCRIPTION),
        ([Sentence(text=f"x{OTHERS[1]}"), Sentence(text=OTHERS[1])], f"x{OTHERS[1]}"),
    ],
)
def test_a_description_that_another_article_has_becomes_another(
    sentences: list[Sentence], better: str
) -> None:
    assert description_of(DESCRIPTION, sentences, OTHERS) == better
    assert description_of(better, sentences, OTHERS) == better
    assert description_of(DESCRIPTION, sentences) == DESCRIPTION


NAMES = ["Soil", "Worms", "C++", "Raised beds", "堆肥", "Stars", "Sky"]


@pytest.mark.parametrize(
    ("title", "text", "tags"),
    [
        ("Soil", "Nothing of it.", ["Soil"]),
        ("A title", "Soil once, and worms twice: a worm.", ["Worms"]),
        ("A title", "Worms and soil. Worms and soil. Worms.", ["Worms", "Soil"]),
        ("On soil", "Worms. Worms. Worms.", ["Soil", "Worms"]),
        ("A title", "A raised bed is raised once. Beds.", ["Raised beds"]),
        ("Why C++", "Words.", ["C++"]),
        ("題", "堆肥を作る。良い堆肥。", ["堆肥"]),
        ("Soil, worms, stars and the sky", "Words.", ["Soil", "Worms", "Stars"]),
        ("A title", "Words.", []),
    ],
)
def test_an_article_has_the_tags_of_its_site_of_which_it_speaks(
    title: str, text: str, tags: list[str]
) -> None:
    draft = make_draft(title=title, sections=[Section(heading="Part", paragraphs=[own(text)])])
    site = SITE.model_copy(update={"tags": NAMES})
    optimized = optimize(draft, site, [])
    assert optimized.draft.tags == tags
    assert [change.after for change in optimized.changes if change.what == "tag"] == tags
    assert optimize(optimized.draft, site, []).changes == ()


@pytest.mark.parametrize(
    ("language", "text", "tags"),
    [
        ("de", "Die Häuser sind alt. In einem Haus ist es warm.", ["Haus"]),
        ("es", "Los jardines son verdes. Un jardín es verde.", ["Jardín"]),
        ("fr", "L’étoile est là. Les étoiles sont loin.", ["Étoiles"]),
    ],
)
def test_a_tag_is_mentioned_in_any_form_of_its_words(
    language: str, text: str, tags: list[str]
) -> None:
    sections = [Section(heading="Part", paragraphs=[own(text)])]
    draft = make_draft(title="X", sections=sections, language=language)
    site = SITE.model_copy(update={"tags": ["Haus", "Jardín", "Étoiles", "In der Ist"]})
    assert optimize(draft, site, []).draft.tags == tags


def test_tags_that_the_writer_gave_stay() -> None:
    site = SITE.model_copy(update={"tags": ["Compost"]})
    assert optimize(make_draft(tags=["mine"]), site, []).draft.tags == ["mine"]
    assert optimize(make_draft(), SITE, []).draft.tags == []


def test_an_article_is_signed_and_disclosed_as_the_profile_says() -> None:
    profile = Profile(authors=[Author(name="Ana"), Author(name="Ben")], disclosure="By machines.")
    site = SITE.model_copy(update={"profile": profile})
    slugs = [f"heap-{number}" for number in range(20)]
    drafts = {slug: optimize(make_draft(slug=slug), site, []) for slug in slugs}
    authors = {slug: done.draft.author for slug, done in drafts.items()}
    assert authors == {slug: getattr(profile.author_of(slug), "name", "") for slug in slugs}
    assert set(authors.values()) == {"Ana", "Ben"}
    assert {done.draft.disclosure for done in drafts.values()} == {"By machines."}
    assert Change(what="disclosure", before="", after="By machines.") in drafts["heap-1"].changes


def test_a_signed_article_keeps_its_author_and_its_disclosure() -> None:
    profile = Profile(authors=[Author(name="Ana")], disclosure="By machines.")
    signed = make_draft(author="Ben", disclosure="By people.")
    done = optimize(signed, SITE.model_copy(update={"profile": profile}), []).draft
    assert (done.author, done.disclosure) == ("Ben", "By people.")
    assert optimize(make_draft(), SITE, []).draft.author == ""
