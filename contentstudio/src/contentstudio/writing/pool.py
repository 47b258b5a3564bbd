"""The closed pool of an article: its notes, by whose ids sentences say what they state. Pure.

What publishers, gates and reviewers see, the source of a sentence and the list of references, is
derived from the notes by code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from contentstudio.brief import Note, Research, SourcePage
from contentstudio.model import Draft, Reference, Sentence
from contentstudio.text.wording import normal, stands_in


def cited(draft: Draft, research: Research) -> Draft:
    """The draft with the sources of its sentences and its references, as their notes tell."""
    notes = {note.id: note for note in research.notes}
    ids = {page.sha256: f"s{number}" for number, page in enumerate(research.pages, 1)}

    def sourced(sentence: Sentence) -> Sentence:
        source = snapshot_of(sentence, notes)
        return sentence.model_copy(update={"source": ids[source] if source else None})

    references = [reference(ids[page.sha256], page) for page in research.pages]
    return cited_only(draft.map_sentences(sourced).model_copy(update={"references": references}))


def reference(name: str, page: SourcePage) -> Reference:
    """The entry of a page in the list of references."""
    return Reference(
        id=name,
        url=page.url,
        title=page.title,
        sha256=page.sha256,
        published_at=page.published_at,
        author=page.author,
    )


def snapshot_of(sentence: Sentence, known: Mapping[str, Note]) -> str | None:
    """The hash of the text that a sentence cites: a quote that in which it stands, any other that
    on which most of its notes rest, the first of equals. None where it states no note.
    """
    notes = [known[name] for name in sentence.notes if name in known]
    if not notes:
        return None
    if sentence.quoted:
        text = normal(sentence.text)
        notes = [note for note in notes if stands_in(text, normal(note.span))] or notes
    return Counter(note.sha256 for note in notes).most_common(1)[0][0]


def cited_only(draft: Draft) -> Draft:
    """The draft with the references that its sentences cite and no others, numbered s1, s2, … as
    they come.

    A citation of what is no reference stays as it is, for a gate to find.
    """
    known = {reference.id: reference for reference in draft.references}
    cited = dict.fromkeys(s.source for s in draft.sentences() if s.source in known)
    ids = {old: f"s{number}" for number, old in enumerate(cited, 1) if old is not None}

    def renamed(sentence: Sentence) -> Sentence:
        return sentence.model_copy(
            update={"source": ids.get(sentence.source or "", sentence.source)}
        )

    references = [known[old].model_copy(update={"id": new}) for old, new in ids.items()]
    return draft.map_sentences(renamed).model_copy(update={"references": references})


def outside(pool: Sequence[str], names: Iterable[str]) -> str | None:
    """What is wrong where a note is named that the pool does not have, or None."""
    wrong = next((name for name in names if name not in pool), None)
    if wrong is None:
        return None
    return f"“{wrong[:40]}” is named, and only {', '.join(pool)} are given"


def shown(research: Research) -> str:
    """The notes as a model reads them: a line of JSON for each, with the page that it rests on.

    A line is one note, whatever a page writes: JSON has no line breaks within it.
    """
    pages = {page.sha256: page for page in research.pages}

    def line(note: Note) -> str:
        page = pages[note.sha256]
        date = page.published_at.date().isoformat() if page.published_at else None
        values = {
            "id": note.id,
            "text": " ".join(note.text.split()),
            "span": " ".join(note.span.split()),
            "page": " ".join(page.title.split()),
            "host": page.host,
            "date": date,
            "hosts": len(note.hosts) if len(note.hosts) > 1 else None,
            "contradicts": note.contradicts or None,
        }
        if values["span"] == values["text"]:
            del values["text"]
        return json.dumps({k: v for k, v in values.items() if v is not None}, ensure_ascii=False)

    return "\n".join(map(line, research.notes))
