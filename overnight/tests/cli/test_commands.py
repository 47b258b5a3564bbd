"""The command line on a real ledger: what it shows, what it takes, and how it ends."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from overnight import App, Context, On, Pipeline
from overnight.cli.main import cli
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import run_until_idle
from overnight.titles import Titles

Ctx = Context[Any]


def shop() -> App:
    """A pipeline that writes outside."""
    p = Pipeline("orders", on=[On("ordered")], key=lambda order: f"customer-{order}")

    @p.step(breaker="carrier {key}")
    async def ship(ctx: Ctx, order: int) -> str:
        async def call() -> dict[str, int]:
            return {"parcel": order}

        await ctx.effect("send a parcel", content=str(order), call=call)
        return "shipped"

    async def titles(database: Database, jobs: Sequence[str]) -> dict[str, str]:
        rows = await database.fetch(
            "select job_id, 'Order ' || (input #>> '{}') as title from runs "
            "where job_id = any(%s) and input <> '9'",
            [list(jobs)],
        )
        return {row["job_id"]: row["title"] for row in rows}

    return App("shop", [p], extensions=[Titles(titles)])


@pytest.fixture(autouse=True)
def a_log_of_its_own() -> Iterator[None]:
    """A command configures the log for its process; a test gives it back."""
    yield
    structlog.reset_defaults()


async def press(database: Database, *words: str) -> Result:
    """What a person types after `overnight --app shop:app`."""
    module = ModuleType("shop")
    module.app = shop()  # type: ignore[attr-defined]
    sys.modules["shop"] = module
    line, env = ["--app", "shop:app", *words], {"OVERNIGHT_DATABASE_URL": database.url}
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(cli, line, prog_name="overnight", env=env)
    )


async def test_show_lists_the_external_writes_and_the_model_calls(database: Database) -> None:
    job, _ = await runs.start(shop(), database, "orders", 7)
    await run_until_idle(shop(), database)
    await database.fetch(
        "insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, "
        "model, request_hash, status, "
        "cost_usd) select id, job_id, step, pipeline, key, 1, 'acme', 'oracle-2', 'h', "
        "'stored', 0.25 from runs"
    )
    told = (await press(database, "show", job)).output
    assert "send a parcel" in told
    assert '{"parcel": 7}' in told
    assert "oracle-2" in told
    assert "$0.2500" in told


async def test_show_names_the_open_breaker_that_a_step_waits_behind(database: Database) -> None:
    job, _ = await runs.start(shop(), database, "orders", 7)
    assert "breaker" not in (await press(database, "show", job)).output
    await database.fetch(
        "insert into breakers (name, key, failures, open_until) values "
        "('carrier customer-7', 'customer-7', 5, ledger_now() + interval '9 minutes')"
    )
    assert (
        "waits behind the breaker “carrier customer-7”"
        in (await press(database, "show", job)).output
    )
    (step,) = json.loads((await press(database, "show", job, "--json")).output)["steps"]
    assert step["open_breaker"] == "carrier customer-7"


async def test_show_says_when_what_waits_is_due(database: Database) -> None:
    job, _ = await runs.start(shop(), database, "orders", 7)
    await database.fetch("update runs set due_at = '2031-02-03 04:05:06Z'")
    assert "ship is due at 2031-02-03 04:05:06 UTC" in (await press(database, "show", job)).output


async def test_the_pause_of_a_removed_pipeline_can_be_lifted(database: Database) -> None:
    await switches.pause(database, "pipeline:invoices", reason="moved")
    assert (await press(database, "resume", "pipeline:invoices")).exit_code == 0
    assert (await database.fetch("select enabled from switches")) == [{"enabled": True}]
    refused = await press(database, "resume", "pipeline:parcels")
    assert type(refused.exception).__name__ == "NotFound"


async def test_dead_says_that_a_job_is_no_dead_letter(database: Database) -> None:
    job, _ = await runs.start(shop(), database, "orders", 7)
    for name in (job, "m12"):
        refused = await press(database, "dead", name)
        assert str(refused.exception) == f"nothing of {name} is a dead letter"


async def test_start_and_emit_take_their_input_from_a_file(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "order.json"
    file.write_text("7")
    assert (await press(database, "start", "orders", f"@{file}")).exit_code == 0
    file.write_text("8")
    assert (await press(database, "emit", "ordered", f"@{file}")).exit_code == 0
    assert await database.fetch("select input from runs order by id") == [
        {"input": 7},
        {"input": 8},
    ]
    refused = await press(database, "start", "orders", f"@{tmp_path / 'none'}")
    assert "No such file" in str(refused.exception)


async def test_start_takes_the_moment_when_the_job_starts(database: Database) -> None:
    said = (await press(database, "start", "orders", "7", "--at", "+2h")).output
    assert said.endswith(" is queued, to start in 2:00:00\n")
    (run,) = await database.fetch(
        "select due_at > ledger_now() + interval '1 hour' as later from runs"
    )
    assert run == {"later": True}
    refused = await press(database, "start", "orders", "8", "--at", "tomorrow")
    assert type(refused.exception).__name__ == "UserError"


async def test_emit_says_that_a_later_event_may_replace_its_job(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "waits" not in (await press(database, "emit", "ordered", "1")).output
    monkeypatch.setattr("overnight.operations.commands.debounces", lambda app, event: 90.0)
    said = (await press(database, "emit", "ordered", "2")).output
    assert said.endswith(" (waits 90 s; a later ordered takes its place under another id)\n")


@pytest.mark.parametrize(("status", "command"), [("dead", "dead"), ("needs_review", "review")])
async def test_lists_name_jobs_by_the_titles_of_the_app(
    database: Database, status: str, command: str
) -> None:
    for order in (7, 9):
        await runs.start(shop(), database, "orders", order)
    await database.fetch(
        "update runs set status = 'running', attempt = 1, lease_until = ledger_now()"
    )
    await database.fetch(
        "update runs set status = %s, error = 'look at it', finished_at = ledger_now()", [status]
    )
    rows = json.loads((await press(database, command, "--json")).output)[command]
    assert sorted(row["title"] or "" for row in rows) == ["", "Order 7"]
    told = " ".join((await press(database, command)).output.split())
    assert "Order 7 look at it" in told
    assert told.count("look at it") == 2


async def test_find_finds_a_job_by_its_first_digits(database: Database) -> None:
    job, _ = await runs.start(shop(), database, "orders", 7)
    (found,) = json.loads((await press(database, "find", job[:6], "--json")).output)["found"]
    assert (found["path"], found["title"]) == (f"/jobs/{job}", "Order 7")
    assert f"/jobs/{job}" in (await press(database, "find", job[:6])).output
    assert "Nothing is called" in (await press(database, "find", "nothing")).output


async def test_cancel_ends_what_waits_for_a_step_that_there_is_not(database: Database) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key) values ('one', 'pack', 'orders', 'c'), "
        "('two', 'ship', 'orders', 'c')"
    )
    words = ("cancel", "--parked", "orders/pack", "--key", "c", "--reason", "renamed")
    assert "1 run of orders/pack c: cancelled" in (await press(database, *words)).output
    rows = await database.fetch("select job_id, status from runs order by job_id")
    assert [tuple(row.values()) for row in rows] == [("one", "cancelled"), ("two", "queued")]


@pytest.mark.parametrize("more", ["one", "--all", "--error 502", "--dry-run"])
async def test_cancel_of_parked_runs_takes_no_other_choice(database: Database, more: str) -> None:
    words = ("cancel", *more.split(), "--parked", "orders/pack", "--reason", "renamed")
    refused = await press(database, *words)
    assert str(refused.exception) == "--parked goes with a key and a reason alone"


HOSTILE = "\x1b]0;root\x07 \x9b2J \u202ea\rb"


@pytest.mark.parametrize(
    "words",
    ["dead", "dead {job}", "show {job}", "jobs", "runs", "failures", "status", "audit", "alerts"],
)
@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_no_command_prints_control_characters(
    database: Database, words: str, more: tuple[str, ...]
) -> None:
    job, _ = await runs.start(shop(), database, "orders", 7, by=HOSTILE, reason=HOSTILE)
    await database.fetch("update runs set status = 'running', attempt = 1")
    await database.fetch(
        "update runs set status = 'dead', error = %s, key = %s, output = %s, "
        "finished_at = ledger_now()",
        [HOSTILE, HOSTILE, json.dumps({"text": HOSTILE})],
    )
    await database.fetch(
        "insert into alerts (kind, subject, text) values ('errors', %s, %s)", [HOSTILE, HOSTILE]
    )
    await database.fetch(
        "insert into switches (scope, enabled, reason) values ('all', false, %s)", [HOSTILE]
    )
    told = await press(database, *words.format(job=job).split(), *more)
    assert told.exit_code == 0, told.output
    assert "root" in told.output
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(told.output)
