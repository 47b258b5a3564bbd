"""The dossier as text, for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from contentstudio import places
from contentstudio.brief import Brief, BriefSection
from contentstudio.model import (
    Block,
    CalloutBlock,
    Draft,
    Fault,
    ImageBlock,
    ListBlock,
    QuoteBlock,
    Sentence,
    StepsBlock,
    TableBlock,
    Verdict,
)
from contentstudio.review.briefs import Fact, facts, unused
from contentstudio.review.dossier import WORDS, Claim, Dossier, RivalPost

_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)  # a terminal would obey
WIDTH = 78  # columns, so that two are left where a terminal has 80


def told(dossier: Dossier) -> str:
    """The article with its marks, what the gates said of it, each marked place beside what its
    source says, and its claims beside their sources.
    """
    notes = [_folded(note, "note    ") for note in dossier.notes]
    notes += [
        _folded(f"{c.what}: {c.before or '—'} → {c.after or '—'}", "changed ")
        for c in dossier.changes
    ]
    rivals = [_underlined("Posts of the site on the same query", "-"), *map(_rival, dossier.rivals)]
    claims = [
        _underlined(f"Claims beside their sources: {dossier.support()}", "-"),
        *map(_claim, dossier.claims),
    ]
    marks = [_underlined("Marked in the article ⟦ ⟧", "-"), *map(_mark, dossier.marks)]
    parts = [
        article(marked(dossier.draft, dossier.marks)),
        verdicts(dossier.verdicts),
        *(marks if dossier.marks else []),
        *(["\n".join(notes)] if notes else []),
    ]
    return "\n\n".join([*parts, *(rivals if dossier.rivals else []), *claims])


def brief(plan: Brief) -> str:
    """The brief of an article, with the notes of each section beside their sources."""
    title, *others = plan.titles
    low, high = plan.length or (0, 0)
    head = {
        "or": " / ".join(others),
        "asked": plan.intent,
        "angle": plan.angle,
        "words": f"{low:,} to {high:,}" if high else "",
        "terms": ", ".join(plan.terms),
        "links": " ".join(plan.links),
        "images": "; ".join(plan.images),
        "adds": "; ".join(plan.adds),
        "others": "; ".join(plan.covered),
    }
    parts = [_underlined(title, "="), _folded(plan.description) if plan.description else ""]
    parts += ["\n".join(_folded(text, f"{name:<8}") for name, text in head.items() if text)]
    parts += [_planned(plan, section) for section in plan.sections]
    if plan.faq:
        questions = [_folded(question, "? ") for question in plan.faq]
        parts += ["\n".join([_underlined("Questions to answer", "-"), *questions])]
    if names := unused(plan):
        left = map(_fact, facts(plan, names))
        parts += ["\n".join([_underlined("Notes that no section has", "-"), *left])]
    return "\n\n".join(filter(None, parts))


def _planned(plan: Brief, section: BriefSection) -> str:
    lines = [_underlined(section.heading, "-")]
    lines += [_folded(section.tells)] if section.tells else []
    lines += [_folded(f"as {', '.join(section.blocks)}")]
    return "\n".join([*lines, *map(_fact, facts(plan, section.notes))])


def _fact(fact: Fact) -> str:
    same = " ".join(fact.span.split()) == " ".join(fact.text.split())
    lines = [_folded(f"“{fact.text}”" if same else fact.text, f"{fact.id:>4}  ")]
    lines += [] if same else [_folded(fact.span, "      ↳ ")]
    support = f" {fact.support}" if fact.support else ""
    return "\n".join([*lines, f"      {fact.host}{support}, {fact.dated}  {fact.url}"])


def article(draft: Draft) -> str:
    """The article as a reader gets it."""
    parts = [_underlined(draft.title, "="), _folded(draft.description)]
    parts += [_folded(draft.author, "author  ")] if draft.author else []
    for section in draft.sections:
        parts += [
            _underlined(section.heading, "-"),
            *(_block(block, draft) for block in section.blocks),
        ]
    for question in draft.faq:
        parts += [_underlined(question.question, "-"), _folded(_spoken(question.answer))]
    parts.append("\n".join(_folded(f"{r.title} {r.url}", f"[{r.id}] ") for r in draft.references))
    return "\n\n".join([*parts, *([_folded(draft.disclosure)] if draft.disclosure else [])])


def verdicts(each: Iterable[Verdict]) -> str:
    """What each gate said, beneath one another."""
    return "\n".join(
        _folded(f"{v.gate}: {v.reason}", "passed  " if v.passed else "FAILED  ") for v in each
    )


def _block(block: Block, draft: Draft) -> str:
    match block:
        case ListBlock():
            labels = [
                f"{number}. " if block.ordered else "- " for number, _ in enumerate(block.items, 1)
            ]
            items = zip(block.items, labels, strict=True)
            return "\n".join(_folded(_spoken(item), label) for item, label in items)
        case QuoteBlock():
            return _folded(_spoken(block.sentences), "> ")
        case TableBlock():
            rows = [block.head, *([_spoken(cell) for cell in row] for row in block.rows)]
            return "\n".join(_folded(" | ".join(cell or "–" for cell in row), "| ") for row in rows)
        case StepsBlock():
            return "\n".join(
                f"{_folded(step.name, f'{number}. ')}\n{_folded(_spoken(step.sentences), '   ')}"
                for number, step in enumerate(block.steps, 1)
            )
        case CalloutBlock():
            headline = ": ".join(filter(None, (block.tone.upper(), block.title)))
            return f"{_folded(headline, '! ')}\n{_folded(_spoken(block.sentences), '! ')}"
        case ImageBlock():
            image = draft.image(block.src)
            shown = _folded(f"[{image.alt if image else ''}: {block.src}]")
            return "\n".join(filter(None, (shown, _folded(_spoken(block.caption)))))
    return _folded(_spoken(block))


def _spoken(paragraph: Sequence[Sentence]) -> str:
    return " ".join(
        (f"“{s.text}”" if s.quoted else s.text) + (f" [{s.source}]" if s.source else "")
        for s in paragraph
    )


def marked(draft: Draft, marks: Iterable[Fault]) -> Draft:
    """The draft with each marked text between ⟦ and ⟧."""
    texts = {text.place: text.text for text in places.texts(draft)}
    at = {mark.place for mark in marks if texts.get(mark.place)}
    return places.replaced(draft, {place: f"⟦{texts[place]}⟧" for place in at})


def _mark(mark: Fault) -> str:
    lines = [_folded(f"{mark.place}: {mark.text}", "  ⟦⟧ "), _folded(mark.reason, "     ")]
    return "\n".join([*lines, *([_folded(mark.passage, "     ↳ ")] if mark.passage else [])])


def _claim(claim: Claim) -> str:
    quoted = f"“{claim.text}”" if claim.quoted else claim.text
    lines = [
        _folded(f"{WORDS[claim.verdict]}: {quoted}", f"{claim.number:>3}  "),
        _folded(claim.passage or "nothing near", "     ↳ "),
        f"     [{claim.source}] {claim.dated}  {claim.url}",
    ]
    return "\n".join(lines)


def _rival(post: RivalPost) -> str:
    return f"{_folded(f'{post.likeness:.0%} of the words: {post.title}')}\n     {post.url}"


def _underlined(text: str, line: str) -> str:
    folded = _folded(text)
    return f"{folded}\n{line * max(map(len, folded.splitlines()), default=0)}"


def _folded(text: str, label: str = "") -> str:
    """In lines that fit, all of them behind the label. Addresses stay whole, so that they can be
    copied.
    """
    return textwrap.fill(
        " ".join(_UNPRINTABLE.sub("", text).split()),
        WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
