"""The articles of the sample month, which `articles.txt` has: their drafts, sources and briefs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contentstudio.brief import (
    Brief,
    BriefSection,
    Estimate,
    Idea,
    Note,
    Research,
    Signal,
    SourcePage,
)
from contentstudio.model import Draft, Reference, Section, Sentence, Snapshot
from contentstudio.text.slugs import slug_of

HERE = Path(__file__).parent
HOSTS = {  # two sources a site: host, title and author
    "green-balcony": (
        ("extension.example", "Vegetables in containers", "E. Lindqvist"),
        ("rootandleaf.example", "Notes from the trial roof", "P. Moreau"),
    ),
    "slow-kitchen": (
        ("grain-institute.example", "Baking science for the home", "Dr. A. Weber"),
        ("fermentation-notes.example", "A year of jars", "Y. Tanaka"),
    ),
    "city-bikes": (
        ("workshop-notes.example", "What we repair most", "K. de Vries"),
        ("transport-survey.example", "Everyday cycling in numbers", "City transport survey"),
    ),
}
SENTENCE = re.compile(r"(.+?[.?!])(?: \[(\d)\])?(?: |$)")
READ = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Article:
    """An article with the texts that it rests on."""

    draft: Draft
    snapshots: tuple[Snapshot, ...]

    @property
    def site(self) -> str:
        return self.draft.site

    @property
    def slug(self) -> str:
        return self.draft.slug

    @property
    def title(self) -> str:
        return self.draft.title


def read() -> list[Article]:
    """All articles, in the order of the file."""
    text = (HERE / "articles.txt").read_text("utf-8")
    return [_article(part) for part in text.split("== ")[1:]]


def _article(text: str) -> Article:
    head, description, *lines = text.strip().splitlines()
    site, _, title = head.partition(" | ")
    slug = slug_of(title)
    sections = [
        Section(heading=heading, paragraphs=[_sentences(line) for line in paragraphs])
        for heading, paragraphs in _sections(lines)
    ]
    snapshots = tuple(_snapshots(site, slug, sections))
    draft = Draft(
        site=site,
        slug=slug,
        title=title,
        description=description,
        sections=sections,
        references=[Reference.of(f"s{n}", each) for n, each in enumerate(snapshots, 1)],
        writer="anthropic:claude-sonnet-4-5",
    )
    return Article(draft, snapshots)


def _sections(lines: list[str]) -> list[tuple[str, list[str]]]:
    sections: list[tuple[str, list[str]]] = []
    for line in filter(None, lines):
        if line.startswith("# "):
            sections.append((line[2:], []))
        else:
            sections[-1][1].append(line)
    return sections


def _sentences(line: str) -> list[Sentence]:
    """The sentences of a paragraph; `[1]` behind one is the source that it cites."""
    return [
        Sentence(text=text.strip(), source=f"s{number}" if number else None)
        for text, number in SENTENCE.findall(line)
    ]


def _snapshots(site: str, slug: str, sections: list[Section]) -> list[Snapshot]:
    """The pages of both sources, which say what the article cites of them."""
    sentences = [each for section in sections for block in section.blocks for each in block]
    pages = []
    for number, (host, title, author) in enumerate(HOSTS[site], 1):
        said = [each.text for each in sentences if each.source == f"s{number}"]
        text = "\n\n".join([f"{title}.", *said, f"Read more on {host}."])
        pages.append(
            Snapshot(
                url=f"https://{host}/{slug}",
                title=title,
                text=text,
                sha256=hashlib.sha256(text.encode()).hexdigest(),
                language="en",
                published_at=READ,
                author=author,
            )
        )
    return pages


def with_other_number(article: Article, said: str, source_says: str) -> Article:
    """The article, where a source says another number than the article does."""
    pages = []
    for page in article.snapshots:
        text = page.text.replace(said, source_says)
        sha = hashlib.sha256(text.encode()).hexdigest()
        pages.append(page.model_copy(update={"text": text, "sha256": sha}))
    pool = [Reference.of(f"s{n}", each) for n, each in enumerate(pages, 1)]
    return Article(article.draft.model_copy(update={"references": pool}), tuple(pages))


def brief_of(article: Article, day: datetime) -> Brief:
    """The plan that an article was written by."""
    notes, sections = [], []
    for section in article.draft.sections:
        names = []
        for block in section.blocks:
            for each in block:
                if each.source is not None:
                    notes.append(_note(len(notes) + 1, each, article))
                    names.append(notes[-1].id)
        if names:
            tells = f"Answers: {section.heading.lower()}."
            sections.append(BriefSection(heading=section.heading, tells=tells, notes=tuple(names)))
    research = Research(
        idea=idea_of(article, day),
        questions=(article.title, *(section.heading for section in article.draft.sections)),
        notes=tuple(notes),
        pages=tuple(
            SourcePage(
                **each.model_dump(include={"sha256", "url", "title", "published_at", "author"})
            )
            for each in article.snapshots
        ),
    )
    return Brief(
        research=research,
        intent="a clear answer with a number to remember",
        angle="what to do this week, and what to leave alone",
        titles=(article.title,),
        description=article.draft.description,
        sections=tuple(sections),
        length=(120, 400),
        estimates=tuple(
            Estimate(step=step, calls=calls, usd=usd) for step, calls, usd in ESTIMATES
        ),
    )


ESTIMATES = (("generate", 4, "0.1240"), ("gate", 2, "0.0600"), ("confirm", 1, "0.0200"))


def idea_of(article: Article, day: datetime) -> Idea:
    """What the article answers."""
    query = article.title.lower().rstrip("?")
    return Idea(
        site=article.site,
        slug=article.slug,
        found_on=day.date(),
        title=article.title,
        origin="query",
        signals=(Signal(kind="query", text=query, weight=120.0),),
        snapshots=tuple(each.sha256 for each in article.snapshots),
    )


def _note(number: int, sentence: Sentence, article: Article) -> Note:
    page = article.snapshots[int(str(sentence.source)[1:]) - 1]
    span = sentence.text if sentence.text in page.text else page.text.split("\n\n")[1]
    start = page.text.index(span)
    return Note(
        id=f"n{number}",
        text=sentence.text,
        span=span,
        start=start,
        end=start + len(span),
        sha256=page.sha256,
        hosts=(page.url.split("/")[2],),
    )
