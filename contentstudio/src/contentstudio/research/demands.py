"""What the owner wants to be found by: the file of keywords."""

from __future__ import annotations

from pathlib import Path

from contentstudio.model import Demand, distinct
from overnight.errors import Permanent


class BrokenKeywords(Permanent):
    """The file of keywords cannot be read."""


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
