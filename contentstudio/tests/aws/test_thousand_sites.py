"""The simulation of many sites: the tables of docs/aws.md are what it prints, and no day passes a
limit.
"""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from contentstudio.aws.plan import Prices, Work, bill

ROOT = Path(__file__).parents[3]


def load() -> Any:
    spec = spec_from_file_location("thousand_sites", ROOT / "bench/thousand_sites.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


simulation = load()
MANY = Work(1_000, 100.0)
LIMITS = simulation.Limits()


def tables(text: str) -> list[str]:
    return re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)


def test_the_doc_has_exactly_the_tables_that_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["thousand_sites.py"])
    simulation.main()
    printed = tables(capsys.readouterr().out)
    doc = (ROOT / "docs/aws.md").read_text("utf-8")
    assert len(printed) == 3
    assert [table for table in tables(doc) if "function" not in table] == printed


def test_every_price_in_the_doc_is_used_for_the_bill() -> None:
    told = {
        float(each)
        for each in re.findall(r"\$(\d+(?:\.\d+)?)", (ROOT / "docs/aws.md").read_text("utf-8"))
    }
    assert len(told) > 5
    assert told <= set(asdict(Prices()).values())


@pytest.mark.parametrize("hours", [24.0, 1.0])
@pytest.mark.parametrize("together", [1.0, 10.0])
def test_every_article_of_a_day_is_written_within_the_limits(hours: float, together: float) -> None:
    work = replace(MANY, together=together)
    day = simulation.simulate(work, LIMITS, hours)
    assert day.written == 100_000
    assert day.at_once <= LIMITS.workers
    assert day.requests_per_minute <= LIMITS.model_requests_per_minute
    assert day.steps_per_second <= LIMITS.steps_per_second
    assert simulation.report(work, LIMITS, hours)["connections"] <= LIMITS.postgres_connections
    assert day == simulation.simulate(work, LIMITS, hours), "the same seed gives the same day"


def test_what_there_is_less_of_makes_a_rush_longer() -> None:
    work = replace(MANY, together=10.0)
    free = simulation.simulate(work, LIMITS, 1.0)
    for less in (
        {"postgres_connections": 100},
        {"model_requests_per_minute": 1_000},
        {"steps_per_second": 20.0},
    ):
        tight = simulation.simulate(work, replace(LIMITS, **less), 1.0)
        assert tight.written == free.written
        assert (
            tight.done_minute > free.done_minute and tight.waited_minutes > free.waited_minutes
        ), less


def test_the_limit_that_breaks_first_is_told_first() -> None:
    def first(together: float = 10.0, **less: float) -> str:
        work = replace(MANY, together=together)
        return str(simulation.breaks(work, replace(LIMITS, **less))[0]["what"])

    assert first(together=1.0) == "workers, by Postgres's connections"
    assert first() == "requests to models a minute"
    assert first(model_requests_per_minute=40_000) == "workers, by Postgres's connections"
    assert first(steps_per_second=9.0) == "steps a second in Postgres"
    assert first(lambda_at_once=20) == "workers, by the account of Lambda"


def test_at_the_articles_reported_for_a_limit_it_is_fully_used() -> None:
    for row in simulation.breaks(MANY, LIMITS):
        full = replace(MANY, sites=round(MANY.sites * row["articles"] / MANY.articles))
        (same,) = [each for each in simulation.breaks(full, LIMITS) if each["what"] == row["what"]]
        assert same["used"] == pytest.approx(1, abs=0.001)


def test_what_a_day_takes_of_lambda_is_in_the_bill_of_a_month() -> None:
    told = simulation.report(MANY, LIMITS, 24.0)
    assert told["messages_a_day"] == 1_000 * 5 + 100_000 * 9
    assert told["usd_a_month"] == round(bill(replace(MANY, hours_at_work=24.0)).usd, 2)
    by_hand = told["lambda_seconds_a_day"] * 30 * 0.0000167
    assert told["usd_a_month_by_line"]["Lambda, time"] == pytest.approx(by_hand, rel=0.001)
