"""What people look for: the noun, and the file of keywords."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from contentstudio.model import Model
from overnight.errors import Permanent

MAX_QUERY = 200  # characters; longer ones are pasted by accident or by robots


class BrokenKeywords(Permanent):
    """The file of keywords cannot be read."""


def _plain(query: str) -> str:
    """In small letters, its blanks collapsed, and without what Postgres cannot hold."""
    return " ".join(query.replace("\0", " ").casefold().split())[:MAX_QUERY].rstrip()


Query = Annotated[str, AfterValidator(_plain)]


class Demand(Model):
    """A query that people put to a search engine, or that the owner wants to be found by.

    `impressions` and `clicks` are counts over the days that the source was asked for, `position` is
    the average place among the results from 1 on, None where it was never measured. `weight` is the
    owner's word, 1 where there is none.
    """

    query: Query
    source: str
    impressions: int = 0
    clicks: int = 0
    position: float | None = None
    weight: float = Field(default=1.0, gt=0, le=1_000)


class Clicks(Model):
    """What a query brought a site: clicks over the days that its source was asked for, a month ago
    and now.
    """

    query: Query
    before: int
    now: int


def distinct(demands: Iterable[Demand]) -> list[Demand]:
    """One demand for each query, the first of them. What has no letter or digit asks
    for nothing.
    """
    found: dict[str, Demand] = {}
    for demand in demands:
        if any(map(str.isalnum, demand.query)):
            found.setdefault(demand.query, demand)
    return list(found.values())


def read_keywords(file: Path, source: str) -> list[Demand]:
    """The demands of a file; `source` is its name. Raises BrokenKeywords."""
    try:
        return parse_keywords(file.read_text("utf-8"), source)
    except OSError as error:
        raise BrokenKeywords(f"cannot read {file} ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BrokenKeywords(f"{file} is not UTF-8: save it as UTF-8.") from None


def parse_keywords(text: str, source: str) -> list[Demand]:
    """One keyword a line, with a weight (above 0, at most 1,000) behind a tab. Blank lines and `#`
    lines do not count.

    Raises BrokenKeywords, which names the line.
    """
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
    ]
    return distinct(
        _keyword(line, f"{source}, line {n}", source)
        for n, line in lines
        if line and line[0] != "#"
    )


def _keyword(line: str, place: str, source: str) -> Demand:
    query, tab, weight = line.partition("\t")
    try:
        number = float(weight) if tab else 1.0
    except ValueError:
        number = 0.0
    if not 0 < number <= 1_000:
        raise BrokenKeywords(
            f"{place}: “{weight.strip()}” is no weight: a number above 0, at most 1000."
        )
    return Demand(query=query, source=source, weight=number)
