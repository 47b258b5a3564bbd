"""The commands of an owner for one article, by its site and slug, or by its job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import context
from overnight.cli import output
from overnight.cli.commands import common, decisions
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from contentstudio.articles import Started, Verb
    from overnight.store.database import Database

_site = click.argument("site")
_slug = click.argument("slug")
_why = click.option("--reason", required=True, help="Why; saved in the audit log.")
_perhaps_why = click.option("--reason", default="", help="Why; saved in the audit log.")


def _ask(
    session: Session,
    verb: Verb,
    site: str,
    slug: str,
    reason: str,
    as_json: bool,
    to: int | None = None,
) -> None:
    from contentstudio import articles

    app, settings = session.needed_app(), context.config()

    async def work(database: Database) -> Started:
        return await articles.ask(
            app, settings, database, verb, site, slug, version=to, reason=reason
        )

    data = {"verb": verb, "site": site, "slug": slug, "version": to}
    _begin(session, work, articles.PIPELINES[verb], site, data, as_json)


def _begin(
    session: Session,
    work: Callable[[Database], Awaitable[Started]],
    pipeline: str,
    site: str,
    data: dict[str, Any],
    as_json: bool,
) -> None:
    """Begin a job, and tell how to follow it and what holds it."""
    from overnight.operations import queries

    async def begin(database: Database) -> tuple[Started, list[str], bool]:
        started = await work(database)
        off = [row["scope"] for row in await queries.switches(database) if not row["enabled"]]
        return started, off, bool(await queries.workers(database))

    started, off, at_work = session.run(begin)
    data = {"job_id": started.job_id, "new": started.new, **data}
    tell(as_json, data, lambda: _render(started, _paused_scope(off, pipeline, site), at_work))


def _paused_scope(off: list[str], pipeline: str, site: str) -> str | None:
    """The scope that pauses the job, if one is paused."""
    return next(
        (scope for scope in off if scope in ("all", f"key:{site}", f"pipeline:{pipeline}")), None
    )


def _render(started: Started, paused: str | None, at_work: bool) -> None:
    called = common.called()
    output.echo(started.said())
    output.echo(f"follow it:  {called} show {started.job_id}")
    if paused is not None:
        scope = paused.replace("key:", "site:", 1)
        output.echo(f"It waits, for “{scope}” is paused. To resume it:  {called} resume {scope}")
    elif not at_work:
        output.echo(f"No worker is running; this one carries it out:  {called} up")


@click.command("publish")
@_site
@_slug
@_perhaps_why
@json_option
@pass_session
def publish(session: Session, site: str, slug: str, reason: str, as_json: bool) -> None:
    """Publish an article now.

    One that waits for its due day, its window or a last edit waits no longer. Of another one that
    is what was approved last: of an article which was unpublished, or could not be published.
    """
    _ask(session, "publish", site, slug, reason, as_json)


@click.command("unpublish")
@_site
@_slug
@_why
@json_option
@pass_session
def unpublish(session: Session, site: str, slug: str, reason: str, as_json: bool) -> None:
    """Take an article from readers; every version of it is kept."""
    _ask(session, "unpublish", site, slug, reason, as_json)


@click.command("rollback")
@_site
@_slug
@click.option(
    "--to",
    type=click.IntRange(1),
    metavar="N",
    help="The version of this number: see `articles SITE SLUG`.",
)
@_why
@json_option
@pass_session
def rollback(
    session: Session, site: str, slug: str, to: int | None, reason: str, as_json: bool
) -> None:
    """Go back to the version of an article before the present one.

    Another rollback goes further back. --to names a version, be it an earlier or a later one.
    """
    _ask(session, "rollback", site, slug, reason, as_json, to)


@click.command("refresh")
@_site
@_slug
@_perhaps_why
@json_option
@pass_session
def refresh(session: Session, site: str, slug: str, reason: str, as_json: bool) -> None:
    """Read the sources of an article once more, and write it again.

    The new text passes the same gates as any other, and waits for you where one of them fails.
    """
    _ask(session, "refresh", site, slug, reason, as_json)


@click.command("overwrite")
@click.argument("job")
@decisions.revision_option
@_why
@json_option
@pass_session
def overwrite(session: Session, job: str, revision: str | None, reason: str, as_json: bool) -> None:
    """Publish ours in the place of a person's version.

    For a job that waits for review because a person changed, wrote or took away what stands on its
    site. It holds for the version that the review found: where that was changed again since, the
    job goes to review again.
    """
    from contentstudio import articles
    from overnight.operations import runs

    app = session.needed_app()

    async def work(database: Database) -> dict[str, Any]:
        return await articles.overwrite(
            app, database, await runs.find_job(database, job), revision=revision, reason=reason
        )

    row = session.run(work)
    text = (
        f"job {row['job_id']} publishes ours in its place\nfollow it:  {common.called()} "
        f"show {row['job_id']}"
    )
    tell(as_json, {"overwrites": row}, lambda: output.echo(text))


@click.command("render")
@click.argument("name")
@_perhaps_why
@json_option
@pass_session
def render(session: Session, name: str, reason: str, as_json: bool) -> None:
    """Make the pages of a static site again, in its theme of now.

    Their words stay as they are, and so does each page that a person changed. It is worth it after
    a change of the theme or of the config, and after an update of contentstudio.
    """
    from contentstudio import articles

    app, settings = session.needed_app(), context.config()

    async def work(database: Database) -> Started:
        return await articles.render(app, settings, database, name, reason=reason)

    _begin(session, work, "render", name, {"site": name}, as_json)


@click.command("articles")
@click.argument("site", required=False)
@click.argument("slug", required=False)
@click.option("--state", metavar="STATE", help="Those in this state, such as review or failed.")
@click.option(
    "--find", "text", metavar="WORDS", help="Those with words in the title that begin so."
)
@click.option("--markdown", type=click.Path(path_type=Path), help="Write its words, to be edited.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def articles_command(
    session: Session,
    site: str | None,
    slug: str | None,
    state: str | None,
    text: str | None,
    markdown: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """Articles, the latest to change first; with SLUG its versions.

    Each has its state, words and cost, and its clicks and position of 28 days. With --markdown the
    words of one are written to a file; `revise` takes them back.
    """
    from contentstudio import articles

    settings = context.config()
    if markdown is not None:
        _write_words(session, site, slug, markdown, as_json)
        return

    async def read(database: Database) -> list[dict[str, Any]]:
        if site is not None and slug is not None:
            return await articles.versions(settings, database, site, slug)
        return await articles.listed(settings, database, site, limit, state=state, text=text)

    rows = session.run(read)
    if slug is not None:
        tell(as_json, {"versions": rows}, lambda: _render_versions(rows))
        return
    tell(as_json, {"articles": rows}, lambda: _render_articles(rows))


def _render_articles(rows: list[dict[str, Any]]) -> None:
    columns = {
        "site": "site",
        "state": "state",
        "version": "version",
        "words": "words",
        "cost_usd": "cost",
        "clicks": "clicks",
        "position": "position",
        "at": "changed (UTC)",
        "slug": "slug",
    }
    lines = [{**row, **_figures(row)} for row in rows]
    spare = ("position", "words", "cost_usd", "at", "version", "clicks")
    output.table("", lines, columns, empty="There is no such article.", spare=spare)
    for row in rows:
        for sentence in row["differs"]:
            output.echo(f"{row['slug']} is published, but: {sentence}")


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    from overnight import formatting

    position = row["position"]
    return {
        "cost_usd": formatting.dollars(row["cost_usd"]) if row["cost_usd"] else "",
        "position": "" if position is None else f"{position:.1f}",
        "state": "failed" if row["failed"] else row["state"],
    }


def _render_versions(rows: list[dict[str, Any]]) -> None:
    states = [
        {**row, "state": "present" if row["latest"] else "withdrawn" if row["withdrawn"] else ""}
        for row in rows
    ]
    columns = {
        "number": "version",
        "state": "state",
        "at": "published (UTC)",
        "job_id": "job",
        "title": "title",
    }
    output.table("", states, columns, empty="It was never published.", spare=("at", "state"))


def _write_words(
    session: Session, site: str | None, slug: str | None, file: Path, as_json: bool
) -> None:
    """Write the words of one article, and say how to give them back."""
    from contentstudio.review import editing

    if site is None or slug is None:
        raise UserError("name one article: its site and its slug")
    settings = context.config()
    words = session.run(lambda database: editing.read(database, settings, site, slug))
    context.write(file, words.text)
    data = {"written": str(file), "revision": words.revision, "stands": words.stands}
    short = words.revision[: decisions.SHORT]
    line = f"{common.called()} revise {site} {slug} --rev {short} --input @{file}"
    tell(as_json, data, lambda: output.echo(f"wrote {file}\n{line}"))


@click.command("revise")
@_site
@_slug
@click.option(
    "--input", "text", required=True, metavar="@FILE.md", help="The new words, as Markdown."
)
@click.option(
    "--rev",
    "revision",
    required=True,
    metavar="REVISION",
    help="That of the words you edited, at least its first 8 digits.",
)
@_perhaps_why
@json_option
@pass_session
def revise(
    session: Session, site: str, slug: str, text: str, revision: str, reason: str, as_json: bool
) -> None:
    """Give an article other words.

    `articles SITE SLUG --markdown FILE` writes those of now. What waits for you is checked again;
    of a published article a new version is checked and published. No model changes the words.
    """
    from contentstudio.review import editing

    app, settings = session.needed_app(), context.config()
    words = common.given(text).decode("utf-8", "replace")

    async def work(database: Database) -> str:
        return await editing.save(
            *(app, database, settings, site, slug, words), revision=revision, reason=reason
        )

    done = session.run(work)
    tell(as_json, {"done": done}, lambda: output.echo(done))


COMMANDS = (publish, unpublish, rollback, refresh, overwrite, revise, articles_command)
