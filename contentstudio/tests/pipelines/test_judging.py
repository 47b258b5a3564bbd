"""The judge in the pipeline: what it does not bear out is mended alone or waits for a person, and
whatever it does wrong, nothing is published by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from drafts import small_draft
from model_answers import (
    article,
    asked,
    judged,
    lines_of,
    notes_of,
    own_notes,
    paragraph,
    quotes,
    ruling,
    sealed,
    to_judge,
)

from contentstudio import app as studio
from contentstudio import places, review
from contentstudio.config import Config, Verify, Writing
from contentstudio.demo.web import DemoWeb
from contentstudio.gates import ToMend
from contentstudio.model import Draft, Fault
from contentstudio.pipelines import gate_inputs
from contentstudio.pipelines.judging import MENDS, at_places
from contentstudio.review import manuscript
from overnight.operations import budgets, reviews
from overnight.operations import runs as jobs
from overnight.operations.decisions import Approve, Edit
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels

pytestmark = [  # of `make test-large`
    pytest.mark.large,
    pytest.mark.usefixtures("offline_research"),
]

Write = Callable[..., Config]
Body = Callable[[dict[str, Any]], str]
PAGE = "/potting-shed/mulch.html"
WRITING = 5  # calls until the judge: a brief, three sections, and one that reads the whole
FALSE = "Mulch makes the soil dry out faster in the sun."  # what the source denies


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels(body=article) as server:
        yield server


@pytest.fixture
def config(claude: FakeModels, web: DemoWeb, write_config: Write) -> Config:
    return by_model(write_config([web.url + PAGE]), claude)


def by_model(config: Config, claude: FakeModels, **writing: Any) -> Config:
    given = {"anthropic": {"base_url": claude.url}, "deadline_seconds": 20.0}
    given |= {"sections_at_once": 1, **writing}
    return config.model_copy(update={"writing": Writing.model_validate(given)})


def judge_by(body: Body) -> Body:
    """All but the judge answer as usual."""
    return lambda request: body(request) if asked(request) == "judge" else article(request)


async def night(config: Config, database: Database, clock: Clock, **options: Any) -> None:
    app = studio.build(config)
    await jobs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock, **options)


async def gate_run(database: Database, step: str = "gate") -> dict[str, Any]:
    run = await database.one(
        "select job_id, status, outcome, error, output, failures from runs where step = %s "
        "order by id desc limit 1",
        [step],
    )
    assert run is not None
    return run


def published(config: Config) -> int:
    return len(list(config.folder(config.site[0]).glob("*/index.html")))


def kinds(claude: FakeModels, start: int = WRITING) -> list[str]:
    return [asked(call.request) for call in claude.calls[start:]]


# --- a judge that is not worth its word


def _by_any(request: dict[str, Any], passage: str) -> str:
    """Everything is supported, by the same passage of whatever source a line cites."""
    lines = lines_of(request)
    rulings = [
        ruling(name, "supported", lines[name][0] or "s1", passage) for name in to_judge(request)
    ]
    return json.dumps({"rulings": rulings, "conflicts": []})


def all_by_a_passage_that_is_made_up(request: dict[str, Any]) -> str:
    return _by_any(request, "Everything that this article says is true.")


def all_without_a_passage(request: dict[str, Any]) -> str:
    return _by_any(request, "")


def all_by_the_words_of_the_article(request: dict[str, Any]) -> str:
    lines = lines_of(request)
    rulings = [ruling(n, "supported", lines[n][0] or "s1", lines[n][1]) for n in to_judge(request)]
    return json.dumps({"rulings": rulings, "conflicts": []})


def no_claim_at_all(request: dict[str, Any]) -> str:
    return json.dumps(
        {"rulings": [ruling(n, "no_claim") for n in to_judge(request)], "conflicts": []}
    )


def nothing_at_all(request: dict[str, Any]) -> str:
    return '{"rulings": [], "conflicts": []}'


def half_of_it(request: dict[str, Any]) -> str:
    answer = json.loads(judged(request))
    return json.dumps({**answer, "rulings": answer["rulings"][::2]})


def each_line_twice(request: dict[str, Any]) -> str:
    answer = json.loads(judged(request))
    return json.dumps({**answer, "rulings": answer["rulings"] * 2})


def another_article(request: dict[str, Any]) -> str:
    return re.sub(r"sentence (\d)", r"sentence 9\1", judged(request))


def another_source(request: dict[str, Any]) -> str:
    return judged(request).replace('"s1"', '"s2"')


LIARS = [
    all_by_a_passage_that_is_made_up,
    all_without_a_passage,
    all_by_the_words_of_the_article,
    no_claim_at_all,
    nothing_at_all,
    half_of_it,
    each_line_twice,
    another_article,
    another_source,
]


@pytest.mark.parametrize("liar", LIARS, ids=lambda liar: liar.__name__)
async def test_a_judge_whose_word_does_not_count_publishes_nothing(
    database: Database, clock: Clock, claude: FakeModels, config: Config, liar: Body
) -> None:
    """The whole article would pass by a judge who tells the truth."""
    claude.body = judge_by(liar)
    await night(config, database, clock)
    run = await gate_run(database)
    assert (run["status"], published(config)) == ("needs_review", 0)
    assert "judged: " in run["error"]
    assert kinds(claude) == ["judge", "judge"], "asked once more, and no writer mends that"
    verdict = next(v for v in run["output"]["verdicts"] if v["gate"] == "judged")
    assert (verdict["passed"], verdict["checked"]) == (False, False)
    assert verdict["faults"]


# The first sentence of the page has neither these numbers, which stand elsewhere in it, nor a word
# of the last one.
UNSUPPORTED = [
    "A layer of 10 centimetres of mulch is enough.",
    "Mulch lasts for 2 years in the sun.",
    "Rabbits sleep deeply beside parsley.",
]


@pytest.mark.parametrize("claim", UNSUPPORTED)
async def test_support_by_other_passages_publishes_nothing(
    database: Database, clock: Clock, claude: FakeModels, config: Config, claim: str
) -> None:
    """The passages stand in the source; code sees that they do not say so."""
    claude.body = with_sentence(claim, judge=supports_all_by_the_first_passage)
    await night(config, database, clock)
    run = await gate_run(database)
    assert (run["status"], published(config)) == ("needs_review", 0)
    verdict = next(v for v in run["output"]["verdicts"] if v["gate"] == "judged")
    assert claim in {fault["text"] for fault in verdict["faults"]}


def supports_all_by_the_first_passage(request: dict[str, Any]) -> str:
    """The truth of what is quoted; and whatever else is cited is supported by what the page says
    first.
    """
    first = next(iter(sealed(request)["s1"].split(". "))) + "."
    answer = json.loads(judged(request))
    for each in answer["rulings"]:
        if each["verdict"] == "not_found":
            each |= {"verdict": "supported", "passages": [{"source": "s1", "text": first}]}
    return json.dumps(answer)


def with_sentence(claim: str, judge: Body = judged, mend: Body | None = None) -> Body:
    """A writer whose second section says this in its own words, by its first note."""

    def body(request: dict[str, Any]) -> str:
        if asked(request) == "judge":
            return judge(request)
        if asked(request) == "mend" and mend is not None:
            return mend(request)
        if asked(request) != "section" or "Part: section 2 " not in str(request["messages"]):
            return article(request)
        notes = own_notes(request)
        own = {"text": claim, "notes": [next(iter(notes))], "quoted": False}
        return json.dumps({"blocks": [paragraph([own, *quotes(notes)])]})

    return body


# --- a judge that is not there


FAULTS = ["529", "500", "hang", "truncated-json", "drop-mid-stream", "max-tokens", "refusal", "401"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_judge_that_is_late_or_silent_publishes_nothing(
    database: Database,
    clock: Clock,
    claude: FakeModels,
    config: Config,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if fault == "hang":
        monkeypatch.setattr(gate_inputs, "TRIES", 1)
        config = by_model(config, claude, deadline_seconds=2.0)
    claude.script(*["ok"] * WRITING, *[fault] * 8)
    await night(config, database, clock)
    run = await gate_run(database)
    assert (run["status"], published(config)) == ("needs_review", 0)
    assert "judged: Could not be checked: what a judge says of it is not known" in run["error"]
    assert all(call.fault == fault for call in claude.calls[WRITING:])
    assert 1 <= len(claude.calls[WRITING:]) <= 3
    assert run["output"]["draft"]["title"], "the article is there for a person to see"


async def test_a_judge_that_was_away_is_asked_again(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    claude.script(*["ok"] * WRITING, "529", "drop-mid-stream")
    await night(config, database, clock)
    assert ((await gate_run(database))["failures"], published(config)) == (2, 1)
    assert kinds(claude) == ["judge"] * 3


async def test_while_the_judge_rests_nothing_goes_out_and_others_write(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    await database.fetch(
        "insert into breakers (name, key, failures, opened_at, open_until) values "
        "('judge', '', 5, ledger_now(), ledger_now() + interval '1 hour')"
    )
    await night(config, database, clock, horizon=1_800)
    run = await gate_run(database)
    assert (run["status"], published(config)) == ("queued", 0)
    assert kinds(claude, 0)[-1] == "polish"
    await run_until_idle(studio.build(config), database, clock=clock)
    assert published(config) == 1


async def test_without_money_for_the_judge_the_article_waits_for_it(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    """No person has to see it for that: it goes on when the budget has room."""
    await clock.set(datetime(2026, 11, 23, 4, tzinfo=UTC))
    await _spend_the_budget_after(database, "generate")
    await night(config, database, clock, horizon=3_600)
    run = await gate_run(database)
    assert (run["status"], run["outcome"], published(config)) == ("queued", "held", 0)
    assert "the budget of all has no room" in run["error"]
    assert len(claude.calls) == WRITING
    await budgets.set_limit(database, "all", Decimal(99), reason="worth it", by="me")
    await run_until_idle(studio.build(config), database, clock=clock, horizon=3_600)
    assert published(config) == 1


async def _spend_the_budget_after(database: Database, step: str) -> None:
    """From the end of a step on there is no more money."""
    await database.fetch(
        "create function spend() returns trigger language plpgsql as $$ begin "
        "update budgets set spent_usd = coalesce(person_usd, config_usd); return new; end $$"
    )
    await database.fetch(
        "create trigger spend after update on runs for each row when "
        f"(new.step = '{step}' and new.status = 'succeeded') execute function spend()"
    )


@pytest.mark.parametrize(
    ("verify", "why"),
    [({"judge": "off"}, '[verify] has judge = "off"')],
)
async def test_without_a_judge_what_a_model_wrote_waits_for_a_person(
    database: Database,
    clock: Clock,
    claude: FakeModels,
    config: Config,
    verify: dict[str, Any],
    why: str,
) -> None:
    config = config.model_copy(update={"verify": Verify.model_validate(verify)})
    await night(config, database, clock)
    run = await gate_run(database)
    assert (run["status"], published(config), len(claude.calls)) == ("needs_review", 0, WRITING)
    assert why in run["error"]
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None
    await reviews.decide(
        studio.build(config), database, run["job_id"], Approve(dossier.seal, "read it")
    )
    await run_until_idle(studio.build(config), database, clock=clock)
    assert published(config) == 1, "what a person approved is published"


async def test_another_model_may_judge(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    model = {"provider": "openai", "model": "strict"}
    writing = {
        "openai": {"base_url": claude.url + "/v1"},
        "prices": {"strict": {"input": 1, "output": 1}},
    }
    config = by_model(config, claude, **writing)
    config = config.model_copy(update={"verify": Verify.model_validate({"model": model})})
    await night(config, database, clock)
    assert published(config) == 1
    assert {call.request["model"] for call in claude.calls[:WRITING]} == {"claude-sonnet-5-5"}
    assert [call.request["model"] for call in claude.calls[WRITING:]] == ["strict"]
    run = await gate_run(database)
    verdict = next(v for v in run["output"]["verdicts"] if v["gate"] == "judged")
    assert verdict["reason"].startswith("openai:strict found ")
    rows = await database.fetch("select judge, ruling from judgements")
    assert {row["judge"] for row in rows} == {"openai:strict"}


# --- mending


def denies(request: dict[str, Any]) -> str:
    """The truth: the source says otherwise than the false sentence."""
    answer, lines = json.loads(judged(request)), lines_of(request)
    first = next(iter(sealed(request)["s1"].split(". "))) + "."
    for each in answer["rulings"]:
        if lines[each["line"]][1] == FALSE:
            passages = [{"source": "s1", "text": first}]
            each |= {"verdict": "contradicted", "passages": passages, "why": "It keeps water."}
    return json.dumps(answer)


def learning(request: dict[str, Any]) -> str:
    """Says in the place of the false sentence what claims nothing."""
    (place,) = [json.loads(line)["place"] for line in sealed(request)["faults"].splitlines()]
    new = {"place": place, "text": "There is more to tell of it.", "notes": [], "quoted": False}
    return json.dumps({"texts": [new]})


def stubborn(request: dict[str, Any]) -> str:
    """Says the same false thing in other words, each time."""
    (place,) = [json.loads(line)["place"] for line in sealed(request)["faults"].splitlines()]
    stubborn.times = getattr(stubborn, "times", 0) + 1  # type: ignore[attr-defined]
    text = f"{FALSE[:-1]}, {'really ' * stubborn.times}so."  # type: ignore[attr-defined]
    new = {"place": place, "text": text, "notes": [next(iter(notes_of(request)))], "quoted": False}
    return json.dumps({"texts": [new]})


async def test_a_sentence_that_its_source_denies_is_mended_alone(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    claude.body = with_sentence(FALSE, judge=denies, mend=learning)
    await night(config, database, clock)
    assert published(config) == 1
    assert kinds(claude) == ["judge", "mend", "judge"]
    optimized = Draft.model_validate((await gate_run(database, "optimize"))["output"]["draft"])
    run = await gate_run(database)
    mended = Draft.model_validate(run["output"]["draft"])
    before, after = ({t.place: t.text for t in places.texts(d)} for d in (optimized, mended))
    (place,) = [place for place in before if before[place] != after[place]]
    assert before[place] == FALSE
    mend = claude.calls[WRITING + 1].request
    (fault,) = map(json.loads, sealed(mend)["faults"].splitlines())
    assert (fault["place"], fault["text"]) == (place, FALSE)
    assert fault["reasons"] == ["Its source says otherwise. It keeps water."]
    assert fault["passages"]
    section = [line for line in to_judge(claude.calls[-1].request) if line.startswith("heading")]
    assert section == ["heading 2"], "of the sections the one that was mended is judged again"
    changes = [change for change in run["output"]["changes"] if change["what"] == place]
    assert [(c["before"], c["after"]) for c in changes] == [(FALSE, after[place])]


@pytest.mark.parametrize(
    ("place", "alone"),
    [("sentence 1", True), ("title", True), ("tag 1", False), ("sentence 9", False), ("", False)],
)
def test_a_fault_where_no_writer_can_reword_is_one_of_the_whole(place: str, alone: bool) -> None:
    faults = (
        Fault(place="heading 1", text="H", reason="Why."),
        Fault(place=place, text="", reason="W."),
    )
    told = at_places(small_draft(tags=["seed"]), ToMend(faults, ("a", "b"), whole=False))
    assert told == ToMend(faults, ("a", "b"), whole=not alone)


async def test_a_sentence_that_no_note_bears_is_cut(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    claude.body = with_sentence(FALSE, judge=denies)
    await night(config, database, clock)
    assert (published(config), kinds(claude)) == (1, ["judge", "mend", "judge"])
    optimized = Draft.model_validate((await gate_run(database, "optimize"))["output"]["draft"])
    mended = Draft.model_validate((await gate_run(database))["output"]["draft"])
    texts = [sentence.text for sentence in optimized.sentences()]
    assert [s.text for s in mended.sentences()] == [text for text in texts if text != FALSE]


async def test_what_cannot_be_mended_is_marked_for_a_person(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    claude.body = with_sentence(FALSE, mend=stubborn)
    await night(config, database, clock)
    run = await gate_run(database)
    assert (run["status"], published(config)) == ("needs_review", 0)
    assert kinds(claude) == ["judge", *["mend", "judge"] * MENDS]
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None
    (mark,) = dossier.marks
    assert mark.text.startswith(FALSE[:-1]) and mark.place.startswith("sentence ")
    assert "No source says so" in mark.reason


async def test_what_the_writer_leaves_as_it_was_is_not_asked_for_again(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    claude.body = with_sentence(FALSE, judge=denies, mend=lambda _: '{"texts": []}')
    await night(config, database, clock)
    run = await gate_run(database)
    assert (run["status"], kinds(claude)) == ("needs_review", ["judge", "mend"])
    assert "rewrite: The model left every fault as it was." in run["error"]


async def test_without_rewrites_nothing_goes_back_to_a_model(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    claude.body = with_sentence(FALSE, judge=denies)
    await night(by_model(config, claude, rewrites=0), database, clock)
    assert ((await gate_run(database))["status"], kinds(claude)) == ("needs_review", ["judge"])


@pytest.mark.parametrize("call", range(3))
async def test_death_at_any_call_of_the_gate_pays_for_nothing_twice(
    database: Database, clock: Clock, claude: FakeModels, config: Config, call: int
) -> None:
    claude.body = with_sentence(FALSE, judge=denies, mend=learning)
    claude.script(*["ok"] * (WRITING + call), "drop-mid-stream")
    await night(config, database, clock)
    assert published(config) == 1
    assert len(claude.calls) == WRITING + 4, "the one that was cut off, once more"
    stored = await database.fetch("select request_hash from llm_calls where status = 'stored'")
    assert len({row["request_hash"] for row in stored}) == len(stored) == WRITING + 3


# --- persons


async def test_what_a_person_wrote_is_judged_and_never_rewritten(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    """The judge says what it thinks of their words; the words stay, and are what is published."""
    claude.body = with_sentence(FALSE, judge=denies)
    await night(by_model(config, claude, rewrites=0), database, clock)
    run = await gate_run(database)
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None
    words = manuscript.write(dossier.draft).replace(FALSE, "Mulch is what I swear by.")
    edited = manuscript.read(words, dossier.draft)
    app = studio.build(config)
    await reviews.decide(
        app, database, run["job_id"], Edit(dossier.seal, edited.model_dump(mode="json"))
    )
    await run_until_idle(app, database, clock=clock)
    run = await gate_run(database)
    assert run["status"] == "needs_review"
    assert Draft.model_validate(run["output"]["draft"]) == edited
    assert set(kinds(claude)) == {"judge"}
    dossier = await review.gather(database, config, run["job_id"])
    assert dossier is not None
    assert [mark.text for mark in dossier.marks] == ["Mulch is what I swear by."]
    calls = len(claude.calls)
    await reviews.decide(app, database, run["job_id"], Approve(dossier.seal, "I know it."))
    await run_until_idle(app, database, clock=clock)
    (page,) = config.folder(config.site[0]).glob("*/index.html")
    assert "Mulch is what I swear by." in page.read_text("utf-8")
    assert len(claude.calls) == calls, "what a person approved is asked about no more"


# --- jobs that began before there was a judge


async def old_job(config: Config, database: Database, clock: Clock) -> str:
    """An article that waits for its last edit, with the verdicts of a version without a judge."""
    publishing = config.publishing.model_copy(
        update={"debounce_seconds": 7_200, "debounce_at_most_seconds": 7_200}
    )
    await night(config.model_copy(update={"publishing": publishing}), database, clock, horizon=600)
    row = await database.one(
        "update runs set input = jsonb_set(input, '{verdicts}', "
        "(select jsonb_agg(v) from jsonb_array_elements(input->'verdicts') v "
        "where v->>'gate' <> 'judged')) where step = 'confirm' and status = 'queued' "
        "returning job_id"
    )
    await database.fetch("delete from judgements")
    assert row is not None
    return str(row["job_id"])


async def test_what_passed_before_there_was_a_judge_is_judged(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    await old_job(config, database, clock)
    assert published(config) == 0
    await run_until_idle(studio.build(config), database, clock=clock)
    assert published(config) == 1
    run = await gate_run(database, "confirm")
    assert "judged" in {verdict["gate"] for verdict in run["output"]["verdicts"]}


async def test_what_is_turned_down_of_an_old_job_waits_for_a_person(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    await old_job(config, database, clock)
    claude.body = judge_by(nothing_at_all)
    await database.fetch("delete from llm_calls")
    await run_until_idle(studio.build(config), database, clock=clock)
    run = await gate_run(database, "confirm")
    assert (run["status"], published(config)) == ("needs_review", 0)


async def test_what_was_approved_before_there_was_a_judge_goes_out(
    database: Database, clock: Clock, claude: FakeModels, config: Config
) -> None:
    job = await old_job(config, database, clock)
    await database.fetch(
        "insert into actions (verb, target, step, by) values ('approve', %s, 'gate', 'me')",
        [job],
    )
    claude.body = judge_by(nothing_at_all)
    calls = len(claude.calls)
    await run_until_idle(studio.build(config), database, clock=clock)
    assert (published(config), len(claude.calls)) == (1, calls)
