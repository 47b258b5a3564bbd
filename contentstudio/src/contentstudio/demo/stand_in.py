"""A language model that is none: it answers each prompt of the studio by what stands in the prompt.

So the demo shows what a model costs and which calls it takes, without a key and without a bill. It
invents nothing: its facts are sentences of the page, and its articles quote the notes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from contentstudio.text.prose import is_prose, leans
from contentstudio.text.sentences import sentences
from contentstudio.text.words import content_words
from overnight.testing.fake_llm import FakeModels, prompt_of, schema_of

FACTS = 12  # of a page at most
PARTS = ("The short answer", "One by one", "Worth knowing")  # the sections of an article
DESCRIPTION = 150  # characters of a description at most


def served() -> FakeModels:
    """The stand-in on loopback, which speaks Anthropic's protocol; a context manager."""
    return FakeModels(body=answer)


def answer(request: dict[str, Any]) -> str:
    """The answer to a request, by the form that it is to have."""
    schema, prompt = schema_of(request), prompt_of(request)
    fields = schema["properties"] if schema else {}
    return json.dumps(_answer(set(fields), prompt), ensure_ascii=False)


def _answer(fields: set[str], prompt: str) -> dict[str, Any]:
    if "ideas" in fields:
        return {"ideas": []}  # the owner's keywords name them
    if "open" in fields:
        return {"answered": "Some of it.", "open": "The rest.", "questions": _questions(prompt)}
    if "facts" in fields:
        return {"facts": [{"text": text, "span": text} for text in _facts(prompt)]}
    if "angle" in fields:
        return _plan(prompt)
    if "rulings" in fields:
        return {"rulings": _rulings(prompt), "conflicts": []}
    if "texts" in fields:
        return {"texts": []}  # it can say nothing in its own words
    if "changes" in fields:
        return {"changes": [], "additions": []}
    if "title" in fields:
        section = {"heading": PARTS[0], "blocks": [_paragraph(_quotes(prompt, _notes(prompt)))]}
        return {
            "title": _idea(prompt),
            "description": _plan(prompt)["description"],
            "sections": [section],
            "faq": [],
        }
    if "blocks" in fields:
        return {"blocks": _blocks(prompt)}
    return {"faq": []}


def _questions(prompt: str) -> list[dict[str, str]]:
    return [{"perspective": "a beginner", "question": f"{_idea(prompt)}, in short?"}]


def _facts(prompt: str) -> list[str]:
    """Sentences of the page that can stand alone; of a page on another subject, those alone that
    speak of the idea.
    """
    title, _, text = _sealed(prompt, "page").partition("\n\n")
    idea = content_words(_idea(prompt))
    needed = 0 if idea & content_words(title) else min(2, len(idea))
    alone = [
        text
        for text in sentences(text)
        if is_prose(text) and not leans(text) and len(idea & content_words(text)) >= needed
    ]
    return alone[:: max(1, -(-len(alone) // FACTS))]  # from the whole of the page


def _plan(prompt: str) -> dict[str, Any]:
    notes = list(_notes(prompt))
    sections = [
        {
            "heading": heading,
            "tells": "",
            "notes": notes[place :: len(PARTS)],
            "blocks": ["list" if place == 1 else "paragraph"],
        }
        for place, heading in enumerate(PARTS)
    ]
    described = next(iter(_notes(prompt).values()), "").rstrip(".")
    lists: dict[str, list[str]] = {name: [] for name in ("faq", "images", "adds")}
    return {
        "titles": [_idea(prompt)],
        "description": f"What is known of it, from the notes of others: {described}"[:DESCRIPTION],
        "intent": "To know it before the weekend.",
        "angle": "What helps first comes first.",
        "sections": [section for section in sections if section["notes"]],
        "terms": [_idea(prompt).lower()],
        **lists,
    }


def _blocks(prompt: str) -> list[dict[str, Any]]:
    """The section's notes, each quoted: as a list where the brief wants one."""
    names = re.findall(r"^Its notes: (.*)$", prompt, re.M)[-1].split(", ")
    quotes = _quotes(prompt, names)
    if "Its blocks: list" in prompt:
        return [{"kind": "list", "ordered": False, "items": [[quote] for quote in quotes]}]
    return [_paragraph(quotes[place : place + 3]) for place in range(0, len(quotes), 3)]


def _quotes(prompt: str, names: Sequence[str] | dict[str, str]) -> list[dict[str, Any]]:
    notes = _notes(prompt)
    return [{"text": notes[name], "notes": [name], "quoted": True} for name in names]


def _rulings(prompt: str) -> list[dict[str, Any]]:
    """Of each line that it is asked about: its source has it word for word, or it cites none."""
    (names,) = re.findall(r"^Judge these \d+ lines: (.*)$", prompt, re.M)
    lines = re.findall(
        r"^([a-z ]+?(?: \d+)?)(?: \[(s\d+)\])?: (.*)$", _sealed(prompt, "article"), re.M
    )
    cited = {name: (source, text) for name, source, text in lines}
    return [_ruling(name, *cited[name], prompt) for name in names.split(", ")]


def _ruling(line: str, source: str, text: str, prompt: str) -> dict[str, Any]:
    if not source:
        return {"line": line, "verdict": "no_claim", "passages": [], "why": ""}
    if text not in " ".join(_sealed(prompt, source).split()):
        return {"line": line, "verdict": "not_found", "passages": [], "why": ""}
    passages = [{"source": source, "text": text}]
    return {"line": line, "verdict": "supported", "passages": passages, "why": ""}


def _paragraph(quotes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "paragraph", "sentences": list(quotes)}


def _notes(prompt: str) -> dict[str, str]:
    """The notes of a prompt: the passage of each, by its id."""
    lines = map(json.loads, _sealed(prompt, "notes").splitlines())
    return {note["id"]: note["span"] for note in lines}


def _idea(prompt: str) -> str:
    return _sealed(prompt, "idea").splitlines()[0]


def _sealed(prompt: str, name: str) -> str:
    """What stands between the tags of that name."""
    return prompt.split(f'id="{name}">\n', 1)[1].split("\n</source-", 1)[0]
