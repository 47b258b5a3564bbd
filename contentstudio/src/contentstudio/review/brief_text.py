"""A brief as a small Markdown that a person edits, and back.

Each line is one thing. `# ` stands before a title (the first one is taken, the others are
candidates), `## ` before the heading of a section, `### ` before a question to answer at the end.
Every other line has a label and its value:

* of the whole brief, before the first section: `Description`, `Intent`, `Angle`, `Length` (as in
  `Length: 300 to 900 words`), and as often as there are such `Term`, `Link` (a page of the site to
  link to), `Image` (an idea for a picture), `Covered` (what other pages tell) and `Adds` (what this
  article tells beyond them);
* of a section, below its heading: `Tells`, `Notes` (as in `Notes: n1, n4`) and `Blocks`.

Lines such as `[n1]: …` only show the notes there are. They belong to the research, and stay as they
are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from contentstudio.brief import BlockKind, Brief, BriefSection, Note, Research
from overnight.errors import UserError

_NOTE = re.compile(r"\[n\d+\]:")
_LABEL = re.compile(r"([A-Z][a-z]+):\s*(.*)")
_LENGTH = re.compile(r"(\d{1,6}) to (\d{1,6})(?: words)?")
_SINGLE = {"Description": "description", "Intent": "intent", "Angle": "angle"}
_MANY = {
    "Term": "terms",
    "Link": "links",
    "Image": "images",
    "Covered": "covered",
    "Adds": "adds",
}
_OF_BRIEF = (*_SINGLE, "Length", *_MANY)
_OF_SECTION = ("Tells", "Notes", "Blocks")
BLOCKS: tuple[BlockKind, ...] = get_args(BlockKind)


def write(brief: Brief) -> str:
    """The brief as Markdown."""
    parts = [[f"# {_line(title)}" for title in brief.titles], list(_head(brief))]
    parts += [list(_section(section)) for section in brief.sections]
    parts += [[f"### {_line(question)}" for question in brief.faq]]
    pages = {page.sha256: page for page in brief.research.pages}
    parts += [[shown(note, pages[note.sha256].host) for note in brief.research.notes]]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def read(text: str, brief: Brief) -> Brief:
    """The brief with the words of the Markdown, and the research it had. Raises `UserError`, with
    the number of the line that is wrong.
    """
    reader = _Reader(brief.research)
    for number, line in enumerate(text.splitlines(), 1):
        if (content := line.strip()) and not _NOTE.match(content):
            reader.line(number, content)
    return reader.brief()


def shown(note: Note, host: str) -> str:
    """A note and who says it, in one line."""
    return f"[{note.id}]: {_line(note.text)} ({host})"


class _Reader:
    """What was read so far of a Markdown."""

    def __init__(self, research: Research) -> None:
        self._research = research
        self._ids = [note.id for note in research.notes]
        self._values: dict[str, Any] = {"titles": [], "faq": []}
        self._values |= {name: [] for name in _MANY.values()}
        self._sections: list[tuple[int, dict[str, Any]]] = []

    def line(self, number: int, content: str) -> None:
        mark, _, words = content.partition(" ")
        if mark in ("#", "##", "###"):
            self._heading(number, mark, _line(words))
        elif label := _LABEL.fullmatch(content):
            self._labelled(number, label[1], _line(label[2]))
        else:
            raise UserError(
                f"line {number}: “{content[:40]}” has no mark: write # before a title, ## before a "
                "heading, ### before a question, or a label such as “Tells: ” before other words"
            )

    def _heading(self, number: int, mark: str, words: str) -> None:
        if not words:
            raise UserError(f"line {number}: {mark} needs words behind it")
        if mark == "##":
            self._sections.append((number, {"heading": words}))
            return
        self._values["titles" if mark == "#" else "faq"].append(words)

    def _labelled(self, number: int, label: str, value: str) -> None:
        if label in _OF_SECTION and self._sections:
            self._of_section(number, label, value)
        elif label in _SINGLE:
            self._values[_SINGLE[label]] = value
        elif label in _MANY:
            self._values[_MANY[label]] += [value] if value else []
        elif label == "Length":
            self._values["length"] = _length(number, value)
        elif label in _OF_SECTION:
            raise UserError(f"line {number}: “{label}” belongs below the heading of a section")
        else:
            known = ", ".join((*_OF_BRIEF, *_OF_SECTION))
            raise UserError(f"line {number}: “{label}” is no part of a brief; there are: {known}")

    def _of_section(self, number: int, label: str, value: str) -> None:
        _, section = self._sections[-1]
        if label == "Notes":
            section["notes"] = tuple(self._notes(number, value))
        elif label == "Blocks":
            section["blocks"] = tuple(_blocks(number, value))
        else:
            section["tells"] = value

    def _notes(self, number: int, value: str) -> Iterator[str]:
        for name in _names(value):
            if name not in self._ids:
                raise UserError(
                    f"line {number}: {name[:40]} is no note of this brief; there are: "
                    f"{', '.join(self._ids)}"
                )
            yield name

    def brief(self) -> Brief:
        if not self._values["titles"]:
            raise UserError("a brief needs a title behind “# ”")
        if not self._sections:
            raise UserError("a brief needs at least one section behind “## ”")
        for number, section in self._sections:
            if not section.get("notes"):
                raise UserError(
                    f"line {number}: section “{section['heading'][:60]}” names no note; write "
                    "“Notes: n1, n2” below it, or take the section out"
                )
        sections = [BriefSection.model_validate(section) for _, section in self._sections]
        values = {n: tuple(v) if isinstance(v, list) else v for n, v in self._values.items()}
        return Brief(research=self._research, sections=tuple(sections), **values)


def _head(brief: Brief) -> Iterator[str]:
    for label, name in _SINGLE.items():
        yield f"{label}: {_line(getattr(brief, name))}".rstrip()
    if brief.length:
        yield f"Length: {brief.length[0]} to {brief.length[1]} words"
    for label, name in _MANY.items():
        yield from (f"{label}: {_line(value)}" for value in getattr(brief, name))


def _section(section: BriefSection) -> Iterator[str]:
    yield f"## {_line(section.heading)}"
    yield f"Tells: {_line(section.tells)}".rstrip()
    yield f"Notes: {', '.join(section.notes)}"
    yield f"Blocks: {', '.join(section.blocks)}"


def _blocks(number: int, value: str) -> Iterator[str]:
    for name in _names(value) or ["paragraph"]:
        if name not in BLOCKS:
            raise UserError(
                f"line {number}: “{name[:40]}” is no block; there are: {', '.join(BLOCKS)}"
            )
        yield name


def _length(number: int, value: str) -> tuple[int, int] | None:
    if not value:
        return None
    match = _LENGTH.fullmatch(value)
    if not match or not 0 < int(match[1]) <= int(match[2]):
        raise UserError(f"line {number}: write a length as in “Length: 300 to 900 words”")
    return int(match[1]), int(match[2])


def _names(value: str) -> Sequence[str]:
    return list(dict.fromkeys(name for name in re.split(r"[,\s]+", value) if name))


def _line(text: str) -> str:
    return " ".join(text.split())
