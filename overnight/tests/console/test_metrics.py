"""Prometheus reads the ledger's figures, and the dashboard asks for these and no others."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from console_night import Open
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from overnight import App
from overnight.console import metrics
from overnight.llm import budgets
from overnight.observability import charts, rollup, signals
from overnight.operations import queries
from overnight.store.database import Database
from overnight.testing import Clock

pytestmark = pytest.mark.contract

DASHBOARD = Path(__file__).parents[3] / "deploy/grafana/overnight.json"
PARTS = re.compile(r"_(total|bucket|sum|count)$")
CALL = (
    "insert into llm_calls (job_id, step, pipeline, key, attempt, provider, model, "
    "request_hash, status, input_tokens,"
    " output_tokens, cost_usd, finished_at) values ('j', 's', 'p', 'k', 1, 'x', %s, '', "
    "'stored', 900, 120, 3, %s)"
)

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(client: httpx2.AsyncClient) -> list[Metric]:
    answer = await client.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, metrics.CONTENT_TYPE)
    return list(text_string_to_metric_families(answer.text))


async def figures(client: httpx2.AsyncClient) -> Figures:
    samples = [sample for family in await scrape(client) for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def of(figures: Figures, name: str, **labels: str) -> float:
    return figures[f"overnight_{name}", tuple(sorted(labels.items()))]


async def test_the_figures_of_now_are_those_of_the_pages(
    client: httpx2.AsyncClient, app: App, database: Database
) -> None:
    status = await queries.status(database, app)
    found = await figures(client)
    for state, count in status["last_24_hours"].items():
        assert of(found, "runs_last_day", status=state) == count
    for state in ("due", "held", "waiting"):
        assert of(found, "queue_runs", state=state) == status["now"][state]
    assert of(found, "queue_runs", state="held") == 1
    assert of(found, "oldest_due_seconds") == pytest.approx(
        status["now"]["oldest_due_seconds"] or 0, abs=60
    )
    assert (of(found, "running_runs"), of(found, "workers")) == (0, 0)
    assert (of(found, "reviews"), of(found, "dead_letters"), of(found, "switches_off")) == (2, 1, 1)
    assert (of(found, "breakers", state="open"), of(found, "breakers", state="closed")) == (1, 0)
    (budget,) = await budgets.read(database)
    assert of(found, "budget_usd", scope="all") == budget["usd_per_day"] == 20
    assert of(found, "budget_used_usd", scope="all") == budget["spent_usd"] + budget["reserved_usd"]


async def test_a_message_that_started_no_run_counts_as_a_dead_letter(
    client: httpx2.AsyncClient, database: Database
) -> None:
    await database.fetch(
        "insert into messages (source, sha256, status, target, bare, body) values "
        "('queue', '', 'dead', '', false, '')"
    )
    assert of(await figures(client), "dead_letters") == 2


async def test_attempts_failures_and_durations_are_counted_by_step(
    client: httpx2.AsyncClient, clock: Clock, database: Database
) -> None:
    step = {"pipeline": "order", "step": "check"}
    month = await charts.tallies(database, metrics.month_of(await clock.now()))
    counted = {tally.step: tally for tally in signals.by_step(month)}
    found = await figures(client)
    assert of(found, "attempts_total", **step) == counted["order/check"].attempts > 0
    assert of(found, "failed_attempts_total", **step) == counted["order/check"].failed > 0
    whole = of(found, "attempt_seconds_count", **step)
    assert whole == counted["order/check"].seconds.total()
    assert of(found, "attempt_seconds_bucket", **step, le="+Inf") == whole
    assert of(found, "attempt_seconds_sum", **step) > 0


def test_a_bucket_holds_what_is_not_longer_than_its_end() -> None:
    bins = Counter({1: 2, 7: 1, 8: 4, 200: 3})
    found = dict(metrics.buckets(bins))
    first, second = f"{signals.GROWTH**7 / 1000:.4g}", f"{signals.GROWTH**14 / 1000:.4g}"
    assert (found[first], found[second], found["+Inf"]) == (3, 7, 10)
    counts = [count for _, count in metrics.buckets(bins)]
    assert counts == sorted(counts)
    ends = [float(end) for end, _ in metrics.buckets(bins)]
    assert ends == sorted(ends)


async def test_cost_and_tokens_are_counted_by_model_in_this_month(
    client: httpx2.AsyncClient, clock: Clock, database: Database
) -> None:
    await database.fetch(CALL, ["sonnet", await clock.now()])
    found = await figures(client)
    assert of(found, "model_cost_usd_total", model="sonnet") == 3
    assert of(found, "model_tokens_total", model="sonnet", direction="input") == 900
    assert of(found, "model_tokens_total", model="sonnet", direction="output") == 120
    assert of(found, "model_calls_total", model="sonnet") == 1
    await clock.move(32 * 86_400)
    assert "sonnet" not in str(await figures(client))


async def test_no_counter_falls_when_the_sums_are_made(
    client: httpx2.AsyncClient, clock: Clock, database: Database
) -> None:
    now = await clock.now()
    await clock.set(
        metrics.month_of(now).replace(day=28, hour=12)
    )  # before the month ends, whenever this runs
    before = await figures(client)
    await clock.move(3_600)
    while not await rollup.add(database):
        pass
    after = await figures(client)
    for (name, labels), value in before.items():
        if name.endswith(("_total", "_bucket", "_count")):
            assert after[name, labels] >= value, name


async def test_what_a_text_holds_stays_within_its_label(
    client: httpx2.AsyncClient, clock: Clock, database: Database
) -> None:
    odd = 'a "model"\n# with \\ and }'
    await database.fetch(CALL, [odd, await clock.now()])
    assert of(await figures(client), "model_cost_usd_total", model=odd) == 3


async def test_an_empty_ledger_has_figures_too(opened: Open, database: Database) -> None:
    app = App("nothing", [])
    async with opened(app) as client:
        found = await figures(client)
    assert of(found, "queue_runs", state="due") == 0
    assert of(found, "runs_last_day", status="succeeded") == 0


async def test_the_dashboard_shows_every_metric_and_asks_for_no_other(
    client: httpx2.AsyncClient,
) -> None:
    told = {family.name for family in await scrape(client)}
    dashboard = json.loads(DASHBOARD.read_text())
    asked = {
        PARTS.sub("", name)
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        for name in re.findall(r"overnight_\w+", target["expr"])
    }
    assert asked == told
