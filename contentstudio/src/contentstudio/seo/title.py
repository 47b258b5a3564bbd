"""The title of an article: in the band that lists show whole, where no words' sense is
cut for it.
"""

from __future__ import annotations

import re

from contentstudio.text.lengths import longest, tidy, width

LEAST, MOST = 30, 60  # characters; Google cuts at about 600 pixels, which is 60 of them

_SUBTITLE = re.compile(r"\s*(?::|;|\s[–—|-]|[?!])\s+|\s+\(")
_KEPT = "?!"  # an end of the head that is a part of it


def title_of(text: str, site_title: str) -> str:
    """The title without the site's name behind it and without a full stop; one that is too long,
    without its subtitle.

    One that is too short, or has no subtitle to lose, stays: no words are made up, and none is cut
    out of a sentence.
    """
    title = _unstopped(_without_site(_unstopped(tidy(text)), site_title))
    if width(title) <= MOST:
        return title
    heads = (
        title[: mark.start()] + (mark[0].strip() if mark[0].strip() in _KEPT else "")
        for mark in _marks(title)
    )
    return longest(map(_unstopped, heads), LEAST, MOST) or title


def _unstopped(title: str) -> str:
    """Without a full stop at its end, unless that is one of an abbreviation, or all there is."""
    return (title.endswith(".") and title.count(".") == 1 and title[:-1].rstrip()) or title


def _marks(title: str) -> list[re.Match[str]]:
    return [mark for mark in _SUBTITLE.finditer(title) if mark.start() > 0]


def _without_site(title: str, site_title: str) -> str:
    name = tidy(site_title)
    ending = re.compile(rf"(\s+[|·–—-]\s+{re.escape(name)})+$", re.I)
    return ending.sub("", title) if name else title
