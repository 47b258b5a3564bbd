"""What articles cost, step by step: what was estimated before, beside what is booked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from contentstudio.brief import Estimate
from contentstudio.model import Model
from contentstudio.store.nights import Nights
from overnight.store.database import Database, Row


class StepCost(Model):
    """What a step of an article costs: `estimated_usd` before it began, None where nobody knows,
    and `booked_usd` what its calls cost until now.
    """

    step: str
    calls: int
    estimated_usd: Decimal | None
    booked_usd: Decimal


class ArticleCost(Model):
    """An article of a night: where it stands, what its job has to show, and what its steps cost."""

    job_id: str
    site: str
    slug: str | None
    title: str
    url: str | None
    state: str | None
    step: str
    status: str
    error: str | None
    worked_at: datetime
    has_brief: bool
    has_text: bool
    costs: tuple[StepCost, ...]

    @property
    def estimated_usd(self) -> Decimal | None:
        """What all of it was estimated to cost, as far as that is known."""
        known = [cost.estimated_usd for cost in self.costs if cost.estimated_usd is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def booked_usd(self) -> Decimal:
        return sum((cost.booked_usd for cost in self.costs), Decimal(0))


def beside(estimates: Iterable[Estimate], booked: Mapping[str, Decimal]) -> tuple[StepCost, ...]:
    """The estimates of an article beside what its steps are booked; steps that cost nothing are
    left out.
    """
    known = {each.step: each for each in estimates}
    return tuple(
        StepCost(
            step=name,
            calls=known[name].calls if name in known else 0,
            estimated_usd=known[name].usd if name in known else None,
            booked_usd=booked.get(name, Decimal(0)),
        )
        for name in dict.fromkeys((*booked, *known))
        if name in known or booked[name]
    )


async def of_night(database: Database, since: datetime, limit: int) -> list[ArticleCost]:
    """The articles on which was worked since a moment, the latest first."""
    return [_article(row) for row in await Nights(database).articles(since, limit)]


def _article(row: Row) -> ArticleCost:
    booked = {step: Decimal(str(usd)) for step, usd in row.pop("booked")}
    estimates = [Estimate.model_validate(each) for each in row.pop("estimates")]
    return ArticleCost(**row, costs=beside(estimates, booked))


def by_step(articles: Sequence[ArticleCost]) -> tuple[StepCost, ...]:
    """What each step cost in all articles together."""
    costs = [cost for article in articles for cost in article.costs]
    return tuple(_sum(step, costs) for step in dict.fromkeys(cost.step for cost in costs))


def _sum(step: str, costs: Sequence[StepCost]) -> StepCost:
    own = [cost for cost in costs if cost.step == step]
    known = [cost.estimated_usd for cost in own if cost.estimated_usd is not None]
    return StepCost(
        step=step,
        calls=sum(cost.calls for cost in own),
        estimated_usd=sum(known, Decimal(0)) if known else None,
        booked_usd=sum((cost.booked_usd for cost in own), Decimal(0)),
    )
