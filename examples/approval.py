"""An order over 1,000 euros waits for its approval, which comes by a command, a webhook or a job.

Shown: a step that waits for an event with a key; an event that comes before the wait or after it,
and is given to one job; a time-out that is an outcome like another one.

    overnight --app approval:app start order '{"number": 7, "euros": 1500}'
    overnight --app approval:app worker --until-idle
    overnight --app approval:app emit order.decided '{"order": 7, "by": "ada", "approved": true}'
    overnight --app approval:app worker --until-idle
"""

from typing import Any

from pydantic import BaseModel

from overnight import App, Cancel, Context, Event, Pipeline, Wait

Ctx = Context[Any]


class Order(BaseModel):
    number: int
    euros: float


class Decision(BaseModel):
    order: int
    by: str
    approved: bool


decided = Event("order.decided", key=lambda decision: decision.order, payload=Decision)
order = Pipeline("order", id=lambda order: f"order-{order.number}", events=[decided])


@order.step
async def ask(ctx: Ctx, order: Order) -> Order | Wait:
    """Small orders go on at once; the others wait for a decision, for two days at most."""
    if order.euros <= 1000:
        return order
    return Wait("order.decided", key=order.number, timeout=2 * 86_400, value=order)


@order.step
async def ship(ctx: Ctx, order: Order) -> str | Cancel:
    if ctx.timed_out:
        return Cancel("nobody decided within two days")
    if ctx.received is not None and not ctx.received.payload.approved:
        return Cancel(f"{ctx.received.payload.by} refused it")
    return f"shipped {order.number}"


app = App("approval", [order])
