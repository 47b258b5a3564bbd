"""What articles earned and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import context
from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from overnight.store.database import Database

DO = {"refresh": "refresh", "title": "better title", "merge": "merge"}


@click.command("results")
@click.argument("site", required=False)
@json_option
@pass_session
def results_command(session: Session, site: str | None, as_json: bool) -> None:
    """What readers did with articles, what these cost, and what to do.

    Figures are read every night from Search Console, and from Plausible or Matomo where the site
    has them.
    """
    from contentstudio import results

    settings = context.config()

    async def read(database: Database) -> dict[str, Any]:
        return await results.overview(settings, database, site)

    overview = session.run(read)
    tell(as_json, _plain(overview), lambda: _render(overview))


def _plain(overview: dict[str, Any]) -> dict[str, Any]:
    """For a script: days as they are written."""
    until = overview["until"]
    days = [row.model_dump(mode="json") for row in overview["by_day"]]
    return {**overview, "until": until and str(until), "by_day": days}


def _render(overview: dict[str, Any]) -> None:
    if overview["until"] is None:
        output.echo(
            "No figures of readers yet: they are read every night for sites with search_console "
            "or analytics in the config.\n"
        )
    else:
        _render_totals(overview)
    rows = [_site(row) for row in overview["sites"]]
    columns = {
        "site": "site",
        "cost": "cost",
        "published": "new articles",
        "clicks": "clicks",
        "visits": "visits",
    }
    output.table("The last 7 days", rows, columns, empty="")
    _render_advice(overview["advice"])
    _render_best(overview)


def _render_totals(overview: dict[str, Any]) -> None:
    totals, days = overview["totals"], overview["days"]
    parts = [
        f"{totals[name]} {name} ({totals[f'{name}_before']} in the {days} days before)"
        for name in ("clicks", "impressions", "visits")
        if totals[name] or totals[f"{name}_before"]
    ]
    output.echo(f"{days} days up to {overview['until']}: {', '.join(parts) or 'nothing'}\n")


def _site(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: "–" if row[name] is None else str(row[name]) for name in ("clicks", "visits")}
    return {
        **row,
        **known,
        "cost": formatting.dollars(row["cost_usd"]),
        "published": str(row["published"]),
    }


def _render_advice(advice: list[dict[str, Any]]) -> None:
    rows = [
        {
            **row,
            "do": DO[row["action"]],
            "article": f"{row['title']}\n{row['slug']}\n↳ {row['why']}",
        }
        for row in advice
    ]
    columns = {"do": "do", "site": "site", "article": "article and reason"}
    output.table("What to do", rows, columns, empty="Nothing that the figures tell.")


def _render_best(overview: dict[str, Any]) -> None:
    rows = [
        {
            **row,
            "clicks": str(row["clicks"]),
            "visits": str(row["visits"]),
            "position": f"{row['position']:.1f}" if row["position"] else "–",
            "cost": formatting.dollars(row["cost_usd"]),
        }
        for row in overview["best"]
    ]
    columns = {
        "clicks": "clicks",
        "position": "position",
        "visits": "visits",
        "cost": "cost",
        "site": "site",
        "title": "article",
    }
    output.table(
        f"The best of {overview['days']} days",
        rows,
        columns,
        empty="No article was seen by readers.",
        spare=("visits", "position"),
    )


COMMANDS = (results_command,)
