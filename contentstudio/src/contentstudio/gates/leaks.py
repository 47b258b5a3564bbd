"""Nothing of the machine shows: no phrase of a model about itself, no placeholder, no code fence,
no canary.

The phrases are English; placeholders, fences, role marks and the canary are found in every
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contentstudio.gates.input import Case, failed, known, passed
from contentstudio.model import Verdict
from contentstudio.text.wording import normal, shown, stands_in

_MATERIAL = (
    r"(?:sources?|documents?|texts?|context|articles?|excerpts?|snapshots?|materials?|information)"
)

# What a writer says of itself or its task. Another author may have written it, of an assistant or
# of a to-do list, so a quote that really stands in its source is not our leak.
_VOICE = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'m| am) (?:just |only )?an? (?:ai|(?:large )?language model)\b"
    r"|\bi(?:'m| am) sorry, (?:but )?i\b"
    r"|\bi (?:cannot|can't|can not|won't|am unable to|am not able to) "
    r"(?:help|assist|comply|fulfill?) ?(?:with|you)?\b"
    r"|\bsystem prompt\b"
    r"|\bmy (?:training data|knowledge cut-?off|instructions)\b"
    r"|\bmy (?:last|latest|most recent) (?:knowledge |training )?(?:update|cut-?off|data)\b"
    rf"|\bthe (?:provided|supplied) (?:source )?{_MATERIAL}\b"
    rf"|\bthe (?:given |source )?(?:sources?|documents?|texts?)"
    rf" (?:do|does|did)(?: not|n't) (?:mention|say|contain|state)\b"
    rf"|\b{_MATERIAL} (?:that )?(?:you|i was|was|were) (?:provided|given)\b"
    r"|\bhere(?: is|'s) (?:the|your|an?) (?:[\w-]+ ){0,3}(?:article|post|draft|text|json|summary)\b"
    r"|\blorem ipsum\b"
    r"|\b(?-i:TODO|TBD|FIXME)\b",
    re.I,
)
# What waits to be filled in, or frames a conversation. It has no place on a page, whoever wrote it
# first.
_NEVER = re.compile(
    r"\[\s*(?:insert|placeholder|your|add|todo|tbd)\b[^\]]*\]"
    r"|\[\s*(?:(?:\w+ "
    r")?(?:name|number|date|link|url|e-?mail|address|author|price)|citation "
    r"needed|source|image)\s*\]"
    r"|\{\{|\}\}|<%|\$\{"
    r"|```|~~~"
    r"|<\|[^|]*\|>|</?(?:system|assistant|user|source|document)s?\b[^<>]*>|\[/?INST\]"
    r"|(?:^|\n)\W*(?:assistant|system|user|human|ai)\s*:",
    re.I,
)


def check(case: Case) -> Verdict:
    """Look through everything that a reader may see, for phrases and for the canary of
    the prompt.
    """
    fault = next(_leaks(case), None)
    return (
        failed("leaks", fault)
        if fault
        else passed("leaks", "No phrase of a prompt, placeholder or code was found.")
    )


def _leaks(case: Case) -> Iterator[str]:
    canary = _letters(known(case.canary, "the canary of the prompt"))
    texts = {key: normal(snapshot.text) for key, snapshot in case.pool.items()}
    theirs = {
        s.text
        for s in case.draft.sentences()
        if s.quoted and stands_in(normal(s.text), texts.get(s.source or "", ""))
    }
    for place, text in case.texts():
        if canary and (canary in _letters(text) or canary[::-1] in _letters(text)):
            yield (
                f"The {place} has the canary of the prompt: the writer gave its instructions away."
            )
        is_theirs = place == "sentence" and text in theirs
        yield from _matches(place, text, (_NEVER,) if is_theirs else (_NEVER, _VOICE))
    if canary and canary in _letters(case.draft.model_dump_json()):
        yield "The draft has the canary of the prompt: the writer gave its instructions away."


def _letters(text: str) -> str:
    """What is left of a mark when somebody spaces it out or writes it in capitals."""
    return "".join(c for c in normal(text).casefold() if c.isalnum())


def _matches(place: str, text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    for pattern in patterns:
        # Line by line, since a role marker is one at the beginning of a line only; backticks become
        # quotes in `normal`.
        for version in ("\n".join(map(normal, text.splitlines())), text):
            match = pattern.search(version)
            if match:
                yield (
                    f"The {place} {shown(normal(text))} has “{match.group().strip()}”, which "
                    "no reader should see."
                )
