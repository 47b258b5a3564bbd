"""What a search gives, and what it costs."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import context
from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError
from overnight.names import among

if TYPE_CHECKING:
    from contentstudio.config import Config
    from overnight.pipelines.app import App
    from overnight.store.database import Database

WIDTH = 80  # characters of a line
INDENT = "   "
POLL = 0.5  # seconds between two looks at a job that another worker runs
ENDED = ("succeeded", "cancelled", "dead")


@click.command("search")
@click.argument("query")
@click.option("--site", help="For which site: it is asked in its language. Default: the first.")
@click.option("--engine", help="Ask this engine of [search] alone.")
@json_option
@pass_session
def search_command(
    session: Session, query: str, site: str | None, engine: str | None, as_json: bool
) -> None:
    """Search as research does; shows the hits and their cost.

    The engines, their keys and prices are those of [search]. The same query is paid for once a day.
    """
    from overnight import logs

    if not query.strip():
        raise UserError("name what to search for: contentstudio search “tomato seeds”")
    config = context.config()
    wish = {"query": query, "engine": _checked(config, engine), "site": _site(config, site)}
    logs.configure(sys.stderr)
    data = session.run(lambda database: _search(session.needed_app(), database, config, wish))
    tell(as_json, data, lambda: _render(data))


def _site(config: Config, name: str | None) -> str:
    return config.site[0].name if name is None else config.find(name).name


def _checked(config: Config, engine: str | None) -> str | None:
    names = list(config.search.engine)
    if engine is not None and engine not in names:
        raise UserError(f"[search] names no engine “{engine}”{among(engine, list(names))}")
    return engine


async def _search(
    app: App, database: Database, config: Config, wish: dict[str, Any]
) -> dict[str, Any]:
    """Run the job of a search here, or let the worker run it that is quicker."""
    from overnight.llm import budgets
    from overnight.operations import runs

    await budgets.declare(database, app)
    request = {**wish, "asked": datetime.now(UTC)}
    job, _ = await runs.start(app, database, "search", request)
    seconds = app.pipeline("search").steps["find"].timeout
    await _work(app, database, seconds)
    return {**wish, **await _result(database, job, seconds)}


async def _work(app: App, database: Database, seconds: float) -> None:
    """Run what is due of the pipeline `search`, and nothing else."""
    from overnight.aws.bounded_worker import BoundedWorker
    from overnight.aws.hints import Notify
    from overnight.pipelines.app import App

    alone = App(app.name, [app.pipeline("search")])
    async with database.hot() as hot, app.resources(database) as deps:
        worker = BoundedWorker(*(alone, database, hot, deps, Notify(database)), concurrency=1)
        await worker.work(seconds)


async def _result(database: Database, job: str, seconds: float) -> dict[str, Any]:
    """The hits of a job, and what each call of an engine was. Raises `UserError` with the reason
    for which there are none.
    """
    from overnight.operations import queries, runs

    (run,) = await queries.job(database, job)
    for _ in range(int(seconds / POLL)):
        if run["status"] != "running":
            break
        await asyncio.sleep(POLL)
        (run,) = await queries.job(database, job)
    if run["status"] not in ENDED:
        await runs.cancel(database, job, reason="nobody waits for it any more")
        held = f"{run['held_by']} is paused" if run["held_by"] else "another search is under way"
        raise UserError(f"the search did not begin: {held}")
    if run["output"] is None:
        raise UserError(f"the search failed: {run['error']}")
    calls = [
        {"engine": call["provider"], "cached": call["status"] == "cached", **_outcome(call)}
        for call in run["llm_calls"]
    ]
    return {
        "job_id": job,
        "hits": run["output"].get("hits", []),
        "cost_usd": run["cost_usd"] or 0,
        "calls": calls,
    }


def _outcome(call: dict[str, Any]) -> dict[str, Any]:
    return {"cost_usd": call["cost_usd"], "error": call["error"]}


def _render(data: dict[str, Any]) -> None:
    for number, hit in enumerate(data["hits"], 1):
        output.echo(f"{number}. {hit['title'] or hit['url']}")
        published = formatting.cell(hit["published_at"]) if hit["published_at"] else ""
        for line in filter(None, (hit["url"], published, hit["text"])):
            output.echo(click.wrap_text(line, WIDTH, INDENT, INDENT))
    if not data["hits"]:
        output.echo(f"Nothing was found for “{data['query']}”.")
    output.echo()
    for call in data["calls"]:
        output.echo(f"{call['engine']}: {_told(call)}")
    output.echo(f"cost: {formatting.dollars(data['cost_usd'])}")


def _told(call: dict[str, Any]) -> str:
    if call["cached"]:
        return "asked for before today, so it cost nothing"
    cost = formatting.dollars(call["cost_usd"])
    return f"failed ({call['error']}), {cost}" if call["error"] else cost


COMMANDS = (search_command,)
