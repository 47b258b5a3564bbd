"""Dead letters: replayed one by one, by filter, after an edit of the input, and dropped; runs and
messages.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from overnight import App, Context, Permanent, Pipeline, testing
from overnight.cli.main import cli
from overnight.errors import IllegalTransition, InvalidPayload, UserError
from overnight.inbox import messages
from overnight.operations import dead_letters
from overnight.operations import queries as lists
from overnight.operations import runs as jobs
from overnight.operations.filters import Filter
from overnight.store.database import Database
from overnight.store.sql import queries
from overnight.testing import Clock, run_until_idle

Ctx = Context[Any]


def desk() -> App:
    """A pipeline whose one step takes even numbers alone."""
    p = Pipeline("numbers")

    @p.step
    async def halve(ctx: Ctx, value: int) -> int:
        if value % 2:
            raise Permanent(f"{value} is odd")
        return value // 2

    return App("desk", [p])


async def runs(database: Database, columns: str = "job_id, status") -> list[tuple[Any, ...]]:
    return [run.values(*columns.split(", ")) for run in await testing.runs(database)]


async def bury(database: Database, job: str, **columns: Any) -> None:
    """A dead letter as it stands in the ledger."""
    row = {
        "pipeline": "p",
        "step": "s",
        "key": "",
        "error": "boom",
        "died": "2026-03-02T04:00:00Z",
        **columns,
    }
    await database.fetch(
        "insert into runs (job_id, pipeline, step, key, status, attempt, failures, "
        "error, input, finished_at) values "
        "(%(job)s, %(pipeline)s, %(step)s, %(key)s, 'dead', 1, 1, %(error)s, '1', "
        "%(died)s::timestamptz)",
        {**row, "job": job},
    )


async def graveyard(database: Database) -> None:
    """Dead letters that differ in one thing each from `plain`, and others that are not dead."""
    await bury(database, "plain")
    await bury(database, "pipeline", pipeline="q")
    await bury(database, "step", step="t")
    await bury(database, "key", key="garden")
    await bury(database, "error", error="HTTP 502 Bad Gateway")
    await bury(database, "early", died="2026-03-01T04:00:00Z")
    await bury(database, "late", died="2026-03-03T04:00:00Z")
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status, error) values "
        "('review', 's', 'p', 'needs_review', 'HTTP 502'), ('cancelled', 's', 'p', "
        "'cancelled', 'HTTP 502')"
    )


MARCH_2, MARCH_3 = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
ALL = {"plain", "pipeline", "step", "key", "error", "early", "late"}
FILTERS = [
    (Filter(), ALL),
    (Filter(job="key"), {"key"}),
    (Filter(pipeline="q"), {"pipeline"}),
    (Filter(step="t"), {"step"}),
    (Filter(key="garden"), {"key"}),
    (Filter(error="502 bad"), {"error"}),
    (Filter(error="%"), set()),
    (Filter(since=MARCH_3), {"late"}),
    (Filter(until=MARCH_2), {"early"}),
    (Filter(since=MARCH_2, until=MARCH_3), ALL - {"early", "late"}),
    (Filter(pipeline="p", step="s", key="", error="boom", since=MARCH_2), {"plain", "late"}),
]


@pytest.mark.parametrize(("chosen", "fitting"), FILTERS)
async def test_replay_starts_again_what_fits_and_nothing_else(
    database: Database, chosen: Filter, fitting: set[str]
) -> None:
    await graveyard(database)
    before = dict(await runs(database))
    assert {row["job_id"] for row in await lists.dead(database, chosen)} == fitting
    done = await dead_letters.replay(None, database, chosen, by="ana", reason="mended")
    assert (done.count, {row["job_id"] for row in done.first}) == (len(fitting), fitting)
    assert dict(await runs(database)) == before | dict.fromkeys(fitting, "queued")
    fresh = await database.fetch(
        "select failures, finished_at, attempt from runs where status = 'queued'"
    )
    assert all(
        (row["failures"], row["finished_at"], row["attempt"]) == (0, None, 1) for row in fresh
    )
    deeds = await database.fetch("select target, verb, reason, by from actions")
    assert {(d["target"], d["verb"], d["reason"], d["by"]) for d in deeds} == {
        (job, "replay", "mended", "ana") for job in fitting
    }


@pytest.mark.parametrize(("chosen", "fitting"), FILTERS)
async def test_drop_ends_what_fits_and_nothing_else(
    database: Database, chosen: Filter, fitting: set[str]
) -> None:
    await graveyard(database)
    before = dict(await runs(database))
    done = await dead_letters.discard(database, chosen, "not worth it", by="ana")
    assert done.count == len(fitting)
    assert dict(await runs(database)) == before | dict.fromkeys(fitting, "cancelled")
    ended = await database.fetch(
        "select error from runs where status = 'cancelled' and outcome = 'cancel'"
    )
    assert [row["error"] for row in ended] == ["not worth it"] * len(fitting)
    deeds = await database.fetch("select target, verb, by from actions")
    assert {(deed["target"], deed["verb"], deed["by"]) for deed in deeds} == {
        (job, "discard", "ana") for job in fitting
    }


async def many(database: Database, count: int) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status, failures, error, finished_at) "
        "select 'job ' || n, 's', 'p', 'dead', 4, 'HTTP 502', ledger_now() from "
        "generate_series(1, %s) n",
        [count],
    )


async def test_2500_letters_are_replayed_in_batches(database: Database) -> None:
    await many(database, 2_500)
    done = await dead_letters.replay(None, database, Filter(error="502"))
    assert (done.count, len(done.first)) == (2_500, dead_letters.FIRST)
    assert {status for (status,) in await runs(database, "status")} == {"queued"}
    batches = await database.fetch("select count(*) as n from runs group by xmin::text order by n")
    assert [row["n"] for row in batches] == [500, 1_000, 1_000]
    (deeds,) = await database.fetch(
        "select count(distinct target) as n from actions where verb = 'replay'"
    )
    assert deeds["n"] == 2_500


async def test_two_who_replay_and_one_who_drops_touch_each_letter_once(database: Database) -> None:
    await many(database, 2_500)
    came = await asyncio.gather(
        dead_letters.replay(None, database, Filter(), by="ana"),
        dead_letters.replay(None, database, Filter(), by="ben"),
        dead_letters.discard(database, Filter(), "old", by="eva"),
    )
    assert sum(done.count for done in came) == 2_500
    deeds = await database.fetch("select target from actions")
    assert len(deeds) == len({deed["target"] for deed in deeds}) == 2_500
    (ended,) = await database.fetch("select count(*) as n from runs where status = 'cancelled'")
    assert ended["n"] == came[2].count


async def test_a_run_of_plain_sql_is_not_replayed_as_nobody_runs_it(database: Database) -> None:
    await bury(database, "plain sql", pipeline="")
    assert (await dead_letters.replay(None, database, Filter())).count == 0
    assert await runs(database) == [("plain sql", "dead")]


async def test_an_edited_letter_starts_afresh_and_keeps_its_history(database: Database) -> None:
    app = desk()
    job, _ = await jobs.start(app, database, "numbers", 3)
    await run_until_idle(app, database)
    await database.fetch("update runs set losses = 2")
    edited = await jobs.edit(app, database, job, 8, by="ana", reason="a slip of the pen")
    assert (edited["job_id"], edited["step"]) == (job, "halve")
    assert await runs(database, "status, input, failures, losses, finished_at") == [
        ("queued", 8, 0, 0, None)
    ]
    await run_until_idle(app, database)
    assert await runs(database, "status, output, attempt") == [("succeeded", 4, 2)]
    (before,) = await database.fetch("select error from attempts")
    assert before["error"] == "3 is odd"
    (deed,) = await lists.actions(database, job)
    assert (deed["verb"], deed["was"], deed["by"], deed["reason"]) == (
        "edit",
        3,
        "ana",
        "a slip of the pen",
    )
    assert await jobs.start(app, database, "numbers", 3) == (
        job,
        False,
    )  # the id is of the inputs it was made from


async def test_an_edit_that_does_not_fit_leaves_the_letter(database: Database) -> None:
    app = desk()
    job, _ = await jobs.start(app, database, "numbers", 3)
    await run_until_idle(app, database)
    with pytest.raises(
        InvalidPayload, match="the input does not fit halve: Input should be a valid integer"
    ):
        await jobs.edit(app, database, job, "eight")
    assert await runs(database, "status, input") == [("dead", 3)]
    await jobs.cancel(database, job, "odd")
    with pytest.raises(
        IllegalTransition, match=r"cannot be edited, .* \(halve cancelled\); .* cancelled it at"
    ):
        await jobs.edit(app, database, job, 8)


async def test_a_replayed_letter_probes_before_it_writes_again(database: Database) -> None:
    p, written = Pipeline("p"), list[int]()

    @p.step
    async def publish(ctx: Ctx, value: int) -> Any:
        async def call() -> str:
            written.append(value)
            raise Permanent("the answer made no sense")

        async def probe() -> str | None:
            return "it is there" if written else None

        return await ctx.effect("publish", content="h", call=call, probe=probe)

    app = App("app", [p])
    await jobs.start(app, database, "p", 1)
    await run_until_idle(app, database)
    await dead_letters.replay(None, database, Filter())
    await run_until_idle(app, database)
    assert await runs(database, "status, output") == [("succeeded", "it is there")]
    assert written == [1]


async def raised(database: Database, subject: str) -> None:
    alert = {"kind": ["dead_letter"], "subject": [subject], "text": ["boom"], "job_id": ["x"]}
    await database.fetch(queries["alert_raise"], alert)


async def test_the_alert_of_a_step_ends_with_its_last_letter(database: Database) -> None:
    open_ones = "select subject from alerts where resolved_at is null order by subject"
    await bury(database, "one")
    await bury(database, "two")
    await bury(database, "three", step="t")
    for subject in ("p/s", "p/t"):
        await raised(database, subject)
    await dead_letters.replay(None, database, Filter(job="one"))
    assert [row["subject"] for row in await database.fetch(open_ones)] == ["p/s", "p/t"]
    await jobs.cancel(database, "two", "old")
    assert [row["subject"] for row in await database.fetch(open_ones)] == ["p/t"]
    await dead_letters.discard(database, Filter(step="t"), "old")
    assert await database.fetch(open_ones) == []


async def test_an_alert_that_is_raised_again_at_this_very_moment_stays(database: Database) -> None:
    await raised(database, "p/s")
    async with await database.connect() as dying, dying.transaction():
        await dying.execute("update alerts set count = count + 1")
        resolving = asyncio.ensure_future(database.fetch(queries["dead_resolve"]))
        blocked = (
            "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = "
            "current_database()"
        )
        while not await database.fetch(blocked):
            await asyncio.sleep(0.01)
    await resolving
    (alert,) = await database.fetch("select resolved_at from alerts")
    assert alert["resolved_at"] is None


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """A command sends its log to the standard error of its own moment."""
    yield
    structlog.reset_defaults()


async def press(database: Database, line: str) -> Result:
    """What a person types after `overnight --app desk:app`."""
    module = ModuleType("desk")
    module.app = desk()  # type: ignore[attr-defined]
    sys.modules["desk"] = module
    words, env = ["--app", "desk:app", *shlex.split(line)], {"OVERNIGHT_DATABASE_URL": database.url}
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(cli, words, prog_name="overnight", env=env)
    )


async def told(database: Database, line: str) -> dict[str, Any]:
    result = await press(database, f"{line} --json")
    assert result.exit_code == 0, (result.output, result.exception)
    data: dict[str, Any] = json.loads(result.output)
    return data


async def test_the_commands_take_the_same_filters(database: Database) -> None:
    await graveyard(database)
    fits = "--pipeline p --error '502 bad' --since 2026-03-02 --until 2026-03-02T05:00"
    assert [row["job_id"] for row in (await told(database, f"dead {fits}"))["dead"]] == ["error"]
    assert await told(database, f"replay {fits} --dry-run") == {"fitting": 1}
    assert await told(database, "cancel --all --reason old --dry-run") == {"fitting": 7}
    assert {status for job, status in await runs(database) if job in ALL} == {"dead"}
    assert (await told(database, f"replay {fits} --reason mended"))["replayed"] == 1
    assert ("error", "queued") in await runs(database)
    assert (await told(database, "cancel --step t --reason old"))["cancelled"] == 1
    assert ("step", "cancelled") in await runs(database)
    assert (await told(database, "cancel --since 30m --reason old"))["cancelled"] == 0
    assert (await told(database, "replay plain"))["first"][0]["job_id"] == "plain"
    assert (await told(database, "replay --all"))["replayed"] == 4
    assert "No dead letters." in (await press(database, "dead")).output


async def test_the_command_edits_a_letter_and_starts_it_again(
    database: Database, clock: Clock
) -> None:
    app = desk()
    job, _ = await jobs.start(app, database, "numbers", 3)
    await run_until_idle(app, database)
    assert (await told(database, f"replay {job[:6]} --input 8 --reason slip"))["replayed"] == 1
    await run_until_idle(app, database)
    assert await runs(database, "status, input, output") == [("succeeded", 8, 4)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("replay", "say which in one way"),
        ("replay plain --all", "say which in one way"),
        ("cancel plain --step s --reason x", "say which in one way"),
        ("replay --all --input 1", "--input is for one dead letter"),
        ("replay --since yesterday", "“yesterday” is no moment"),
        ("replay m99", "there is no message m99"),
        ("replay nobody", "there is no job “nobody”"),
        ("cancel m99 --reason x", "there is no message m99"),
    ],
)
async def test_what_cannot_be_is_said_in_one_sentence(
    database: Database, line: str, says: str
) -> None:
    await bury(database, "plain")
    result = await press(database, line)
    assert isinstance(result.exception, UserError)
    assert says in str(result.exception)
    assert "\n" not in str(result.exception)
    assert await runs(database) == [("plain", "dead")]


async def test_messages_are_letters_too(database: Database) -> None:
    app = desk()
    for body in (
        b'{"pipeline": "numbers", "input": "two"}',
        b"no JSON",
        b'{"pipeline": "nombres", "input": 4}',
    ):
        await messages.receive(app, database, body, source="webhook")
    await bury(database, "run", pipeline="numbers", step="halve")
    rows = (await told(database, "dead"))["dead"]
    assert {row["job_id"] for row in rows} == {"m1", "m2", "m3", "run"}
    shown = (await press(database, "dead m1")).output
    assert "webhook" in shown
    assert "two" in shown
    still = await press(database, "replay m1")
    assert isinstance(still.exception, UserError)
    assert "m1 is still a dead letter" in str(still.exception)
    edited = """replay m1 --input '{"pipeline": "numbers", "input": 2}'"""
    (begun,) = (await told(database, edited))["first"]
    assert (begun["job_id"], "queued") in await runs(database)
    assert (await told(database, "cancel m2 --reason spam")) == {
        "cancelled": 1,
        "first": [],
        "refused": [],
    }
    assert [row["job_id"] for row in (await told(database, "dead"))["dead"]] == ["m3", "run"]
    assert await told(database, "replay --all --dry-run") == {"fitting": 2}
    done = await told(database, "replay --all")
    assert done["replayed"] == 1
    assert "m3 is still a dead letter" in done["refused"][0]
    assert (await told(database, "cancel --error nombres --reason spam"))["cancelled"] == 1
    assert (await told(database, "dead"))["dead"] == []
    assert await database.fetch("select id from alerts where resolved_at is null") == []


async def test_without_pipelines_replay_leaves_messages_and_says_so(database: Database) -> None:
    await messages.receive(desk(), database, b"no JSON", source="webhook")
    await bury(database, "run")
    done = await dead_letters.replay(None, database, Filter())
    assert (done.count, done.refused) == (
        1,
        ["messages are left (1): name the pipelines with --app module:name to read them"],
    )
    with pytest.raises(UserError, match="name them with --app"):
        await dead_letters.replay(None, database, Filter(job="m1"))
    assert [row["job_id"] for row in await lists.dead(database)] == ["m1"]
