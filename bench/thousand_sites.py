"""A simulation of many sites on Lambda: messages, connections, workers, seconds, dollars, and what breaks first.

Nothing runs in AWS. The model: sites begin at random within `--hours`; each gives its articles at once, each article
waits for its place at a model and for its share of the model's rate, and holds a place in a worker meanwhile. Minute by
minute, what can be written is written. What a step and an article take is measured (`contentstudio.deploy.Work` names
the commands), what a model takes and allows is assumed. `--measure` measures first what Postgres does of the hot
statements one run at a time, as Lambda's workers ask for it; without it the figure in LIMITS counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import random
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from contentstudio.deploy import AT_ONCE, CONNECTIONS, CONNECTIONS_KEPT, DAYS, Work, bill

BESIDE = sum(AT_ONCE[name] * CONNECTIONS[name] for name in AT_ONCE)  # connections of the functions beside the worker
CALLS = 4  # of a model for an article: an outline and three sections (bench/writing.py)
JOBS = 1_500  # that each process of a measurement claims and ends


@dataclass(frozen=True, slots=True)
class Limits:
    """What there is of everything. `steps_per_second`: claims with their endings, one at a time.

    230 were measured by `--measure 8` on two cores that were busy with other work: a floor, and no promise."""

    postgres_connections: int = 500
    lambda_at_once: int = 1_000  # of an account; a new one may have 10
    model_requests_per_minute: int = 4_000  # assumed: look at your own tier
    steps_per_second: float = 230.0

    @property
    def workers(self) -> int:
        """As many as Postgres has connections for, and the account allows."""
        room = (self.postgres_connections - BESIDE - CONNECTIONS_KEPT) // CONNECTIONS["worker"]
        return min(room, self.lambda_at_once - sum(AT_ONCE.values()))


@dataclass(frozen=True, slots=True)
class Day:
    """What came of a day. Minutes are from its begin; `at_once` and the rates are the most that there were."""

    written: int
    done_minute: int
    waited_minutes: float
    at_once: int
    steps_per_second: float
    requests_per_minute: float


def simulate(work: Work, limits: Limits, hours: float, seed: int = 1) -> Day:
    """A day, minute by minute. Articles go in the order in which they came; the same seed gives the same day."""
    rng = random.Random(seed)
    arrivals = [0.0] * (math.ceil(hours * 60) + 1)
    for _ in range(work.sites):
        arrivals[int(rng.uniform(0, hours * 60))] += work.articles_per_site
    a_minute = capacity(work, limits)
    held = work.model_seconds / 60 / work.together  # worker-minutes of an article
    waiting = written = waited = most = 0.0
    minute = last = 0
    while written < work.articles - 0.5:
        waiting += arrivals[minute] if minute < len(arrivals) else 0
        done = min(waiting, a_minute)
        waiting, written, waited = waiting - done, written + done, waited + (waiting - done)
        most = max(most, done)
        last = minute
        minute += 1
    steps = work.steps / work.articles
    return Day(
        round(written), last + 1, waited / work.articles, math.ceil(most * held), most * steps / 60, most * CALLS
    )


def capacity(work: Work, limits: Limits) -> float:
    """Articles a minute: the least of what workers, the model and Postgres can."""
    by_workers = limits.workers * work.together * 60 / work.model_seconds
    by_postgres = limits.steps_per_second * 60 / (work.steps / work.articles)
    return min(by_workers, limits.model_requests_per_minute / CALLS, by_postgres)


def breaks(work: Work, limits: Limits, hours: float) -> list[dict[str, Any]]:
    """Each thing that there is an end of, by how much of it a day takes that comes within so many hours; most first."""
    minutes = hours * 60
    rate = work.articles / minutes
    steps = work.steps / minutes / 60
    places = work.busy_seconds / (hours * 3600)
    needed = [
        ("workers at once, by Postgres's connections", places, limits.workers, "6 connections each"),
        ("Lambda at once, by the account", places + sum(AT_ONCE.values()), limits.lambda_at_once, "a quota"),
        ("requests to models a minute", rate * CALLS, limits.model_requests_per_minute, "assumed"),
        ("steps a second in Postgres", steps, limits.steps_per_second, "--measure"),
    ]
    rows = [
        {"what": what, "needed": need, "there": there, "used": need / there, "articles": work.articles * there / need}
        | {"how": how}
        for what, need, there, how in needed
    ]
    return sorted(rows, key=lambda row: -row["used"])


def claims(dsn: str, first: int, count: int) -> float:
    """Claims with their endings a second, one run at a time, by one process."""
    from app import app, single
    from overnight.database import Database
    from overnight.ledger import Ledger
    from overnight.worker import LEASE
    from statements import ended

    async def work() -> float:
        async with Database(dsn) as database, database.hot() as hot:
            ledger = Ledger(hot)
            await ledger.enqueue([single.job(n) for n in range(first, first + count)])
            began = time.perf_counter()
            for _ in range(count):
                runs = (await ledger.claim(app.scope(), "bench", 1, LEASE)).runs
                await ledger.finish([ended(run) for run in runs], "bench")
            return time.perf_counter() - began

    return asyncio.run(work())


def measure(processes: int) -> float:
    """Claims with their endings a second by so many processes on one Postgres, which has this machine with them."""
    from overnight.database import Database, migrate
    from server import durable_server

    async def prepare(dsn: str) -> None:
        async with Database(dsn) as database:
            await migrate(database)

    with durable_server() as server, server.database() as dsn:
        asyncio.run(prepare(dsn))
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            seconds = pool.starmap(claims, [(dsn, number * JOBS, JOBS) for number in range(processes)])
    return processes * JOBS / max(seconds)


def report(work: Work, limits: Limits, hours: float) -> dict[str, Any]:
    """The figures of a day, and of the month that is made of such days."""
    day = simulate(work, limits, hours)
    month = bill(work)
    return {
        "work": asdict(work),
        "limits": asdict(limits) | {"workers": limits.workers},
        "hours": hours,
        "day": asdict(day),
        "messages_a_day": round(work.steps),
        "connections": day.at_once * CONNECTIONS["worker"] + BESIDE,
        "lambda_seconds_a_day": round(work.busy_seconds),
        "statements_a_second": round(day.steps_per_second * work.statements_per_step, 1),
        "usd_a_month": round(month.usd, 2),
        "usd_a_month_by_line": {line.what: round(line.usd, 2) for line in month.lines},
        "breaks": breaks(work, limits, hours),
    }


def show(found: dict[str, Any], ten: dict[str, Any]) -> None:
    work = found["work"]
    articles = work["sites"] * work["articles_per_site"]
    print(f"{work['sites']:,} sites, {articles:,.0f} articles a day that come within {found['hours']:g} h\n")
    rows = [
        ("", "one article a worker", f"{ten['work']['together']:g} in one worker"),
        ("messages a day, at most", *(f"{each['messages_a_day']:,}" for each in (found, ten))),
        ("workers at once, at most", *(f"{each['day']['at_once']:,}" for each in (found, ten))),
        ("connections to Postgres", *(f"{each['connections']:,}" for each in (found, ten))),
        ("steps a second, at most", *(f"{each['day']['steps_per_second']:,.1f}" for each in (found, ten))),
        ("statements a second", *(f"{each['statements_a_second']:,.0f}" for each in (found, ten))),
        ("requests to models a minute", *(f"{each['day']['requests_per_minute']:,.0f}" for each in (found, ten))),
        ("seconds of Lambda a day", *(f"{each['lambda_seconds_a_day']:,}" for each in (found, ten))),
        ("minutes until all is written", *(f"{each['day']['done_minute']:,}" for each in (found, ten))),
        ("minutes that an article waits", *(f"{each['day']['waited_minutes']:,.1f}" for each in (found, ten))),
        ("dollars a month for AWS", *(f"{each['usd_a_month']:,.0f}" for each in (found, ten))),
    ]
    for name, one, other in rows:
        print(f"{name:<32}{one:>22}{other:>20}")
    for each in (found, ten):
        print(f"\nWhat breaks first, with {each['work']['together']:g} in one worker:")
        for row in each["breaks"]:
            print(
                f"  {row['used']:>6.0%}  {row['what']}: {row['needed']:,.1f} of {row['there']:,.0f}"
                f"; up to {row['articles']:,.0f} articles a day"
            )
    print(f"\nThe month has {DAYS} days. Language models and Postgres are not in the dollars.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sites", type=int, default=1_000)
    parser.add_argument("--articles", type=float, default=100.0, help="a day, of each site")
    parser.add_argument("--hours", type=float, default=24.0, help="within which the sites begin")
    parser.add_argument("--model-seconds", type=float, default=60.0, help="for which an article waits for models")
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--requests", type=int, default=4_000, help="to models, that the provider takes a minute")
    parser.add_argument("--measure", type=int, metavar="PROCESSES", help="measure Postgres with so many first")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    limits = Limits(options.connections, model_requests_per_minute=options.requests)
    if options.measure:
        limits = replace(limits, steps_per_second=measure(options.measure))
    hours_at_work = min(24.0, options.hours + 1)
    work = Work(options.sites, options.articles, model_seconds=options.model_seconds, hours_at_work=hours_at_work)
    found = report(work, limits, options.hours)
    ten = report(replace(work, together=10.0), limits, options.hours)
    if options.json:
        print(json.dumps([found, ten], indent=1))
    else:
        show(found, ten)


if __name__ == "__main__":
    main()
