"""The ideas of a site: what readers ask, what each is worth, and what was decided on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import context
from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from contentstudio.config import Config
    from overnight.store.database import Database


@click.group("idea")
def idea() -> None:
    """What readers ask of a site, and what becomes of it."""


@idea.command("list")
@click.option("--site", help="Those of this site alone.")
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 3_650), help="How far back."
)
@json_option
@pass_session
def list_ideas(session: Session, site: str | None, days: int, as_json: bool) -> None:
    """Ideas with their factors, and what was decided on them."""
    from contentstudio import ideas

    settings = context.config()

    async def read(database: Database) -> list[dict[str, Any]]:
        return await ideas.listed(settings, database, site, days)

    rows = session.run(read)
    tell(as_json, {"ideas": rows}, lambda: _render(rows, days))


def _render(rows: list[dict[str, Any]], days: int) -> None:
    columns = {
        "site": "site",
        "status": "status",
        "pages": "pages",
        "score": "score",
        "due": "due",
        "title": "idea",
    }
    lines = [{**row, "pages": str(row["pages"]), "title": _with_reason(row)} for row in rows]
    empty = f"Nothing was found in the last {formatting.count(days, 'day')}."
    output.table("", lines, columns, empty=empty, spare=("pages", "site", "due"))


def _with_reason(row: dict[str, Any]) -> str:
    """An idea, and beneath it its slug, and why it was decided so."""
    return f"{row['title']}\n{row['slug']}\n↳ {row['reason']}\n  {_factors(row)}"


def _factors(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(row["factors"].items()))


@idea.command("show")
@click.argument("site")
@click.argument("slug")
@json_option
@pass_session
def show(session: Session, site: str, slug: str, as_json: bool) -> None:
    """An idea with its signals, its score and its pages."""
    from contentstudio import ideas

    settings = context.config()

    async def read(database: Database) -> dict[str, Any]:
        return await ideas.shown(settings, database, site, slug)

    row = session.run(read)
    tell(as_json, {"idea": row}, lambda: _render_one(row))


def _render_one(row: dict[str, Any]) -> None:
    signals = [
        f"{each['kind']}: {each['text']}" + (f" ({each['url']})" if each.get("url") else "")
        for each in row["signals"]
    ]
    pairs = {
        "idea": row["title"],
        "slug": row["slug"],
        "status": row["status"],
        "score": f"{row['score']:.2f}: {_factors(row)}",
        "decided": f"{row['decision']}, {row['reason']}"
        + (f" ({row['decided_by']})" if row["decided_by"] else ""),
        "found on": str(row["found_on"]),
        "due": row["due"],
        "job": row["job_id"],
        "wish": row["wish"],
        "signals": "\n".join(signals),
        "pages to read": "\n".join(row["urls"]),
        "pages read": "\n".join(f"{each['title']} {each['url']}" for each in row["sources"]),
    }
    output.lines([(name, value) for name, value in pairs.items() if value])


def _brief(_: click.Context, __: click.Parameter, value: str) -> str:
    """A text, or what stands in a file behind an @."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"cannot read {value[1:]}: {why}") from None


@idea.command("add")
@click.argument("site")
@click.argument("question")
@click.option("--url", "urls", multiple=True, help="A page to read for it; may be repeated.")
@click.option(
    "--due",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day on which it is published, such as 2026-12-24.",
)
@click.option(
    "--brief",
    callback=_brief,
    default="",
    metavar="TEXT|@FILE",
    help="What the article should be like.",
)
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def add(
    session: Session,
    site: str,
    question: str,
    urls: tuple[str, ...],
    due: datetime | None,
    brief: str,
    reason: str,
    as_json: bool,
) -> None:
    """Have an article written on what readers ask.

    Its article begins at once; with --due a few days before that day.
    """
    from contentstudio import ideas

    app, settings = session.needed_app(), context.config()

    async def work(database: Database) -> str:
        return await ideas.add(
            *(app, settings, database, site, question),
            urls=list(urls),
            due=due.date() if due else None,
            wish=brief,
            reason=reason,
        )

    _say(session, work, as_json)


@idea.command("approve")
@click.argument("site")
@click.argument("slug")
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def approve(session: Session, site: str, slug: str, reason: str, as_json: bool) -> None:
    """Have an idea written that was skipped or dropped."""
    from contentstudio import ideas

    app, settings = session.needed_app(), context.config()

    async def work(database: Database) -> str:
        return await ideas.approve(app, settings, database, site, slug, reason=reason)

    _say(session, work, as_json)


@idea.command("move")
@click.argument("site")
@click.argument("slug")
@click.argument("due", metavar="DATE|none")
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def move(session: Session, site: str, slug: str, due: str, reason: str, as_json: bool) -> None:
    """Let an idea be due on another day, or on none.

    Its article begins a few days before that day.
    """
    from contentstudio import ideas

    app, settings = session.needed_app(), context.config()
    day = ideas.due_day("" if due == "none" else due)

    async def work(database: Database) -> str:
        return await ideas.move(app, settings, database, site, slug, day, reason=reason)

    _say(session, work, as_json)


@idea.command("order")
@click.argument("site")
@click.argument("slug", required=False)
@click.argument("place", required=False, metavar="first|up|down|before|after|none")
@click.argument("beside", required=False, metavar="SLUG")
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def order(
    session: Session,
    site: str,
    slug: str | None,
    place: str | None,
    beside: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """The order in which ideas are written, or the place of one.

    Ideas that have a place by hand come first, the others by their score. `idea order SITE SLUG
    before OTHER` puts one before another; with `none` its score decides again.
    """
    from contentstudio import ideas

    settings = context.config()
    if slug is None:
        rows = session.run(
            lambda database: ideas.page(settings, database, site, order="hand", limit=1_000)
        )
        tell(as_json, {"ideas": rows}, lambda: _render_order(rows))
        return

    async def work(database: Database) -> str:
        return await ideas.put(
            *(settings, database, site, slug, place or ""), beside=beside or "", reason=reason
        )

    _say(session, work, as_json)


def _render_order(rows: list[dict[str, Any]]) -> None:
    lines = [
        {**row, "place": number, "by": "hand" if row["position"] else "score"}
        for number, row in enumerate(rows, 1)
    ]
    columns = {
        "place": "place",
        "by": "by",
        "score": "score",
        "due": "due",
        "status": "status",
        "slug": "slug",
        "title": "idea",
    }
    output.table("", lines, columns, empty="No idea waits.", spare=("by", "due", "slug"))


@idea.command("drop")
@click.argument("site")
@click.argument("slug")
@click.option("--reason", required=True, help="Why; saved with the idea.")
@json_option
@pass_session
def drop(session: Session, site: str, slug: str, reason: str, as_json: bool) -> None:
    """Drop an idea, and stories that are near it."""
    from contentstudio import ideas

    settings = context.config()

    async def work(database: Database) -> str:
        return await ideas.drop(settings, database, site, slug, reason=reason)

    _say(session, work, as_json)


def _say(session: Session, work: Callable[[Database], Awaitable[str]], as_json: bool) -> None:
    message = session.run(work)
    tell(as_json, {"result": message}, lambda: output.echo(message))


@click.command("calendar")
@click.argument("site", required=False)
@click.option("--month", default="", metavar="MONTH", help="The days of a month, such as 2026-12.")
@click.option("--week", default="", metavar="WEEK", help="The days of a week, such as 2026-W49.")
@json_option
@pass_session
def calendar(session: Session, site: str | None, month: str, week: str, as_json: bool) -> None:
    """What is due, what is planned, and what waits for you.

    With --month or --week what stands on each day, what was published among it.
    """
    from contentstudio import ideas

    settings = context.config()
    if month or week:
        _tell_days(session, settings, site, month, week, as_json)
        return

    async def read(database: Database) -> list[dict[str, Any]]:
        return await ideas.calendar(settings, database, site)

    rows = session.run(read)
    tell(as_json, {"calendar": rows}, lambda: _render_calendar(rows))


def _tell_days(
    session: Session, settings: Config, site: str | None, month: str, week: str, as_json: bool
) -> None:
    from contentstudio import calendar as days

    async def read(database: Database) -> dict[str, Any]:
        return await days.read(settings, database, site, month=month, week=week)

    shown = session.run(read)
    rows = [each for each in shown["days"] if not each["outside"]]
    plain = [{**each, "day": str(each["day"])} for each in rows]
    tell(as_json, {"days": plain}, lambda: _render_days(shown["span"].title, rows))


def _render_days(title: str, days: list[dict[str, Any]]) -> None:
    rows = [
        {**each, "day": f"{day['day']:%a} {day['day']}", "what": _what_of(each)}
        for day in days
        for each in day["entries"]
    ]
    columns = {"day": "day", "site": "site", "what": "what", "title": "article"}
    output.table(title, rows, columns, empty=f"Nothing stands in {title}.", spare=("site",))
    if more := sum(each["more"] for each in days):
        output.echo(f"{more} more; --week shows more of each day")


def _what_of(row: dict[str, Any]) -> str:
    kind = str(row["kind"])
    return {"planned": str(row["state"]), "updated": "new version"}.get(kind, kind)


def _render_calendar(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        hours = row["opens_in"] / 3_600
        window = f"publishes again in {hours:.1f} h" if hours else "publishes now"
        output.echo(f"{row['site']}: {row['today']} of {row['per_day']} today; {window}")
    planned = [
        {**each, "site": row["site"], "what": _what(each)}
        for row in rows
        for each in row["articles"]
    ]
    columns = {"site": "site", "due": "due", "what": "what", "slug": "article"}
    output.table("", planned, columns, empty="Nothing is planned.", spare=("site",))


def _what(row: dict[str, Any]) -> str:
    if row["begins"]:
        return f"begins on {row['begins']}"
    return "waits for you" if row["state"] == "review" else str(row["state"])


COMMANDS = (idea, calendar)
