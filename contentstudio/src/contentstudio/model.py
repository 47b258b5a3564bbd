"""What flows between the steps: demands, snapshots, drafts, verdicts, publications."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError


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
    author: str | None = None

    @property
    def day(self) -> date | None:
        """The day of which the text is, as its source says it."""
        return self.published_at.date() if self.published_at else None


class Reference(Model):
    """An entry of the closed pool that a draft may cite: `id` is `s1`, `s2`, …; `sha256` names the
    snapshot. `published_at` and `author` are what the source says of itself.
    """

    id: str
    url: str
    title: str
    sha256: str
    published_at: datetime | None = Field(default=None, exclude_if=is_empty)
    author: str | None = Field(default=None, exclude_if=is_empty)

    @classmethod
    def of(cls, id: str, snapshot: Snapshot) -> Self:  # noqa: A002  the field's name
        """The reference to a text that was read."""
        names = ("url", "title", "sha256", "published_at", "author")
        return cls(id=id, **{name: getattr(snapshot, name) for name in names})


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


class Instruction(Model):
    """One of some steps: its short name, and what to do."""

    name: str = Field(min_length=1)
    sentences: Sentences


class StepsBlock(Model):
    """How to do something, step by step."""

    kind: Literal["steps"] = "steps"
    steps: list[Instruction] = Field(min_length=1)


Tone = Literal["note", "tip", "warning"]


class CalloutBlock(Model):
    """What a reader must not miss. Without a `title` the label of its `tone` stands there."""

    kind: Literal["callout"] = "callout"
    tone: Tone = "note"
    title: str = ""
    sentences: Sentences


class ImageBlock(Model):
    """Where one of the article's images stands, by its `src`. Without a `caption` of its own that
    of the image stands below it.
    """

    kind: Literal["image"] = "image"
    src: str = Field(min_length=1)
    caption: list[Sentence] = []


def _kind_of(block: Any) -> Any:
    if isinstance(block, list | tuple):
        return "paragraph"
    return block.get("kind") if isinstance(block, dict) else getattr(block, "kind", None)


def _check_kind(block: Any) -> Any:
    """The block, if it is of a kind that there is: otherwise each kind would say why it is not its
    own.
    """
    kinds = ("paragraph", "list", "quote", "table", "steps", "callout", "image")
    if (kind := _kind_of(block)) in kinds:
        return block
    raise PydanticCustomError(
        "unknown_block",
        "“{kind}” is not a kind of block; a block is a list of sentences, or has one of the kinds "
        "{kinds}",
        {"kind": str(kind)[:40], "kinds": ", ".join(kinds[1:])},
    )


Block = Annotated[
    Annotated[list[Sentence], Tag("paragraph")]  # a bare list of sentences
    | Annotated[ListBlock, Tag("list")]
    | Annotated[QuoteBlock, Tag("quote")]
    | Annotated[TableBlock, Tag("table")]
    | Annotated[StepsBlock, Tag("steps")]
    | Annotated[CalloutBlock, Tag("callout")]
    | Annotated[ImageBlock, Tag("image")],
    Discriminator(_kind_of),
    BeforeValidator(_check_kind),
]


def groups(block: Block) -> list[list[Sentence]]:
    """The sentences of a block in reading order, each item, step, cell and caption that is not
    empty by itself.
    """
    match block:
        case ListBlock():
            return block.items
        case QuoteBlock() | CalloutBlock():
            return [block.sentences]
        case TableBlock():
            return [cell for row in block.rows for cell in row if cell]
        case StepsBlock():
            return [step.sentences for step in block.steps]
        case ImageBlock():
            return [block.caption] if block.caption else []
    return [block]


def names(block: Block) -> list[tuple[str, str]]:
    """The words of a block that are no sentences, each with what it is."""
    match block:
        case TableBlock():
            return [("head of a table", text) for text in block.head]
        case StepsBlock():
            return [("name of a step", step.name) for step in block.steps]
        case CalloutBlock():
            return [("title of a callout", block.title)]
    return []


def map_sentences(block: Block, change: Callable[[Sentence], Sentence]) -> Block:
    """The block with each of its sentences changed."""

    def changed(sentences: list[Sentence]) -> list[Sentence]:
        return list(map(change, sentences))

    match block:
        case ListBlock():
            return block.model_copy(update={"items": list(map(changed, block.items))})
        case QuoteBlock() | CalloutBlock():
            return block.model_copy(update={"sentences": changed(block.sentences)})
        case TableBlock():
            rows = [list(map(changed, row)) for row in block.rows]
            return block.model_copy(update={"rows": rows})
        case StepsBlock():
            steps = [
                step.model_copy(update={"sentences": changed(step.sentences)})
                for step in block.steps
            ]
            return block.model_copy(update={"steps": steps})
        case ImageBlock():
            return block.model_copy(update={"caption": changed(block.caption)})
    return changed(block)


def _passages(block: Block) -> list[str]:
    """A block as plain text, in reading order."""
    texts = list(map(_text_of, groups(block)))
    match block:
        case TableBlock():
            return [" ".join(filter(None, block.head)), *texts]
        case StepsBlock():
            return [
                text
                for step, texts_of_step in zip(block.steps, texts, strict=True)
                for text in (step.name, texts_of_step)
            ]
        case CalloutBlock(title=title) if title:
            return [title, *texts]
    return texts


class Section(Model):
    """A heading and what stands below it.

    The blocks are called `paragraphs` where a section is made and in JSON: stored drafts, and the
    hashes of published ones, have that name. Two lists of one kind that follow each other are one
    list, as they are in Markdown, and so are steps.
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
            match last, block:
                case ListBlock(), ListBlock() if last.ordered == block.ordered:
                    joined[-1] = last.model_copy(update={"items": [*last.items, *block.items]})
                case StepsBlock(), StepsBlock():
                    joined[-1] = last.model_copy(update={"steps": [*last.steps, *block.steps]})
                case _:
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
    """A picture and what it shows, in words for those who do not see it.

    `caption`, `credit` (who made it) and `licence` (its name, such as `CC BY 4.0`) are shown below
    it; `licence_url` is where the licence stands. `width` and `height` are in pixels.
    """

    src: str
    alt: str
    caption: str = Field(default="", exclude_if=is_empty)
    credit: str = Field(default="", exclude_if=is_empty)
    licence: str = Field(default="", exclude_if=is_empty)
    licence_url: str | None = Field(default=None, exclude_if=is_empty)
    width: int | None = Field(default=None, gt=0, exclude_if=is_empty)
    height: int | None = Field(default=None, gt=0, exclude_if=is_empty)

    @field_validator("licence_url")
    @classmethod
    def _of_the_web(cls, url: str | None) -> str | None:
        if url and not re.match(r"https?://[^/?#\s]", url):
            raise ValueError("licence_url needs an address of the web that begins with https://")
        return url


class Draft(Model):
    """A whole article before it is rendered. `slug` is its key on the site.

    `author` is the name of the person who signs it, `disclosure` what its readers are told of how
    it was made. Both are the site's words, and code puts them in.
    """

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
    author: str = Field(default="", exclude_if=is_empty)
    disclosure: str = Field(default="", exclude_if=is_empty)

    @model_validator(mode="after")
    def _check_pictures(self) -> Self:
        known = {image.src for image in self.images}
        for src in sorted(self.placed() - known):
            raise PydanticCustomError(
                "unknown_picture",
                "a block shows the picture “{src}”, which is not among the images of the article",
                {"src": src[:200]},
            )
        return self

    def paragraphs(self) -> list[list[Sentence]]:
        """Every group of sentences in reading order: paragraphs, items of lists, quotes, steps,
        callouts, cells and captions that are not empty; and after them the answers of the FAQ.
        """
        return [group for block in self.blocks() for group in groups(block)] + [
            q.answer for q in self.faq
        ]

    def blocks(self) -> list[Block]:
        """The blocks of all sections in reading order."""
        return [block for section in self.sections for block in section.blocks]

    def running_text(self) -> list[Sentence]:
        """The sentences of paragraphs, steps, callouts and answers: what is written in whole
        sentences, and read one after another.
        """
        whole = [
            group
            for block in self.blocks()
            if isinstance(block, list | StepsBlock | CalloutBlock)
            for group in groups(block)
        ]
        return [
            sentence
            for paragraph in [*whole, *(q.answer for q in self.faq)]
            for sentence in paragraph
        ]

    def linkable(self) -> list[bool]:
        """For each of `sentences()`, whether links may be put into it: not into a quote, whose
        words are another's, nor into a caption.
        """
        captions = [
            isinstance(block, ImageBlock)
            for block in self.blocks()
            for group in groups(block)
            for _ in group
        ]
        captions += [False for question in self.faq for _ in question.answer]
        return [
            not (sentence.quoted or is_caption)
            for sentence, is_caption in zip(self.sentences(), captions, strict=True)
        ]

    def placed(self) -> set[str]:
        """The `src` of the images that a block shows; the others stand before the sections, one
        before each.
        """
        return {block.src for block in self.blocks() if isinstance(block, ImageBlock)}

    def image(self, src: str) -> Image | None:
        """The image of this `src`."""
        return next((image for image in self.images if image.src == src), None)

    def with_addresses(self, addresses: Mapping[str, str]) -> Draft:
        """The draft with its images at other addresses, by their `src`."""

        def moved(shown: Any) -> Any:
            src = addresses.get(shown.src, shown.src)
            return shown.model_copy(update={"src": src})

        sections = [
            s.model_copy(
                update={"blocks": [moved(b) if isinstance(b, ImageBlock) else b for b in s.blocks]}
            )
            for s in self.sections
        ]
        return self.model_copy(
            update={"sections": sections, "images": list(map(moved, self.images))}
        )

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
        """The body as plain text, with the heads of its tables, the names of its steps and the
        titles of its callouts; without headings, questions and references.
        """
        parts = [text for block in self.blocks() for text in _passages(block)]
        return "\n\n".join([*parts, *(_text_of(question.answer) for question in self.faq)])


def _text_of(sentences: list[Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


class Fault(Model):
    """What is wrong at one place of a draft (`places` names them), in a sentence. `text` is what
    stands there. `passage` is what the source says there, where there is such.
    """

    place: str
    text: str
    reason: str
    passage: str = Field(default="", exclude_if=is_empty)


class Verdict(Model):
    """What one gate said of a draft. `checked` is False where the gate could not tell, which is no
    pass. `faults` are the places that have to change, each with its reason.
    """

    gate: str
    passed: bool
    reason: str
    checked: bool = True
    faults: tuple[Fault, ...] = Field(default=(), exclude_if=is_empty)


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


class Figures(Model):
    """What readers did with a page on a day, as one source of figures says it. Search engines give
    `clicks`, `impressions` and the average `position` (1 is the first place); analytics give
    `visits`.
    """

    url: str
    day: date
    clicks: int = Field(default=0, ge=0)
    impressions: int = Field(default=0, ge=0)
    position: float | None = Field(default=None, gt=0)
    visits: int = Field(default=0, ge=0)


class QueryFigures(Model):
    """How often a page was shown for a query, over several days."""

    query: str
    url: str
    impressions: int = Field(ge=0)
