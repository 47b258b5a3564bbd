"""Delivery: what is due is written down, sent by whoever claims it, and marked after: at least
once, seldom twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import groupby

from pydantic import TypeAdapter

from overnight.alerts import background
from overnight.alerts.channel import Channel
from overnight.alerts.message import Message
from overnight.alerts.rules import (
    PACE_WITHIN,
    SHOWN,
    Due,
    News,
    Settings,
    Work,
    compose,
    due,
    in_order,
    retry_in,
)
from overnight.error_classes import describe
from overnight.errors import LedgerUnavailable, Permanent, Transient
from overnight.logs import clean, log
from overnight.store.database import Database, Row
from overnight.store.sql import queries

LIMIT = 30.0  # seconds that one try may take
# seconds after which a message whose sender died is sent by another; more than a try takes
LEASE = 60.0
HEALED_WITHIN = (
    7 * 86_400.0
)  # seconds for which a channel that was down is told what healed meanwhile
KEPT = (
    30 * 86_400.0
)  # seconds for which sent messages are kept: as long as payloads, unless told otherwise
NIGHT = timedelta(hours=24)  # what a morning's report looks back on at least
ERROR_LIMIT = 300  # characters of an error that are kept
MOST_JOBS = 10_000  # of one alert whose cost is told; more are as dear as these

Titles = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]  # of jobs, by their ids

WHEN = ("now", "morning_at", "lately", "kinds_lately")  # what `due` asks of a channel
NEWS = tuple(field.name for field in fields(News))


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one try. `error` is None where the channel took the message."""

    channel: str
    title: str
    error: str | None


class Delivery:
    """Single ticks, which the keeper of each worker makes; of all of them one sends."""

    def __init__(
        self,
        app: str,
        alerts: Settings,
        database: Database,
        titles: Titles | None = None,
        key_name: str = "key",
    ) -> None:
        self._app = app
        self._alerts = alerts
        self._database = database
        self._channels: dict[str, Channel] = {channel.name: channel for channel in alerts.channels}
        self._titles = titles
        self._key_name = key_name
        self._declared = False

    async def tick(self) -> None:
        """Write down what is due, and begin to send it; nobody waits for the other side."""
        if await self.decide():
            background.begin(self._send_quietly(), "alerts")

    async def flush(self) -> list[Sent]:
        """Send what is due, and what failed before without its wait, after what is under way; what
        came of it.
        """
        await self.settle()
        await self.decide()
        return await self.send(early=True)

    async def settle(self, within: float | None = None) -> None:
        """Wait until what is under way has been sent, or has failed; `within` so many seconds,
        where they are given.

        What takes longer may have arrived or not: another sender has it when its lease is over.
        """
        await background.settle(within)

    async def decide(self) -> bool:
        """Write down what each channel is to be told now. Whether a message is due to be sent."""
        if not self._declared:
            kinds = [channel.kind for channel in self._channels.values()]
            await self._database.fetch(
                queries["channel_declare"],
                {"app": self._app, "name": list(self._channels), "kind": kinds},
            )
            self._declared = True
        if not self._channels:
            return False
        params = {"pace_within": PACE_WITHIN, "healed_within": HEALED_WITHIN}
        rows = await self._database.fetch(queries["channel_news"], self._ours() | params)
        reports: dict[datetime, str] = {}
        waits = False
        for _, group in groupby(rows, key=lambda row: row["name"]):
            of_channel = list(group)
            unsent = of_channel[0]["unsent_in"]
            waits |= unsent <= 0 if unsent is not None else await self._write(of_channel, reports)
        return waits

    async def _write(self, rows: Sequence[Row], reports: dict[datetime, str]) -> bool:
        """Write down what one channel is to be told now, if anything is; the rows are those of
        channel_news.sql.
        """
        channel = rows[0]
        news = [_news(row) for row in rows if row["id"] is not None]
        due_now = due(self._alerts, news, *(channel[name] for name in WHEN))
        if not due_now.news and due_now.morning is None:
            return False
        report = (
            await self._report(due_now.morning, channel["morning_at"], reports)
            if due_now.morning
            else ""
        )
        message = await self._message(due_now, report) if due_now.news or report else None
        params = {
            "app": self._app,
            "name": channel["name"],
            "version": channel["version"],
            "morning_at": due_now.morning,
            "message": message and clean(_form().dump_json(message).decode()),
            "kept": KEPT,
            **_delivered(due_now),
        }
        return bool(await self._database.fetch(queries["delivery_write"], params))

    async def _message(self, due_now: Due, report: str) -> Message:
        shown = [each.id for each in in_order(self._alerts, due_now.news)[:SHOWN]]
        work = await self._work(shown) if shown else {}
        return compose(self._alerts, self._app, due_now, report, work, self._key_name)

    async def _work(self, alerts: Sequence[int]) -> dict[int, Work]:
        """What alerts are about, by their ids. One without a job is not in it."""
        params = {"alerts": list(alerts), "most": MOST_JOBS}
        rows = await self._database.fetch(queries["alert_work"], params)
        jobs = [row["job_id"] for row in rows]
        titles = await self._titles_of(jobs) if self._titles and jobs else {}
        return {row["id"]: _work(row, titles.get(row["job_id"])) for row in rows}

    async def _titles_of(self, jobs: Sequence[str]) -> Mapping[str, str]:
        """The titles of jobs. A fault in them holds no alert up."""
        assert self._titles is not None
        try:
            return await self._titles(jobs)
        except LedgerUnavailable:
            raise
        except Exception as error:
            log.error("no titles", error=describe(error))
            return {}

    async def _report(
        self, slot: datetime, last_morning: datetime, reports: dict[datetime, str]
    ) -> str:
        """The app's own text for a morning, made once for all channels. A fault in it holds no
        alert up.
        """
        if self._alerts.report is None:
            return ""
        since = min(last_morning, slot - NIGHT)
        if since not in reports:
            try:
                reports[since] = clean(await self._alerts.report(self._database, since))
            except LedgerUnavailable:
                raise
            except Exception as error:
                log.error("no morning report", error=describe(error))
                reports[since] = clean(f"The morning report could not be made: {describe(error)}")
        return reports[since]

    async def send(self, *, early: bool = False) -> list[Sent]:
        """Send what is due, or also what failed before its wait is over (`early`), to all channels
        at once.
        """
        rows = await self._database.fetch(
            queries["delivery_claim"], self._ours() | {"lease": LEASE, "early": early}
        )
        return list(await asyncio.gather(*map(self._try, rows)))

    async def _send_quietly(self) -> None:
        try:
            await self.send()
        except Exception as error:  # what is written down is sent by a later tick
            log.error("alerts not sent", error=describe(error))

    async def _try(self, row: Row) -> Sent:
        """One try of one message. What came of it is written, through outages of the
        database too.
        """
        message = _form().validate_python(row["message"])
        try:
            async with asyncio.timeout(LIMIT):
                await background.in_thread(
                    self._channels[row["channel"]].send, message, f"{self._app}-{row['id']}"
                )
        except Exception as error:
            return await self._note_failure(row, message, error)
        await self._database.insist(
            partial(self._database.fetch, queries["delivery_sent"], {"id": row["id"]})
        )
        log.info("alerts sent", channel=row["channel"], alerts=len(message.items) + message.more)
        return Sent(row["channel"], message.title, None)

    async def _note_failure(self, row: Row, message: Message, error: Exception) -> Sent:
        why = (
            f"no answer within {LIMIT:.0f} s"
            if isinstance(error, TimeoutError)
            else describe(error)
        )
        why = clean(why)[:ERROR_LIMIT]
        wish = error.retry_after if isinstance(error, Transient) else None
        wait = retry_in(row["attempts"], wish, is_permanent=isinstance(error, Permanent))
        params = {"id": row["id"], "attempts": row["attempts"], "error": why, "wait": wait}
        await self._database.insist(
            partial(self._database.fetch, queries["delivery_failed"], params)
        )
        log.warning("alerts not sent", channel=row["channel"], error=why, pause_seconds=wait)
        return Sent(row["channel"], message.title, why)

    def _ours(self) -> dict[str, object]:
        return {"app": self._app, "names": list(self._channels)}


def _news(row: Row) -> News:
    return News(**{name: row[name] for name in NEWS} | {"times": row["times"] or 0})


def _work(row: Row, title: str | None) -> Work:
    keys, cost = tuple(row["keys"]), float(row["cost_usd"])
    return Work(row["jobs"], row["job_id"], keys, cost, row["revision"], title)


def _delivered(due_now: Due) -> dict[str, object]:
    """What the channel knows after the message, as arrays."""
    return {
        "alert": [each.id for each in due_now.news],
        "count": [each.count for each in due_now.news],
        "resolved": [each.resolved_at is not None for each in due_now.news],
    }


def send_now(channels: Sequence[Channel], message: Message) -> list[Sent]:
    """Send a message that no ledger knows, once, to one channel after the other; what
    came of it.
    """
    return [Sent(channel.name, message.title, _refusal(channel, message)) for channel in channels]


def _refusal(channel: Channel, message: Message) -> str | None:
    try:
        channel.send(message, secrets.token_hex(8))
    except Exception as error:
        return clean(describe(error))[:ERROR_LIMIT]
    return None


@cache
def _form() -> TypeAdapter[Message]:
    """How a message is stored; made with the first one, for most workers start and send none."""
    return TypeAdapter(Message)
