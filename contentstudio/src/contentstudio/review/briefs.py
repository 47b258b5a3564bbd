"""Gathers what is known of a brief: the plan, its notes beside their sources, and what its article
will cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from contentstudio.brief import Brief, BriefSection, Estimate, Note, SourcePage
from contentstudio.config import Config
from contentstudio.model import Model
from contentstudio.review.costs import StepCost, beside
from contentstudio.store.briefs import Briefs
from contentstudio.writing import estimate
from overnight.operations import queries
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
    costs: tuple[StepCost, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether a person is to decide about it."""
        return self.step == "brief" and self.status == "needs_review"

    def estimated(self) -> Decimal:
        """What the article will cost, as far as that is known."""
        return sum((cost.estimated_usd or Decimal(0) for cost in self.costs), Decimal(0))

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


async def gather(database: Database, config: Config, job_id: str) -> BriefDetails | None:
    """The brief of a job; None where none was made."""
    row = await Briefs(database).row(job_id)
    if row is None:
        return None
    brief = Brief.model_validate(row["brief"])
    return BriefDetails(
        **{name: row[name] for name in ("job_id", "step", "site", "status", "seal")},
        since=row["finished_at"],
        brief=brief,
        costs=await costs(database, config, job_id, brief),
    )


async def costs(
    database: Database, config: Config, job_id: str, brief: Brief | None
) -> tuple[StepCost, ...]:
    """What each step of a job was estimated to cost, beside what is booked; steps that cost nothing
    are left out.
    """
    steps = await queries.job(database, job_id)
    booked = {step["step"]: Decimal(str(step["cost_usd"])) for step in steps}
    estimates = await asyncio.to_thread(_estimated, config, brief) if brief else ()
    return beside(estimates, booked)


def _estimated(config: Config, brief: Brief) -> Sequence[Estimate]:
    """As they were made with the brief; by the config of now for one that was made before briefs
    had them.
    """
    return brief.estimates or estimate.of(config, brief)
