"""What a judge's answer means: what counts, what is void, and what has to change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from drafts import DRAFTS
from hypothesis import given

from contentstudio import places
from contentstudio.model import Draft, Question, Reference, Section, Sentence, Snapshot
from contentstudio.verify import judgement
from contentstudio.verify.judgement import Answer, Conflict, Finding, Judgement, Passage

JARS = "Tomato seeds keep for four years in a dry jar. A warm shelf halves that.\n\nNo light helps."
CELLARS = "In a cold cellar they keep for 6 years, says Ana. Nobody has tried seven."
KELLER = "Im kalten Keller halten sie sechs Jahre."


def snapshot(text: str, language: str = "en") -> Snapshot:
    return Snapshot(
        url=f"https://{language}.example/{len(text)}",
        title="Seeds",
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        language=language,
        published_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


POOL = {"s1": snapshot(JARS), "s2": snapshot(CELLARS), "s3": snapshot(KELLER, "de")}


def draft(*sentences: Sentence, **changes: Any) -> Draft:
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "seeds",
        "title": "How long seeds keep",
        "description": "Jars and cellars.",
        "sections": [Section(heading="Jars", paragraphs=[list(sentences)])],
        "references": [
            Reference(id=name, url=page.url, title=page.title, sha256=page.sha256)
            for name, page in POOL.items()
        ],
        "writer": "anthropic:a-model",
    }
    return Draft.model_validate(values | changes)


def ruled(
    line: str, verdict: str = "no_claim", *passages: tuple[str, str], why: str = ""
) -> dict[str, Any]:
    quoted = [{"source": source, "text": text} for source, text in passages]
    return {"line": line, "verdict": verdict, "passages": quoted, "why": why}


HEAD = [ruled("title"), ruled("description"), ruled("heading 1")]


def judged(
    article: Draft,
    rulings: Sequence[dict[str, Any]],
    conflicts: Sequence[dict[str, Any]] = (),
) -> Judgement:
    answer = Answer.model_validate({"rulings": [*rulings], "conflicts": [*conflicts]})
    findings, at = judgement.read(answer, judgement.lines(article), article, "a:judge")
    return Judgement(judgement.with_conflicts(findings, at, article))


FOUR = Sentence(text="Seeds of tomatoes keep for 4 years in a dry jar.", source="s1")
ONE = draft(FOUR)


def void_of(*rulings: dict[str, Any], article: Draft = ONE) -> dict[str, str]:
    """Place → why it is void, of an article whose head claims nothing."""
    voids = judged(article, [*HEAD, *rulings]).voids(article, POOL)
    return {fault.place: fault.reason for fault in voids}


@given(DRAFTS)
def test_lines_are_the_places_of_an_article_in_reading_order(article: Draft) -> None:
    lines = judgement.lines(article)
    known = {text.place: text for text in places.texts(article)}
    assert all(known[line.place].text == line.text for line in lines)
    judged_kinds = {
        *("title", "description", "heading", "sentence", "question"),
        *("head of a table", "name of a step", "title of a callout"),
    }
    assert {line.place for line in lines} == {
        text.place
        for text in known.values()
        if text.kind in judged_kinds and any(map(str.isalnum, text.text))
    }
    sentences = [line.source for line in lines if line.place.startswith("sentence")]
    with_words = [s for s in article.sentences() if any(map(str.isalnum, s.text))]
    assert sentences == [s.source for s in with_words]


@given(DRAFTS)
def test_no_text_of_an_article_looks_like_another_line(article: Draft) -> None:
    assert len(judgement.listed(article).splitlines()) == len(judgement.lines(article))


@pytest.mark.parametrize(
    "passages",
    [
        [("s1", "Tomato seeds keep for four years in a dry jar.")],
        [("s1", "Tomato seeds keep\n for four  years in a dry jar.")],
        [("s1", "for four years in a dry jar"), ("s2", "Nobody has tried seven.")],
    ],
)
def test_a_passage_that_stands_in_the_source_counts(passages: list[tuple[str, str]]) -> None:
    assert void_of(ruled("sentence 1", "supported", *passages)) == {}


@pytest.mark.parametrize("verdict", ["supported", "contradicted"])
@pytest.mark.parametrize(
    ("passages", "why"),
    [
        ([], "names no passage"),
        ([("s1", "Tomato seeds keep for four years in any jar.")], "does not stand in"),
        ([("s1", "Tomato seeds keep … in a dry jar.")], "does not stand in"),
        ([("s1", "Tomato seeds keep for four years. A warm shelf halves that.")], "does not stand"),
        ([("s1", CELLARS)], "does not stand in"),
        ([("s1", "")], "does not stand in"),
        ([("s1", "…")], "does not stand in"),
        ([("s1", "ears in a dry ja")], "does not stand in"),
        ([("s9", "Tomato seeds keep for four years in a dry jar.")], "that the article lacks"),
        ([("", JARS)], "that the article lacks"),
        ([("s2", CELLARS)], "by another source than s1"),
        ([("s1", JARS), ("s1", "It says so.")], "does not stand in"),
    ],
)
def test_without_a_passage_of_the_source_a_verdict_is_void(
    verdict: str, passages: list[tuple[str, str]], why: str
) -> None:
    voids = void_of(ruled("sentence 1", verdict, *passages))
    assert list(voids) == ["sentence 1"]
    assert why in voids["sentence 1"]


@pytest.mark.parametrize(
    ("text", "passages", "why"),
    [
        ("Tomato seeds keep for 4 years.", [("s1", "A warm shelf halves that.")], "has not 4"),
        ("On a shelf it is four years.", [("s1", "A warm shelf halves that.")], "has not four"),
        ("Paper bags let cellar damp out.", [("s1", "No light helps.")], "on another subject"),
        ("Rabbits bite carrots of neighbours.", [("s1", JARS)], "on another subject"),
    ],
)
def test_support_by_a_passage_that_says_something_else_is_void(
    text: str, passages: list[tuple[str, str]], why: str
) -> None:
    article = draft(Sentence(text=text, source="s1"))
    voids = void_of(ruled("sentence 1", "supported", *passages), article=article)
    assert why in voids["sentence 1"]


@pytest.mark.parametrize(
    ("sentence", "passages"),
    [
        (("Four years in a jar, and 6 in a cellar.", "s1"), [("s1", JARS), ("s2", CELLARS)]),
        (("In the cold they keep for six years.", "s3"), [("s3", KELLER)]),
        (("Yes, it is so.", "s1"), [("s1", "No light helps.")]),
    ],
)
def test_support_by_several_passages_or_languages_counts(
    sentence: tuple[str, str], passages: list[tuple[str, str]]
) -> None:
    text, source = sentence
    article = draft(Sentence(text=text, source=source))
    assert void_of(ruled("sentence 1", "supported", *passages), article=article) == {}


def test_a_line_that_was_left_out_or_ruled_on_twice_is_void() -> None:
    ruling = ruled("sentence 1", "supported", ("s1", JARS))
    assert void_of() == {"sentence 1": "The judge gave no verdict on it."}
    assert list(void_of(ruling, ruling)) == ["sentence 1"]
    assert list(void_of(ruling, ruled("sentence 1", "not_found"))) == ["sentence 1"]
    assert list(void_of(ruled("sentence 01", "supported", ("s1", JARS)))) == ["sentence 1"]


def test_a_sentence_that_cites_a_source_claims_something() -> None:
    assert "and it cites s1" in void_of(ruled("sentence 1"))["sentence 1"]
    assert void_of(ruled("sentence 1"), article=draft(Sentence(text="Now to jars."))) == {}


def test_a_finding_of_other_words_says_nothing_of_these() -> None:
    said = judged(ONE, [*HEAD, ruled("sentence 1", "supported", ("s1", JARS))])
    other = draft(Sentence(text="Seeds of tomatoes keep for 4 years.", source="s1"))
    assert [fault.place for fault in said.voids(other, POOL)] == ["sentence 1"]
    gone = {"s2": POOL["s2"]}
    assert [fault.place for fault in said.voids(ONE, gone)] == ["sentence 1"]


def test_what_sources_deny_or_do_not_say_has_to_change() -> None:
    article = draft(FOUR, Sentence(text="Nobody has tried.", source="s2"))
    said = judged(
        article,
        [
            *HEAD[1:],
            ruled("title", "not_found", why="It tells of jars only."),
            ruled("sentence 1", "contradicted", ("s1", "A warm shelf halves that.")),
            ruled("sentence 2", "not_found"),
        ],
    )
    assert said.voids(article, POOL) == []
    faults = [(f.place, f.text, f.reason, f.passage) for f in said.faults(article)]
    assert faults == [
        ("title", article.title, "No source says so. It tells of jars only.", ""),
        ("sentence 1", FOUR.text, "Its source says otherwise.", "A warm shelf halves that."),
        ("sentence 2", "Nobody has tried.", "No source says so.", ""),
    ]


SIX = Sentence(text="In a cellar they keep for 6 years.", source="s2")
BOTH = [
    *HEAD,
    ruled("sentence 1", "supported", ("s1", JARS)),
    ruled("sentence 2", "supported", ("s2", CELLARS)),
]


def test_lines_that_contradict_each_other_have_to_change_both() -> None:
    article = draft(FOUR, SIX)
    conflict = {"lines": ["sentence 1", "sentence 2"], "why": "Four and six."}
    said = judged(article, BOTH, [conflict])
    assert [(f.place, f.passage) for f in said.faults(article)] == [
        ("sentence 1", SIX.text),
        ("sentence 2", FOUR.text),
    ]
    assert "Four and six." in said.faults(article)[0].reason


@pytest.mark.parametrize(
    ("lines", "faulty"),
    [
        (["sentence 1", "sentence 9"], "sentence 1"),
        (["sentence 8", "sentence 9"], "title"),
        (["sentence 2", "sentence 2"], "sentence 2"),
    ],
)
def test_a_conflict_with_a_line_that_is_not_there_counts(lines: list[str], faulty: str) -> None:
    article = draft(FOUR, SIX)
    said = judged(article, BOTH, [{"lines": lines, "why": "Odd."}])
    assert [fault.place for fault in said.faults(article)] == [faulty]


def test_a_contradiction_lasts_as_long_as_both_lines_do() -> None:
    article = draft(FOUR, SIX)
    found = {
        "sentence 1": Finding(
            text=FOUR.text, ruling="not_found", conflicts=(Conflict(text=SIX.text, why="No."),)
        )
    }
    kept = judgement.with_conflicts(found, {}, article)
    assert kept["sentence 1"].conflicts
    mended = places.replaced(article, {"sentence 2": "In a cellar they keep longer."})
    assert judgement.with_conflicts(found, {}, mended)["sentence 1"].conflicts == ()


def test_a_line_is_known_again_while_its_section_is_the_same() -> None:
    first = Section(heading="Jars", paragraphs=[[FOUR], [Sentence(text="Now what?")]])
    second = Section(heading="Cellars", paragraphs=[[SIX]])
    answer = Question(question="How long?", answer=[SIX])
    article = draft(sections=[first, second], faq=[answer])

    def keys(of: Draft) -> dict[str, str]:
        return {line.place: line.key for line in judgement.lines(of)}

    before = keys(article)
    assert len(set(before.values())) == len(before)
    after = keys(places.replaced(article, {"sentence 2": "And now?"}))
    changed = {place for place in before if after[place] != before[place]}
    assert changed == {"title", "description", "heading 1", "sentence 1", "sentence 2"}
    cites_another = article.map_sentences(
        lambda s: s.model_copy(update={"source": "s3"}) if s == SIX else s
    )
    assert keys(cites_another)["sentence 3"] != before["sentence 3"]


def test_only_what_counts_is_kept() -> None:
    article = draft(FOUR, SIX)
    said = judged(article, [*BOTH[:4], ruled("sentence 2", "supported", ("s2", "Made up."))])
    kept = said.by_key(article, POOL)
    assert {finding.text for finding in kept.values()} == {
        *(article.title, article.description, "Jars"),
        FOUR.text,
    }
    assert Passage(snapshot=POOL["s1"].sha256, text=JARS) in next(
        finding.passages for finding in kept.values() if finding.text == FOUR.text
    )
