"""What a gate judges: a draft and the facts about it, gathered before so that the gates themselves
are pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

from contentstudio import places
from contentstudio.config import Gates, Site
from contentstudio.model import Draft, Fault, Snapshot, Verdict
from contentstudio.text.wording import normal, shown
from contentstudio.verify.judgement import Judgement

T = TypeVar("T")
Where = Literal["published", "queued", "rejected", "owner"]


@dataclass(frozen=True)
class Unknown:
    """A fact that could not be had. `why` is a clause that a reason can end with."""

    why: str


class Missing(Exception):
    """A gate needs a fact that nobody has."""


@dataclass(frozen=True)
class Link:
    """What a safe GET said of a URL. `why` is a sentence of a link that is not alive."""

    state: Literal["alive", "dead", "unknown"]
    why: str = ""


@dataclass(frozen=True)
class Neighbour:
    """An article that readers have, or soon will, or that a person turned down."""

    title: str
    text: str
    where: Where


@dataclass(frozen=True)
class Rival:
    """A page of the site that aims at the same query as the article."""

    title: str
    url: str


@dataclass(frozen=True)
class Case:
    """One draft before its judges.

    `pool` maps the ids that it may cite to what was read. `page` is the article as its site renders
    it, a whole page or its article alone. `links` says of each URL on it what a GET said.
    `others_today` counts the site's articles of the day, this one not counted. `canary` is the mark
    in the writer's prompt, empty where no prompt was sent.
    `descriptions` are those of the site's other articles. `judgement` is what a judge found of each
    line, None of a draft that needs none. A fact that nobody gathered is Unknown,
    and a gate that needs it does not pass.
    """

    draft: Draft
    pool: Mapping[str, Snapshot]
    site: Site
    page: str | Unknown = Unknown("nobody rendered it")
    links: Mapping[str, Link] | Unknown = Unknown("nobody asked")
    neighbours: Sequence[Neighbour] | Unknown = Unknown("nobody looked")
    others_today: int | Unknown = Unknown("nobody counted")
    canary: str | Unknown = Unknown("the writer did not tell it")
    today: date | Unknown = Unknown("nobody looked at the clock")
    rivals: Sequence[Rival] | Unknown = Unknown("nobody looked")
    descriptions: Sequence[str] = ()
    judgement: Judgement | Unknown | None = Unknown("nobody judged")

    @property
    def gates(self) -> Gates:
        """The thresholds of the site."""
        return self.site.gates

    @property
    def byline_urls(self) -> set[str]:
        """Where the byline leads, which code puts in: the address is the owner's."""
        url = self.site.byline_url(self.draft.author)
        return {url} if url else set()

    @property
    def language(self) -> str:
        """The draft's language as two letters."""
        return self.draft.language.lower()[:2]

    def texts(self) -> list[tuple[str, str]]:
        """Everything that the writer wrote and a reader may see, as (kind of place, text)."""
        return [(text.kind, text.text) for text in places.texts(self.draft)]


def known(fact: T | Unknown, what: str) -> T:
    """The fact itself. Raises `Missing` where it could not be had."""
    if isinstance(fact, Unknown):
        raise Missing(f"{what} is not known: {fact.why}")
    return fact


def passed(gate: str, reason: str) -> Verdict:
    return Verdict(gate=gate, passed=True, reason=reason)


def failed(gate: str, reason: str, faults: Sequence[Fault] = ()) -> Verdict:
    """The verdict of a draft that does not pass; `faults` names each place that has to change."""
    return Verdict(gate=gate, passed=False, reason=reason, faults=tuple(faults))


def verdict(gate: str, wrong: Iterable[Fault | str], well: str) -> Verdict:
    """The verdict of everything that a gate found, each once. What has no place of its own (a page,
    a count) is a sentence; `well` is said of a draft without any.
    """
    each = list(dict.fromkeys(wrong))
    if not each:
        return passed(gate, well)
    first = each[0] if isinstance(each[0], str) else each[0].reason
    more = f" ({len(each) - 1} more.)" if len(each) > 1 else ""
    return failed(gate, first + more, [one for one in each if isinstance(one, Fault)])


def fault(text: places.Text, why: str) -> Fault:
    """What is wrong with a text of the draft. `why` goes on after its name and its words."""
    reason = f"The {text.kind} {shown(normal(text.text))} {why}"
    return Fault(place=text.place, text=text.text, reason=reason)


def skipped(gate: str, why: str) -> Verdict:
    """The verdict of a gate that cannot measure the draft's language: it holds nothing back, and
    says so.
    """
    return Verdict(gate=gate, passed=True, reason=f"Not measured: {why}.", checked=False)
