"""A person's decisions: bound to what they saw, one winner, and what was seen goes on byte for
byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from pydantic import BaseModel

from overnight import App, Context, Debounce, Keys, On, Pipeline, Review, Snooze
from overnight.cli.main import cli
from overnight.errors import IllegalTransition, InvalidPayload, NotFound, UserError
from overnight.operations import actors, dead_letters, queries, reviews, switches
from overnight.operations import runs as jobs
from overnight.operations.decisions import Approve, Decision, Edit, Reject
from overnight.operations.filters import Filter
from overnight.store.database import Database, Row
from overnight.store.ledger import Ledger
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]


class Draft(BaseModel):
    site: str = ""
    text: str
    words: int = 0


def studio() -> tuple[App, list[str | None]]:
    """A gate that sends what is short to a person, and a publisher; what it was given is in the
    list.
    """
    article, published = Pipeline("article", key=lambda draft: draft.site), list[str | None]()

    @article.step
    async def gate(ctx: Ctx, draft: Draft) -> Any:
        judged = {"text": draft.text.upper()}
        return Review(["too short"], judged) if len(draft.text) < 5 else judged

    @article.step(after=Debounce(90, at_most=300))
    async def publish(ctx: Ctx, judged: Any) -> None:
        published.append(ctx.run.input)

    return App("studio", [article], keys=Keys("site")), published


async def in_review(app: App, database: Database, clock: Clock, text: str = "tea") -> Row:
    """What waits for review, of a new job."""
    job, _ = await jobs.start(app, database, "article", {"text": text})
    await run_until_idle(app, database, clock=clock)
    (waiting,) = await queries.review(database, job)
    return waiting


async def runs(database: Database, columns: str = "step, status") -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in await database.fetch(f"select {columns} from runs order by id")
    ]


async def deeds(
    database: Database, columns: str = "verb, target, step, reason, by"
) -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in await database.fetch(f"select {columns} from actions order by id")
    ]


ODD = (
    '{"zebra": 1, "é": "naïve — “quoted” \\ud83c\\udf19 \\\\u0041", "a": '
    "[12345678901234567890123, 0.10, 1E-30, 1.0],"
    ' "long": 3.14159265358979323846264338327950288, "empty": {}, "line": "one\\ntwo\\t\\u2028"}'
)


async def test_the_next_step_gets_byte_for_byte_what_was_shown(
    database: Database, clock: Clock
) -> None:
    app, published = studio()
    job = (await in_review(app, database, clock))["job_id"]
    await database.fetch("update runs set output = %s::jsonb", [ODD])
    (stored,) = await database.fetch("select output::text as text from runs")
    (waiting,) = await queries.review(database, job)
    assert waiting["revision"] == hashlib.sha256(stored["text"].encode()).hexdigest()
    assert json.loads(waiting["shown"], parse_float=Decimal) == json.loads(
        stored["text"], parse_float=Decimal
    )
    await reviews.decide(app, database, job, Approve(waiting["revision"]))
    await run_until_idle(app, database, clock=clock)
    assert published == [stored["text"]]
    assert list(json.loads(published[0])) == list(json.loads(waiting["shown"]))


async def test_without_an_output_the_input_is_what_is_shown_and_sealed(
    database: Database, clock: Clock
) -> None:
    p = Pipeline("p")

    @p.step
    async def look(ctx: Ctx, value: dict[str, int]) -> Review:
        return Review(["please look"])

    app = App("app", [p])
    job, _ = await jobs.start(app, database, "p", {"number": 7})
    await run_until_idle(app, database, clock=clock)
    (waiting,) = await queries.review(database, job)
    assert json.loads(waiting["shown"]) == {"number": 7}
    assert waiting["revision"] == hashlib.sha256(b'{"number": 7}').hexdigest()


DECISIONS: list[Callable[[str], Decision]] = [
    lambda seen: Approve(seen),
    lambda seen: Edit(seen, {"text": "coffee"}),
    lambda seen: Reject(seen, "dull"),
]


@pytest.mark.parametrize("make", DECISIONS)
async def test_a_stale_decision_is_refused_and_changes_nothing(
    database: Database, clock: Clock, make: Callable[[str], Decision]
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    job = waiting["job_id"]
    await reviews.decide(app, database, job, Edit(waiting["revision"], {"text": "rum"}), by="ana")
    await run_until_idle(app, database, clock=clock)
    before = await runs(database, "status, input, output")
    assert before == [("needs_review", {"text": "rum"}, {"text": "RUM"})]
    with pytest.raises(
        IllegalTransition, match=r"what you saw of job .* is not what stands there now: look again"
    ):
        await reviews.decide(app, database, job, make(waiting["revision"]))
    assert await runs(database, "status, input, output") == before
    assert await deeds(database, "verb") == [("edit",)]


@pytest.mark.parametrize("make", DECISIONS)
async def test_a_change_between_the_check_and_the_write_is_refused_too(
    database: Database, clock: Clock, make: Callable[[str], Decision]
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)

    decided = await blocked(
        database,
        [reviews.decide(app, database, waiting["job_id"], make(waiting["revision"]))],
        OTHER,
    )
    assert "is not what stands there now" in str(decided[0])
    assert await runs(database, "status, output") == [("needs_review", {"text": "other"})]
    assert await deeds(database) == []


async def test_an_edit_of_what_was_in_review_edits_no_dead_letter(
    database: Database, clock: Clock
) -> None:
    """Somebody replayed it between the check and the write, and it died."""
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    edit = reviews.decide(
        app, database, waiting["job_id"], Edit(waiting["revision"], {"text": "rum"})
    )
    died = "; ".join(
        f"update runs set status = '{status}'" for status in ("queued", "running", "dead")
    )
    (refused,) = await blocked(database, [edit], died)
    assert "no step of it is waiting for review" in str(refused)
    assert await runs(database, "status, input->>'text'") == [("dead", "tea")]


OTHER = """update runs set output = '{"text": "other"}'"""


BLOCKED = (
    "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = "
    "current_database()"
)


async def blocked(
    database: Database, acts: list[Awaitable[Any]], meanwhile: str = "select 1"
) -> list[Any]:
    """Let all of them come to their guarded write, do something else first, then let them go on;
    what came of each.
    """
    async with await database.connect() as holder, holder.transaction():
        await holder.execute("select from runs for update")
        tasks = [asyncio.ensure_future(act) for act in acts]
        while len(await database.fetch(BLOCKED)) < len(tasks):
            await asyncio.sleep(0.01)
        await holder.execute(meanwhile)
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("other", DECISIONS[1:])
@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_decisions_at_once_the_loser_hears_who_won(
    database: Database, clock: Clock, other: Callable[[str], Decision], order: int
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    job, seen = waiting["job_id"], waiting["revision"]
    acts = [
        reviews.decide(app, database, job, Approve(seen), by="ana"),
        reviews.decide(app, database, job, other(seen), by="ben"),
    ]
    came = await blocked(database, acts[::order])
    (loser,) = [result for result in came if isinstance(result, BaseException)]
    ((verb, by),) = await deeds(database, "verb, by")
    assert isinstance(loser, IllegalTransition)
    assert "no step of it is waiting for review" in str(loser)
    assert f"{by} {jobs.PAST[verb]} it at 20" in str(loser)
    first = (await runs(database, "status"))[0]
    assert first == {"approve": ("succeeded",), "edit": ("queued",), "reject": ("cancelled",)}[verb]


async def test_a_revision_is_accepted_by_eight_digits_but_not_by_fewer(
    database: Database, clock: Clock
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    for wrong in ("", waiting["revision"][:7], "what I saw", waiting["revision"] + "0", "%" * 8):
        with pytest.raises(UserError, match="is no revision"):
            await reviews.decide(app, database, waiting["job_id"], Approve(wrong))
    await reviews.decide(app, database, waiting["job_id"], Approve(waiting["revision"][:8].upper()))
    assert (await runs(database))[0] == ("gate", "succeeded")


async def test_an_edit_in_review_is_judged_anew_by_the_step_itself(
    database: Database, clock: Clock
) -> None:
    app, published = studio()
    waiting = await in_review(app, database, clock)
    job = waiting["job_id"]
    await reviews.decide(
        app, database, job, Edit(waiting["revision"], {"text": "rum"}, "stronger"), by="ana"
    )
    assert await runs(database, "status, input, output, failures") == [
        ("queued", {"text": "rum"}, None, 0)
    ]
    await run_until_idle(app, database, clock=clock)
    (waiting,) = await queries.review(database, job)
    assert waiting["output"] == {"text": "RUM"}
    await reviews.decide(app, database, job, Edit(waiting["revision"], {"text": "coffee"}))
    await run_until_idle(app, database, clock=clock)
    assert await runs(database) == [("gate", "succeeded"), ("publish", "succeeded")]
    assert published == ['{"text": "COFFEE"}']
    assert await deeds(database, "verb, reason, was") == [
        ("edit", "stronger", {"site": "", "text": "tea", "words": 0}),
        ("edit", "", {"text": "rum"}),
    ]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"text": 1}, r"the input does not fit gate: text: Input should be a valid string"),
        ("text", r"the input does not fit gate"),
        ({"text": "NUL \x00"}, r"holds a NUL"),
        (
            {"text": "coffee", "site": "garden"},
            r"this input is for site “garden”, the job for “”: start another job",
        ),
    ],
)
async def test_an_edit_that_does_not_fit_is_one_sentence_and_no_change(
    database: Database, clock: Clock, value: Any, says: str
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    with pytest.raises(InvalidPayload, match=says) as told:
        await reviews.decide(app, database, waiting["job_id"], Edit(waiting["revision"], value))
    assert "\n" not in str(told.value)
    assert await runs(database) == [("gate", "needs_review")]
    assert await deeds(database) == []


async def test_an_edit_in_review_without_its_revision_is_refused(
    database: Database, clock: Clock
) -> None:
    app, _ = studio()
    job = (await in_review(app, database, clock))["job_id"]
    with pytest.raises(IllegalTransition, match="must say what you saw"):
        await jobs.edit(app, database, job, {"text": "coffee"})
    assert await runs(database) == [("gate", "needs_review")]


async def test_an_edit_restarts_a_debounce_but_not_beyond_its_maximum(
    database: Database, clock: Clock
) -> None:
    app, published = studio()
    waiting = await in_review(app, database, clock)
    job = waiting["job_id"]
    approved = await clock.now()
    await reviews.decide(app, database, job, Approve(waiting["revision"]))
    ends = []
    for text in ("one", "two", "three", "four"):
        await clock.move(80)
        edited = await jobs.edit(app, database, job, {"text": text})
        ends.append(round((edited["due_at"] - approved).total_seconds()))
    assert ends == [170, 250, 300, 300]
    await run_until_idle(app, database, clock=clock)
    assert published == ['{"text": "four"}']


async def test_an_edit_of_what_has_begun_is_refused(database: Database, clock: Clock) -> None:
    app, _ = studio()
    job, _ = await jobs.start(app, database, "article", {"text": "coffee"})
    await database.fetch("update runs set status = 'running', attempt = 1")
    with pytest.raises(
        IllegalTransition, match="no step of it is a dead letter, or queued and not begun"
    ):
        await jobs.edit(app, database, job, {"text": "tea"})
    await database.fetch("update runs set status = 'queued'")
    with pytest.raises(
        IllegalTransition, match="no step of it is a dead letter, or queued and not begun"
    ):
        await jobs.edit(app, database, job, {"text": "tea"})
    assert await runs(database, "input->>'text'") == [("coffee",)]


async def test_an_edited_snoozed_run_waits_again_but_not_for_ever(
    database: Database, clock: Clock
) -> None:
    p, sold = Pipeline("p"), []

    @p.step
    async def wait(ctx: Ctx, text: str) -> str:
        return text

    @p.step(after=Debounce(90, at_most=300))
    async def sell(ctx: Ctx, text: str) -> str | Snooze:
        sold.append(text)
        return Snooze(10_000, "the shop is closed") if len(sold) == 1 else text

    app = App("app", [p])
    job, _ = await jobs.start(app, database, "p", "coffee")
    await run_until_idle(app, database, clock=clock, horizon=600)
    assert sold == ["coffee"]
    await clock.move(1_000)
    start, ends = await clock.now(), []
    for text in ("tea", "milk", "juice", "water"):
        edited = await jobs.edit(app, database, job, text)
        ends.append(round((edited["due_at"] - start).total_seconds()))
        await clock.move(80)
    assert ends == [90, 170, 250, 300]
    await run_until_idle(app, database, clock=clock)
    assert sold == ["coffee", "water"]


async def test_a_run_that_starts_just_before_an_edit_keeps_its_input(database: Database) -> None:
    app, _ = studio()
    job, _ = await jobs.start(app, database, "article", {"text": "coffee"})
    begun = "update runs set status = 'running', attempt = 1"
    (told,) = await blocked(database, [jobs.edit(app, database, job, {"text": "tea"})], begun)
    assert isinstance(told, IllegalTransition)
    assert await runs(database, "input->>'text'") == [("coffee",)]


async def test_a_run_replaced_just_before_an_edit_keeps_its_input(database: Database) -> None:
    app, _ = studio()
    job, _ = await jobs.start(app, database, "article", {"text": "coffee"})
    another = "update runs set job_id = 'another'"  # as a later event does with a debounced run
    (told,) = await blocked(database, [jobs.edit(app, database, job, {"text": "tea"})], another)
    assert isinstance(told, NotFound)
    assert await runs(database, "job_id, input->>'text'") == [("another", "coffee")]


async def test_what_a_person_wrote_is_not_replaced_by_a_later_event(
    database: Database, clock: Clock
) -> None:
    p, given = (
        Pipeline(
            "p", on=[On("ready", debounce=Debounce(90, at_most=300))], id=lambda v: f"job {v}"
        ),
        [],
    )

    @p.step
    async def publish(ctx: Ctx, value: int) -> None:
        given.append(value)

    app = App("app", [p])
    start = await clock.now()
    await Ledger(database).enqueue(app.jobs_for("ready", 1))
    await clock.move(60)
    edited = await jobs.edit(app, database, "job 1", 100)
    assert round((edited["due_at"] - start).total_seconds()) == 150
    await Ledger(database).enqueue(app.jobs_for("ready", 2))
    await run_until_idle(app, database, clock=clock)
    assert sorted(given) == [2, 100]


async def test_the_step_after_an_approval_inherits_the_jobs_terms(
    database: Database, clock: Clock
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    await database.fetch(
        "update runs set priority = 7, deadline_at = ledger_now() + interval '1 day', "
        "expect_at = ledger_now() + interval '1 hour'"
    )
    await reviews.decide(app, database, waiting["job_id"], Approve(waiting["revision"]))
    promised = await runs(database, "priority, deadline_at, expect_at")
    assert promised[0] == promised[1]
    assert promised[1][0] == 7
    (waits,) = await database.fetch(
        "select extract(epoch from due_at - created_at)::float8 as least, "
        "extract(epoch from due_by - created_at)::float8 as most, parent from runs where "
        "step = 'publish'"
    )
    assert (waits["least"], waits["most"]) == (90, 300)
    assert waits["parent"] == waiting["id"]


async def test_each_action_is_recorded_with_who_why_and_what_was_seen(
    database: Database, clock: Clock
) -> None:
    app, _ = studio()
    first = await in_review(app, database, clock, "one")
    second = await in_review(app, database, clock, "two")
    one, two = first["job_id"], second["job_id"]
    await reviews.decide(
        app, database, one, Edit(first["revision"], {"text": "uno"}, "in Italian"), by="ana"
    )
    await run_until_idle(app, database, clock=clock)
    (again,) = await queries.review(database, one)
    await reviews.decide(app, database, one, Approve(again["revision"][:8], "fine"), by="ana")
    await reviews.decide(app, database, two, Reject(second["revision"], "dull"), by="ben")
    await database.fetch("update runs set status = 'running' where step = 'publish'")
    await database.fetch("update runs set status = 'dead', attempt = 1 where step = 'publish'")
    await dead_letters.replay(None, database, Filter(job=one), by="ana", reason="mended")
    await jobs.cancel(database, one, "too late", by="ben")
    await switches.pause(database, "all", reason="look first", by="ana")
    await switches.resume(database, "all", reason="", by="ben")
    assert await deeds(database) == [
        ("edit", one, "gate", "in Italian", "ana"),
        ("approve", one, "gate", "fine", "ana"),
        ("reject", two, "gate", "dull", "ben"),
        ("replay", one, "publish", "mended", "ana"),
        ("cancel", one, "publish", "too late", "ben"),
        ("pause", "all", None, "look first", "ana"),
        ("resume", "all", None, "", "ben"),
    ]
    assert await deeds(database, "seen") == [
        (first["revision"],),
        (again["revision"],),
        (second["revision"],),
        *[(None,)] * 4,
    ]
    assert [row["verb"] for row in await queries.actions(database, one)] == [
        "edit",
        "approve",
        "replay",
        "cancel",
    ]
    assert [row["verb"] for row in await queries.switch_history(database)] == ["resume", "pause"]
    assert await queries.switch_history(database, "pipeline:article") == []


async def test_a_deed_that_cannot_be_written_down_is_not_done(
    database: Database, clock: Clock
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    job, seen = waiting["job_id"], waiting["revision"]
    await database.fetch("alter table actions add check (by <> 'nobody')")
    acts: list[Callable[[], Awaitable[Any]]] = [
        lambda: reviews.decide(app, database, job, Approve(seen), by="nobody"),
        lambda: reviews.decide(app, database, job, Reject(seen, "dull"), by="nobody"),
        lambda: reviews.decide(app, database, job, Edit(seen, {"text": "rum"}), by="nobody"),
        lambda: switches.pause(database, "all", reason="", by="nobody"),
    ]
    for act in acts:
        with pytest.raises(Exception, match="actions"):
            await act()
    await database.fetch("update runs set status = 'queued'")
    with pytest.raises(Exception, match="actions"):
        await jobs.cancel(database, job, "no", by="nobody")
    await database.fetch("update runs set status = 'running'")
    await database.fetch("update runs set status = 'dead'")
    for act in (
        lambda: dead_letters.replay(None, database, Filter(), by="nobody"),
        lambda: dead_letters.discard(database, Filter(), "no", by="nobody"),
    ):
        with pytest.raises(Exception, match="actions"):
            await act()
    assert await runs(database) == [("gate", "dead")]
    assert await queries.switches(database) == []


async def test_a_step_that_is_no_more_can_be_rejected_but_not_approved(
    database: Database, clock: Clock
) -> None:
    app, _ = studio()
    waiting = await in_review(app, database, clock)
    other = Pipeline("article")
    other.step(studio()[0].pipelines["article"].steps["publish"].function)
    renamed = App("studio", [other])
    with pytest.raises(NotFound, match="has no step “gate” any more"):
        await reviews.decide(renamed, database, waiting["job_id"], Approve(waiting["revision"]))
    await reviews.decide(renamed, database, waiting["job_id"], Reject(waiting["revision"], "gone"))
    assert await runs(database) == [("gate", "cancelled")]


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """A command sends its log to the standard error of its own moment."""
    yield
    structlog.reset_defaults()


async def press(database: Database, line: str) -> Result:
    """What a person types after `overnight`."""
    module = ModuleType("desk")
    module.app = studio()[0]  # type: ignore[attr-defined]
    sys.modules["desk"] = module
    words, env = shlex.split(line), {"OVERNIGHT_DATABASE_URL": database.url, "OVERNIGHT_APP": None}
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(cli, words, prog_name="overnight", env=env)
    )


async def test_review_ends_with_the_very_commands_to_copy(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    app, _ = studio()
    job = (await in_review(app, database, clock))["job_id"]
    app_option = "--app desk:app"
    listed = await press(database, f"{app_option} review --json")
    (row,) = json.loads(listed.output)["review"]
    seen = row["revision"]
    assert len(seen) == 64
    assert seen[:8] in (await press(database, f"{app_option} review")).output
    shown = (await press(database, f"{app_option} review {job[:6]}")).output
    assert '"text": "TEA"' in shown
    commands = [line for line in shown.splitlines() if line.startswith("overnight ")]
    assert commands == [
        f"overnight {app_option} approve {job} --rev {seen[:8]}",
        f"overnight {app_option} reject {job} --rev {seen[:8]} --reason …",
        f"overnight {app_option} edit {job} --rev {seen[:8]} --input @FILE",
    ]
    for blind in (f"approve {job}", f"reject {job} --reason dull"):
        told = await press(database, f"{app_option} {blind}")
        assert isinstance(told.exception, UserError)
        assert f"look at it first: review {job} shows it and its revision" in str(told.exception)
    draft = tmp_path / "draft.json"
    draft.write_text('{"text": "rüm"}', "utf-8")
    edited = await press(
        database, commands[2].removeprefix("overnight ").replace("@FILE", f"@{draft}")
    )
    assert f"edited: gate of job {job} is due at" in edited.output
    await run_until_idle(app, database, clock=clock)
    assert await runs(database, "input, output") == [({"text": "rüm"}, {"text": "RÜM"})]
    stale = await press(database, commands[0].removeprefix("overnight "))
    assert "look again" in str(stale.exception)
    shown = (await press(database, f"{app_option} review {job}")).output
    (approve,) = [
        line for line in shown.splitlines() if line.startswith("overnight ") and " approve " in line
    ]
    assert (await press(database, approve.removeprefix("overnight "))).output.startswith(
        "approved:"
    )
    told = (await press(database, f"{app_option} show {job}")).output
    assert "audit log" in told
    assert [
        a["verb"]
        for a in json.loads((await press(database, f"show {job} --json")).output)["actions"]
    ] == [
        "edit",
        "approve",
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("edit JOB --input {", "the input is no JSON"),
        ("edit JOB --input @/nowhere/draft.json", "cannot read /nowhere/draft.json"),
        ("edit JOB --input 1", "waits for review"),
        ("pause pipeline:artikel --reason x", "there is no pipeline “artikel”; there are: article"),
        ("pause step:article/gate2 --reason x", "there is no step “article/gate2”"),
    ],
)
async def test_what_cannot_be_is_said_in_one_sentence(
    database: Database, clock: Clock, line: str, says: str
) -> None:
    job = (await in_review(studio()[0], database, clock))["job_id"]
    told = await press(database, f"--app desk:app {line.replace('JOB', job)}")
    assert isinstance(told.exception, UserError | InvalidPayload)
    assert says in str(told.exception)
    assert "\n" not in str(told.exception)
    assert await queries.switches(database) == []


async def test_the_history_of_the_switches_says_who_flipped_what(database: Database) -> None:
    no_app = await press(database, "pause pipeline:article --reason x")
    assert "needs the pipelines" in str(no_app.exception)
    for line in ("pause pipeline:article --reason 'look first'", "pause --reason all", "resume"):
        assert (await press(database, f"--app desk:app {line}")).exit_code == 0
    history = json.loads(
        (await press(database, "--app desk:app switches --history --json")).output
    )["history"]
    assert [(row["verb"], row["scope"], row["reason"]) for row in history] == [
        ("resume", "all", ""),
        ("pause", "all", "all"),
        ("pause", "pipeline:article", "look first"),
    ]
    one = await press(database, "--app desk:app switches pipeline:article --json")
    assert [row["verb"] for row in json.loads(one.output)["history"]] == ["pause"]
    assert {row["by"] for row in history} == {actors.whoami()}
