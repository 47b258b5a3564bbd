"""The four handlers, each `(event, context)`. The ledger decides: an event says only that it is
worth a look.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from overnight.aws import cloudwatch
from overnight.aws.bounded_worker import SOON, BoundedWorker
from overnight.aws.hints import Hint
from overnight.aws.sandbox import AWAY, Sandbox, Warm
from overnight.aws.sqs import Waiting, is_hint
from overnight.engine.in_flight import InFlight
from overnight.engine.instrumentation import Instrument
from overnight.engine.rescuer import SETTLE, Rescuer
from overnight.errors import ConfigError, UserError, first_fault
from overnight.inbox.messages import receive
from overnight.logs import log
from overnight.observability.ending_log import EndingLog
from overnight.operations import queries as lists
from overnight.standard import App
from overnight.store.records import Ending
from overnight.store.sql import queries

if TYPE_CHECKING:
    from overnight.console.extension import Console

HANDOVER = 5.0  # seconds before the end of an invocation in which what still runs is handed back
CALM = (
    5.0  # seconds after which every live owner has renewed its lease, where the database was away
)
SETTLED = 5.0  # seconds that a slot waits for the heartbeat's answer
MOST_HINTS = 100  # that a sweep sends; whoever takes one goes on as long as there is anything
EARLY = timedelta(minutes=1)  # that the scheduler's clock may be ahead of the ledger's
PUT_OFF, PUT_OFF_MOST = (
    30.0,
    900.0,
)  # seconds until a message is seen again that could not be kept; four times each try


class Slot(BaseModel):
    """What Scheduler sends: a schedule of the app, and the moment for which it was fired."""

    pipeline: str
    cron: str
    timezone: str
    scheduled_time: datetime


class Handlers:
    """An app's handlers. `create` makes the app; `own` is what it adds to the console."""

    def __init__(
        self, create: Callable[[], App], *, own: Callable[[], Console] | None = None
    ) -> None:
        self._sandbox = Sandbox(create)
        self._own = own

    def worker(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Messages of the queue: hints, which are let go, and work from outside, which the intake
        takes or buries.

        Then a bounded worker with as many slots as there were messages. Only a message that could
        not be kept comes again.
        """
        records = event.get("Records", [])
        messages: dict[str, Mapping[str, Any]] = {
            r["messageId"]: r for r in records if not is_hint(r["body"])
        }

        async def work(warm: Warm) -> None:
            for message_id in list(messages):
                if await _take(warm, messages[message_id]):
                    del messages[message_id]
            await _work(warm, max(1, len(records)), context)

        try:
            self._sandbox.run(context, work)
        except AWAY as error:  # hints are sent again by the sweep
            log.warning("database away", error=str(error))
            self._sandbox.put_off(
                {record["receiptHandle"]: _wait(record) for record in messages.values()}
            )
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in messages]}

    def schedule(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """A slot of a schedule: fired once, however often and late it is told of. What was missed
        is the sweep's.

        Raises `ConfigError` for a schedule that the app does not have, or a slot that is still to
        come.
        """
        try:
            slot = Slot.model_validate(dict(event))
        except ValidationError as error:
            raise ConfigError(f"this is no slot of a schedule: {first_fault(error)}") from None

        async def work(warm: Warm) -> dict[str, Any]:
            if (slot.cron, slot.timezone) not in _clocks(warm.app, slot.pipeline):
                raise ConfigError(
                    f"{slot.pipeline} has no schedule “{slot.cron}” {slot.timezone}: "
                    "deploy both anew"
                )
            moment = slot.scheduled_time.astimezone(UTC)
            if moment > await _now(warm) + EARLY:
                raise ConfigError(f"the slot {moment.isoformat()} is still to come")
            await warm.maintenance.fire(moment)
            await warm.transport.send([Hint(pipeline=slot.pipeline)])
            await warm.maintenance.settle(SETTLED)
            return {"pipeline": slot.pipeline, "slot": moment.isoformat()}

        return self._sandbox.run(context, work)

    def sweep(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """What a worker does beside its work, once a minute: missed slots, alerts, retention, the
        dead, lost hints.
        """

        async def work(warm: Warm) -> dict[str, Any]:
            async with asyncio.timeout(_left(context)):
                await warm.maintenance.tick()
                await _rescue(warm)
                count = await _tell(warm)
                await warm.maintenance.settle()
            return {"hints": count}

        return self._sandbox.run(context, work)

    def console(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """A request to the function's URL. Without a password nobody is let in (503)."""
        from overnight.aws.web import answer

        async def work(warm: Warm) -> dict[str, Any]:
            warm.site = warm.site or self._site(warm)
            answered = await answer(warm.site, event)
            if (
                event["requestContext"]["http"]["method"] == "POST"
            ):  # a button may have made something due
                await warm.transport.send([Hint()])
            return answered

        try:
            return self._sandbox.run(context, work)
        except ConfigError as error:
            log.error("console refused", error=str(error))
            return {"statusCode": 503, "body": f"The console is closed: {error}.\n"}
        except AWAY:
            return {
                "statusCode": 503,
                "headers": {"retry-after": "5"},
                "body": "The database does not answer.\n",
            }

    def _site(self, warm: Warm) -> Any:
        from overnight.console import access, site
        from overnight.console.extension import Console

        may = access.Access.from_environment()
        if may.is_open:
            raise ConfigError(f"put {access.PASSWORD} into its secret")
        return site.build(
            warm.app,
            warm.database,
            may,
            own=self._own() if self._own else Console(),
            secure=True,
        )


async def _take(warm: Warm, record: Mapping[str, Any]) -> bool:
    """Begin the jobs of a message, or keep it as a dead letter. False where it contradicts one that
    came before.
    """
    try:
        await receive(
            warm.app, warm.database, record["body"].encode(), source="sqs", key=record["messageId"]
        )
    except UserError as error:
        log.error("message not taken", id=record["messageId"], error=str(error))
        return False
    return True


async def _work(warm: Warm, concurrency: int, context: Any) -> None:
    hot, deps = await warm.for_steps()
    worker = BoundedWorker(
        *(warm.app, warm.database, hot, deps, warm.transport),
        concurrency=concurrency,
        instruments=[EndingLog(), EndingMetrics(warm.app.name)],
    )
    await worker.work(max(0.0, _left(context) - HANDOVER))


class EndingMetrics(Instrument):
    """Metrics of all endings of one invocation, for CloudWatch."""

    def __init__(self, app: str) -> None:
        self._app = app
        self._endings: list[Ending] = []

    async def written(self, attempts: Sequence[InFlight]) -> None:
        self._endings.extend(attempt.result for attempt in attempts)

    async def close(self) -> None:
        _print(cloudwatch.of_endings(self._app, self._endings, datetime.now(UTC)))


async def _rescue(warm: Warm) -> None:
    """Give back what dead owners held. Leases are judged at a second look, when whoever lives has
    renewed his.
    """
    calm = False
    rescuer = Rescuer(warm.ledger, "sweep", steady=lambda: calm)
    again = await rescuer.look()
    if again is not None and again <= SETTLE:
        await asyncio.sleep(CALM)
        calm = True
        await rescuer.look()


async def _tell(warm: Warm) -> int:
    """Send as many hints as there are runs due that nothing holds, less those that wait in the
    queue; how many.
    """
    now = (await lists.status(warm.database, warm.app))["now"]
    _print([cloudwatch.of_status(warm.app.name, now, datetime.now(UTC))])
    next_due = (await warm.ledger.claim(warm.app.scope(), "", 0, 0.0)).next_due
    if next_due is None or next_due > SOON:
        return 0
    waiting = await warm.queue.waiting() if warm.queue else Waiting()
    if next_due > 0:
        hints = [] if waiting.later else [Hint(next_due)]
    else:
        hints = [Hint()] * (min(max(now["due"], 1), MOST_HINTS) - waiting.now)
    await warm.transport.send(hints)
    return len(hints)


async def _now(warm: Warm) -> datetime:
    (row,) = await warm.database.fetch(queries["now"])
    moment: datetime = row["now"]
    return moment


def _clocks(app: App, pipeline: str) -> set[tuple[str, str]]:
    crons = app.pipelines[pipeline].crons() if pipeline in app.pipelines else ()
    return {(cron.expression, cron.timezone) for cron in crons}


def _wait(record: Mapping[str, Any]) -> float:
    """Seconds until a message is seen again. The queue's own time would be six times the function's
    time limit.
    """
    tries = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    return min(PUT_OFF * 4.0 ** (tries - 1), PUT_OFF_MOST)


def _left(context: Any) -> float:
    """Seconds until Lambda ends the invocation."""
    return float(context.get_remaining_time_in_millis()) / 1000


def _print(lines: Iterable[str]) -> None:
    """Lines of the log that CloudWatch reads as metrics: they hold nothing beside."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
