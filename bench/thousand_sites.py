"""A simulation of many sites on Lambda: messages, connections, workers, seconds, dollars, and what
breaks first.

It prints the tables of docs/aws.md, which a test holds together. Nothing runs in AWS. The model:
sites begin at random within so many hours; each gives its articles at once, each article waits for
its place at a model and for its share of the model's rate, and holds a place in a worker meanwhile.
Minute by minute, what can be written is written. What a step and an article take is measured
(`contentstudio.aws.plan.Work` names the commands), what a model takes and allows is assumed.
`--measure` measures first what Postgres does of the hot statements one run at a time, as Lambda's
workers ask for it; without it the figure in `Limits` counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from contentstudio.aws.plan import AT_ONCE, CONNECTIONS, CONNECTIONS_KEPT, DAYS, SIZES, Work, bill

BESIDE = sum(
    AT_ONCE[name] * CONNECTIONS[name] for name in AT_ONCE
)  # connections of the functions beside the worker
# Of models for an article: questions, the facts of two pages, a brief, three sections, the last
# reading (all of which bench/writing.py counts), and the judge.
CALLS = 9
JOBS = 1_500  # that each process of a measurement claims and ends
USUAL = 2.0  # articles a day of a site, for the bill of a month
DAY_SECONDS = 24 * 60 * 60
HOURS = (24.0, 1.0)  # within which the sites begin
TOGETHER = (
    1.0,
    10.0,
)  # articles that wait for models in one worker: hints that come one by one, and full batches


@dataclass(frozen=True, slots=True)
class Limits:
    """What there is of everything. `steps_per_second`: claims with their endings, one at a time.

    230 were measured by `--measure 8` on two cores that were busy with other work: a
    floor, and no promise.
    """

    postgres_connections: int = 500
    lambda_at_once: int = 1_000  # of an account; a new one may have 10
    model_requests_per_minute: int = 4_000  # assumed: look at your own tier
    steps_per_second: float = 230.0

    @property
    def by_connections(self) -> int:
        """Workers that Postgres has connections for."""
        return (self.postgres_connections - BESIDE - CONNECTIONS_KEPT) // CONNECTIONS["worker"]

    @property
    def by_account(self) -> int:
        """Workers that Lambda allows beside the other functions."""
        return self.lambda_at_once - sum(AT_ONCE.values())

    @property
    def workers(self) -> int:
        return min(self.by_connections, self.by_account)


@dataclass(frozen=True, slots=True)
class Day:
    """What came of a day. Minutes are from its begin; `at_once` and the rates are the most that
    there were.
    """

    written: int
    done_minute: int
    waited_minutes: float
    at_once: int
    steps_per_second: float
    requests_per_minute: float


def simulate(work: Work, limits: Limits, hours: float, seed: int = 1) -> Day:
    """A day, minute by minute. Articles go in the order in which they came; the same seed gives the
    same day.
    """
    rng = random.Random(seed)
    arrivals = [0.0] * (math.ceil(hours * 60) + 1)
    for _ in range(work.sites):
        arrivals[int(rng.uniform(0, hours * 60))] += work.articles_per_site
    a_minute = capacity(work, limits)
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
    at_once = math.ceil(most * worker_minutes(work) - 1e-9)
    return Day(
        round(written), last + 1, waited / work.articles, at_once, most * steps / 60, most * CALLS
    )


def worker_minutes(work: Work) -> float:
    """Minutes for which an article holds a worker, with its part of what the sites take."""
    return work.busy_seconds / work.articles / 60


def capacity(work: Work, limits: Limits) -> float:
    """Articles a minute: the least of what workers, the model and Postgres can."""
    by_workers = limits.workers / worker_minutes(work)
    by_postgres = limits.steps_per_second * 60 / (work.steps / work.articles)
    return min(by_workers, limits.model_requests_per_minute / CALLS, by_postgres)


def breaks(work: Work, limits: Limits) -> list[dict[str, Any]]:
    """Each thing that there is an end of, and how much of it a day takes whose work comes evenly;
    the scarcest first.

    `articles` are those of a day that takes all of it.
    """
    places = work.busy_seconds / DAY_SECONDS
    needed = [
        ("workers, by Postgres's connections", places, limits.by_connections),
        ("workers, by the account of Lambda", places, limits.by_account),
        (
            "requests to models a minute",
            work.articles / DAY_SECONDS * 60 * CALLS,
            limits.model_requests_per_minute,
        ),
        ("steps a second in Postgres", work.steps / DAY_SECONDS, limits.steps_per_second),
    ]
    rows = [
        {
            "what": what,
            "needed": need,
            "there": there,
            "used": need / there,
            "articles": work.articles * there / need,
        }
        for what, need, there in needed
    ]
    return sorted(rows, key=lambda row: -row["used"])


def claims(dsn: str, first: int, count: int) -> float:
    """Claims with their endings a second, one run at a time, by one process."""
    from app import app, single
    from overnight.engine.runner import LEASE
    from overnight.store.database import Database
    from overnight.store.ledger import Ledger
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
    """Claims with their endings a second by so many processes on one Postgres, which has this
    machine with them.
    """
    from overnight.store.database import Database
    from overnight.store.migrations import migrate
    from server import durable_server

    async def prepare(dsn: str) -> None:
        async with Database(dsn) as database:
            await migrate(database)

    with durable_server() as server, server.database() as dsn:
        asyncio.run(prepare(dsn))
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            seconds = pool.starmap(
                claims, [(dsn, number * JOBS, JOBS) for number in range(processes)]
            )
    return processes * JOBS / max(seconds)


def report(work: Work, limits: Limits, hours: float) -> dict[str, Any]:
    """The figures of a day whose sites begin within so many hours, and of the month that is made of
    such days.
    """
    day = simulate(work, limits, hours)
    month = bill(replace(work, hours_at_work=min(24.0, day.done_minute / 60)))
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
    }


def month_table() -> str:
    """What AWS asks for in a month, by service, with the smallest RDS and its network below."""
    bills = [bill(Work(sites, USUAL), rds=True) for sites in SIZES]
    services = list(dict.fromkeys(line.what.split(",")[0] for line in bills[0].lines))
    dollars = {
        name: [
            sum(line.usd for line in each.lines if line.what.split(",")[0] == name)
            for each in bills
        ]
        for name in services
    }
    dear = ("RDS", "NAT gateway")
    without = [each.usd - sum(dollars[name][n] for name in dear) for n, each in enumerate(bills)]
    rows = [(name, *dollars[name]) for name in services if name not in dear]
    rows += [("**together**", *without), *((name, *dollars[name]) for name in dear)]
    rows.append(("**with both**", *(each.usd for each in bills)))
    return table(
        ("dollars a month", *(f"{sites:,} sites" for sites in SIZES)),
        [(name, *(f"{usd:,.2f}" for usd in values)) for name, *values in rows],
    )


def day_table(days: Sequence[dict[str, Any]]) -> str:
    """A day of each kind, side by side."""
    figures: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("messages a day, at most", lambda d: f"{d['messages_a_day']:,}"),
        ("workers at once, at most", lambda d: f"{d['day']['at_once']:,}"),
        ("connections to Postgres, at most", lambda d: f"{d['connections']:,}"),
        ("steps a second, at most", lambda d: f"{d['day']['steps_per_second']:,.1f}"),
        ("statements a second, at most", lambda d: f"{d['statements_a_second']:,.0f}"),
        (
            "requests to models a minute, at most",
            lambda d: f"{d['day']['requests_per_minute']:,.0f}",
        ),
        ("seconds of Lambda a day", lambda d: f"{d['lambda_seconds_a_day']:,}"),
        ("hours until all is written", lambda d: f"{d['day']['done_minute'] / 60:,.1f}"),
        ("minutes that an article waits to begin", lambda d: f"{d['day']['waited_minutes']:,.1f}"),
        ("dollars a month for AWS", lambda d: f"{d['usd_a_month']:,.0f}"),
    ]
    head = [f"{d['hours']:g} h, {d['work']['together']:g}" for d in days]
    return table(
        ("sites begin within, articles in a worker", *head),
        [(name, *(tell(d) for d in days)) for name, tell in figures],
    )


def breaks_table(works: Sequence[Work], limits: Limits) -> str:
    """How much of each limit such a day takes, and the articles a day at which it breaks."""
    by_name = [{row["what"]: row for row in breaks(work, limits)} for work in works]
    rows = [
        (
            what,
            f"{row['there']:,.0f}",
            *(f"{each[what]['used']:.0%}, {each[what]['articles']:,.0f}" for each in by_name),
        )
        for what, row in by_name[0].items()
    ]
    return table(
        ("what there is", "of it", *(f"{work.together:g} in a worker" for work in works)), rows
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown, with columns that a person can read as they stand."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    sides = "<" + ">" * (len(head) - 1)

    def line(row: Sequence[str]) -> str:
        cells = (
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        )
        return f"| {' | '.join(cells)} |"

    rule = "|".join(
        "-" * (width + 1) + ("-" if side == "<" else ":")
        for side, width in zip(sides, widths, strict=True)
    )
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def days(work: Work, limits: Limits) -> list[dict[str, Any]]:
    """Days spread out and days in a rush, with workers that have one article in hand, and ten."""
    return [
        report(replace(work, together=each), limits, hours) for hours in HOURS for each in TOGETHER
    ]


def show(work: Work, limits: Limits) -> str:
    """All three tables, as docs/aws.md has them."""
    each = Work(1, USUAL)
    return f"""\
A month with {USUAL:g} articles a day for each site, each {each.model_seconds:g} s at models and alone in its worker:

{month_table()}

{work.sites:,} sites, {work.articles:,.0f} articles a day, {limits.postgres_connections:,} connections:

{day_table(days(work, limits))}

What breaks first: how much of it is taken, and the articles a day that take all:

{breaks_table([replace(work, together=each) for each in TOGETHER], limits)}

A month has {DAYS} days. Language models are not in the dollars, nor is a Postgres but RDS in the first table.
"""  # noqa: E501  a table for a wide terminal


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sites", type=int, default=1_000)
    parser.add_argument("--articles", type=float, default=100.0, help="a day, of each site")
    parser.add_argument(
        "--model-seconds", type=float, default=60.0, help="for which an article waits for models"
    )
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument(
        "--requests", type=int, default=4_000, help="to models, that the provider takes a minute"
    )
    parser.add_argument(
        "--measure", type=int, metavar="PROCESSES", help="measure Postgres with so many first"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    limits = Limits(options.connections, model_requests_per_minute=options.requests)
    if options.measure:
        limits = replace(limits, steps_per_second=measure(options.measure))
    work = Work(options.sites, options.articles, model_seconds=options.model_seconds)
    if options.json:
        found = {
            "days": days(work, limits),
            "breaks": [breaks(replace(work, together=n), limits) for n in TOGETHER],
        }
        print(json.dumps(found, indent=1))
    else:
        print(show(work, limits), end="")


if __name__ == "__main__":
    main()
