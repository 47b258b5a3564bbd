"""What flows from an idea to an article: the idea, what research found for it, and the brief.

    signals and queries → Idea → Research (questions, notes, pages) → Brief → Draft

Each of them is stored as written, so what old jobs hold must still be read: a new field has a
default.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from contentstudio.model import Model

Origin = Literal["query", "suggestion", "story", "pillar", "wish"]
BlockKind = Literal[
    "paragraph", "list", "steps", "table", "quote", "callout", "image", "faq"
]  # that an article may be made of


class Signal(Model):
    """One piece of evidence that an idea matters to readers: a query, a page that tells of it, a
    pillar of the site without an article, a wish of the owner.

    `text` is the query, the title of the page, or the words of the owner. `weight` is how much it
    counts beside signals of its kind: impressions of a query, 1 for a page.
    """

    kind: Origin
    text: str = Field(min_length=1)
    url: str | None = None
    weight: float = 1.0


class Idea(Model):
    """A question or an intent of readers that a site should answer.

    `title` names it as a reader would, and is never the title of a source. `snapshots` are the
    hashes of the texts that the night found for it, `urls` the pages that the owner names, `wish`
    is what the owner says of it, `due` the day by which it should be published.
    """

    site: str
    slug: str
    found_on: date
    title: str = Field(min_length=1)
    origin: Origin = "story"
    signals: tuple[Signal, ...] = ()
    snapshots: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    wish: str = ""
    due: date | None = None


class Note(Model):
    """One fact that an article may state.

    `text` words it; `span` is the passage of the snapshot `sha256` it rests on, word for word, at
    the characters `start` to `end` of the snapshot's text. `hosts` are the independent hosts that
    say it, its own among them; `contradicts` are the ids of notes that say otherwise.
    """

    id: str = Field(pattern=r"^n[1-9]\d*$")
    text: str = Field(min_length=1)
    span: str = Field(min_length=1)
    start: int = Field(ge=0)
    end: int = Field(gt=0)
    sha256: str
    hosts: tuple[str, ...] = Field(min_length=1)
    contradicts: tuple[str, ...] = ()


class SourcePage(Model):
    """A page that was read for an idea. `headings` are what it covers, in its order."""

    sha256: str
    url: str
    title: str
    published_at: datetime | None = None
    author: str | None = None
    headings: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The host, without `www.`: two pages of one host are one voice."""
        return (urlsplit(self.url).hostname or "").removeprefix("www.")


class Research(Model):
    """What research found for an idea: the questions it tried to answer, and the closed pool of
    notes with the pages they rest on.
    """

    idea: Idea
    questions: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    pages: tuple[SourcePage, ...] = ()

    @model_validator(mode="after")
    def _rests_on_its_pages(self) -> Self:
        pages = {page.sha256 for page in self.pages}
        ids = {note.id for note in self.notes}
        if len(ids) < len(self.notes):
            raise ValueError("two notes have the same id")
        for note in self.notes:
            if note.sha256 not in pages:
                raise ValueError(f"note {note.id} rests on a page that is not among the pages")
            if missing := set(note.contradicts) - ids:
                raise ValueError(f"note {note.id} contradicts {min(missing)}, which is no note")
        return self


class BriefSection(Model):
    """A section of an article to come: its heading, one sentence on what it tells, the notes it may
    state, and the kinds of block it should have.
    """

    heading: str = Field(min_length=1)
    tells: str = ""
    notes: tuple[str, ...] = Field(min_length=1)
    blocks: tuple[BlockKind, ...] = ("paragraph",)


class Estimate(Model):
    """What a step of an article was thought to cost before it began: calls of models, and dollars;
    None where a model has no price.
    """

    step: str
    calls: int
    usd: Decimal | None


class Brief(Model):
    """The plan of an article, before a word of it is written.

    `intent` is what its reader wants, `angle` what this article tells that a list of facts would
    not. `titles` are candidates, the best first. `faq` are questions to answer at the end. `links`
    are URLs of the site's own pages that the article should link to, `terms` what it should be
    found by. `length` is in words. `images` are ideas for pictures. `covered` is what competing
    pages tell, `adds` what this article tells beyond them. `estimates` are what the steps of the
    article are thought to cost; no model is told of them.
    """

    research: Research
    intent: str = ""
    angle: str = ""
    titles: tuple[str, ...] = Field(min_length=1)
    description: str = ""
    sections: tuple[BriefSection, ...] = Field(min_length=1)
    faq: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    length: tuple[int, int] | None = None
    images: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()

    @model_validator(mode="after")
    def _names_its_notes(self) -> Self:
        ids = {note.id for note in self.research.notes}
        for section in self.sections:
            if missing := set(section.notes) - ids:
                raise ValueError(
                    f"section “{section.heading}” names {min(missing)}, which is no note"
                )
        return self
