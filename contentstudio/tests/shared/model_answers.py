"""Answers of a stand-in model to the prompts of the writer: quotes of the notes that it gets."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from overnight.testing.fake_llm import prompt_of, schema_of

Asked = Literal["brief", "section", "answers", "polish", "rewrite", "mend", "judge"]
TITLE = "Water kept in the soil"
DESCRIPTION = (
    "What mulch does for a garden, told in the words of a gardener who uses it every year."
)


def asked(request: dict[str, Any]) -> Asked:
    """What a request asks for, by the form of the answer."""
    schema = schema_of(request)
    assert schema is not None
    fields = schema["properties"]
    if "rulings" in fields:
        return "judge"
    if "texts" in fields:
        return "mend"
    if "angle" in fields:
        return "brief"
    if "changes" in fields:
        return "polish"
    if "title" in fields:
        return "rewrite"
    return "section" if "blocks" in fields else "answers"


def notes_of(request: dict[str, Any]) -> dict[str, str]:
    """The notes in a prompt: their words as they stand in their source, by their ids."""
    lines = prompt_of(request).split('id="notes">\n', 1)[1].split("\n</source", 1)[0].splitlines()
    return {note["id"]: note["span"] for note in map(json.loads, lines)}


def own_notes(request: dict[str, Any]) -> dict[str, str]:
    """The notes that the part may state which a request asks for."""
    names = re.findall(r"^Its notes: (.*)$", prompt_of(request), re.M)[-1].split(", ")
    return {name: notes_of(request)[name] for name in names}


def sealed(request: dict[str, Any]) -> dict[str, str]:
    """The texts between the tags of a prompt, by their names."""
    tags = r'<(source-\w+) id="([^"]+)">\n(.*?)\n</\1>'
    return {name: text for _, name, text in re.findall(tags, prompt_of(request), re.S)}


def lines_of(request: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The lines of the article in a prompt by their names: the source that each cites, or nothing,
    and its text.
    """
    line = re.compile(r"^([a-z ]+?(?: \d+)?)(?: \[(s\d+)\])?: (.*)$", re.M)
    return {name: (source, text) for name, source, text in line.findall(sealed(request)["article"])}


def to_judge(request: dict[str, Any]) -> list[str]:
    """The names of the lines that a request asks to judge."""
    (names,) = re.findall(r"^Judge these \d+ lines: (.*)$", prompt_of(request), re.M)
    return str(names).split(", ")


def ruling(
    line: str, verdict: str, source: str = "", passage: str = "", why: str = ""
) -> dict[str, Any]:
    """The verdict on a line, by one passage or none."""
    passages = [{"source": source, "text": passage}] if passage else []
    return {"line": line, "verdict": verdict, "passages": passages, "why": why}


def truth(line: str, source: str, text: str, sources: dict[str, str]) -> dict[str, Any]:
    """What there is to say of a line: its source has it word for word; or it cites none and claims
    nothing.
    """
    if not source:
        return ruling(line, "no_claim")
    stands = " ".join(text.split()) in " ".join(sources[source].split())
    return ruling(line, "supported", source, text) if stands else ruling(line, "not_found")


def judged(request: dict[str, Any]) -> str:
    """The answer of a judge who tells the truth of articles that quote."""
    texts, lines = sealed(request), lines_of(request)
    rulings = [truth(name, *lines[name], texts) for name in to_judge(request)]
    return json.dumps({"rulings": rulings, "conflicts": []})


def mended(request: dict[str, Any]) -> str:
    """The answer of a writer who takes out each sentence at fault, and names other lines anew."""
    places = [json.loads(line)["place"] for line in sealed(request)["faults"].splitlines()]
    texts = [
        {
            "place": p,
            "text": "" if p.startswith("sentence") else TITLE,
            "notes": [],
            "quoted": False,
        }
        for p in places
    ]
    return json.dumps({"texts": texts})


def section_number(request: dict[str, Any]) -> int:
    """Which section a request asks for, from 1."""
    return int(prompt_of(request).split("Part: section ", 1)[1].split()[0])


def brief(notes: Sequence[str], count: int = 3, **changes: Any) -> str:
    """A plan that gives each section every third note, or as many as there are sections."""
    planned = [
        {
            "heading": f"Mulch, part {number}",
            "tells": "What it does.",
            "notes": list(notes[number - 1 :: count]),
            "blocks": ["paragraph"],
        }
        for number in range(1, count + 1)
    ]
    plan = {
        "titles": [TITLE],
        "description": DESCRIPTION,
        "intent": "To water less.",
        "angle": "It saves water.",
        "sections": planned,
        "faq": [],
        "terms": ["mulch"],
        "images": [],
        "adds": [],
    }
    return json.dumps(plan | changes)


def quotes(notes: dict[str, str]) -> list[dict[str, Any]]:
    """A sentence for each note, in the words of its source."""
    return [{"text": text, "notes": [name], "quoted": True} for name, text in notes.items()]


def paragraph(sentences: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "paragraph", "sentences": list(sentences)}


def article(request: dict[str, Any]) -> str:
    """Answers of which an article comes that passes the gates."""
    match asked(request):
        case "brief":
            return brief(list(notes_of(request)))
        case "section":
            return json.dumps({"blocks": [paragraph(quotes(own_notes(request)))]})
        case "answers":
            return json.dumps({"faq": []})
        case "polish":
            return json.dumps({"changes": [], "additions": []})
        case "judge":
            return judged(request)
        case "mend":
            return mended(request)
    section = {"heading": "About mulch", "blocks": [paragraph(quotes(notes_of(request)))]}
    return json.dumps(
        {"title": TITLE, "description": DESCRIPTION, "sections": [section], "faq": []}
    )
