"""Nothing of the machine shows: no phrase of a model about itself or its task, no placeholder, no
mark of Markdown or of code, no canary.

The phrases are English ones and those of the language packs, looked for in every article: a model
need not leak in the language of the article. Placeholders, marks and the canary are found in every
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contentstudio import places
from contentstudio.gates.input import Case, fault, known, verdict
from contentstudio.model import Fault, Verdict
from contentstudio.text import packs
from contentstudio.text.wording import normal, stands_in

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


_UNITS = (
    r"(?:%|€|\$|£|per ?cent|percent|prozent|pour cent|por ciento|por cento|per cento|procent|euros?"
    r"|dollars?|pounds?|reais|years?|days?|hours?|minutes?|people|jahren?|tagen?|stunden|minuten|ans"
    r"|jours|heures|años|días|horas|minutos|anni|giorni|ore|minuti|jaar|dagen|uur|anos|dias|km|kg"
    r"|met(?:er|re)s?|lit(?:er|re)s?)"
)
_OPEN = re.compile(  # what waits for a figure, a word or a source
    rf"\bX{{2,}}(?=\s*{_UNITS}(?!\w))|[€$£]\s*X{{2,}}\b|\b(?:19|20)XX\b|_{{3,}}|\?{{3,}}"
    r"|\[(?:\.{3}|…)\](?=\s*$)|\blorem ipsum\b|\bxxx+\b"
)
_MARKDOWN = re.compile(
    r"\*\*(?=\S)[^*]+\*\*|(?<!\w)__(?=\S)[^_]+__(?!\w)|(?<![\w*])\*(?=[^\W_])[^*]*\w\*(?![\w*])"
    r"|^\s*#{1,6}\s|^\s*[-*+]\s(?=\S)|^\s*>\s|^\s*[-*_]{3,}\s*$|\|\s*:?-{3,}|\s\*\*(?=\S)"
    r"|&(?:nbsp|amp|lt|gt|quot|#\d+);|\\n|\\\"|\"\w+\"\s*:\s*[\"\[{]",
    re.M,
)
_OF_THE_TASK = re.compile(  # ids of notes and sources, and what a brief says of a section
    r"\b(?:note|notes|notiz|nota|notas|fuente|fonte|quelle|bron|source|sources)\s+[ns]\d{1,3}\b"
    r"|[\[(]\s*[ns]\d{1,3}(?:\s*[,;]\s*[ns]\d{1,3})*\s*[\])]"
    r"|\(\s*(?:about |approx\.? |ca\.? |environ |unos )?\d{2,4}(?:\s*-\s*\d{2,4})?\s+"
    r"(?:words|wörter|mots|palabras|parole|woorden|palavras)\s*\)"
    r"|\b(?:word count|wortzahl|nombre de mots)\s*:",
    re.I,
)
_SECTION = re.compile(  # before the name of a heading
    r"^(?:section|abschnitt|sección|sezione|sectie|seção|secção|heading|h2)\s+\d*\s*[:.–-]", re.I
)


def check(case: Case) -> Verdict:
    """Look through everything that a reader may see, for phrases and for the canary of
    the prompt.
    """
    canary = _letters(known(case.canary, "the canary of the prompt"))
    wrong = [*_leaks(case, canary)]
    return verdict("leaks", wrong, "No phrase of a prompt, placeholder or code was found.")


def _leaks(case: Case, canary: str) -> Iterator[Fault | str]:
    texts = {key: normal(snapshot.text) for key, snapshot in case.pool.items()}
    theirs = {
        s.text
        for s in case.draft.sentences()
        if s.quoted and stands_in(normal(s.text), texts.get(s.source or "", ""))
    }
    for text in places.texts(case.draft):
        if canary and (canary in _letters(text.text) or canary[::-1] in _letters(text.text)):
            yield Fault(
                place=text.place,
                text=text.text,
                reason=f"The {text.kind} has the canary of the prompt: the writer gave its "
                "instructions away.",
            )
        is_theirs = text.kind == "sentence" and text.text in theirs
        if leak := _first(text, (_never() if is_theirs else (*_never(), *_own_voice()))):
            yield fault(text, f"has “{leak}”, which no reader should see.")
    if canary and canary in _letters(case.draft.model_dump_json()):
        yield "The draft has the canary of the prompt: the writer gave its instructions away."


def _never() -> tuple[re.Pattern[str], ...]:
    """What has no place on a page, whoever wrote it first."""
    return (_NEVER, _brackets(), packs.everywhere("leaks", "pending"), _OPEN, _MARKDOWN)


def _own_voice() -> tuple[re.Pattern[str], ...]:
    """What another author may have written of somebody else."""
    voice, task = packs.everywhere("leaks", "voice"), packs.everywhere("leaks", "task")
    return (_VOICE, voice, task, _OF_THE_TASK)


def _brackets() -> re.Pattern[str]:
    """A note to the writer in square brackets, in any of the languages."""
    fill = packs.everywhere("leaks", "fill").pattern
    return re.compile(rf"\[[^\]]{{0,30}}{fill}[^\]]*\]", re.I)


def _letters(text: str) -> str:
    """What is left of a mark when somebody spaces it out or writes it in capitals."""
    return "".join(c for c in normal(text).casefold() if c.isalnum())


def _first(text: places.Text, patterns: tuple[re.Pattern[str], ...]) -> str | None:
    """The first leak of a text."""
    if text.kind == "heading" and (match := _SECTION.search(text.text)):
        return match[0].strip()
    for pattern in patterns:
        # Line by line, since a role marker is one at the beginning of a line only; backticks become
        # quotes in `normal`.
        for version in ("\n".join(map(normal, text.text.splitlines())), text.text):
            if match := pattern.search(version):
                return match.group().strip()
    return None
