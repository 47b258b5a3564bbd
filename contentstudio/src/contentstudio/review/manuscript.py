r"""An article as a small Markdown that a person edits, and back.

`# ` before the title, `## ` before a heading, `### ` before a question of the FAQ, an empty line
between paragraphs. A sentence has a line of its own: `> ` before it says that it is quoted word for
word, `[s1]` behind it names its source. Lines such as `[s1]: https://…` only tell the sources there
are; what else belongs to an article stays as it was.

Below a heading, between empty lines, there may also be:

* a list: `- ` before each item, or `1. ` in a numbered one. Each further sentence of an item has a
  line of its own;
* a block quote: `>> ` before each of its sentences. It is always word for word, so it needs no `> `
  as well;
* a table: `| a | b |` for its head, then `| --- | --- |`, then a line for each row. `<br>`
  separates the sentences of a cell;
* steps: a numbered list whose items begin with their names: `1. **Water it**`, and each sentence of
  the step on a line of its own below it;
* a callout: `!!! note`, `!!! tip` or `!!! warning`, where there is a title with the title behind
  it, and its sentences below;
* a picture: `![](heap.png)` with the address of one of the article's pictures, and the sentences of
  its caption below it, if it has any.

A backslash before a mark makes it plain text: `\- `, `\>`, and in a table `\|` and `\<br>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import get_args

from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    ImageBlock,
    Instruction,
    ListBlock,
    Question,
    QuoteBlock,
    Section,
    Sentence,
    StepsBlock,
    TableBlock,
    Tone,
)
from overnight.errors import UserError

_CITED = re.compile(r"\s*\[(s\d+)?\]$")
_REFERENCE = re.compile(r"\[s\d+\]:")
_ITEM = re.compile(r"(?:[-*+]|(\d+[.)]))(?:\s+|$)")
_NAME = re.compile(r"\*\*(.+)\*\*")  # of a step
_CALLOUT = re.compile(r"!!!\s*(\S*)\s*(.*)")
_PICTURE = re.compile(r"!\[.*?\]\((.+)\)")
_MARK = re.compile(
    rf"[#>|\\]|\*\*|!!!|!\[|{_REFERENCE.pattern}|{_ITEM.pattern}"
)  # what a line may not begin with as it is
_MARK_IN_CELL = re.compile(r"[>\\]")
_TOKEN = re.compile(
    r"\\[\\|<]|<br\s*/?>|.", re.IGNORECASE
)  # of a row: an escaped character, a break, a character
_SPECIAL_IN_ROW = re.compile(r"[\\|]|<(?=br\s*/?>)", re.IGNORECASE)
_RULE = re.compile(r":?-+:?")  # below the name of a column

_Lines = Sequence[tuple[int, str]]  # each with its number
_Ids = AbstractSet[str] | None  # of the sources there are; None where any may be cited


def write(draft: Draft) -> str:
    """The article as Markdown."""
    blocks = [f"# {_line(draft.title)}", _escaped(draft.description)]
    for section in draft.sections:
        blocks += [f"## {_line(section.heading)}", *map(_written_block, section.blocks)]
    for question in draft.faq:
        blocks += [f"### {_line(question.question)}", _written_block(question.answer)]
    blocks.append("\n".join(f"[{r.id}]: {r.url}" for r in draft.references))
    return "\n\n".join(block for block in blocks if block) + "\n"


def read(text: str, draft: Draft) -> Draft:
    """The article with the words of the Markdown. Raises `UserError`, with the number of the line
    that is wrong.
    """
    title, description = "", [""]
    sections: list[tuple[int, str, list[Block]]] = []
    faq: list[tuple[int, str, list[Block]]] = []
    ids = {reference.id for reference in draft.references}
    there = sections
    body: list[Block] | None = None
    for number, lines in _parts(text):
        first = lines[0]
        if first.startswith("# ") and not title:
            title = _line(first[2:])
        elif first.startswith(("## ", "### ")):
            body = []
            there = sections if first.startswith("## ") else faq
            there.append((number, _line(first.lstrip("#")), body))
        elif first.startswith("#"):
            raise UserError(
                f"line {number}: “{first[:40]}” is no heading: write # before the title "
                "(once), ## or ###"
            )
        elif body is None:
            description.append(" ".join(map(_unescaped, lines)))
        else:
            body.append(_placed(block(lines, number, ids), number, draft))
            if there is faq and not isinstance(body[-1], list):
                raise UserError(
                    f"line {number}: an answer has only sentences; put this below a "
                    "heading with “## ”"
                )
    if not title or not sections:
        raise UserError(
            "an article needs a title behind “# ” and at least one heading behind “## ”"
        )
    changes = {
        "title": title,
        "description": " ".join(description).strip(),
        "sections": [Section(heading=h, paragraphs=p) for n, h, p in map(_whole, sections)],
        "faq": [
            Question(question=q, answer=[s for p in a if isinstance(p, list) for s in p])
            for n, q, a in map(_whole, faq)
        ],
    }
    return _noted(draft.model_copy(update=changes), draft)


def _noted(article: Draft, before: Draft) -> Draft:
    """The article with the notes of the sentences that a person left as they were."""
    notes = {(s.text, s.source): s.notes for s in before.sentences()}

    def noted(sentence: Sentence) -> Sentence:
        names = notes.get((sentence.text, sentence.source), ())
        return sentence.model_copy(update={"notes": names})

    return article.map_sentences(noted)


def block(lines: Sequence[str], number: int = 1, ids: _Ids = None) -> Block:
    """The block that some lines write, of which `number` is the first. Raises `UserError` as `read`
    does.
    """
    numbered = list(enumerate(map(str.strip, lines), number))
    first = numbered[0][1]
    if first.startswith("|"):
        return _table(numbered, ids)
    if first.startswith(">>"):
        return QuoteBlock(sentences=[_sentence(_in_quote(line, n), n, ids) for n, line in numbered])
    if item := _ITEM.match(first):
        is_named = item[1] and _NAME.fullmatch(first[item.end() :])
        return _steps(numbered, ids) if is_named else _list(numbered, ids)
    if callout := _CALLOUT.fullmatch(first):
        return _callout(callout, numbered, ids)
    if picture := _PICTURE.fullmatch(first):
        return ImageBlock(src=_line(picture[1]), caption=_sentences(numbered[1:], ids))
    return _sentences(numbered, ids)


def _parts(text: str) -> Iterator[tuple[int, list[str]]]:
    """The blocks and headings, each with the number of its first line. A heading needs no empty
    line around it.
    """
    part: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        content = line.strip()
        if part and (
            not content
            or content.startswith("#")
            or part[0].startswith("#")
            or _REFERENCE.match(content)
        ):
            yield number - len(part), part
            part = []
        if content and not _REFERENCE.match(content):
            part.append(content)


def _whole(part: tuple[int, str, list[Block]]) -> tuple[int, str, list[Block]]:
    number, heading, blocks = part
    if not heading or not blocks:
        raise UserError(
            f"line {number}: a heading needs words, and at least one sentence beneath it"
        )
    return part


def _list(lines: _Lines, ids: _Ids) -> ListBlock:
    items: list[list[Sentence]] = []
    ordered = _is_ordered(lines[0][1])
    for number, line in lines:
        if mark := _ITEM.match(line):
            if _is_ordered(line) != ordered:
                raise UserError(
                    f"line {number}: a list has “- ” before each item, or “1. ”; this one has both"
                )
            items.append([])
            line = line[mark.end() :]
        items[-1].append(_sentence(_plain(line, number), number, ids))
    return ListBlock(ordered=ordered, items=items)


def _steps(lines: _Lines, ids: _Ids) -> StepsBlock:
    parts: list[tuple[int, str, list[tuple[int, str]]]] = []
    for number, line in lines:
        if mark := _ITEM.match(line):
            name = _NAME.fullmatch(line[mark.end() :])
            if name is None or not _line(name[1]):
                raise UserError(
                    f"line {number}: each step begins with its name, such as 1. **Water it**"
                )
            parts.append((number, _line(name[1]), []))
        else:
            parts[-1][2].append((number, line))
    if empty := next(
        (number for number, _, sentences_of_step in parts if not sentences_of_step), None
    ):
        raise UserError(f"line {empty}: a step needs a sentence in the line below its name")
    return StepsBlock(
        steps=[
            Instruction(name=name, sentences=_sentences(sentences_of_step, ids))
            for _, name, sentences_of_step in parts
        ]
    )


def _callout(first: re.Match[str], lines: _Lines, ids: _Ids) -> CalloutBlock:
    number, tone = lines[0][0], first[1]
    if tone not in get_args(Tone):
        raise UserError(
            f"line {number}: a callout begins with {', '.join(f'!!! {t}' for t in get_args(Tone))}"
        )
    if not lines[1:]:
        raise UserError(f"line {number}: a callout needs a sentence in the line below it")
    return CalloutBlock(tone=tone, title=_line(first[2]), sentences=_sentences(lines[1:], ids))


def _placed(block: Block, number: int, draft: Draft) -> Block:
    """The block, with the picture of the article that it names."""
    if not isinstance(block, ImageBlock):
        return block
    pictures = {_line(image.src): image.src for image in draft.images}
    if (src := pictures.get(block.src)) is None:
        there = f"; there are: {', '.join(pictures)}" if pictures else ": it has none"
        raise UserError(f"line {number}: {block.src} is no picture of this article{there}")
    return block.model_copy(update={"src": src})


def _sentences(lines: _Lines, ids: _Ids) -> list[Sentence]:
    return [_sentence(_plain(line, number), number, ids) for number, line in lines]


def _is_ordered(line: str) -> bool:
    mark = _ITEM.match(line)
    return mark is not None and mark[1] is not None


def _in_quote(line: str, number: int) -> str:
    if not line.startswith(">>"):
        raise UserError(
            f"line {number}: “>>” belongs before each sentence of a block quote, and an "
            "empty line below it"
        )
    return line[2:].strip()


def _table(lines: _Lines, ids: _Ids) -> TableBlock:
    (number, head), *others = [(number, _cells(line, number)) for number, line in lines]
    if not others or not head or not all(map(_RULE.fullmatch, others[0][1])):
        rule = f"| {' | '.join(['---'] * max(1, len(head)))} |"
        raise UserError(
            f"line {number + 1}: the head of a table, such as | a | b |, needs {rule} below it"
        )
    for number, cells in others:
        if len(cells) != len(head):
            raise UserError(
                f"line {number}: this row has cells for {len(cells)} columns, and the "
                f"table has {len(head)}"
            )
    if len(others) == 1:
        raise UserError(f"line {number}: a table needs at least one row below its head")
    rows = [[_cell(cell, number, ids) for cell in cells] for number, cells in others[1:]]
    return TableBlock(head=[_line(_unescaped_cell(name)) for name in head], rows=rows)


def _cells(line: str, number: int) -> list[str]:
    """The cells of a row as they are written."""
    if not line.startswith("|"):
        raise UserError(
            f"line {number}: each row of a table begins with “|”, and an empty line "
            "belongs below the last"
        )
    cells = _split(line, r"\|")[1:]
    return cells if cells[-1] else cells[:-1]


def _cell(text: str, number: int, ids: _Ids) -> list[Sentence]:
    parts = _split(text, "<.+") if text else []
    return [_sentence(_unescaped_cell(part), number, ids) for part in parts]


def _split(text: str, separator: str) -> list[str]:
    parts = [""]
    for token in _TOKEN.findall(text):
        if re.fullmatch(separator, token):
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]


def _plain(line: str, number: int) -> str:
    """A line that has only a sentence."""
    if line.startswith((">>", "|", "!!!")) or _ITEM.match(line) or _PICTURE.fullmatch(line):
        raise UserError(
            f"line {number}: a list, a block quote, a table, a callout and a picture stand alone: "
            "put an empty line before it"
        )
    return line


def _sentence(line: str, number: int, ids: _Ids) -> Sentence:
    cited = _CITED.search(line)
    text = line[: cited.start()] if cited else line
    quoted = text.startswith(">")
    text = _unescaped(_line(text.removeprefix(">")))
    source = cited[1] if cited else None
    if not text:
        raise UserError(f"line {number}: there is no sentence")
    if source is not None and ids is not None and source not in ids:
        raise UserError(
            f"line {number}: [{source}] is no source of this article; there are: "
            f"{', '.join(sorted(ids))}"
        )
    return Sentence(text=text, source=source, quoted=quoted)


def _written_block(block: Block) -> str:
    match block:
        case ListBlock():
            marks = [
                f"{number}. " if block.ordered else "- " for number, _ in enumerate(block.items, 1)
            ]
            return "\n".join(map(_written_item, marks, block.items))
        case QuoteBlock():
            return "\n".join(
                f">> {_written(sentence, quoted=False)}" for sentence in block.sentences
            )
        case TableBlock():
            cells = [[_escaped_cell(_line(name)) for name in block.head], ["---"] * len(block.head)]
            cells += [list(map(_written_cell, row)) for row in block.rows]
            return "\n".join(f"| {' | '.join(row)} |" for row in cells)
        case StepsBlock():
            return "\n".join(
                "\n   ".join([f"{number}. **{_line(step.name)}**", *map(_written, step.sentences)])
                for number, step in enumerate(block.steps, 1)
            )
        case CalloutBlock():
            head = f"!!! {block.tone} {_line(block.title)}".rstrip()
            return "\n".join([head, *map(_written, block.sentences)])
        case ImageBlock():
            return "\n".join([f"![]({_line(block.src)})", *map(_written, block.caption)])
    return "\n".join(map(_written, block))


def _written_item(mark: str, item: Sequence[Sentence]) -> str:
    return mark + f"\n{' ' * len(mark)}".join(map(_written, item))


def _written_cell(cell: Sequence[Sentence]) -> str:
    return "<br>".join(_escaped_cell(_written(s, mark=_MARK_IN_CELL)) for s in cell)


def _written(sentence: Sentence, quoted: bool | None = None, mark: re.Pattern[str] = _MARK) -> str:
    quoted = sentence.quoted if quoted is None else quoted
    text = _escaped(sentence.text, mark)
    source = f" [{sentence.source}]" if sentence.source else " []" if _CITED.search(text) else ""
    return ("> " if quoted else "") + text + source


def _escaped(text: str, mark: re.Pattern[str] = _MARK) -> str:
    line = _line(text)
    return f"\\{line}" if mark.match(line) else line


def _unescaped(line: str) -> str:
    return line.removeprefix("\\")


def _escaped_cell(text: str) -> str:
    return _SPECIAL_IN_ROW.sub(r"\\\g<0>", text)


def _unescaped_cell(text: str) -> str:
    return re.sub(r"\\([\\|<])", r"\1", text)


def _line(text: str) -> str:
    return " ".join(text.split())
