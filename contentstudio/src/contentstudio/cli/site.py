"""One site: whether it is fit for us, and how its pages stand with search engines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from contentstudio.cli import articles, context
from overnight import formatting
from overnight.cli import output
from overnight.cli.runner import Session, json_option, pass_session, tell

if TYPE_CHECKING:
    from contentstudio.config import Author
    from contentstudio.publish.port import Finding
    from overnight.store.database import Database


@click.group()
def site() -> None:
    """Whether a site is fit for us, and how its pages stand."""


@site.command("check")
@click.argument("name")
@click.option("--job", is_flag=True, help="A worker looks, and the console shows what it finds.")
@click.option("--reason", default="", help="Why; saved in the audit log, with --job.")
@json_option
@pass_session
@click.pass_context
def site_check(
    current: click.Context, session: Session, name: str, job: bool, reason: str, as_json: bool
) -> None:
    """Look at a site; changes nothing. Exit code 1: fix something.

    It looks at the account and its rights, the CMS's API and clock, the sitemap, the key of
    IndexNow, and the Search Console. What keeps it from publishing comes first, with its fix.
    """
    from contentstudio import doctor

    settings = context.config()
    if job:
        _check_by_job(session, name, reason, as_json)
        return
    findings = asyncio.run(doctor.check(settings, settings.find(name)))
    data = {
        "site": name,
        "ok": all(finding.ok for finding in findings),
        "findings": [finding.model_dump() for finding in findings],
    }
    tell(as_json, data, lambda: _render_findings(findings))
    if not data["ok"]:
        current.exit(1)


def _check_by_job(session: Session, name: str, reason: str, as_json: bool) -> None:
    from contentstudio import sites

    app, settings = session.needed_app(), context.config()

    async def work(database: Database) -> str:
        return await sites.check(app, settings, database, name, reason=reason)

    message = session.run(work)
    tell(as_json, {"result": message}, lambda: output.echo(message))


def _render_findings(findings: list[Finding]) -> None:
    rows = [
        {"ok": each.ok, "what": f"{each.what}\n↳ {each.mend}" if each.mend else each.what}
        for each in findings
    ]
    output.table("", rows, {"ok": "OK?", "what": "check"}, empty="")


@site.command("show")
@click.argument("name")
@json_option
@pass_session
def site_show(session: Session, name: str, as_json: bool) -> None:
    """Show the sources of a site, and what was found there last.

    Items and failures of a source are those of the last nights. For a new look: site check.
    """
    from contentstudio import sites

    app, settings = session.needed_app(), context.config()

    async def read(database: Database) -> dict[str, Any]:
        return await sites.read(app, settings, database, name)

    shown = session.run(read)
    plain = {**shown, "site": name}
    tell(as_json, plain, lambda: _render_site(shown))


def _render_site(shown: dict[str, Any]) -> None:
    check, results = shown["check"], shown["results"]
    output.lines(
        [
            ("published to", shown["target"]),
            ("published", f"{shown['counts']['published']} in 28 days"),
            ("to review", str(shown["counts"]["waiting"])),
            (
                "results",
                f"{results['clicks']} clicks, {results['impressions']} impressions in 28 days",
            ),
            ("checked", formatting.cell(check["checked_at"]) if check else "not yet: site check"),
        ]
    )
    wrong = [each for each in check["findings"] if not each["ok"]] if check else []
    for each in wrong:
        output.echo(f"fix: {each['what']}: {each['mend']}")
    columns = {
        "state": "state",
        "at": "last read",
        "items": "items",
        "failures": "failed nights",
        "name": "source",
    }
    output.table("", shown["sources"], columns, empty="", spare=("items", "failures"))


@site.command("pages")
@click.argument("name")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many rows."
)
@json_option
@pass_session
def site_pages(session: Session, name: str, limit: int, as_json: bool) -> None:
    """What search engines were told of a site's pages, and say.

    A page is submitted, accepted (the endpoint of IndexNow took it), crawled or indexed (Google
    said so when it was last asked), or nothing is known. Only what is known of the version that
    stands there counts; of an indexed page Google may have an older one.
    """

    async def read(database: Database) -> list[dict[str, Any]]:
        from contentstudio.store.index_status import IndexStatus
        from overnight.operations import scopes

        await scopes.check_key(session.needed_app(), database, name)
        return [
            {**one.model_dump(), "state": one.state}
            for one in await IndexStatus(database).read(name, limit)
        ]

    rows = session.run(read)
    tell(as_json, {"pages": rows}, lambda: _render_pages(name, rows))


def _render_pages(name: str, rows: list[dict[str, Any]]) -> None:
    columns = {
        "state": "state",
        "changed_at": "changed",
        "crawled_at": "crawled",
        "verdict": "Google",
        "url": "page",
    }
    empty = f"Nothing of “{name}” that readers can see was published from here."
    output.table("", rows, columns, empty=empty, spare=("crawled_at", "verdict", "changed_at"))


@site.command("profile")
@click.argument("name")
@json_option
def site_profile(name: str, as_json: bool) -> None:
    """Show what each prompt tells a model of a site, word for word.

    Below it are the authors and the disclosure, which code puts on the pages; no model is told of
    them. The keys are those of [site.profile].
    """
    from contentstudio.llm import prompts

    chosen = context.config().find(name)
    profile, prompt = chosen.profile, prompts.profile(chosen)
    data = {
        "site": name,
        "prompt": prompt,
        "characters": len(prompt),
        "authors": [author.model_dump() for author in profile.authors],
        "disclosure": profile.disclosure,
        "files": [str(file) for file in profile.files],
    }
    tell(as_json, data, lambda: _render_profile(prompt, profile.authors, profile.disclosure))


def _render_profile(prompt: str, authors: list[Author], disclosure: str) -> None:
    output.echo(prompt.rstrip())
    output.echo(f"\n({formatting.count(len(prompt), 'character')} in each prompt)\n")
    rows = [{"name": a.name, "role": a.role, "url": a.url, "bio": a.bio} for a in authors]
    columns = {"name": "author", "role": "role", "url": "page", "bio": "bio"}
    output.table("", rows, columns, empty="No author signs the articles.", spare=("bio", "role"))
    if disclosure:
        output.echo(f"\nDisclosure: {disclosure}")


site.add_command(articles.render)

COMMANDS = (site,)
