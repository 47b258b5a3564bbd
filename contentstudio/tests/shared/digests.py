"""What the offline writer makes of some texts, by the way of their notes and a brief."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from contentstudio.brief import Idea
from contentstudio.config import Site
from contentstudio.model import Draft, Snapshot
from contentstudio.writing import briefs, offline
from contentstudio.writing.quotes import research


def compose(site: Site, slug: str, sources: Sequence[Snapshot], title: str = "") -> Draft:
    """The digest of some texts."""
    title = title or (sources[0].title if sources else "") or "?"
    idea = Idea(site=site.name, slug=slug, found_on=date(2026, 11, 23), title=title)
    return offline.compose(site, briefs.plan(site, research(idea, sources, site.language)))
