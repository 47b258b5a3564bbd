"""Gathers what is known of an article: the draft, its page, what the gates said, and each claim
beside its source.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from contentstudio.config import Config
from contentstudio.gates.evidence import text_sha256
from contentstudio.gates.rivals import likeness
from contentstudio.model import Draft, Fault, Model, Sentence, Verdict
from contentstudio.pictures.port import sha256_in
from contentstudio.pipelines.work import Judged
from contentstudio.publish import render
from contentstudio.publish.themes import ThemeError
from contentstudio.seo import Change
from contentstudio.store.articles import Articles
from contentstudio.store.documents import Documents
from contentstudio.store.evidence import EvidenceLedger
from contentstudio.store.judgements import Judgements
from contentstudio.store.pictures import Pictures
from contentstudio.verify.judgement import Finding, lines
from overnight.errors import InvalidPayload
from overnight.store.database import Database, Row

Verdicts = Literal[
    "supported",
    "contradicted",
    "words_found",
    "number_mismatch",
    "not_found",
    "no_claim",
    "unchecked",
]
WORDS: dict[Verdicts, str] = {
    "supported": "supported",
    "contradicted": "contradicted",
    "words_found": "words found",
    "number_mismatch": "another number",
    "not_found": "not found",
    "no_claim": "claims nothing",
    "unchecked": "not checked",
}


class Claim(Model):
    """A sentence that cites a source, beside the passage that it rests on: by the word of a judge,
    whose passage code found there, else by the words that the two have in common.

    `number` counts the sentences of the article from 1. `similarity` is the share of the claim's
    words that the nearest passage has. `published_at` is the date that the source gives, `read_at`
    when we read it. What was never compared is `unchecked`, without a passage.
    """

    number: int
    text: str
    quoted: bool
    source: str
    url: str = ""
    title: str = ""
    published_at: datetime | None = None
    read_at: datetime | None = None
    passage: str | None = None
    similarity: float = 0.0
    verdict: Verdicts = "unchecked"

    @property
    def word(self) -> str:
        """The verdict, as a person reads it."""
        return WORDS[self.verdict]

    @property
    def dated(self) -> str:
        """The date of the source, as a person reads it."""
        if self.published_at:
            return f"of {self.published_at:%Y-%m-%d}"
        return f"read {self.read_at:%Y-%m-%d}" if self.read_at else "without a date"


class RivalPost(Model):
    """A post of the site that aims at the same query; `likeness` is the share of words that the two
    titles have.
    """

    title: str
    url: str
    likeness: float


class Dossier(Model):
    """One article as its reviewer sees it.

    `seal` binds a decision to what is shown. `verdicts` has the failed ones first. `notes` are the
    reasons for the review that are no verdict, `changes` what optimizing made of what was written.
    `page` is the article as its site will show it, or None where it cannot be rendered. `rivals`
    are the site's posts that aim at the same query today, the likest first. `marks` are the places
    that have to change, each with its reason and the passage beside it.
    """

    job_id: str
    step: str
    site: str
    status: str
    seal: str
    since: datetime | None
    draft: Draft
    verdicts: list[Verdict]
    notes: list[str]
    claims: list[Claim]
    page: str | None
    changes: tuple[Change, ...] = ()
    rivals: tuple[RivalPost, ...] = ()
    marks: tuple[Fault, ...] = ()

    def support(self) -> str:
        """How many claims fared how."""
        counts = Counter(claim.verdict for claim in self.claims)
        return (
            ", ".join(f"{counts[each]} {word}" for each, word in WORDS.items() if counts[each])
            or "no claim"
        )


async def gather(database: Database, config: Config, job_id: str) -> Dossier | None:
    """The dossier of a job's latest judged draft; None where none was judged."""
    row = await Articles(database).judged(job_id)
    if row is None:
        return None
    judged = Judged.model_validate(row["output"])
    rows = await EvidenceLedger(database).claims(job_id)
    findings = await Judgements(database).read(job_id)
    page, why = await asyncio.to_thread(_page, config, judged.draft, row["finished_at"])
    page = page and await _with_pictures(database, judged.draft, page)
    return Dossier(
        **{name: row[name] for name in ("job_id", "step", "site", "status", "seal")},
        since=row["finished_at"],
        draft=judged.draft,
        verdicts=sorted(judged.verdicts, key=lambda verdict: verdict.passed),
        notes=[*_notes(row, judged.verdicts), *why],
        claims=list(_claims(judged.draft, rows, findings)),
        page=page,
        changes=judged.changes,
        rivals=await _rivals(database, judged.draft),
        marks=tuple(fault for v in judged.verdicts if not v.passed for fault in v.faults),
    )


async def page_of(database: Database, config: Config, draft: Draft, moment: datetime) -> str | None:
    """An article as its site shows it, with its stored pictures; None where it cannot be shown."""
    page, _ = await asyncio.to_thread(_page, config, draft, moment)
    return page and await _with_pictures(database, draft, page)


async def _rivals(database: Database, draft: Draft) -> tuple[RivalPost, ...]:
    """The posts that the gate compares its title with."""
    language = draft.language
    pages = await Documents(database).competing(
        draft.site, draft.title, slug=draft.slug, language=language
    )
    posts = [
        RivalPost(
            title=r.title, url=r.url, likeness=round(likeness(draft.title, r.title, language), 3)
        )
        for r in pages
    ]
    return tuple(sorted(posts, key=lambda post: (-post.likeness, post.url)))


def _page(config: Config, draft: Draft, moment: datetime) -> tuple[str | None, list[str]]:
    try:
        return render.article(
            config.find(draft.site), draft, published_at=moment, updated_at=moment
        ), []
    except (InvalidPayload, ThemeError) as error:
        return None, [f"It cannot be shown as a page: {error}"]


async def _with_pictures(database: Database, draft: Draft, page: str) -> str:
    """The page with its stored pictures in it, for the site does not have them yet."""
    hashes = {image.src: sha for image in draft.images if (sha := sha256_in(image.src))}
    stored = await Pictures(database).read(hashes.values()) if hashes else {}
    for src, sha in hashes.items():
        if sha in stored:
            encoded = b64encode(stored[sha]).decode()
            page = page.replace(f'<img src="{src}"', f'<img src="data:image/webp;base64,{encoded}"')
    return page


def _notes(row: Row, verdicts: Sequence[Verdict]) -> list[str]:
    """What the step says besides the verdicts."""
    message = (row["error"] or "") if row["status"] == "needs_review" else ""
    for verdict in verdicts:
        if not verdict.passed:
            message = message.removeprefix(f"{verdict.gate}: {verdict.reason}").removeprefix("\n")
    return message.splitlines()


def _claims(draft: Draft, rows: Sequence[Row], findings: Mapping[str, Finding]) -> Iterable[Claim]:
    """Every sentence that cites a source, with what was found for exactly these words in exactly
    this text.
    """
    judged = {line.place: findings.get(line.key) for line in lines(draft)}
    evidence = {(row["text_sha256"], row["snapshot"], row["quoted"]): row for row in rows}
    pool = {reference.id: reference for reference in draft.references}
    for number, sentence in enumerate(draft.sentences(), 1):
        if sentence.source is None:
            continue
        reference = pool.get(sentence.source)
        snapshot = reference.sha256 if reference else ""
        row = evidence.get((text_sha256(sentence.text), snapshot, sentence.quoted))
        yield _claim(
            number,
            sentence,
            row or ({"url": reference.url, "title": reference.title} if reference else {}),
            judged.get(f"sentence {number}"),
        )


def _claim(number: int, sentence: Sentence, row: Row, finding: Finding | None) -> Claim:
    names = ("url", "title", "published_at", "read_at", "passage", "similarity", "verdict")
    fields = {name: row[name] for name in names if row.get(name) is not None}
    if finding is not None:
        passage = " ".join(each.text for each in finding.passages) or fields.get("passage")
        fields |= {"verdict": finding.ruling, "passage": passage}
    elif fields.get("verdict") == "supported" and not sentence.quoted:
        fields["verdict"] = "words_found"  # nobody judged it
    return Claim(
        number=number,
        text=sentence.text,
        quoted=sentence.quoted,
        source=sentence.source or "",
        **fields,
    )
