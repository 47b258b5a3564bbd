"""What a channel is given to send: plain data, from which each channel makes its own form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

State = Literal["new", "again", "resolved"]

TEXT_LIMIT = (
    600  # characters of an alert's sentence in a message; the page and the command show all of it
)


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a message tells it: what, why, what its job cost (dollars), what to press, and
    the page to open.
    """

    kind: str
    subject: str
    state: State
    what: str
    why: str
    count: int
    since: str
    cost_usd: float | None = None
    press: str | None = None
    url: str | None = None

    @property
    def heading(self) -> str:
        times = f", {self.count} times" if self.count > 1 and self.state != "resolved" else ""
        mark = {"new": "", "again": "still: ", "resolved": "resolved: "}[self.state]
        return f"{mark}{self.what}: {self.subject}{times} (since {self.since})"

    @property
    def cost(self) -> str | None:
        """What its job cost, as people read it."""
        return None if not self.cost_usd else f"its job cost ${self.cost_usd:.2f}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `report` is the app's own plain text, such as its morning report; `more` alerts
    were left out.
    """

    title: str
    items: tuple[Item, ...] = ()
    more: int = 0
    report: str = ""
    press: str | None = None
    url: str | None = None

    @property
    def footer(self) -> str | None:
        """Where all of it can be seen."""
        if self.more:
            return f"and {self.more} more: {self.press}"
        return self.press and f"all that is open: {self.press}"


def lines(message: Message) -> Iterator[str]:
    """The message below its title, as plain text."""
    if message.report:
        yield message.report
        yield ""
    for item in message.items:
        yield item.heading
        if item.state != "resolved":
            yield f"  {item.why}"
            yield from (f"  {line}" for line in (item.cost, item.press, item.url) if line)
        yield ""
    yield from (line for line in (message.footer, message.url) if line)
