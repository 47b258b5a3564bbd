"""When a job may publish: on the day its article is due, in the window of its site, and apart from
the one before.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contentstudio.config import Config, windows
from contentstudio.store.publications import Publications

# A day may be moved while its step is at work and so cannot be woken: the step asks again.
LONGEST = timedelta(days=1).total_seconds()


async def held(
    config: Config, publications: Publications, site_name: str, slug: str, job_id: str
) -> tuple[float, str] | None:
    """For how many seconds a job may not publish yet, and why; None where it may, and then its
    place is its own. Where a person wants it published at once, it may.
    """
    site, terms = config.find(site_name), await publications.terms(site_name, slug, job_id)
    if terms.at_once:
        return None
    if wait := _until(terms.due, config.research.timezone, terms.now):
        begins = terms.now + timedelta(seconds=wait)
        wait += windows.opens_in(site.window, begins)
        return min(wait, LONGEST), f"it is due on {terms.due:%A, %Y-%m-%d}"
    if closed := windows.opens_in(site.window, terms.now):
        return closed, f"the window of “{site.name}” is closed"
    interval = 60 * site.window.minutes_apart
    wait = await publications.pace(site.name, job_id, interval) if interval else 0.0
    why = f"“{site.name}” publishes {site.window.minutes_apart:g} minutes apart"
    return (wait, why) if wait > 0 else None


def _until(day: date | None, timezone: str, now: datetime) -> float:
    """Seconds until a day begins in the schedule's zone; 0 where it has, or where there is none."""
    if day is None:
        return 0.0
    return max((datetime.combine(day, time(), ZoneInfo(timezone)) - now).total_seconds(), 0.0)
