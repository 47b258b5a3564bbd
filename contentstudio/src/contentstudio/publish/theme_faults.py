"""What a theme makes of a sample: whether anything in it is wrong, before a night finds out, and
how pages look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from contentstudio.config import Site
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Image,
    ImageBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Reference,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
)
from contentstudio.publish import render, themes
from contentstudio.publish.lists import PER_PAGE
from contentstudio.publish.own_pages import parsed
from contentstudio.publish.port import content_sha256
from contentstudio.publish.themes import ThemeError

_MOMENTS = (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))


def faults(site: Site) -> list[str]:
    """A sentence for each template that cannot be used; none for a site without a theme."""
    if site.theme is None:
        return []
    broken = list(_unreadable(site))
    return list(dict.fromkeys(broken or _unfit(site)))


def look(site: Site) -> str:
    """A hash of what an article's page is made with: templates, theme and config. Pages of another
    look are behind.
    """
    first, last = _MOMENTS
    return hashlib.sha256(
        render.article(site, sample(site), published_at=first, updated_at=last).encode()
    ).hexdigest()


def _unreadable(site: Site) -> Iterator[str]:
    """The templates that are no templates, or have no effect."""
    assert site.theme is not None
    for path in sorted(site.theme.rglob("*")):
        name = path.relative_to(site.theme).as_posix()
        if name in themes.OURS:
            yield (
                f"the theme of {site.name}: {name} has no effect, for the gates judge its "
                "markup: take it out"
            )
        elif path.is_file() and path.suffix in themes.TEMPLATES:
            yield from _fault(partial(render.read_template, site, name))


def _unfit(site: Site) -> Iterator[str]:
    """What fails when pages are made of them: an article with everything and one with little, and
    the lists.
    """
    full, little = (
        sample(site),
        sample(site).model_copy(update={"faq": [], "images": [], "references": [], "tags": []}),
    )
    first, last = _MOMENTS
    for draft, moment in (
        (full, last),
        (little.model_copy(update={"sections": [_plain()]}), first),
    ):
        yield from _fault(
            partial(render.article, site, draft, published_at=first, updated_at=moment)
        )
    page = render.Page(
        title=full.title,
        description=full.description,
        sha256=content_sha256(full),
        published_at=first,
        updated_at=last,
        tags=tuple(full.tags),
    )
    own = [parsed("about.md", "# About\n\nWho we are.")]
    lists: list[dict[str, render.Page]] = [
        {},
        {f"sample-{number}": page for number in range(PER_PAGE + 1)},
    ]
    for pages in lists:
        yield from _fault(partial(render.listings, site, pages, own))
        yield from _fault(partial(render.feet, site, pages, own))


def _fault(attempt: Callable[[], object]) -> Iterator[str]:
    try:
        attempt()
    except ThemeError as error:
        yield str(error)


def _plain() -> Section:
    return Section(heading="A part", paragraphs=[[Sentence(text="A sentence.")]])


def sample(site: Site) -> Draft:
    """An article that has everything an article may have."""
    sentences = [
        Sentence(text="A sentence.", source="s1"),
        Sentence(text="A quote.", source="s1", quoted=True),
    ]
    picture = Image(
        src="https://example.com/picture.png", alt="A picture", caption="It", credit="A person"
    )
    blocks: list[Block] = [
        sentences,
        ListBlock(items=[sentences]),
        QuoteBlock(sentences=sentences),
        TableBlock(head=["A column"], rows=[[sentences]]),
        StepsBlock(steps=[Instruction(name="A step", sentences=sentences)]),
        CalloutBlock(title="A title", sentences=sentences),
        ImageBlock(src=picture.src),
    ]
    return Draft(
        site=site.name,
        slug="sample",
        title="A sample",
        description="An article to try a theme with.",
        sections=[Section(heading=f"Part {number}", paragraphs=blocks) for number in range(1, 7)],
        references=[
            Reference(id="s1", url="https://example.com/", title="A source", sha256="0" * 64)
        ],
        writer="offline",
        language=site.language,
        tags=["samples"],
        faq=[Question(question="What is it?", answer=sentences)],
        images=[picture],
    )
