"""What a type checker says of jobs whose pipeline names its types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.large

CODE = """
from typing import assert_type
from overnight import BlockingClient, BlockingJob, Client, Context, Job, Pipeline

class Order: ...
class Receipt: ...

orders = Pipeline[Order, Receipt]("orders")
def of_order(order: Order) -> str: return ""
by_id = Pipeline("by_id", id=of_order)
plain = Pipeline("plain", key=lambda order: order.customer)

async def right(ctx: Context, client: Client, blocking: BlockingClient) -> None:
    ctx.spawn("orders", {"number": 1})
    ctx.spawn(plain, {"number": 1})
    ctx.spawn(orders, Order())
    ctx.spawn(by_id, Order())
    assert_type(await client.start(orders, Order()), Job[Receipt])
    assert_type(await (await client.start(orders, Order())).result(), Receipt)
    assert_type(await client.job("id", orders).result(timeout=1), Receipt)
    assert_type(blocking.start(orders, Order()), BlockingJob[Receipt])
    assert_type(blocking.start(orders, Order()).result(), Receipt)
    untyped: int = await (await client.start("orders", {"number": 1})).result()
    number: int = blocking.start(plain, 5).result()

async def wrong(ctx: Context, client: Client, blocking: BlockingClient) -> None:
    ctx.spawn(orders, 5)  # wrong
    ctx.spawn(by_id, Receipt())  # wrong
    await client.start(orders, 5)  # wrong
    blocking.start(orders, {"number": 1})  # wrong
    number: int = await client.job("id", orders).result()  # wrong
"""


def test_a_checker_knows_what_a_pipeline_takes_and_gives(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(CODE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(program)],
        cwd=ROOT,  # with the settings and the cache of `make check`
        capture_output=True,
        text=True,
        timeout=110,
    )
    lines = CODE.splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    errors = re.findall(r"program\.py:(\d+): error", done.stdout)
    assert {int(number) for number in errors} == wrong, done.stdout + done.stderr
