"""What several pages of the studio share."""

from __future__ import annotations

from contentstudio.config import Config
from overnight.console.extension import Values

ROWS = 200  # of a list on a page


def names(config: Config) -> list[str]:
    return [site.name for site in config.site]


def chosen(config: Config, values: Values) -> str | None:
    """The site that a page is asked for; None for all."""
    site = values.get("site")
    return site if site in names(config) else None
