"""How a sentence goes on that refuses a misspelt name."""

from __future__ import annotations

from collections.abc import Sequence

FEW = 12  # names that a person reads as a list


def among(name: str, names: Sequence[str]) -> str:
    """How a sentence goes on that refuses a name: with all that there are, or of many with those
    that are near.
    """
    if len(names) <= FEW:
        return f"; there are: {', '.join(names)}{nearest(name, names) if len(names) > 1 else ''}"
    near = _near(name, names)
    return (
        f", of {len(names)}; near it: {', '.join(near)}"
        if near
        else f", of {len(names)}, and none is near it"
    )


def nearest(name: str, names: Sequence[str]) -> str:
    """How a sentence goes on about a misspelt name: “; did you mean …?”, or nothing where no name
    is near it.
    """
    near = _near(name, names)
    return f"; did you mean “{near[0]}”?" if near else ""


def _near(name: str, names: Sequence[str]) -> list[str]:
    from difflib import get_close_matches

    cased = {each.casefold(): each for each in names}
    return [cased[match] for match in get_close_matches(name.casefold(), list(cased))]
