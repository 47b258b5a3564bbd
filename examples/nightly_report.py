"""A nightly report: what was sold the day before, as a page in a folder, at six in Belgrade.

Shown: a schedule with a time zone that makes the job's input; a step that waits for a late file; a
file as an external write: after a crash the step first looks whether the file is there.

    overnight --app nightly_report:app start report '{"day": "2026-06-01"}'
    overnight --app nightly_report:app worker --until-idle

Without --until-idle the worker stays, and fires the schedule. The page is reports/2026-06-01.md.
"""

import csv
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from overnight import App, Context, Cron, NoWork, Pipeline, Retry, Transient

ORDERS = Path("orders.csv")  # day,product,amount
REPORTS = Path("reports")

Ctx = Context[Any]


class Day(BaseModel):
    day: date


class Sales(BaseModel):
    day: date
    amounts: dict[str, int]


def day_before(slot: datetime) -> Day:
    return Day(day=slot.date() - timedelta(days=1))


report = Pipeline(
    "report", on=[Cron("0 6 * * *", "Europe/Belgrade", input=day_before)], expect_within=3600
)


@report.step(retry=Retry(5, backoff=(60, 300, 900)))
def collect(ctx: Ctx, of: Day) -> Sales | NoWork:
    """The orders of the day by product. The file comes from elsewhere, and may come late."""
    if not ORDERS.exists():
        raise Transient(f"{ORDERS} is not there yet")
    amounts = Counter[str]()
    with ORDERS.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["day"] == of.day.isoformat():
                amounts[row["product"]] += int(row["amount"])
    if not amounts:
        return NoWork(f"nothing was sold on {of.day}")
    return Sales(day=of.day, amounts=amounts)


@report.step
async def deliver(ctx: Ctx, sales: Sales) -> str:
    """One page for each day. A page that a crash cut short is written again."""
    rows = (f"| {product} | {amount} |" for product, amount in sorted(sales.amounts.items()))
    text = "\n".join((f"# Sold on {sales.day}", "", "| product | amount |", "|---|---|", *rows, ""))
    page = REPORTS / f"{sales.day}.md"

    async def write() -> str:
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
        return str(page)

    async def look() -> str | None:
        return str(page) if page.exists() and page.read_text() == text else None

    return str(await ctx.effect("write the page", content=text, call=write, probe=look))


app = App("nightly_report", [report])
