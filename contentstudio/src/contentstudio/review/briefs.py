"""Gathers what is known of a brief: the plan, its notes beside their sources, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contentstudio.brief import Brief, BriefSection, Note, SourcePage
from contentstudio.model import Model
from contentstudio.store.briefs import Briefs
from overnight.store.database import Database


class Fact(Model):
    """A note of a section beside the passage it rests on, and the page that has it."""

    id: str
    text: str
    span: str
    url: str
    title: str
    host: str
    published_at: datetime | None
    hosts: tuple[str, ...]
    contradicts: tuple[str, ...]

    @property
    def dated(self) -> str:
        """The date of the source, as a person reads it."""
        return f"of {self.published_at:%Y-%m-%d}" if self.published_at else "without a date"

    @property
    def support(self) -> str:
        """Who else says so, and which notes do not."""
        others = len(self.hosts) - 1
        parts = [f"and {others} more" if others > 0 else ""]
        parts += [f"contradicted by {', '.join(self.contradicts)}" if self.contradicts else ""]
        return ", ".join(filter(None, parts))


class BriefDetails(Model):
    """One brief as its reviewer sees it. `seal` binds a decision to what is shown."""

    job_id: str
    step: str
    site: str
    status: str
    seal: str
    since: datetime | None
    brief: Brief

    @property
    def waits(self) -> bool:
        """Whether a person is to decide about it."""
        return self.step == "brief" and self.status == "needs_review"

    def facts(self, section: BriefSection) -> list[Fact]:
        """The notes of a section, in its order."""
        return facts(self.brief, section.notes)

    def unused(self) -> list[Fact]:
        """The notes that no section states."""
        return facts(self.brief, unused(self.brief))


def facts(brief: Brief, names: Sequence[str]) -> list[Fact]:
    """Notes of a brief beside their sources, in the order of these ids."""
    notes = {note.id: note for note in brief.research.notes}
    pages = {page.sha256: page for page in brief.research.pages}
    return [_fact(notes[name], pages[notes[name].sha256]) for name in names]


def unused(brief: Brief) -> list[str]:
    """The ids of the notes that no section names."""
    used = {name for section in brief.sections for name in section.notes}
    return [note.id for note in brief.research.notes if note.id not in used]


def _fact(note: Note, page: SourcePage) -> Fact:
    return Fact(
        id=note.id,
        text=note.text,
        span=note.span,
        url=page.url,
        title=page.title,
        host=page.host,
        published_at=page.published_at,
        hosts=note.hosts,
        contradicts=note.contradicts,
    )


async def gather(database: Database, job_id: str) -> BriefDetails | None:
    """The brief of a job; None where none was made."""
    row = await Briefs(database).row(job_id)
    if row is None:
        return None
    return BriefDetails(
        **{name: row[name] for name in ("job_id", "step", "site", "status", "seal")},
        since=row["finished_at"],
        brief=Brief.model_validate(row["brief"]),
    )
