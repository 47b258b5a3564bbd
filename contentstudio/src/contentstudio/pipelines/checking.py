"""The step that looks at a site, so that the console shows whether it is fit for us."""

from __future__ import annotations

from datetime import UTC, datetime, time

from contentstudio import doctor
from contentstudio.pipelines.work import Ctx, Night, SiteRequest, SiteVerdict


async def sites_to_check(ctx: Ctx, night: Night) -> list[str]:
    """A check of each active site."""
    begin = datetime.combine(night.date, time(), UTC)
    work = [SiteRequest(site=site, requested_at=begin) for site in night.sites]
    return [ctx.spawn("check", each) for each in work]


async def check(ctx: Ctx, work: SiteRequest) -> SiteVerdict:
    """Look at a site, and keep what was found. Changes nothing there."""
    site = ctx.deps.config.find(work.site)
    findings = await doctor.check(ctx.deps.config, site)
    await ctx.deps.sites.keep(site.name, findings, ctx.job_id)
    wrong = tuple(finding.what for finding in findings if not finding.ok)
    return SiteVerdict(ok=not wrong, wrong=wrong)
