"""Headings, questions, links and pictures of an article, as a page of the web wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from contentstudio.model import Image, InternalLink, Question, Section
from contentstudio.text.lengths import tidy

_MARK = re.compile(r"^(#{1,6}\s+)+")  # of a heading in Markdown
_END = re.compile(r"(?<=\w)\s*[:：]$|(?<=\w{2})[.。]$")


def sections_of(sections: Sequence[Section]) -> list[Section]:
    """The sections with headings that are headings: without Markdown's marks, without a full stop
    or a colon.
    """
    return [
        section.model_copy(update={"heading": heading_of(section.heading)}) for section in sections
    ]


def heading_of(text: str) -> str:
    """A heading as it is shown; as it was, where nothing would be left of it."""
    heading = _MARK.sub("", tidy(text))
    return _END.sub("", heading) or text


def faq_of(faq: Sequence[Question], sections: Iterable[Section]) -> list[Question]:
    """The questions, each once, and none that is a heading of the article already: headings of a
    page differ.
    """
    headings = {section.heading.casefold() for section in sections}
    questions = []
    for question in faq:
        text = tidy(question.question)
        if text.casefold() not in headings:
            questions.append(question.model_copy(update={"question": text or question.question}))
        headings.add(text.casefold())
    return questions


def links_of(links: Iterable[InternalLink], own_url: str) -> list[InternalLink]:
    """The links, each page once, and none to the article itself."""
    first: dict[str, InternalLink] = {}
    for link in links:
        first.setdefault(link.url.rstrip("/"), link)
    return [link for url, link in first.items() if url != own_url.rstrip("/")]


def images_of(images: Iterable[Image]) -> list[Image]:
    """The pictures with tidy words. One without words stays, for the gates to hold: nobody may make
    them up.
    """
    return [image.model_copy(update={"alt": tidy(image.alt)}) for image in images]
