"""Nothing of the machine shows: no phrase of a model about itself, no placeholder, no instruction, no markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from contentstudio import config
from contentstudio.gates.wording import normal, shown, stands_in
from contentstudio.model import Draft, Snapshot, Verdict

_MATERIAL = r"(?:sources?|documents?|texts?|context|articles?|excerpts?|snapshots?|materials?|information)"

# What a writer says of itself or its task. Another author may have written it, of an assistant or of a to-do list, so
# a quote that really stands in its source is not our leak.
_VOICE = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'m| am) (?:just |only )?an? (?:ai|(?:large )?language model)\b"
    r"|\bi(?:'m| am) sorry, (?:but )?i\b"
    r"|\bi (?:cannot|can't|can not|won't|am unable to|am not able to) (?:help|assist|comply|fulfill?) ?(?:with|you)?\b"
    r"|\bsystem prompt\b"
    r"|\bmy (?:training data|knowledge cut-?off|instructions)\b"
    rf"|\bthe (?:provided|supplied) (?:source )?{_MATERIAL}\b"
    rf"|\bthe (?:given |source )?(?:sources?|documents?|texts?)"
    rf" (?:do|does|did)(?: not|n't) (?:mention|say|contain|state)\b"
    rf"|\b{_MATERIAL} (?:that )?(?:you|i was|was|were) (?:provided|given)\b"
    r"|\bhere(?: is|'s) (?:the|your|an?) (?:[\w-]+ ){0,3}(?:article|post|draft|text|json|summary)\b"
    r"|\blorem ipsum\b"
    r"|\b(?-i:TODO|TBD|FIXME)\b",
    re.I,
)
# What speaks to a machine or waits to be filled in. It has no place on a page, whoever wrote it first: a source that
# gives orders to its readers' machines is one for a person to look at.
_NEVER = re.compile(
    r"\b(?:ignore|disregard|forget) (?:(?:all|any|the|your|of|these) )*(?:previous|prior|above|earlier|preceding) "
    r"(?:instructions?|prompts?|directions?|rules)"
    r"|\[\s*(?:insert|placeholder|your|add|todo|tbd)\b[^\]]*\]"
    r"|\{\{|\}\}|<%|\$\{"
    r"|```|~~~"
    r"|<\|[^|]*\|>|</?(?:system|assistant|user|source|document)s?>"
    r"|(?:^|\n)\W*(?:assistant|system|user|human|ai)\s*:",
    re.I,
)


def check(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    """Look through title, description, headings and every sentence."""
    found = next(_leaks(draft, pool), None)
    if found:
        return Verdict(gate="leaks", passed=False, reason=found)
    return Verdict(gate="leaks", passed=True, reason="No phrase of a prompt, placeholder or code was found.")


def _leaks(draft: Draft, pool: Mapping[str, Snapshot]) -> Iterator[str]:
    yield from _own("title", draft.title)
    yield from _own("description", draft.description)
    for section in draft.sections:
        yield from _own("heading", section.heading)
    texts = {key: normal(snapshot.text) for key, snapshot in pool.items()}
    for sentence in draft.sentences():
        theirs = sentence.quoted and stands_in(normal(sentence.text), texts.get(sentence.source or "", ""))
        yield from _matches("sentence", sentence.text, (_NEVER,) if theirs else (_NEVER, _VOICE))


def _own(place: str, text: str) -> Iterator[str]:
    return _matches(place, text, (_NEVER, _VOICE))


def _matches(place: str, text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    for pattern in patterns:
        # Line by line, since a role marker is one at the beginning of a line only; backticks become quotes in `normal`.
        for version in ("\n".join(map(normal, text.splitlines())), text):
            match = pattern.search(version)
            if match:
                yield f"The {place} {shown(normal(text))} has “{match.group().strip()}”, which no reader should see."
