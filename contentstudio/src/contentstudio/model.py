"""What flows between the steps: demands, snapshots, drafts, verdicts, publications."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator


class Model(BaseModel):
    """Strict about unknown keys, immutable: a step's output is history."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def is_empty(value: Any) -> bool:
    """Whether a field that was added later says nothing. Such a field is left out of the JSON, for
    the hash of a published draft is over its JSON, and must stay what it was.
    """
    return value in (None, (), [], "")


class Snapshot(Model):
    """The text of a page as it was when it was read. `sha256` is over `text`."""

    url: str
    title: str
    text: str
    sha256: str
    language: str | None = None
    published_at: datetime | None = None


class Reference(Model):
    """An entry of the closed pool that a draft may cite: `id` is `s1`, `s2`, …; `sha256` names the
    snapshot.
    """

    id: str
    url: str
    title: str
    sha256: str


class Sentence(Model):
    """One sentence of an article.

    `source` is an id of the closed pool, or None for a sentence that claims nothing. `quoted` says
    that `text` stands in the source word for word; it is shown in quotation marks with its
    citation. `notes` are the ids of the notes that it states.
    """

    text: str = Field(min_length=1)
    source: str | None = None
    quoted: bool = False
    notes: tuple[str, ...] = Field(default=(), exclude_if=is_empty)


Sentences = Annotated[list[Sentence], Field(min_length=1)]


class ListBlock(Model):
    """A list. Each item has one sentence or more."""

    kind: Literal["list"] = "list"
    ordered: bool = False
    items: list[Sentences] = Field(min_length=1)


class QuoteBlock(Model):
    """A quote that stands by itself. So each of its sentences is `quoted`, however it was given."""

    kind: Literal["quote"] = "quote"
    sentences: Sentences

    @field_validator("sentences")
    @classmethod
    def _mark_as_quoted(cls, sentences: list[Sentence]) -> list[Sentence]:
        return [sentence.model_copy(update={"quoted": True}) for sentence in sentences]


class TableBlock(Model):
    """A table. `head` names its columns; each row has a cell for each of them, which
    may be empty.
    """

    kind: Literal["table"] = "table"
    head: list[str] = Field(min_length=1)
    rows: list[list[list[Sentence]]] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_widths(self) -> Self:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.head):
                raise ValueError(
                    f"row {number} of a table has {len(row)} cells, and its head has "
                    f"{len(self.head)}"
                )
        return self


Block = (
    list[Sentence] | ListBlock | QuoteBlock | TableBlock
)  # a bare list of sentences is a paragraph


def groups(block: Block) -> list[list[Sentence]]:
    """The sentences of a block in reading order, each item and each cell that is not empty by
    itself.
    """
    match block:
        case ListBlock():
            return block.items
        case QuoteBlock():
            return [block.sentences]
        case TableBlock():
            return [cell for row in block.rows for cell in row if cell]
    return [block]


def map_sentences(block: Block, change: Callable[[Sentence], Sentence]) -> Block:
    """The block with each of its sentences changed."""
    match block:
        case ListBlock():
            return block.model_copy(
                update={"items": [list(map(change, item)) for item in block.items]}
            )
        case QuoteBlock():
            return block.model_copy(update={"sentences": list(map(change, block.sentences))})
        case TableBlock():
            rows = [[list(map(change, cell)) for cell in row] for row in block.rows]
            return block.model_copy(update={"rows": rows})
    return list(map(change, block))


class Section(Model):
    """A heading and what stands below it.

    The blocks are called `paragraphs` where a section is made and in JSON: stored drafts, and the
    hashes of published ones, have that name. Two lists of one kind that follow each other are one
    list, as they are in Markdown.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    heading: str = Field(min_length=1)
    blocks: list[Block] = Field(alias="paragraphs", min_length=1)

    @field_validator("blocks")
    @classmethod
    def _join_lists(cls, blocks: list[Block]) -> list[Block]:
        joined: list[Block] = []
        for block in blocks:
            last = joined[-1] if joined else None
            if (
                isinstance(block, ListBlock)
                and isinstance(last, ListBlock)
                and block.ordered == last.ordered
            ):
                joined[-1] = last.model_copy(update={"items": [*last.items, *block.items]})
            else:
                joined.append(block)
        return joined


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
        """Every group of sentences in reading order: paragraphs, items of lists, quotes, cells that
        are not empty; and after them the answers of the FAQ.
        """
        return [group for block in self.blocks() for group in groups(block)] + [
            q.answer for q in self.faq
        ]

    def blocks(self) -> list[Block]:
        """The blocks of all sections in reading order."""
        return [block for section in self.sections for block in section.blocks]

    def running_text(self) -> list[Sentence]:
        """The sentences of paragraphs and answers: what is written in whole sentences, and read one
        after another.
        """
        plain = [block for block in self.blocks() if isinstance(block, list)]
        return [
            sentence
            for paragraph in [*plain, *(q.answer for q in self.faq)]
            for sentence in paragraph
        ]

    def map_sentences(self, change: Callable[[Sentence], Sentence]) -> Draft:
        """The draft with each of its sentences changed."""
        sections = [
            s.model_copy(update={"blocks": [map_sentences(b, change) for b in s.blocks]})
            for s in self.sections
        ]
        faq = [q.model_copy(update={"answer": list(map(change, q.answer))}) for q in self.faq]
        return self.model_copy(update={"sections": sections, "faq": faq})

    def sentences(self) -> list[Sentence]:
        """Every sentence in reading order."""
        return [sentence for paragraph in self.paragraphs() for sentence in paragraph]

    def prose(self) -> str:
        """The body as plain text, with the heads of its tables; without headings, questions and
        references.
        """
        parts: list[str] = []
        for block in self.blocks():
            parts += [" ".join(filter(None, block.head))] if isinstance(block, TableBlock) else []
            parts += [_said(group) for group in groups(block)]
        return "\n\n".join([*parts, *(_said(question.answer) for question in self.faq)])


def _said(sentences: list[Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


class Verdict(Model):
    """What one gate said of a draft. `checked` is False where the gate could not tell, which is no
    pass.
    """

    gate: str
    passed: bool
    reason: str
    checked: bool = True


class Published(Model):
    """Where an article stands, and what publishing did there: `left` is a person's change that
    another one approved.

    `indexed` says whether search engines may list it. `differs` tells in sentences what readers get
    otherwise than it was sent: what the CMS changed, or what stands at the address instead. `over`
    is the fingerprint of a person's version that stands there (or `gone`), for the reviewer who
    wants ours in its place.
    """

    url: str
    action: Literal["created", "updated", "unchanged", "left"]
    path: str | None = None
    sha256: str
    indexed: bool = True
    differs: tuple[str, ...] = ()
    over: str | None = None


State = Literal["draft", "scheduled", "published"]


class Existing(Model):
    """What stands under a slug.

    `sha256` is `content_sha256` of the draft that was published, or None where that is not known or
    where publishing it never came to its end. So a caller who finds another hash than its own, or
    none, publishes. `action` says how it came to stand as it does. `fingerprint` is a hash of all
    that we write there, so that a person's change shows;
    `begun` says that it is the empty draft with which we began. `id` is the CMS's own. `marked` is
    the hash of the draft that our mark there names, also where the words are not that draft's any
    more. `parts` are the single fields of the fingerprint, where a CMS has such, and `differs` what
    the CMS made otherwise when we wrote last.
    """

    url: str
    sha256: str | None
    action: Literal["created", "updated"] = "created"
    path: str | None = None
    id: str | None = None
    state: State = "published"
    fingerprint: str | None = None
    modified: datetime | None = None
    begun: bool = False
    marked: str | None = None
    parts: dict[str, str] = Field(default_factory=dict)
    differs: tuple[str, ...] = ()


MAX_QUERY = 200  # characters; longer ones are pasted by accident or by robots


def _plain(query: str) -> str:
    """In small letters, its blanks collapsed, and without what Postgres cannot hold."""
    return " ".join(query.replace("\0", " ").casefold().split())[:MAX_QUERY].rstrip()


Query = Annotated[str, AfterValidator(_plain)]


class Demand(Model):
    """A query that people put to a search engine, or that the owner wants to be found by.

    `impressions` and `clicks` are counts over the days that the source was asked for, `position` is
    the average place among the results from 1 on, None where it was never measured. `weight` is the
    owner's word, 1 where there is none.
    """

    query: Query
    source: str
    impressions: int = 0
    clicks: int = 0
    position: float | None = None
    weight: float = Field(default=1.0, gt=0, le=1_000)


class Clicks(Model):
    """What a query brought a site: clicks over the days that its source was asked for, a month ago
    and now.
    """

    query: Query
    before: int
    now: int


def distinct(demands: Iterable[Demand]) -> list[Demand]:
    """One demand for each query, the first of them. What has no letter or digit asks
    for nothing.
    """
    first: dict[str, Demand] = {}
    for demand in demands:
        if any(map(str.isalnum, demand.query)):
            first.setdefault(demand.query, demand)
    return list(first.values())
