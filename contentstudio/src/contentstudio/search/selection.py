"""Which of the pages that a search gives are read: hosts that differ, primary sources first, and
none that the owner does not want. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from urllib.parse import urldefrag, urlsplit

from contentstudio.config import Research
from contentstudio.search.port import Hit

# What states a thing first: governments, universities and schools, bodies that set standards.
_PRIMARY = re.compile(
    r"(?:^|\.)(?:(?:gov|edu|mil|int)(?:\.[a-z]{2})?|(?:ac|gob|gouv|gv|govt|admin)\.[a-z]{2}"
    r"|europa\.eu|bund\.de|(?:iso|iec|w3|ietf|rfc-editor|whatwg|unicode|who|un|oecd|itu)\.org)$"
)
PRIMARY, PREFERRED = 1.5, 2.0  # times that such a page counts beside others of its rank
_SMOOTH = 60  # of reciprocal rank fusion, as Cormack, Clarke and Büttcher give it (2009)


def choose(
    results: Sequence[Sequence[Hit]], known: Collection[str], own: str, research: Research
) -> list[Hit]:
    """The hits to read, the best first: `research.pages` of them at most, as many of a host as the
    config allows, and one of each host before a second one of any.

    `results` has for each question its hits, the best first. `known` are the URLs of pages that
    are read anyway, and count for their hosts. `own` is the URL of the site, whose own pages are no
    source.
    """
    left = research.pages - len(known)
    avoided = [*research.avoid_hosts, host_of(own)]
    hits = {
        url: hit
        for hit in (hit for hits in results for hit in hits)
        if (url := plain(hit.url)) not in set(map(plain, known)) and _is_web(url)
    }
    scores = _scores(results, research)
    ranked = sorted(
        (url for url in hits if not _is_of(host_of(url), avoided)),
        key=lambda url: (-scores[url], url),
    )
    counts = Counter(map(host_of, known))
    chosen: list[str] = []
    for most in range(1, research.pages_per_host + 1):
        for url in ranked:
            if len(chosen) < left and url not in chosen and counts[host_of(url)] < most:
                chosen.append(url)
                counts[host_of(url)] += 1
    return [hits[url] for url in chosen]


def plain(url: str) -> str:
    """The URL without the place on its page: that is no other page."""
    return urldefrag(url).url


def host_of(url: str) -> str:
    """The host and its port, without `www.`."""
    return urlsplit(url).netloc.rpartition("@")[2].lower().removeprefix("www.")


def is_primary(host: str) -> bool:
    """Whether a host is one of those that state a thing first."""
    return _PRIMARY.search(host.partition(":")[0]) is not None


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def _scores(results: Sequence[Sequence[Hit]], research: Research) -> Counter[str]:
    """How well a page fits all questions together, and how good its host is as a source."""
    scores = Counter[str]()
    for hits in results:
        for place, hit in enumerate(hits, 1):
            scores[plain(hit.url)] += 1 / (_SMOOTH + place)  # type: ignore[assignment]
    for url in scores:
        host = host_of(url)
        if _is_of(host, research.prefer_hosts):
            scores[url] *= PREFERRED  # type: ignore[assignment]
        elif is_primary(host):
            scores[url] *= PRIMARY  # type: ignore[assignment]
    return scores


def _is_of(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is one of these or below one of them."""
    name = host.partition(":")[0]
    return any(host == one or name == one or name.endswith(f".{one}") for one in hosts if one)
