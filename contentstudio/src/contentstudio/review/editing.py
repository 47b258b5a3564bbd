"""A person writes an article: its words as Markdown, what the checks say of them while they are
written, and saving them.

Where the words go depends on where the article is: what waits for review or for its publication
gets other input, and of what is published a new version is begun, which passes the same gates. No
model changes what a person wrote.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from contentstudio import gates
from contentstudio.config import Config
from contentstudio.gates.input import Case, Rival, Unknown
from contentstudio.model import Draft, Fault, Verdict
from contentstudio.publish import render
from contentstudio.review import manuscript
from contentstudio.review.dossier import gather
from contentstudio.store.articles import Articles
from contentstudio.store.documents import Documents
from contentstudio.store.publications import Publications
from contentstudio.store.snapshots import Snapshots
from contentstudio.writing.offline import WRITER as OFFLINE
from overnight import App, hash_id
from overnight.errors import IllegalTransition, InvalidPayload, NotFound, UserError
from overnight.identity import input_hash
from overnight.operations import actors, reviews, runs
from overnight.operations.decisions import Edit
from overnight.pipelines.pipeline import dump
from overnight.store.audit import enqueue_as
from overnight.store.database import Database
from overnight.store.records import NewRun

FIRST = "gate"  # the step at which a new version begins that a person wrote
SHORTEST = 8  # digits of a revision that people give


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an article that a person may change. `revision` names what was read, and a save
    holds for that alone. `job_id` is the job that works on it; None of a published one.
    """

    draft: Draft
    revision: str
    stands: Literal["review", "waiting", "published"]
    job_id: str | None = None

    @property
    def text(self) -> str:
        """The words as Markdown."""
        return manuscript.write(self.draft)


@dataclass(frozen=True, slots=True)
class Look:
    """What can be said of words before they are saved. `later` are the names of the gates that need
    more than the words: the web, a model, the day's count.
    """

    draft: Draft
    verdicts: list[Verdict]
    later: list[str]

    @property
    def failed(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.passed]

    @property
    def marks(self) -> list[Fault]:
        """The places that have to change."""
        return [fault for verdict in self.failed for fault in verdict.faults]


async def read(database: Database, config: Config, site: str, slug: str) -> Words:
    """The words of an article as they stand. Raises `NotFound` where there are none, and
    `IllegalTransition` while a job is at work on them.
    """
    config.find(site)
    article = await Articles(database).read(site, slug)
    if article is None:
        raise NotFound(f"{site} has no article “{slug}”")
    job_id = article.job_id
    dossier = await gather(database, config, job_id) if job_id else None
    if dossier is not None and dossier.status == "needs_review":
        return Words(dossier.draft, dossier.seal, "review", job_id)
    if dossier is not None and (dossier.step, dossier.status) == ("confirm", "queued"):
        return Words(dossier.draft, dossier.seal, "waiting", job_id)
    if article.state not in ("published", "unpublished"):
        raise IllegalTransition(
            f"“{slug}” of {site} is in the state {article.state}: its words can be edited when it "
            "waits for review, or is published"
        )
    version = await Publications(database).version(site, slug)
    if version is None:
        raise NotFound(f"“{slug}” of {site} has no version from here whose words could be edited")
    return Words(Draft.model_validate(version["draft"]), version["sha256"], "published")


async def look(database: Database, config: Config, words: Words, text: str) -> Look:
    """What the gates say of other words, as far as no web and no model is needed. Raises
    `UserError`, with the number of the line that is wrong.
    """
    draft = manuscript.read(text.replace("\r\n", "\n"), words.draft)
    case = await _case(database, config, draft)
    verdicts = await asyncio.to_thread(gates.judge, case)
    said = [verdict for verdict in verdicts if verdict.checked or verdict.passed]
    return Look(draft, said, [v.gate for v in verdicts if not v.checked and not v.passed])


async def save(
    app: App,
    database: Database,
    config: Config,
    site: str,
    slug: str,
    text: str,
    *,
    revision: str,
    reason: str = "",
    by: str | None = None,
) -> str:
    """Put other words in the place of those of a revision; what was done, in a sentence.

    Raises `IllegalTransition` where they are not those of that revision any more, and `UserError`
    for words that cannot be read.
    """
    words = await read(database, config, site, slug)
    check_revision(words, revision)
    draft = manuscript.read(text.replace("\r\n", "\n"), words.draft)
    if draft == words.draft:
        raise UserError(f"the words of “{slug}” are the same as before, so nothing was changed")
    who = by or actors.whoami()
    if words.job_id is None:
        job_id = await _begin(database, draft, reason, who)
        return f"“{draft.title}” is checked, and published as a new version: job {job_id}"
    value = draft.model_dump(mode="json")
    if words.stands == "review":
        decision = Edit(words.revision, value, reason)
        await reviews.decide(app, database, words.job_id, decision, by=who)
    else:
        await runs.edit(app, database, words.job_id, value, by=who, reason=reason)
    return f"“{draft.title}” is saved, and checked again: job {words.job_id}"


def check_revision(words: Words, revision: str) -> None:
    """Raises `IllegalTransition` for words of another revision. Pure."""
    if len(revision) < SHORTEST or not words.revision.startswith(revision):
        raise IllegalTransition(
            f"the words of “{words.draft.slug}” were changed since you opened them, so nothing "
            "was saved: compare both, and save again"
        )


async def _begin(database: Database, draft: Draft, reason: str, by: str) -> str:
    """Begin a new version of a published article at its checks; the id of its job. The audit log
    calls it an edit, so that no model changes the words.
    """
    now = await Publications(database).now()
    job_id = hash_id("edited", draft.site, draft.slug, now.isoformat())
    payload = dump(draft)
    run = NewRun(job_id, FIRST, "article", draft.site, payload, input_hash(payload), origin="hand")
    await enqueue_as(database, [run], verb="edit", by=by, reason=reason)
    await Articles(database).begin(draft.site, draft.slug, job_id, draft.title)
    return job_id


async def _case(database: Database, config: Config, draft: Draft) -> Case:
    """What the gates need to know, but for what the web, a model or the day's count says."""
    site, documents, publications = (
        config.find(draft.site),
        Documents(database),
        Publications(database),
    )
    texts = await Snapshots(database).read(reference.sha256 for reference in draft.references)
    competing = await documents.competing(
        site.name, draft.title, slug=draft.slug, language=draft.language
    )
    now = await publications.now()
    try:
        page: str | Unknown = await asyncio.to_thread(
            render.article, site, draft, published_at=now, updated_at=now
        )
    except InvalidPayload as error:
        page = Unknown(f"it cannot be rendered: {error}")
    return Case(
        draft=draft,
        pool={r.id: texts[r.sha256] for r in draft.references if r.sha256 in texts},
        site=site,
        page=page,
        neighbours=await documents.beside(draft.site, draft.slug),
        canary="",  # its mark was looked for when a model had written the words
        today=now.date(),
        rivals=[Rival(each.title, each.url) for each in competing],
        descriptions=await publications.descriptions(draft.site, draft.slug),
        judgement=None if draft.writer == OFFLINE else Unknown("a model judges it when you save"),
    )
