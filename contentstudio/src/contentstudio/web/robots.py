"""What a site asks of robots, by RFC 9309. Pure.

Python's own parser takes the first rule that fits and knows no wildcards; the standard wants the
longest, with them.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from urllib.parse import quote

MAX_LENGTH = 512_000  # characters that are read; the standard asks for 500 KiB at least
# seconds of a crawl-delay that are honoured; more would keep a site from being read at all
MAX_DELAY = 60.0

_UNRESERVED = string.ascii_letters + string.digits + "-._~"
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_AGENT = re.compile(r"\*|[A-Za-z_-]+")


@dataclass(frozen=True)
class Robots:
    """The rules for one robot: (is it allowed, pattern), and the seconds it is to leave between two
    requests.
    """

    rules: tuple[tuple[bool, str], ...] = ()
    delay: float = 0.0

    def allows(self, target: str) -> bool:
        """Whether a path, with its query, may be read."""
        return self.decisive(target)[0]

    def decisive(self, target: str) -> tuple[bool, str]:
        """The rule for a path, with its query: the longest pattern that fits; of two, the one that
        allows.
        """
        path = _normal(target).replace("*", "%2A").replace("$", "%24")
        fitting = [
            (len(pattern), allowed, pattern)
            for allowed, pattern in self.rules
            if _fits(pattern, path)
        ]
        return max(fitting, default=(0, True, ""))[1:]


def parse(text: str, product: str) -> Robots:
    """The rules for a product token: of all groups that name it, else of those for `*`. Unclear
    lines are ignored.
    """
    groups: dict[str, list[tuple[bool, str]]] = {}
    delays: dict[str, float] = {}
    agents: list[str] = []
    begun = False  # a rule was seen, so the next user-agent begins a new group
    for line in re.split(r"\r\n?|\n", text.removeprefix("\ufeff")[:MAX_LENGTH]):
        field, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        match field.lower():
            case "user-agent":
                agents = [] if begun else agents
                begun = False
                match = _AGENT.match(value)
                agents += [match.group().lower()] if match else []
                groups |= {agent: groups.get(agent, []) for agent in agents}
            case "allow" | "disallow" as verb:
                begun = True
                for agent in agents if value else ():
                    groups[agent].append((verb == "allow", _normal(value)))
            case "crawl-delay":  # not in the standard, so it ends no group
                delays |= {agent: _seconds(value) for agent in agents}
    mine = product.lower() if product.lower() in groups else "*"
    return Robots(tuple(groups.get(mine, ())), delays.get(mine, 0.0))


def sitemaps(text: str) -> list[str]:
    """The addresses of sitemaps that it names; they stand outside of all groups."""
    return re.findall(
        r"^\s*sitemap\s*:\s*(\S+)", text.removeprefix("\ufeff")[:MAX_LENGTH], re.I | re.M
    )


def product_token(user_agent: str) -> str:
    """The name that robots.txt calls us by: what the user agent begins with, such as
    `contentstudio`.
    """
    match = re.match(r"[A-Za-z_-]+", user_agent)
    return match.group() if match else "*"


def _seconds(value: str) -> float:
    try:
        return min(max(0.0, float(value)), MAX_DELAY)  # in this order, NaN is 0
    except ValueError:
        return 0.0


def _normal(path: str) -> str:
    """The path as it is compared: what is not ASCII escaped, escapes in capitals, and none that is
    not needed.
    """
    escaped = quote(path, safe=string.punctuation)
    return _ESCAPE.sub(_unescape, escaped)


def _unescape(escape: re.Match[str]) -> str:
    char = chr(int(escape.group()[1:], 16))
    return char if char in _UNRESERVED else escape.group().upper()


def _fits(pattern: str, path: str) -> bool:
    """Whether the pattern fits the beginning of the path, or all of it where it ends with `$`."""
    whole = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").replace("$", "%24").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not whole or path == first
    position = len(first)
    *middle, last = rest
    for piece in middle if whole else rest:
        place = path.find(piece, position)  # the leftmost place leaves the most room for the rest
        if place < 0:
            return False
        position = place + len(piece)
    return not whole or (path.endswith(last) and len(path) - len(last) >= position)
