"""The foot of an article's page: the one part that depends on the rest of its site. Pure.

Related articles change with each article that comes or goes, and so do the owner's own pages, such
as an imprint that has to be linked from every page. So the foot is written anew on pages that were
published before, and nothing else of them is: the drafts of other articles are not at hand, and
what their page says was approved as it stands. A page whose bytes are not those that we wrote was
edited by a person, and keeps its foot; `static` tells by its manifest.
"""

from __future__ import annotations

import re

_FOOT = re.compile(
    rb"(<!--foot-->\n).*?(<!--/foot-->)", re.DOTALL
)  # texts cannot hold a comment: they are escaped


def enclosed(html: str) -> str:
    """A foot between the comments by which it is found again."""
    return f"<!--foot-->\n{html}<!--/foot-->\n"


def replaced(page: bytes, html: str) -> bytes:
    """The page with another foot. One without a foot, such as a page of an earlier version, stays
    as it is.
    """
    return _FOOT.sub(lambda match: match[1] + html.encode() + match[2], page, count=1)
