"""What a channel is given to send: plain data, from which each channel makes its own form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["new", "again", "resolved"]

TEXT_LIMIT = (
    600  # characters of an alert's sentence in a message; the page and the command show all of it
)


@dataclass(frozen=True, slots=True)
class Button:
    """An action of the console that a channel can offer: its name, the fields of its command, and
    the question before what is not meant by mistake.
    """

    label: str
    verb: str
    values: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["", "good", "danger"] = ""
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a message tells it: what, why, whether a person must do something, what to
    press, and the page to open.

    `title` is what people call its job, `place` whose it is (such as `site garden`); `jobs` is how
    many failed or wait, and `cost_usd` what they cost altogether.
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
    title: str | None = None
    place: str | None = None
    jobs: int = 0
    advice: str = ""
    buttons: tuple[Button, ...] = ()

    @property
    def about(self) -> str:
        """What it is about: the title where there is one, and always the subject."""
        details = ", ".join(
            each for each in (self.subject if self.title else "", self.place) if each
        )
        others = f" and {self.jobs - 1} more" if self.title and self.jobs > 1 else ""
        name = f"“{self.title}”{others}" if self.title else self.subject
        return f"{name} ({details})" if details else name

    @property
    def heading(self) -> str:
        times = f", {self.count} times" if self.count > 1 and self.state != "resolved" else ""
        mark = {"new": "", "again": "still: ", "resolved": "resolved: "}[self.state]
        return f"{mark}{self.what}: {self.about}{times} (since {self.since})"

    @property
    def cost(self) -> str | None:
        """What its jobs cost, as people read it."""
        if not self.cost_usd:
            return None
        whose = f"its {self.jobs} jobs" if self.jobs > 1 else "its job"
        return f"{whose} cost ${self.cost_usd:.2f}"


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
            below = (item.advice, item.cost, item.press, item.url)
            yield from (f"  {line}" for line in below if line)
        yield ""
    yield from (line for line in (message.footer, message.url) if line)
