"""The offline writer: a digest in the sources' own sentences, each quoted and cited. No language model, no network.

What it adds of its own claims nothing: a connective sentence, headings made of the sentences' key terms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar
from urllib.parse import urlsplit

from contentstudio.config import Site
from contentstudio.model import Draft, Reference, Section, Sentence, Snapshot
from contentstudio.research.sentences import sentences
from contentstudio.writing import terms
from overnight.errors import Permanent

T = TypeVar("T")

MIN_QUOTES = 4  # less is no article
FEWEST, MOST = 10, 18  # quotes, where the source is long enough
SHARE, SHORT_SHARE = 0.4, 0.6  # of the source's sentences; the second where the first would give less than FEWEST
_ALIKE = 0.8  # of the words of two sentences together
TITLE_LENGTH = 70  # characters; search engines cut a little later
DESCRIPTION_LENGTH = 160  # characters at most
_MAX_CHARACTERS = 2_000  # of a sentence; what is longer is a list or an attack

_FURNITURE = re.compile(
    r"https?:|\bwww\.|\b[\w-]+\.(?:com|org|net|io|co\.uk)\b|\S@\S|[|{}<>©►•→▶]"
    r"|\bclick|\bsubscri|\bcookies? (?:polic|setting|consent|notice|preference|banner)"
    r"|\b(?:accept|use|uses|using|our|set|sets|store|stores)\W+(?:\w+\W+){0,3}cookies?\b"
    r"|\bnewsletter|\bsign(?:ing)? (?:up|in)\b|\blog ?in\b|\bread (?:more|next|also)\b|\bfollow (?:us|me)\b"
    r"|\bshare (?:this|on)\b|\ball rights reserved\b|\bprivacy policy\b|\bterms of (?:use|service)\b"
    r"|\bcopyright \W*\d{4}"
    r"|\b(?:photo(?:graph)?|image|picture)s?(?: credit)?(?: by|:)|\bgetty images\b"
    r"|\badvertisement\b|\baffiliate (?:link|commission)|\bsponsored (?:by|post|content)\b"
    r"|\bhere[.!]$|\bfor more (?:information|details)\b"
    r"|\bjavascript (?:is|must|to)\b|\bleave a (?:comment|reply)\b|\bcomments? (?:below|section|policy)\b"
    r"|\b(?:contact|email|e-mail|join|support) us\b|\bdonate (?:now|today|to us)\b|\byour donation"
    r"|\boriginally (?:published|appeared)\b"
    r"|\bignore (?:all |any )?(?:the |your )?previous instructions\b|^\W*(?:system|assistant|user)\s*:|```|~~~",
    re.I,
)
_LEANING = re.compile(  # what begins so leans on the sentence before it
    r"\W*(?:this|that|these|those|it|its|it['’]s|that['’]s|he|him|his|she|her|they|them|their|such|but|and|or|so|yet|nor"
    r"|however|therefore|thus|hence|then|also|too|instead|meanwhile|moreover|furthermore|nevertheless|nonetheless"
    r"|besides|otherwise|similarly|likewise|conversely|consequently|accordingly|indeed|still|again|finally|next"
    r"|rather|because|here|there it|there they|even so|even then|after (?:that|this|all)|before (?:that|this)"
    r"|for (?:example|instance|that|this)|in (?:addition|contrast|this|that|these|those|fact|other words|short|turn)"
    r"|as (?:such|a result|an example|for)|on the (?:other|contrary|one)|at (?:this|that|the same time)"
    r"|by (?:contrast|comparison|this|that|then)|with (?:this|that|these|those)|to (?:this|that) end"
    r"|(?:one|some|many|most|all|both|neither|either|none|each|half|part|much) of (?:them|these|those|it|this|that)"
    r"|both|another|others?|the (?:former|latter|other|others|same|following|above|result|second|third|first|last)"
    r"|second(?:ly)?|third(?:ly)?|first(?:ly)?,|last(?:ly)?|plus|yes|no,|ok(?:ay)?|sadly|luckily|anyway|which|who"
    r"|same|except|unlike (?:this|that|them|it)|like (?:this|that|them|it)|none|not (?:so|only)|why|how come|now)\b",
    re.I,
)
_POINTING = re.compile(  # what speaks of another place on the page
    r"\b(?:the following|as follows|(?:see|listed|shown|pictured|mentioned|described|discussed) (?:above|below|earlier)"
    r"|(?:above|below)[,.;:]|(?:figure|table) \d|(?:this|the previous) (?:post|article|section|chapter))"
    r"|:\s*$",
    re.I,
)
_PERSON = re.compile(r"\b(?:he|him|his|she|hers?)\b", re.I)
_SELF = re.compile(r"\b(?:I|I['’]\w+|[Mm]y|[Mm]e|[Mm]ine|[Mm]yself|[Ww]e|[Ww]e['’]\w+|[Oo]urs?|[Uu]s)\b")
_NAME = re.compile(r"(?<=\S )[A-Z][a-z]|^\W*[A-Z]\w+ [A-Z][a-z]")
_PAIRED = ("()", "[]", "“”", "«»")

_LEADS = (
    "This page collects what one source says on the subject, in its own words.",
    "Each quote is followed by its source.",
)
_LEADS_MANY = ("This page collects what several sources say on the subject.", "Each quote is followed by its source.")
_HEADINGS = {
    "en": ("In short", "In detail", "Worth knowing", "Also of note"),
    "de": ("Kurz gesagt", "Im Einzelnen", "Wissenswert", "Außerdem"),
    "fr": ("En bref", "En détail", "À savoir", "À noter aussi"),
    "es": ("En breve", "En detalle", "Conviene saber", "Además"),
    "it": ("In breve", "In dettaglio", "Da sapere", "Inoltre"),
    "nl": ("In het kort", "In detail", "Goed om te weten", "Verder"),
    "pt": ("Em resumo", "Em detalhe", "Vale saber", "Além disso"),
}


class TooThin(Permanent):
    """There is nothing to write: the sources have too few sentences that can be quoted."""


@dataclass(frozen=True)
class _Candidate:
    """A sentence that may be quoted. `place` counts the source's sentences, `paragraph` its paragraphs.

    `leaning` says that it may not be understood without what stands before it.
    """

    source: str
    text: str
    place: int
    paragraph: int
    opens: bool
    terms: frozenset[str]
    leaning: bool
    score: float = 0.0


def compose(site: Site, slug: str, snapshots: Sequence[Snapshot]) -> Draft:
    """An article of quotes from `snapshots`: the same input gives an equal draft.

    The references are s1, s2, … in the order of the snapshots. The language is the first snapshot's, or the site's
    where that is unknown. Takes some milliseconds for a usual page and seconds for megabytes of text. Raises TooThin.
    """
    if not snapshots:
        raise TooThin("nothing to write: no source was read.")
    language = snapshots[0].language or site.language
    pool = {f"s{number}": snapshot for number, snapshot in enumerate(snapshots, 1)}
    chosen = _choose(pool, language)
    title, publisher = _title(snapshots[0], slug)
    return Draft(
        site=site.name,
        slug=slug,
        title=title,
        description=_description(title, publisher, chosen, language),
        sections=_sections(chosen, pool, language),
        references=[Reference(id=key, url=s.url, title=s.title, sha256=s.sha256) for key, s in pool.items()],
        writer="offline",
        language=language,
    )


# Which sentences


def _choose(pool: dict[str, Snapshot], language: str) -> list[_Candidate]:
    """The quotes in the order of the sources and, within one, of its text."""
    found = {key: _candidates(key, snapshot, language) for key, snapshot in pool.items()}
    totals = {key: len(sentences(snapshot.text, snapshot.language or language)) for key, snapshot in pool.items()}
    allowed = _allowed(sum(totals.values()))
    chosen: list[_Candidate] = []
    for key, candidates in found.items():
        # Each source gives its share, so that a long one does not crowd out a short one.
        share = round(allowed * totals[key] / max(1, sum(totals.values())))
        chosen += _best(candidates, share, chosen)
    if len(chosen) < MIN_QUOTES:
        total = sum(totals.values())
        raise TooThin(
            f"nothing to write: {total} sentences give {len(chosen)} quotes; at least {MIN_QUOTES} are wanted."
        )
    return chosen


def _allowed(total: int) -> int:
    """How many of `total` sentences may be quoted: a digest is no copy."""
    return min(MOST, max(int(SHARE * total), min(FEWEST, int(SHORT_SHARE * total))))


def _candidates(key: str, snapshot: Snapshot, language: str) -> list[_Candidate]:
    """What can be quoted at all, with its score. Long and hard sentences stay: the gates judge them, not the writer."""
    spoken = snapshot.language or language
    found: list[_Candidate] = []
    place = 0
    for number, paragraph in enumerate(re.split(r"\n\s*\n", snapshot.text)):
        for index, text in enumerate(sentences(paragraph, spoken)):
            if _is_prose(text):
                words = frozenset(terms.content(text))
                found.append(_Candidate(key, text, place, number, index == 0, words, _leans(text, spoken)))
            place += 1
    return _scored(found)


def _is_prose(text: str) -> bool:
    if len(text) > _MAX_CHARACTERS:
        return False
    words = terms.words(text)
    letters = sum(c.isalpha() or c.isspace() for c in text)
    return (
        4 <= len(words) <= 200
        and letters >= 0.7 * len(text)
        and not text.isupper()
        and not _FURNITURE.search(text)
        and all(text.count(pair[0]) == text.count(pair[1]) for pair in _PAIRED)
        and text.count('"') % 2 == 0
    )


def _leans(text: str, language: str) -> bool:
    """Whether the sentence may not stand alone. Known of English; elsewhere only a small first letter tells."""
    first = next((c for c in text if c.isalnum()), "")
    if first.islower() or text.rstrip("\"'”’»)").endswith(("?", "…", "...")):
        return True
    if language != "en":
        return False
    person = _PERSON.search(text)
    unnamed = person is not None and not _NAME.search(text[: person.start()])
    return unnamed or bool(_LEANING.match(text) or _POINTING.search(text))


def _scored(found: list[_Candidate]) -> list[_Candidate]:
    counts = Counter(term for candidate in found for term in candidate.terms)
    last = max((candidate.place for candidate in found), default=0) + 1
    return [replace(c, score=_weight(c, counts) * _fit(c.text) * (1.25 - 0.25 * c.place / last)) for c in found]


def _weight(candidate: _Candidate, counts: Counter[str]) -> float:
    """How much of what the source speaks of most is in the sentence; the first one of a paragraph names its matter."""
    shared = sum(counts[term] - 1 for term in candidate.terms)
    return (1 + shared / (3 + len(candidate.terms))) * (1.2 if candidate.opens else 1)


def _fit(text: str) -> float:
    """By length in words, and less for what the author says of himself or only reports as speech."""
    count = len(terms.words(text))
    fit = 1.0 if 8 <= count <= 24 else 0.8 if 8 <= count <= 35 else 0.6 if count < 8 else 0.4
    if _SELF.search(text):
        fit *= 0.4
    if re.search(r"[\"“„«]", text):
        fit *= 0.7
    return fit * (0.8 if "!" in text else 1)


def _best(candidates: list[_Candidate], limit: int, before: Iterable[_Candidate]) -> list[_Candidate]:
    """At most `limit`, in the order of the text. Leaning ones only where few others are left, near their neighbours."""
    taken = list(before)
    picked: list[_Candidate] = []
    by_score = sorted(candidates, key=lambda c: (-c.score, c.place))
    for leaning, enough in ((False, limit), (True, min(limit, FEWEST))):
        ranked = [c for c in by_score if c.leaning == leaning]
        if leaning:
            places = {c.place + 1 for c in picked}
            ranked.sort(key=lambda c: c.place not in places)
        for candidate in ranked:
            if len(picked) < enough and not any(_alike(candidate, other) for other in taken):
                picked.append(candidate)
                taken.append(candidate)
    return sorted(picked, key=lambda c: c.place)


def _alike(one: _Candidate, other: _Candidate) -> bool:
    """Near duplicates: nearly all words are the same. A list whose lines differ in a name and a number has none."""
    ours, theirs = ({word.lower() for word in terms.words(c.text)} for c in (one, other))
    return len(ours & theirs) >= _ALIKE * len(ours | theirs)


# Title and description


def _title(snapshot: Snapshot, slug: str) -> tuple[str, str]:
    """The page's title without the site's name, and who published it as far as title and address tell."""
    host = _host(snapshot.url)
    title, name = _without_site(" ".join(snapshot.title.split()), host)
    if not title or (" " not in title and "/" in title):
        title = slug.replace("-", " ").strip().capitalize() or "Untitled"
    return _clip(title, TITLE_LENGTH), _clip(name or host or "one source", 40)


def _without_site(title: str, host: str) -> tuple[str, str]:
    """Title and site's name apart: `Moon phases | Clear Skies`, `Moon phases - Clear Skies`, `BBC | Moon phases`."""
    parts = [part for part in re.split(r"\s+(?:[·»«•]|::)\s+|\s*\|\s*", title) if re.search(r"[^\W\d_]{2}", part)]
    name = ""
    if len(parts) > 1:
        at_front = _squashed(parts[0]) in _squashed(host)
        title, name = (parts[1], parts[0]) if at_front else (parts[0], parts[-1])
    head, _, tail = re.sub(r"\s[-–—]\s(?!.*\s[-–—]\s)", "\0", title).partition("\0")
    is_name = tail[:1].isupper() and len(tail.split()) <= 4 and " " in head
    if is_name or (tail and _squashed(tail) in _squashed(host)):
        return head.strip(), name or tail.strip()
    return title, name


def _squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold()) or "\0"


def _host(url: str) -> str:
    """The host as a name for readers; empty where it is an address of numbers or none at all."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.") if re.search(r"\.[a-z][a-z0-9-]*$", host) else ""


def _clip(text: str, length: int) -> str:
    """At most `length` characters: cut where a clause ends if that leaves enough, else between words."""
    if len(text) <= length:
        return text
    clause = re.match(r".{25,}(?=[.?!:;]\s|\s[–—-]\s)[.?!]?", text[:length])
    if clause:
        return clause.group().removesuffix(".")
    cut = (text[: length - 1].rpartition(" ")[0] or text[: length - 1]).split(" ")
    while len(cut) > 1 and cut[-1].lower() in terms.STOP:
        cut.pop()
    return " ".join(cut).rstrip(" ,;:-–—(") + "…"


def _description(title: str, publisher: str, chosen: list[_Candidate], language: str) -> str:
    """What the page is, without a claim, in 80 to 160 characters; in other languages than English a quote instead."""
    if language != "en":
        return f"“{_clip(chosen[0].text, DESCRIPTION_LENGTH - 5 - len(publisher))}” – {publisher}"
    several = len({candidate.source for candidate in chosen}) > 1
    speaker = "several sources say" if several else f"{publisher} says"
    frame = f"What {speaker} about “{{}}”, in quoted sentences, each of them with a link to its source."
    return frame.replace("{}", _clip(title, DESCRIPTION_LENGTH - len(frame) + 2))


# The page


def _sections(chosen: list[_Candidate], pool: dict[str, Snapshot], language: str) -> list[Section]:
    """Three or four sections where the quotes suffice; with several sources none mixes two of them."""
    by_source = [[c for c in chosen if c.source == key] for key in pool]
    used = [candidates for candidates in by_source if candidates]
    wanted = min(4 if len(chosen) >= 12 else 3, len(chosen) // 2)
    chunks = [
        chunk for c in used for chunk in _chunks(c, max(1, min(len(c) // 2, round(wanted * len(c) / len(chosen)))))
    ]
    headings = _headings(chunks, pool, language)
    sections = []
    for heading, chunk in zip(headings, chunks, strict=True):
        quotes = [Sentence(text=c.text, source=c.source, quoted=True) for c in chunk]
        sections.append(Section(heading=heading, paragraphs=_split(quotes, max(1, round(len(quotes) / 3)))))
    if language != "en":
        return sections
    leads = _LEADS if len(used) == 1 else _LEADS_MANY
    lead = [Sentence(text=text) for text in leads]
    first = sections[0]
    return [Section(heading=first.heading, paragraphs=[lead, *first.paragraphs]), *sections[1:]]


def _chunks(candidates: list[_Candidate], count: int) -> list[list[_Candidate]]:
    """`count` runs of two or more, parted where the source begins a paragraph if it does so near enough."""
    ends = [0]
    for index in range(1, count):
        ideal = round(index * len(candidates) / count)
        room = range(ends[-1] + 2, len(candidates) - 2 * (count - index) + 1)
        breaks = [i for i in room if candidates[i].paragraph != candidates[i - 1].paragraph and abs(i - ideal) <= 2]
        ends.append(min(breaks or room, key=lambda i, ideal=ideal: abs(i - ideal)))
    return [candidates[start:end] for start, end in pairwise([*ends, len(candidates)])]


def _split(items: Sequence[T], count: int) -> list[list[T]]:
    """`count` runs of nearly equal length, in order."""
    ends = [round(index * len(items) / count) for index in range(count + 1)]
    return [list(items[start:end]) for start, end in pairwise(ends)]


def _headings(chunks: list[list[_Candidate]], pool: dict[str, Snapshot], language: str) -> list[str]:
    """A heading per chunk from what its sentences speak of; a plain one where they name nothing twice."""
    fixed = _HEADINGS.get(language, ())
    found: list[str] = []
    for number, chunk in enumerate(chunks):
        source = pool[chunk[0].source].text
        made = terms.heading([c.text for c in chunk], source, found) if language == "en" else ""
        found.append(made or (fixed[number] if number < len(fixed) else str(number + 1)))
    return found
