"""What ideas are called: as readers ask, and never as a source is called."""

from __future__ import annotations

from importlib import resources
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.research import naming
from contentstudio.text.slugs import slug_of

WORDS = st.sampled_from(["how", "to", "build", "a", "compost", "heap", "what", "know", "about"])
TITLES = st.lists(
    st.one_of(st.lists(WORDS, min_size=1, max_size=9).map(" ".join), st.text(max_size=40)),
    max_size=4,
)
LANGUAGES = st.sampled_from(["en", "de", "fr", "es", "it", "ja", "pl", "zh"])


def runs(words: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[n : n + length]) for n in range(len(words) - length + 1)}


def is_of(title: str, source: str) -> bool:
    """Whether a title or its slug is a source's, or stands in one of three words or more."""
    for mine, other in (
        (title.casefold().split(), source.casefold().split()),
        (slug_of(title).split("-"), slug_of(source).split("-")),
    ):
        if mine == other or (len(other) >= 3 and tuple(mine) in runs(other, len(mine))):
            return True
    return False


@given(TITLES, st.text(), LANGUAGES)
def test_no_title_of_a_story_is_a_sources(titles: list[str], text: str, language: str) -> None:
    for title in islice(naming.of_story(titles, [text, *titles], language, titles), 3):
        assert title.strip()
        assert not any(is_of(title, source) for source in titles)


@given(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), TITLES, LANGUAGES)
def test_no_title_of_a_query_is_a_sources(query: str, titles: list[str], language: str) -> None:
    title = naming.of_query(query, language, titles)
    assert not any(is_of(title, source) for source in titles)


def pages() -> list[tuple[str, str]]:
    """The titles and texts of the demo's web."""
    found = []
    for blog in ("potting-shed", "clear-skies"):
        folder = resources.files("contentstudio.demo") / "pages" / blog
        for file in folder.iterdir():
            head, _, text = file.read_text("utf-8").partition("\n\n")
            found.append((head.splitlines()[0].removeprefix("title: "), text))
    return sorted(found)


def test_over_a_web_of_pages_each_story_has_a_title_of_its_own() -> None:
    sources = [title for title, _ in pages()]
    titles = [next(naming.of_story([t], [text], "en", sources)) for t, text in pages()]
    assert len({*titles}) == len(titles) == 9
    assert not [(t, s) for t in titles for s in sources if is_of(t, s)]
    assert all(len(title) <= naming.LONGEST for title in titles)
    assert "What to know about a compost heap" in titles
    assert "What to know about a meteor shower" in titles


@pytest.mark.parametrize(
    ("language", "title", "text", "expected"),
    [
        (
            "de",
            "Wie man einen Komposthaufen richtig anlegt",
            "Ein Komposthaufen braucht Luft. Der Komposthaufen steht im Schatten. Wer Laub hat, "
            "nimmt Laub.",
            "Komposthaufen und Laub: Was man wissen sollte",
        ),
        (
            "fr",
            "Comment réussir son compost au jardin",
            "Le compost nourrit le jardin. Le compost demande du temps. Au jardin, tout sert.",
            "Compost au jardin : ce qu’il faut savoir",
        ),
        (
            "es",
            "Cómo guardar semillas de tomate",
            "Las semillas de tomate se secan. Las semillas duran años. El tomate da semillas.",
            "Semillas de tomate: lo que hay que saber",
        ),
        (
            "ja",
            "堆肥の作り方",
            "堆肥は土を豊かにします。堆肥の温度。",
            "堆肥について知っておきたいこと",
        ),
    ],
)
def test_a_story_is_named_in_the_language_of_its_site(
    language: str, title: str, text: str, expected: str
) -> None:
    assert next(naming.of_story([title], [text], language, [title])) == expected


def test_a_query_names_an_idea_unless_a_source_has_that_title() -> None:
    asked = "how long do tomato seeds keep"
    assert naming.of_query(asked, "en", ["Saving seed"]) == "How long do tomato seeds keep"
    own = naming.of_query(asked, "en", ["How long do tomato seeds keep? | The Shed"])
    assert own == "What to know about how long do tomato seeds keep"
    assert not is_of(own, "How long do tomato seeds keep?")


def test_a_story_avoids_the_titles_of_its_sources_if_it_can() -> None:
    sources = ["What to know about", "Mulch"]
    assert next(naming.of_story(["Mulch"], ["mulch"], "en", sources)) == "Mulch: what to know"
    assert not naming.is_apart(
        "A compost heap that works: what to know", ["A compost heap that works"]
    )


@pytest.mark.parametrize(
    ("title", "source", "own"),
    [
        ("Compost", "Compost", False),
        ("What to know about compost", "Compost", True),
        ("Compost heap", "A compost heap that works", False),
        ("What to know about a compost heap", "A compost heap that works", True),
        ("A compost heap that works: what to know", "A compost heap that works", True),
        ("COMPOST – HEAP?", "A compost heap that works | The Shed", False),
        ("Straßen im Winter", "Strassen im Winter", False),
    ],
)
def test_a_title_is_own_if_no_source_has_it(title: str, source: str, own: bool) -> None:
    assert naming.is_own(title, ["Another page", source]) is own


def test_titles_never_end_however_many_sources_have_them() -> None:
    first = list(islice(naming.of_story(["Mulch"], ["mulch soil mulch"], "en", []), 40))
    later = next(naming.of_story(["Mulch"], ["mulch soil mulch"], "en", first))
    assert later not in first
