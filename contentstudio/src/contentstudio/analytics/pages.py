"""Which article a page is: addresses are compared as readers use them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from urllib.parse import unquote, urlsplit

from contentstudio.model import Figures, Model


class Row(Model):
    """The figures of an article on a day."""

    slug: str
    day: date
    clicks: int
    impressions: int
    position: float | None
    visits: int


def address(url: str) -> str:
    """A page's host and path: http and https, `www.`, a closing slash, and what follows `?` or `#`
    tell no two pages apart. What is no address stays as it is.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # a host in brackets that is none
        return url
    host = (parts.hostname or "").removeprefix("www.")
    return host + unquote(parts.path).rstrip("/")


def rows(figures: Iterable[Figures], articles: Mapping[str, str]) -> list[Row]:
    """The figures of articles, one row for an article and day; `articles` are slugs by address.
    What is said of other pages is left out.
    """
    groups: dict[tuple[str, date], list[Figures]] = {}
    for each in figures:
        slug = articles.get(address(each.url))
        if slug is not None:
            groups.setdefault((slug, each.day), []).append(each)
    return [_row(slug, day, group) for (slug, day), group in sorted(groups.items())]


def _row(slug: str, day: date, group: list[Figures]) -> Row:
    return Row(
        slug=slug,
        day=day,
        clicks=sum(each.clicks for each in group),
        impressions=sum(each.impressions for each in group),
        position=_position(group),
        visits=sum(each.visits for each in group),
    )


def _position(group: list[Figures]) -> float | None:
    """The average over what was shown."""
    shown = [(each.position, max(each.impressions, 1)) for each in group if each.position]
    weight = sum(count for _, count in shown)
    return sum(place * count for place, count in shown) / weight if weight else None
