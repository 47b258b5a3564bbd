"""What waits for a person: the article with its verdicts and evidence, and its words to edit."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import context
from overnight import formatting
from overnight.cli import output
from overnight.cli.commands import common, decisions
from overnight.cli.runner import Session, json_option, pass_session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from contentstudio.review import Dossier
    from contentstudio.review.briefs import BriefDetails
    from contentstudio.review.costs import ArticleCost, StepCost
    from overnight.store.database import Database

MAX_ARTICLES = 10_000  # of a night


@click.command("review")
@click.argument("job", required=False)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Write the article and all about it as one page.",
)
@click.option(
    "--markdown", type=click.Path(path_type=Path), help="Write the article's words, to be edited."
)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
@click.pass_context
def review_command(
    current: click.Context,
    session: Session,
    job: str | None,
    html: Path | None,
    markdown: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """What waits for you; with JOB, the article and all about it.

    That is: the article as a reader gets it, what each gate said of it (what failed first), each
    claim beside its source, and what to press. Where its brief waits, it is the brief. With
    --markdown its words are written to a file; `edit` takes them back.
    """
    to_files = bool(html or markdown)
    if job and not to_files and (rows := _replaced_by_a_person(session, job)):
        tell(
            as_json,
            {"review": rows},
            lambda: decisions.render_review(session, rows, whole=True, own="overwrite"),
        )
        return
    plan = _brief(session, job) if job else None
    if plan is not None and plan.waits:
        _show_brief(plan, html, markdown, as_json)
        return
    dossier = _dossier(session, job) if job else None
    if dossier is None:
        if to_files:
            raise UserError("name the job of an article that was judged")
        if job:
            current.invoke(decisions.review, job=job, limit=limit, as_json=as_json)
        else:
            _list(session, limit, as_json)
        return
    paths = _write_files(dossier, html, markdown)
    data = {"dossier": dossier.model_dump(mode="json"), "written": paths}
    tell(as_json, data, lambda: _render_dossier(dossier, paths))


def _list(session: Session, limit: int, as_json: bool) -> None:
    """What waits, as the console lists it; a script gets the items themselves, too."""
    from contentstudio.store.articles import Articles
    from overnight.operations import queries

    async def read(database: Database) -> list[dict[str, Any]]:
        rows = await Articles(database).waiting(limit)
        items = await queries.review(database, None, limit) if as_json else []
        whole = {item["id"]: item for item in items}
        return [{**whole.get(row["id"], {}), **row} for row in rows]

    rows = session.run(read)
    tell(as_json, {"review": rows}, lambda: _render_list(rows))


def _render_list(rows: list[dict[str, Any]]) -> None:
    columns = {
        "job_id": "job",
        "site": "site",
        "step": "step",
        "doubtful": "doubtful texts",
        "since": "since (UTC)",
        "reasons": "article, and why",
    }
    lines = [{**row, "reasons": common.with_title(row, row["reasons"])} for row in rows]
    spare = ("since", "doubtful", "step")
    output.table("", lines, columns, empty="Nothing waits for you.", spare=spare)
    if rows:
        output.echo("\nreview JOB shows it, with its revision and the commands to decide")


def _write_files(dossier: Dossier, html: Path | None, markdown: Path | None) -> list[str]:
    from contentstudio.review import manuscript, page

    if html:
        context.write(html, page.page(dossier, _commands(dossier)))
    if markdown:
        context.write(markdown, manuscript.write(dossier.draft))
    return [str(file) for file in (html, markdown) if file]


def _render_dossier(dossier: Dossier, paths: list[str]) -> None:
    from contentstudio.review import text

    output.echo(f"wrote {' and '.join(paths)}" if paths else text.told(dossier))
    output.echo(
        "\n"
        + (
            _commands(dossier)
            or f"It does not wait for review: show {dossier.job_id} tells where it stands"
        )
    )


def _commands(dossier: Dossier) -> str:
    """The commands that fit where an article stands; none where it is past them."""
    if dossier.status == "needs_review":
        return decisions.what_to_press(dossier.job_id, dossier.seal[: decisions.SHORT])
    if dossier.status == "queued":
        why = "It waits for a last edit or its site's window; --markdown FILE.md writes its words:"
        return f"{why}\n\n{common.called()} edit {dossier.job_id} --input @FILE.md"
    return ""


def _show_brief(
    plan: BriefDetails, html: Path | None, markdown: Path | None, as_json: bool
) -> None:
    from contentstudio.review import brief_text

    if html:
        raise UserError("a brief is no page yet: leave --html out, or write --markdown FILE.md")
    if markdown:
        context.write(markdown, brief_text.write(plan.brief))
    paths = [str(markdown)] if markdown else []
    data = {"brief": plan.model_dump(mode="json"), "written": paths}
    tell(as_json, data, lambda: _render_brief(plan, paths))


def _render_brief(plan: BriefDetails, paths: list[str]) -> None:
    from contentstudio.review import text

    output.echo(f"wrote {paths[0]}" if paths else text.brief(plan.brief))
    if plan.costs:
        output.echo(f"\nThe article is estimated to cost {formatting.dollars(plan.estimated())}.")
    if plan.waits:
        output.echo("\n" + decisions.what_to_press(plan.job_id, plan.seal[: decisions.SHORT]))


@click.command("brief")
@click.argument("job")
@click.option(
    "--markdown", type=click.Path(path_type=Path), help="Write it as Markdown, to be edited."
)
@json_option
@pass_session
def brief_command(session: Session, job: str, markdown: Path | None, as_json: bool) -> None:
    """The brief of an article, with each note beside its source.

    Where it waits for you, `approve`, `edit` and `reject` decide about it. `edit` takes the file
    that --markdown wrote, and the article is written by it.
    """
    plan = _brief(session, job)
    if plan is None:
        raise UserError(f"job {job} has no brief: no article of it was planned yet")
    _show_brief(plan, None, markdown, as_json)


@click.command("cost")
@click.argument("job", required=False)
@click.option(
    "--hours",
    default=24,
    show_default=True,
    type=click.IntRange(1, 24 * 366),
    help="How far back, without a job.",
)
@json_option
@pass_session
def cost_command(session: Session, job: str | None, hours: int, as_json: bool) -> None:
    """What each step costs: estimated before, and booked.

    Of one job, or of all articles on which was worked in the last hours. The estimate is made with
    the brief. A rewrite is not in it, for nobody knows whether one will be needed.
    """
    if job is None:
        _night_costs(session, hours, as_json)
        return
    from contentstudio.review import briefs
    from contentstudio.store.briefs import Briefs
    from overnight.operations import runs

    settings = context.config()

    async def work(database: Database) -> tuple[StepCost, ...]:
        whole = await runs.find_job(database, job)
        plan = await Briefs(database).read(whole)
        return await briefs.costs(database, settings, whole, plan)

    steps = session.run(work)
    data = {"costs": [cost.model_dump(mode="json") for cost in steps]}
    tell(as_json, data, lambda: _render_costs(steps))


def _night_costs(session: Session, hours: int, as_json: bool) -> None:
    from contentstudio.review import costs

    since = datetime.now(UTC) - timedelta(hours=hours)
    articles = session.run(lambda database: costs.of_night(database, since, MAX_ARTICLES))
    steps = costs.by_step(articles)
    data = {
        "articles": [article.model_dump(mode="json") for article in articles],
        "costs": [cost.model_dump(mode="json") for cost in steps],
    }
    tell(as_json, data, lambda: _render_night(articles, steps))


def _render_night(articles: Sequence[ArticleCost], steps: Sequence[StepCost]) -> None:
    rows = [
        {
            "job": article.job_id,
            "site": article.site,
            "state": article.state or article.status,
            "estimated": _dollars(article.estimated_usd),
            "booked": _dollars(article.booked_usd),
            "title": article.title,
        }
        for article in articles
    ]
    columns = {name: name for name in ("job", "site", "state", "estimated", "booked", "title")}
    output.table("", rows, columns, empty="No article was worked on.", spare=("site", "state"))
    if rows:
        output.echo("")
        _render_costs(steps)


def _render_costs(costs: Sequence[StepCost]) -> None:
    rows = [
        {
            "step": cost.step,
            "calls": cost.calls or "",
            "estimated": _dollars(cost.estimated_usd),
            "booked": _dollars(cost.booked_usd),
        }
        for cost in costs
    ]
    columns = {name: name for name in ("step", "calls", "estimated", "booked")}
    output.table("", rows, columns, empty="No call of a model is booked or estimated.")


def _dollars(usd: Decimal | None) -> str:
    return "" if usd is None else formatting.dollars(usd)


def _brief(session: Session, job: str) -> BriefDetails | None:
    from contentstudio.review import briefs
    from overnight.operations import runs

    settings = context.config()

    async def work(database: Database) -> BriefDetails | None:
        return await briefs.gather(database, settings, await runs.find_job(database, job))

    return session.run(work)


def _replaced_by_a_person(session: Session, job: str) -> list[dict[str, Any]]:
    """The article of a job that found a person's version in its place, as it waits for review; or
    nothing.
    """
    from contentstudio import articles
    from overnight.operations import queries, runs

    async def work(database: Database) -> list[dict[str, Any]]:
        return await queries.review(database, await runs.find_job(database, job))

    return [row for row in session.run(work) if articles.is_left(row)]


def _dossier(session: Session, job: str) -> Dossier | None:
    from contentstudio import review
    from overnight.operations import runs

    settings = context.config()

    async def work(database: Database) -> Dossier | None:
        return await review.gather(database, settings, await runs.find_job(database, job))

    return session.run(work)


@click.command("edit")
@click.argument("job")
@click.option(
    "--input",
    "text",
    required=True,
    metavar="JSON|@FILE",
    help="The new input; for an article also @FILE.md",
)
@decisions.revision_option
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
@click.pass_context
def edit_command(
    current: click.Context,
    session: Session,
    job: str,
    text: str,
    revision: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Give a step other input, or an article or brief other words.

    A step that has not begun or put itself off, or is a dead letter; with --rev one that waits for
    review. The words of an article or of a brief come from `review JOB --markdown FILE`. The gates
    judge those of an article anew, and no model changes them; by those of a brief it is written.
    """
    if text.startswith("@") and text.endswith(".md"):
        text = _edited(session, job, common.given(text).decode("utf-8", "replace"))
    current.invoke(
        decisions.edit, job=job, text=text, revision=revision, reason=reason, as_json=as_json
    )


@click.command("change")
@click.argument("job")
@click.argument("place")
@click.option("--text", metavar="WORDS", help="The new words.")
@click.option("--cut", is_flag=True, help="Take it out.")
@decisions.revision_option
@click.option("--reason", default="", help="Why; saved in the audit log.")
@json_option
@pass_session
def change_command(
    session: Session,
    job: str,
    place: str,
    text: str | None,
    cut: bool,
    revision: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Change one PLACE of an article that waits for review, or cut it.

    PLACE is named as `review JOB` does, such as "sentence 14". The rest stays as it is. The gates
    judge the article anew, and no model changes it.
    """
    if (text is None) != cut:
        raise UserError("choose one: --text with the new words, or --cut")
    if text is not None and not text.strip():
        raise UserError("--text needs words; to take the place out, say --cut")
    row = _changed(session, job, place, text or "", revision, reason)
    done = "cut" if cut else "changed"
    tell(
        as_json,
        {"changed": {"job_id": row["job_id"], "place": place}},
        lambda: output.echo(f"{done}: {place} of job {row['job_id']}; its gates look at it again"),
    )


def _changed(
    session: Session, job: str, place: str, text: str, revision: str | None, reason: str
) -> dict[str, Any]:
    from contentstudio.review import changing
    from overnight.operations import runs

    settings = context.config()

    async def work(database: Database) -> dict[str, Any]:
        whole = await runs.find_job(database, job)
        app = session.needed_app()
        return await changing.change(
            *(app, database, settings, whole, place, text), revision=revision, reason=reason
        )

    return session.run(work)


def _edited(session: Session, job: str, words: str) -> str:
    """The brief or the article with these words, as the input of the step that takes it."""
    from contentstudio.review import brief_text, manuscript

    plan = _brief(session, job)
    if plan is not None and plan.waits:
        return brief_text.read(words, plan.brief).model_dump_json()
    dossier = _dossier(session, job)
    if dossier is None or dossier.status not in ("needs_review", "queued"):
        raise UserError(
            f"no article of job {job} waits for review or a last edit, so its words "
            "cannot be edited"
        )
    return manuscript.read(words, dossier.draft).model_dump_json()


@click.command("evidence")
@click.argument("job", required=False)
@click.option("--site", help="All articles of this site.")
@click.option("--csv", "as_csv", is_flag=True, help="Rows for a spreadsheet.")
@json_option
@pass_session
def evidence_command(
    session: Session, job: str | None, site: str | None, as_csv: bool, as_json: bool
) -> None:
    """Each claim of an article beside its source."""
    if (job is None) == (site is None):
        raise UserError("name a job by the first digits of its id, or a site with --site")
    if as_csv and as_json:
        raise UserError("choose one of --csv and --json")

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio.store.evidence import EvidenceLedger
        from overnight.operations import runs, scopes

        if job is not None:
            return await EvidenceLedger(database).of_job(await runs.find_job(database, job))
        assert site is not None
        await scopes.check_key(session.needed_app(), database, site)
        return await EvidenceLedger(database).of_site(site)

    rows = session.run(read)
    if as_csv:
        _write_csv(rows)
        return
    tell(as_json, {"evidence": rows}, lambda: _render_evidence(rows))


def _render_evidence(rows: list[dict[str, Any]]) -> None:
    columns = {
        "claim": "no.",
        "verdict": "verdict",
        "source": "source",
        "similarity": "words found",
        "text": "claim",
    }
    lines = [
        {**row, "similarity": f"{row['similarity']:.0%}", "text": _with_passage(row)}
        for row in rows
    ]
    output.table("", lines, columns, empty="No claim was checked.", spare=("similarity", "source"))


def _with_passage(row: dict[str, Any]) -> str:
    """A claim, and beneath it what its source says."""
    passage = " ".join((row["passage"] or "").split())
    return f"{row['text']}\n↳ {passage or 'nothing near'}"


def _write_csv(rows: list[dict[str, Any]]) -> None:
    import csv

    from contentstudio.store.evidence import COLUMNS

    writer = csv.DictWriter(sys.stdout, COLUMNS)
    writer.writeheader()
    writer.writerows({name: defused(value) for name, value in row.items()} for row in rows)


def defused(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: what strangers wrote must not be run by who
    reads it.
    """
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


COMMANDS = (
    *(review_command, edit_command, change_command, brief_command, cost_command),
    evidence_command,
)
