"""What flows between the steps: topics, snapshots, drafts, verdicts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Strict about unknown keys, immutable: a step's output is history."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Snapshot(Model):
    """The text of a page as it was when it was read. `sha256` is over `text`."""

    url: str
    title: str
    text: str
    sha256: str
    language: str | None = None
    published_at: datetime | None = None


class Reference(Model):
    """An entry of the closed pool that a draft may cite: `id` is `s1`, `s2`, …; `sha256` names the snapshot."""

    id: str
    url: str
    title: str
    sha256: str


class Sentence(Model):
    """One sentence of an article.

    `source` is an id of the closed pool, or None for a sentence that claims nothing. `quoted` says that `text`
    stands in the source word for word; it is shown in quotation marks with its citation.
    """

    text: str = Field(min_length=1)
    source: str | None = None
    quoted: bool = False


class Section(Model):
    """A heading and its paragraphs; each paragraph is a list of sentences."""

    heading: str = Field(min_length=1)
    paragraphs: list[list[Sentence]] = Field(min_length=1)


class Question(Model):
    """A question that readers ask, and its answer."""

    question: str = Field(min_length=1)
    answer: list[Sentence] = Field(min_length=1)


class InternalLink(Model):
    """A link to another page of the same site: the words that are linked, and where they lead."""

    anchor: str = Field(min_length=1)
    url: str


class Image(Model):
    """A picture and what it shows, in words for those who do not see it."""

    src: str
    alt: str


class Draft(Model):
    """A whole article before it is rendered. `slug` is its key on the site."""

    site: str
    slug: str
    title: str
    description: str
    sections: list[Section]
    references: list[Reference]
    writer: str
    language: str = "en"
    tags: list[str] = []
    faq: list[Question] = []
    links: list[InternalLink] = []
    images: list[Image] = []

    def paragraphs(self) -> list[list[Sentence]]:
        """Every paragraph in reading order, and after them the answers of the FAQ."""
        return [p for section in self.sections for p in section.paragraphs] + [q.answer for q in self.faq]

    def sentences(self) -> list[Sentence]:
        """Every sentence in reading order."""
        return [sentence for paragraph in self.paragraphs() for sentence in paragraph]

    def prose(self) -> str:
        """The body as plain text, without headings, questions and references."""
        return "\n\n".join(" ".join(sentence.text for sentence in paragraph) for paragraph in self.paragraphs())


class Verdict(Model):
    """What one gate said of a draft. `checked` is False where the gate could not tell, which is no pass."""

    gate: str
    passed: bool
    reason: str
    checked: bool = True


class Published(Model):
    """Where an article stands, and what publishing did there: `left` is a person's change that another one approved.

    `indexed` says whether search engines may list it. `over` is the fingerprint of a person's version that stands there
    (or `gone`), for the reviewer who wants ours in its place.
    """

    url: str
    action: Literal["created", "updated", "unchanged", "left"]
    path: str | None = None
    sha256: str
    indexed: bool = True
    over: str | None = None
