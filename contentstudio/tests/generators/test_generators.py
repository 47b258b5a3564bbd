"""Hugo, Jekyll and Astro themselves make a site of what is published by Git: what readers get is
what was written.

Nothing is installed here; a generator that is missing is skipped, with the command that brings it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Existing,
    Image,
    ImageBlock,
    Instruction,
    InternalLink,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish.port import Article

SITES = Path(__file__).parent / "sites"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contentstudio" / "astro"
ASTRO = Path(os.environ.get("CONTENTSTUDIO_ASTRO") or CACHE)
URL = "https://garden.example"
MOMENT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# What a generator might read as its own: Markdown, HTML, Liquid, shortcodes, addresses. How it sets
# quotes and dashes is the owner's choice.
HARD = (
    "5 * 3 _is_ `15`: a < b & c > d, <b>bold</b> [x](y) ~~z~~ | ^1 $m$ \\n.",
    "{{ site.title }} {% raw %} {{< figure >}} {{% note %}} stay as they are.",
    "1. It has (c) &amp; &copy; :smile: www.a.example and https://a.example/x.",
    "# No heading, + no list, > no quote; 2021. Nor this: ==marked== [^9] *[HTML]: x {:.class}",
)


def cited(*texts: str) -> list[Sentence]:
    return [Sentence(text=text, source="s1") for text in texts]


NUMBERED = ListBlock(ordered=True, items=[cited(text) for text in HARD])
LIST = ListBlock(
    items=[[*cited("- No list within.", text), Sentence(text="Both of it.")] for text in HARD]
)
QUOTES = [QuoteBlock(sentences=cited(text, "[!NOTE] And more.")) for text in HARD]
TABLE = TableBlock(
    head=["", "| What {{ x }}", *HARD[:1]],
    rows=[[cited(text), [], cited("-", ":-: | 1. 5 °C", text)] for text in HARD]
    + [[cited("A ` mark"), [], cited("and ` another")]],
)
WIDE = TableBlock(head=["Only"], rows=[[cited("one")], [cited("- column")]])
KINDS: list[Block] = [NUMBERED, LIST, *QUOTES, TABLE, WIDE, cited("And on it goes.")]
STEPS = StepsBlock(steps=[Instruction(name=text, sentences=cited(text, "Both.")) for text in HARD])
CALLOUTS = [CalloutBlock(tone="warning", title=text, sentences=cited(text)) for text in HARD]
GUIDE: list[Block] = [
    STEPS,
    ListBlock(ordered=True, items=[cited("A list after steps.")]),
    StepsBlock(steps=STEPS.steps[:1]),
    *CALLOUTS,
    QuoteBlock(sentences=cited("A quote after a callout.")),
    CalloutBlock(sentences=cited("Without a title.")),
    ImageBlock(src="heap.png", caption=cited(*HARD)),
]


@dataclass(frozen=True)
class Generator:
    """How a generator is found and called: `missing` says how to get it, `build` makes a site in
    `out` of a folder.
    """

    layout: str
    missing: Callable[[], str | None]
    build: Callable[[Path, Path], None]


def run(folder: Path, *arguments: str, **env: str) -> None:
    done = subprocess.run(
        arguments, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def without(program: str) -> Callable[[], str | None]:
    return lambda: (
        None if shutil.which(program) else f"there is no {program}: apt-get install {program}"
    )


def without_astro() -> str | None:
    there = (ASTRO / "node_modules" / "astro").is_dir()
    return (
        None
        if there
        else f"there is no Astro: npm install --ignore-scripts --prefix {ASTRO} astro@5"
    )


def hugo(site: Path, out: Path) -> None:
    run(site, "hugo", "--quiet", "--destination", str(out))


def jekyll(site: Path, out: Path) -> None:
    run(site, "jekyll", "build", "--quiet", "--disable-disk-cache", "--destination", str(out))


def astro(site: Path, out: Path) -> None:
    if not (site / "node_modules").exists():
        (site / "node_modules").symlink_to(ASTRO / "node_modules")
    program = str(ASTRO / "node_modules" / ".bin" / "astro")
    run(site, program, "build", "--silent", "--outDir", str(out), ASTRO_TELEMETRY_DISABLED="1")


GENERATORS = [
    Generator("hugo", without("hugo"), hugo),
    Generator("jekyll", without("jekyll"), jekyll),
    Generator("astro", without_astro, astro),
]


class Place:
    """A repository with a small site of that generator, and the site as it is built from what was
    pushed.
    """

    def __init__(self, generator: Generator, folder: Path) -> None:
        self._generator = generator
        self._person = folder / "person"
        self._remote = folder / "remote.git"
        self.out = folder / "out"
        shutil.copytree(SITES / generator.layout, self._person)
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self._remote)],
            check=True,
        )
        self._git("init", "--quiet")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "Begin")
        self._git("push", "--quiet", str(self._remote), "HEAD:main")
        file = folder / "contentstudio.toml"
        file.write_text(
            f"[[site]]\nname = 'garden'\nurl = '{URL}'\nsources = ['https://a.example']\n"
            f"publish = {{ to = 'git', repository = '{self._remote}', layout = "
            f"'{generator.layout}' }}\n",
            "utf-8",
        )
        self.config = settings.load(file)

    def _git(self, *arguments: str) -> None:
        who = (
            "-c",
            "user.name=A person",
            "-c",
            "user.email=person@garden.example",
            "-c",
            "init.defaultBranch=main",
        )
        subprocess.run(
            ["git", *who, "-C", str(self._person), *arguments], check=True, capture_output=True
        )

    def publish(self, article: Article, known: Existing | None = None) -> Existing:
        async def work() -> Existing:
            async with publish.opened(self.config, self.config.site[0]) as publisher:
                return (await publisher.publish(article, at_once, known))[1]

        return asyncio.run(work())

    def build(self) -> None:
        """Build the site anew from what was pushed."""
        shutil.rmtree(self.out, ignore_errors=True)
        self._git("pull", "--quiet", "--rebase", str(self._remote), "main")
        self._generator.build(self._person, self.out)

    def page(self, there: Existing) -> Any:
        """The page at the address that the publisher tells."""
        path = self.out / there.url.removeprefix(f"{URL}/")
        return html.fromstring((path / "index.html" if path.is_dir() else path).read_text("utf-8"))

    def pages_with(self, words: str) -> list[Path]:
        """The files of the built site that say this, of whatever kind."""
        files = [path for path in self.out.rglob("*") if path.is_file()]
        return [path for path in files if words in path.read_text("utf-8", "replace")]


async def at_once(name: str, *, call: Callable[[], Awaitable[Any]], **_: Any) -> Any:
    """An effect without a ledger."""
    return await call()


@dataclass
class Night:
    """A site after a night: what stands there of an article, of one with steps and callouts, and of
    another one that is a draft.
    """

    place: Place
    published: Existing
    guide: Existing
    draft: Existing

    @property
    def body(self) -> Any:
        return self.place.page(self.published).xpath("//*[@id='body']")[0]


@pytest.fixture(
    scope="module", params=GENERATORS, ids=[generator.layout for generator in GENERATORS]
)
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Night:
    if why := request.param.missing():
        pytest.skip(why)
    place = Place(request.param, tmp_path_factory.mktemp(request.param.layout))
    made = Night(
        place,
        place.publish(article()),
        place.publish(guide()),
        place.publish(hidden(state="draft")),
    )
    place.build()
    return made


def article(**changes: Any) -> Article:
    told = {name: changes.pop(name) for name in ("state", "at") if name in changes}
    values: dict[str, Any] = {
        "site": "garden",
        "slug": "on-compost",
        "title": 'On compost: a < b & "c" – {{ d }}',
        "description": 'What to know: of "heaps" & more.',
        "sections": [
            Section(
                heading="Heaps & 1. <things>",
                paragraphs=[[Sentence(text=text, source="s1")] for text in HARD],
            ),
            Section(
                heading="Turning",
                paragraphs=[[Sentence(text="Turn it, as in mulch.", source="s2", quoted=True)]],
            ),
            Section(heading="Mulch", paragraphs=[[Sentence(text="It is like mulch, but warm.")]]),
            Section(heading="Kinds", paragraphs=KINDS),
        ],
        "references": [
            Reference(
                id="s1", url="https://a.example/?b=1&c=(2)", title="A & [B]", sha256="0" * 64
            ),
            Reference(id="s2", url="https://b.example/", title="", sha256="1" * 64),
        ],
        "faq": [
            Question(question="Why *turn* it?", answer=[Sentence(text="For the air.", source="s1")])
        ],
        "links": [InternalLink(anchor="mulch", url="https://garden.example/mulch?a=1&b=2")],
        "images": [Image(src="heap.png", alt="A heap of leaves")],
        "tags": ["Soil & Earth", "heaps"],
        "writer": "offline",
    }
    draft = Draft.model_validate(values | changes)
    return Article(
        draft, told.get("at", MOMENT), told.get("state", "published"), {"heap.png": PIXEL}
    )


def hidden(**changes: Any) -> Article:
    """An article that is not to be seen yet."""
    return article(slug="on-mulch", title="What nobody may read yet", images=[], **changes)


def guide() -> Article:
    """An article with steps, callouts and a picture that has a place."""
    image = Image(
        src="heap.png",
        alt="A heap of leaves",
        credit="Ann *Lee*",
        licence="CC BY",
        licence_url="https://l.example/?a=1&b=(2)",
    )
    section = Section(heading="How to do it", paragraphs=GUIDE)
    return article(slug="a-guide", title="A guide", sections=[section], faq=[], images=[image])


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def moment(page: Any, name: str) -> datetime:
    told = page.xpath(f"string(//time[@id='{name}']/@datetime)")
    return datetime.fromisoformat(told)


def test_a_page_says_what_the_article_says(night: Night) -> None:
    page, draft = night.place.page(night.published), article().draft
    assert page.findtext(".//h1") == draft.title
    assert page.xpath("string(//meta[@name='description']/@content)") == draft.description
    assert moment(page, "date") == MOMENT
    assert [words(tag) for tag in page.xpath("//*[@id='tags']/li")] == draft.tags
    body = night.body
    headings = [section.heading for section in draft.sections]
    assert [words(heading) for heading in body.xpath(".//h2")][: len(headings)] == headings
    assert [words(heading) for heading in body.xpath(".//h3")] == ["Why *turn* it?"]
    for note in body.xpath(".//sup"):
        note.drop_tree()
    paragraphs = [
        words(paragraph)
        for paragraph in body.xpath(".//p[not(ancestor::li or ancestor::blockquote)]")
    ]
    assert [text for text in paragraphs if text] == [
        *HARD,
        "“Turn it, as in mulch.”",
        "It is like mulch, but warm.",
        "And on it goes.",
        "For the air.",
    ]


def test_lists_quotes_and_tables_are_what_they_were(night: Night) -> None:
    body = night.body
    for note in body.xpath(".//sup"):
        note.drop_tree()
    (numbered, *_), (plain, *more) = body.xpath(".//ol"), body.xpath(".//ul")
    assert [words(item) for item in numbered.xpath("li")] == [said(item) for item in NUMBERED.items]
    assert [words(item) for item in plain.xpath("li")] == [said(item) for item in LIST.items]
    assert more == []
    assert [words(quote) for quote in body.xpath(".//blockquote")] == [
        said(quote.sentences) for quote in QUOTES
    ]
    tables = body.xpath(".//table")
    assert len(tables) == 2
    for table, block in zip(tables, (TABLE, WIDE), strict=True):
        assert [words(cell) for cell in table.xpath("thead/tr/th")] == block.head
        rows = [[words(cell) for cell in row.xpath("td")] for row in table.xpath("tbody/tr")]
        assert rows == [[said(cell) for cell in row] for row in block.rows]


def test_steps_callouts_and_placed_pictures_are_what_they_were(night: Night) -> None:
    (body,) = night.place.page(night.guide).xpath("//*[@id='body']")
    for note in body.xpath(".//sup"):
        note.drop_tree()
    steps, numbered, more = body.xpath(".//ol")[:3]
    expected = [f"{step.name} {said(step.sentences)}" for step in STEPS.steps]
    assert [words(item) for item in steps.xpath("li")] == expected
    assert [words(one) for one in steps.xpath(".//strong")] == [step.name for step in STEPS.steps]
    assert [words(item) for item in numbered.xpath("li")] == ["A list after steps."]
    assert [words(item) for item in more.xpath("li")] == expected[:1]
    assert [words(one) for one in body.xpath(".//blockquote")] == [
        *(f"Warning · {one.title} {said(one.sentences)}" for one in CALLOUTS),
        "A quote after a callout.",
        "Note Without a title.",
    ]
    (picture,) = body.xpath(".//img[@alt='A heap of leaves']")
    (below,) = picture.xpath("./ancestor::p")
    assert words(below) == f"{' '.join(HARD)} Ann *Lee* · CC BY"
    assert below.xpath("./a/@href")[-1] == "https://l.example/?a=1&b=(2)"


def said(sentences: list[Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


def test_links_and_pictures_lead_where_they_should(night: Night) -> None:
    (link,) = night.body.xpath(".//a[text()='mulch']/@href")
    assert link == f"{URL}/mulch?a=1&b=2"
    (picture,) = night.body.xpath(".//img")
    assert picture.get("alt") == "A heap of leaves"
    assert (night.place.out / picture.get("src").lstrip("/")).read_bytes() == PIXEL


def test_each_source_is_a_footnote_and_each_citation_leads_to_it(night: Night) -> None:
    sources = night.body.xpath(".//li[@id]//a[starts-with(@href, 'https://')]")
    assert [(words(a), a.get("href")) for a in sources] == [
        ("A & [B]", "https://a.example/?b=1&c=(2)"),
        ("https://b.example/", "https://b.example/"),
    ]
    notes = [a.get("href").lstrip("#") for a in night.body.xpath(".//sup//a")]
    counts = Counter(sentence.source for sentence in article().draft.sentences())
    assert [notes.count(one) for one in dict.fromkeys(notes)] == [counts["s1"], counts["s2"]]
    assert all(night.body.xpath(f".//li[@id='{one}']") for one in notes)


def test_a_draft_is_nowhere_and_an_update_keeps_address_and_date(night: Night) -> None:
    place = night.place
    assert place.pages_with("nobody may read") == []
    later = MOMENT + timedelta(days=9)
    there = place.publish(replace(hidden(), at=later), night.draft)
    again = place.publish(replace(article(title="On compost, again"), at=later), night.published)
    place.build()
    assert place.page(there).findtext(".//h1") == "What nobody may read yet"
    assert again.url == night.published.url
    page = place.page(again)
    assert page.findtext(".//h1") == "On compost, again"
    assert (moment(page, "date"), moment(page, "changed")) == (MOMENT, later)
    assert place.pages_with("On compost: a") == []
