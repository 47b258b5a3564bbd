"""The golden signals: what is added up as time passes is what the ledger holds, each
ending once.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from overnight import App, Approve, Context, Limit, Pipeline, Review, Transient
from overnight.cli.main import cli
from overnight.observability import charts, rollup, signals
from overnight.observability.rollup import SETTLE
from overnight.operations import queries as lists
from overnight.operations import reviews, switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.sql import queries
from overnight.testing import Clock, fresh_database, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Ctx = Context[Any]
START = datetime(2030, 1, 7, 21, tzinfo=UTC)  # a Monday; three hours later another day begins
HOUR = timedelta(hours=1)
FINAL = {"done": "succeeded", "no_work": "succeeded", "cancel": "cancelled"}


@dataclass(frozen=True)
class End:
    """An attempt that ended `second` seconds after the start; the row is there `late` seconds
    later.
    """

    second: int
    late: int
    step: str
    outcome: str
    took: float
    failures: int


ends = st.lists(
    st.builds(
        End,
        second=st.integers(0, 4 * 3600),
        late=st.integers(0, SETTLE - 1),
        step=st.sampled_from(["a", "b"]),
        outcome=st.sampled_from(
            ["done"] * 3 + ["no_work", "cancel", "retry", "error", "review", "lost"]
        ),
        took=st.floats(0.002, 5_000),
        failures=st.integers(0, 12),
    ),
    max_size=25,
)


async def write(database: Database, number: int, end: End) -> None:
    """An ending as the engine leaves it; a call of a model ends with it."""
    at = START + timedelta(seconds=end.second)
    final = FINAL.get(end.outcome)
    (run,) = await database.fetch(
        "insert into runs (job_id, step, pipeline, status, outcome, failures, "
        "started_at, finished_at, emptied_at) "
        "values (%s, %s, 'p', %s, %s, %s, %s, %s, %s) returning id",
        [
            str(number),
            end.step,
            final or "queued",
            end.outcome,
            end.failures,
            at - timedelta(seconds=end.took),
            at if final else None,
            at if final and number % 3 == 0 else None,  # one whose payloads went counts too
        ],
    )
    if not final:
        await database.fetch(
            "insert into attempts (run_id, attempt, outcome, started_at, finished_at) "
            "values (%s, 1, %s, %s, %s)",
            [run["id"], end.outcome, at - timedelta(seconds=end.took), at],
        )
    await database.fetch(
        "insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, "
        "model, request_hash, status, "
        "cost_usd, started_at, finished_at) values (%s, %s, %s, 'p', 'k', 1, 'x', 'm', "
        "'h', 'stored', 0.25, %s, %s)",
        [run["id"], str(number), end.step, at, at],
    )


async def counted(
    database: Database, span: int, since: datetime = START, now: datetime = START + 9 * HOUR
) -> dict[tuple[datetime, str], Any]:
    params = {**charts.sums(since, START + 9 * HOUR, span, now), "step": None}
    tallies = signals.tallies(await database.fetch(queries["signals_steps"], params))
    return {(tally.at, tally.step): (tally.outcomes, tally.failures) for tally in tallies}


def expected(there: list[End], span: int) -> dict[tuple[datetime, str], Any]:
    made: dict[tuple[datetime, str], Any] = {}
    for end in there:
        place = signals.floor(START + timedelta(seconds=end.second), span), f"p/{end.step}"
        outcomes, failures = made.setdefault(place, (Counter(), Counter()))
        outcomes[end.outcome] += 1
        if end.outcome in ("done", "no_work"):
            failures[min(end.failures, 10)] += 1
    return made


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # each example is a database: shrinking would take minutes
)
@example(  # what is there a little late belongs to a span that is over
    ends=[End(10, 0, "a", "done", 1.0, 0), End(299, 100, "a", "done", 1.0, 0)],
    ticks=[(310, 20)],
    since=0,
)
@given(
    ends=ends,
    ticks=st.lists(st.tuples(st.integers(0, 5 * 3600), st.integers(1, 20)), max_size=8),
    since=st.integers(0, 4 * 3600),
)
def test_however_the_ticks_fall_each_ending_is_counted_once(
    server_url: str, ends: list[End], ticks: list[tuple[int, int]], since: int
) -> None:
    async def check() -> None:
        async with fresh_database(server_url) as database:
            clock = Clock(database)
            there: list[End] = []
            waiting = sorted(enumerate(ends), key=lambda e: e[1].second + e[1].late)
            for second, rows in [*sorted(ticks), (6 * 3600, 5)]:
                await clock.set(START + timedelta(seconds=second))
                while waiting and waiting[0][1].second + waiting[0][1].late <= second:
                    number, end = waiting.pop(0)
                    await write(database, number, end)
                    there.append(end)
                await asyncio.gather(*(rollup.add(database, rows) for _ in range(3)))
                for span in signals.SPANS:
                    assert await counted(database, span) == expected(there, span)
            while await rollup.add(database, 3) == 0:
                pass
            last = START + timedelta(seconds=max((end.second for end in ends), default=0))
            assert (
                await database.fetch("select 1 from signals_mark where until > %s", [last])
                or not ends
            )
            moment = START + timedelta(seconds=since)
            later = [end for end in ends if end.second >= since]
            in_hour = [
                end for end in ends if end.second >= since // 3600 * 3600
            ]  # START is a full hour
            for span in signals.SPANS:
                assert await counted(database, span) == expected(ends, span)
                assert await counted(database, span, moment) == expected(later, span)
                params = charts.sums(moment, START + 9 * HOUR, span, START + 9 * HOUR)
                calls = await database.fetch(queries["signals_calls"], {**params, "by": "model"})
                assert sum(call["calls"] for call in calls) == len(later)
                assert float(sum(call["cost_usd"] for call in calls)) == len(later) / 4
            for span in (3_600, 86_400):  # when the sums of five minutes are gone
                long_ago = START + timedelta(days=20)
                assert await counted(database, span, moment, long_ago) == expected(in_hour, span)

    asyncio.run(check())


def one_step(*outcomes: Any) -> App:
    """A step that ends in these ways, one after the other."""
    pipeline, left = Pipeline("p"), list(outcomes)

    @pipeline.step
    async def a(ctx: Ctx, value: int) -> Any:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return App("app", [pipeline])


async def ran(database: Database, clock: Clock, app: App, jobs: int = 1) -> datetime:
    """Some jobs of it, to their end; since when."""
    began = await clock.now() - timedelta(seconds=1)
    await Ledger(database).enqueue([app.pipeline("p").job(number) for number in range(jobs)])
    await run_until_idle(app, database, clock=clock)
    return began


async def settled(database: Database, clock: Clock) -> None:
    """All that ended is in the sums."""
    await clock.move(SETTLE + 600)
    while await rollup.add(database) == 0:
        pass


async def test_the_signals_of_runs_are_equal_before_and_after_rollup(
    database: Database, clock: Clock
) -> None:
    app = one_step(Transient("502"), Transient("502"), 1, ValueError("no"), Review(["why"], 2))
    began = await ran(database, clock, app)
    await Ledger(database).enqueue([app.pipeline("p").job(number) for number in (1, 2)])
    await run_until_idle(app, database, clock=clock)
    for _ in range(2):
        (step,) = charts.steps(await charts.tallies(database, began))
        assert (step["step"], step["attempts"], step["failed"], step["succeeded"]) == (
            "p/a",
            5,
            3,
            1,
        )
        retries = charts.retries_to_success(await charts.tallies(database, began))
        assert [(point["failures"], point["mean"]) for point in retries] == [({2: 1}, 2.0)]
        traffic: Counter[str] = Counter()
        for point in charts.traffic(await charts.tallies(database, began)):
            traffic.update(point["outcomes"])
        assert traffic == {"retry": 2, "done": 1, "error": 1, "review": 1}
        assert (
            sum(
                point["failed"]
                for point in charts.errors(await charts.tallies(database, began, step="p/a"))
            )
            == 3
        )
        assert (
            sum(point["count"] for point in charts.latency(await charts.tallies(database, began)))
            == 2
        )
        assert charts.latency(await charts.tallies(database, began, step="p/b")) == []
        totals = await lists.since(database, began)
        assert (totals["runs"], totals["retries"]) == (
            {"dead": 1, "needs_review": 1, "succeeded": 1},
            2,
        )
        await settled(database, clock)


async def test_an_approval_is_a_success_and_its_wait_is_no_latency(
    database: Database, clock: Clock
) -> None:
    app = one_step(Review(["why"], 2))
    began = await ran(database, clock, app)
    (waiting,) = await lists.review(database)
    await clock.move(9_000)
    await reviews.decide(app, database, waiting["job_id"], Approve(waiting["revision"]))
    (step,) = charts.steps(await charts.tallies(database, began))
    assert (step["attempts"], step["succeeded"]) == (1, 1)
    assert step["p95_seconds"] is not None
    assert step["p95_seconds"] < 9_000
    assert (await lists.since(database, began))["runs"] == {"succeeded": 1}


async def test_rollups_outlive_their_rows_and_are_kept_their_own_time(
    database: Database, clock: Clock
) -> None:
    began = signals.floor(await ran(database, clock, one_step(1)), 86_400)
    await settled(database, clock)
    await database.fetch("delete from runs")
    assert [step["succeeded"] for step in charts.steps(await charts.tallies(database, began))] == [
        1
    ]
    await clock.move(9 * 86_400)
    await ran(database, clock, one_step(1))
    await settled(database, clock)
    kept = await database.fetch(
        "select span, count(*)::int as count from step_signals group by span order by span"
    )
    assert [(row["span"], row["count"]) for row in kept] == [(300, 1), (3600, 2), (86_400, 2)]
    assert (
        sum(step["succeeded"] for step in charts.steps(await charts.tallies(database, began))) == 2
    )


async def test_queued_runs_are_sampled_each_five_minutes_unless_paused(
    database: Database, clock: Clock
) -> None:
    await clock.set(START)
    began = await clock.now()
    app = one_step()
    await Ledger(database).enqueue([app.pipeline("p").job(number) for number in range(3)])
    await clock.move(60)
    await asyncio.gather(*(rollup.sample(database) for _ in range(3)))
    await clock.move(60)
    await rollup.sample(database)
    (point,) = await charts.saturation(database, began)
    assert (point["due"], round(point["oldest_due_seconds"]), point["workers"]) == (3, 60, 0)
    await switches.pause(database, "pipeline:p", reason="test")
    await clock.move(300)
    await rollup.sample(database)
    assert [point["due"] for point in await charts.saturation(database, began)] == [3, 0]
    (hour,) = await charts.saturation(database, began, span=3600)
    assert hour["due"] == 3


async def test_an_idle_worker_adds_up_and_samples_once_in_five_minutes(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, made = 1_000.0, Counter[str]()
    fetch = Database.fetch

    async def noted(self: Database, sql: str, params: Any = ()) -> Any:
        made.update(verb for verb in ("signals_add", "signals_sample") if queries[verb] == sql)
        return await fetch(self, sql, params)

    monkeypatch.setattr(rollup.time, "monotonic", lambda: now)
    monkeypatch.setattr(Database, "fetch", noted)
    each = rollup.RollupService(database)
    for _ in range(120):  # an hour
        await each.tick()
        now += 30
        await clock.move(30)
    assert 12 <= min(made.values()) <= max(made.values()) <= 13


async def test_status_counts_waiting_runs_by_cause_up_to_a_limit(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = Pipeline("p", key=lambda value: f"k{value % 3}")

    @p.step(breaker="b {key}", limits=[Limit("l", at_once=1)])
    async def a(ctx: Ctx, value: int) -> None: ...

    app = App("app", [p])
    await Ledger(database).enqueue([p.job(number) for number in range(9)])
    await switches.pause(database, "key:k0", reason="test")
    await database.fetch(
        "insert into breakers (name, key, open_until) values ('b k1', 'k1', ledger_now() "
        "+ interval '1 min')"
    )

    async def waits() -> tuple[int, ...]:
        now = (await lists.status(database, app))["now"]
        return tuple(now[name] for name in ("due", "held", "held_by_breaker", "held_by_limit"))

    assert await waits() == (3, 3, 3, 0)
    (claimed,) = (await Ledger(database).claim(app.scope(), "w", 1, 60)).runs
    assert claimed.key == "k2"
    assert await waits() == (0, 3, 3, 2)
    assert not (await lists.status(database, app))["now"]["more"]
    monkeypatch.setattr(lists, "LINE", 4)
    assert (await lists.status(database, app))["now"]["more"]


async def listed(database: Database, **filters: Any) -> list[int]:
    """The ids of the list of runs, page by page."""
    seen: list[int] = []
    while page := await lists.runs(database, limit=2, before=seen[-1] if seen else None, **filters):
        seen += [row["id"] for row in page]
    return seen


async def test_the_list_of_runs_is_read_page_by_page(database: Database) -> None:
    app = one_step()
    await Ledger(database).enqueue([app.pipeline("p").job(number) for number in range(5)])
    await database.fetch("update runs set status = 'running' where id <= 2")
    await database.fetch("update runs set status = 'dead' where id <= 2")
    for filters, ids in (
        ({}, [5, 4, 3, 2, 1]),
        ({"status": "dead"}, [2, 1]),
        ({"pipeline": "q"}, []),
    ):
        assert await listed(database, **filters) == ids


async def test_queued_runs_are_listed_by_turn_and_ended_ones_by_end(database: Database) -> None:
    await database.fetch(
        "insert into runs (job_id, step, key, status, priority, due_at, finished_at, emptied_at) "
        "select s || n, 'a', 'k' || n %% 2, s, n %% 3, ledger_now() + n / 4 * interval '1 minute', "
        "case when s <> 'queued' and n > 2 then ledger_now() - n %% 5 * interval '1 minute' end, "
        "case when s <> 'queued' and n %% 4 = 0 then ledger_now() end "
        "from unnest(%s::text[]) s, generate_series(1, 12) n",
        [["queued", "succeeded", "cancelled"]],
    )
    orders = {"queued": "priority desc, due_at, id"} | dict.fromkeys(
        ("succeeded", "cancelled"), "finished_at desc nulls last, id desc"
    )
    for status, order in orders.items():
        for key in (None, "k1"):
            rows = await database.fetch(
                "select id from runs where status = %(status)s and (%(key)s::text is "
                "null or key = %(key)s) "
                f"order by {order}",
                {"status": status, "key": key},
            )
            assert await listed(database, status=status, key=key) == [row["id"] for row in rows]


async def test_an_anomaly_of_the_ledger_is_found(database: Database, clock: Clock) -> None:
    await clock.set(START)
    await database.fetch(
        "insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, "
        "model, request_hash, status, "
        "cost_usd, finished_at) select 1, 'j', 's', 'p', 'k', 1, 'x', 'm', 'h', 'stored', "
        "case when d = 0 then 42 else 4.2 end, ledger_now() - d * interval '1 day' from "
        "generate_series(0, 9) d"
    )
    (told,) = await charts.anomalies(database)
    assert (told.kind, told.subject, told.value, told.usual) == ("cost", "2030-01-07", 42.0, 4.2)
    (model,) = await charts.cost_of_each(database, START - timedelta(hours=1), "model")
    assert (model["name"], float(model["cost_usd"]), model["calls"]) == ("m", 42.0, 1)


async def test_the_command_tells_the_signals(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ran(database, clock, one_step(1, 2), jobs=2)
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)

    async def called(*arguments: str) -> str:
        result = await asyncio.to_thread(
            CliRunner().invoke, cli, ["signals", *arguments], catch_exceptions=False
        )
        assert result.exit_code == 0
        return result.output

    assert "p/a" in await called()
    told = json.loads(await called("--json", "--points"))
    assert (told["steps"][0]["succeeded"], told["anomalies"]) == (2, [])
    assert sum(point["succeeded"] for point in told["traffic"]) == 2
