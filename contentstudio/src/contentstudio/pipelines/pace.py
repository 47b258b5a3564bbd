"""When a job may publish: in the window of its site, and apart from the one before."""

from __future__ import annotations

from contentstudio.config import Site, windows
from contentstudio.store.publications import Publications


async def held(publications: Publications, site: Site, job_id: str) -> tuple[float, str] | None:
    """For how many seconds a job may not publish yet, and why; None where it may, and then its
    place is its own.
    """
    if closed := windows.opens_in(site.window, await publications.now()):
        return closed, f"the window of “{site.name}” is closed"
    interval = 60 * site.window.minutes_apart
    wait = await publications.pace(site.name, job_id, interval) if interval else 0.0
    why = f"“{site.name}” publishes {site.window.minutes_apart:g} minutes apart"
    return (wait, why) if wait > 0 else None
