"""An article as a small Markdown that a person edits, and back.

`# ` before the title, `## ` before a heading, `### ` before a question of the FAQ, an empty line between paragraphs. A
sentence has a line of its own: `> ` before it says that it is quoted word for word, `[s1]` behind it names its source.
Lines such as `[s1]: https://…` only tell the sources there are; what else belongs to an article stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contentstudio.model import Draft, Question, Section, Sentence
from overnight.errors import UserError

_CITED = re.compile(r"\s*\[(s\d+)?\]$")
_REFERENCE = re.compile(r"\[s\d+\]:")
_MARK = re.compile(r"[#>\\]|\[s\d+\]:")  # what a line may not begin with as it is


def write(draft: Draft) -> str:
    """The article as Markdown."""
    blocks = [f"# {_line(draft.title)}", _escaped(draft.description)]
    for section in draft.sections:
        blocks += [f"## {_line(section.heading)}", *map(_paragraph, section.paragraphs)]
    for question in draft.faq:
        blocks += [f"### {_line(question.question)}", _paragraph(question.answer)]
    blocks.append("\n".join(f"[{r.id}]: {r.url}" for r in draft.references))
    return "\n\n".join(block for block in blocks if block) + "\n"


def read(text: str, draft: Draft) -> Draft:
    """The article with the words of the Markdown. Raises `UserError`, with the number of the line that is wrong."""
    title, description = "", [""]
    sections: list[tuple[int, str, list[list[Sentence]]]] = []
    faq: list[tuple[int, str, list[list[Sentence]]]] = []
    ids = {reference.id for reference in draft.references}
    body: list[list[Sentence]] | None = None
    for number, block in _blocks(text):
        first = block[0]
        if first.startswith("# ") and not title:
            title = first[2:].strip()
        elif first.startswith(("## ", "### ")):
            body = []
            there = sections if first.startswith("## ") else faq
            there.append((number, first.lstrip("#").strip(), body))
        elif first.startswith("#"):
            raise UserError(f"line {number}: “{first[:40]}” is no heading: write # before the title (once), ## or ###")
        elif body is None:
            description.append(" ".join(map(_unescaped, block)))
        else:
            body.append([_sentence(line, number + i, ids) for i, line in enumerate(block)])
    if not title or not sections:
        raise UserError("an article needs a title behind “# ” and at least one heading behind “## ”")
    changes = {
        "title": title,
        "description": " ".join(description).strip(),
        "sections": [Section(heading=h, paragraphs=p) for n, h, p in map(_whole, sections)],
        "faq": [Question(question=q, answer=[s for p in a for s in p]) for n, q, a in map(_whole, faq)],
    }
    return draft.model_copy(update=changes)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """The paragraphs and headings, each with the number of its first line. A heading needs no empty line around it."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        told = line.strip()
        if block and (not told or told.startswith("#") or block[0].startswith("#") or _REFERENCE.match(told)):
            yield number - len(block), block
            block = []
        if told and not _REFERENCE.match(told):
            block.append(told)


def _whole(part: tuple[int, str, list[list[Sentence]]]) -> tuple[int, str, list[list[Sentence]]]:
    number, heading, paragraphs = part
    if not heading or not paragraphs:
        raise UserError(f"line {number}: a heading needs words, and at least one sentence beneath it")
    return part


def _sentence(line: str, number: int, ids: set[str]) -> Sentence:
    cited = _CITED.search(line)
    text = line[: cited.start()] if cited else line
    quoted = text.startswith(">")
    text = _unescaped(text.removeprefix(">").strip())
    source = cited[1] if cited else None
    if not text:
        raise UserError(f"line {number}: there is no sentence")
    if source is not None and source not in ids:
        raise UserError(f"line {number}: [{source}] is no source of this article; there are: {', '.join(sorted(ids))}")
    return Sentence(text=text, source=source, quoted=quoted)


def _paragraph(paragraph: Sequence[Sentence]) -> str:
    return "\n".join(map(_written, paragraph))


def _written(sentence: Sentence) -> str:
    text = _escaped(sentence.text)
    mark = f" [{sentence.source}]" if sentence.source else " []" if _CITED.search(text) else ""
    return ("> " if sentence.quoted else "") + text + mark


def _escaped(text: str) -> str:
    line = _line(text)
    return f"\\{line}" if _MARK.match(line) else line


def _unescaped(line: str) -> str:
    return line.removeprefix("\\")


def _line(text: str) -> str:
    return " ".join(text.split())
