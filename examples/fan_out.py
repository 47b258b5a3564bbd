"""A survey of many sites: each check is a job, and one step joins what came of them.

Shown: jobs that a step spawns; a step that begins when all of them have ended, with their outputs
and failures; a dead job that it goes on without.

    overnight --app fan_out:app start survey '["ada.example", "bob.example", "down.example"]'
    overnight --app fan_out:app worker --until-idle
    overnight --app fan_out:app jobs
"""

from typing import Any

from pydantic import BaseModel

from overnight import App, Context, Join, Permanent, Pipeline

Ctx = Context[Any]
survey, check = Pipeline("survey"), Pipeline("check", key=lambda site: site.name)


class Site(BaseModel):
    name: str


class Report(BaseModel):
    site: str
    pages: int


@check.step(timeout=30)
async def crawl(ctx: Ctx, site: Site) -> Report:
    if site.name.startswith("down"):
        raise Permanent(f"{site.name} answers nothing")
    return Report(site=site.name, pages=len(site.name))


@survey.step
async def split(ctx: Ctx, sites: list[str]) -> int:
    """The checks begin with the end of this step."""
    for site in sites:
        ctx.spawn("check", Site(name=site))
    return len(sites)


@survey.step(join=Join(timeout=3600, dead="skip"))
async def collect(ctx: Ctx, count: int) -> dict[str, Any]:
    """At the latest after an hour, with the reports that there are by then."""
    reports = [child.load(Report) for child in ctx.children if child.succeeded]
    failed = {child.key: child.error for child in ctx.children if not child.succeeded}
    pages = sum(report.pages for report in reports)
    return {"sites": count, "pages": pages, "failed": failed, "late": ctx.timed_out}


app = App("fan_out", [survey, check])
