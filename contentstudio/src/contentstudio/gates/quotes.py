"""What stands in quotation marks stands in its source, word for word. In every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from contentstudio import places
from contentstudio.gates.input import Case, failed, passed
from contentstudio.model import Fault, Sentence, Snapshot, Verdict
from contentstudio.text.sentences import sentences
from contentstudio.text.wording import normal, shown, stands_in

# of the words, in order, are the same: a quote that was changed and not one that was made up
_NEAR = 0.75
# In double marks, to the end of the sentence where the quote goes on in the next one; or in single
# ones.
_INLINE = re.compile(r"""(?<!\w)"([^"]*\w[^"]*)(?:"(?!\w)|$)|(?<!\w)'(\w.*?[\w,.!?])'(?!\w)""")
_FEW = 4  # words; fewer in quotation marks are a name or a manner of speaking


def check(case: Case) -> Verdict:
    """Look for each quote in the text of its source; only white space and typography may differ.

    A quote is a sentence that is marked as one, or four words and more in quotation marks within a
    sentence.
    """
    texts = {key: normal(snapshot.text) for key, snapshot in case.pool.items()}
    spoken = [text for text in places.texts(case.draft) if text.kind == "sentence"]
    quotes = [
        (text, quote)
        for text, sentence in zip(spoken, case.draft.sentences(), strict=True)
        for quote in _quotes(sentence)
    ]
    wrong = [
        Fault(place=text.place, text=text.text, reason=_fault(quote, case))
        for text, quote in quotes
        if quote.source not in texts or not stands_in(normal(quote.text), texts[quote.source])
    ]
    if wrong:
        count = f"{len(wrong)} of {len(quotes)} quotes are not in their source"
        return failed("quotes", f"{count}: {wrong[0].reason}", wrong)
    return passed("quotes", f"{len(quotes)} quotes stand in their sources word for word.")


def _quotes(sentence: Sentence) -> Iterator[Sentence]:
    """What a sentence says in the words of its source, each as a sentence of its own."""
    if sentence.quoted:
        yield sentence
        return
    for match in _INLINE.finditer(normal(sentence.text)):
        quote = match[1] or match[2]
        if len(quote.split()) >= _FEW:
            # It may close with a comma or a stop that is the sentence's and not the source's.
            yield Sentence(text=quote.rstrip(",.; "), source=sentence.source, quoted=True)


def _fault(quote: Sentence, case: Case) -> str:
    text = shown(quote.text)
    if quote.source is None:
        return f"{text} names no source."
    if quote.source not in case.pool:
        return f"{text} names {quote.source}, which is not in the pool."
    near = _nearest(quote.text, case.pool[quote.source])
    if near:
        return f"{text} is only near to what {quote.source} says, {shown(near)}."
    return f"{text} is nowhere in {quote.source}."


def _nearest(quote: str, source: Snapshot) -> str | None:
    """The sentence of `source` that a quote was most likely made from; None where none is near."""
    words = normal(quote).lower().split()
    candidates = sentences(source.text, source.language or "en")
    best = max(candidates, key=lambda s: len({*words} & {*normal(s).lower().split()}), default="")
    there = normal(best).lower().split()
    return best if SequenceMatcher(None, words, there, autojunk=False).ratio() >= _NEAR else None
