"""Alerts as an extension of an app: deliver what is due, and call the monitor outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from overnight.alerts import rules
from overnight.pipelines.extensions import Extension, Service, Task
from overnight.titles import titles_of

if TYPE_CHECKING:
    from overnight.alerts.delivery import Delivery
    from overnight.pipelines.app import App
    from overnight.store.database import Database

# to its next slot: what fires more often has no begin that a monitor should hear of
NIGHTLY = timedelta(hours=6)


@dataclass(frozen=True)
class Alerts(rules.Settings, Extension):
    __doc__ = rules.Settings.__doc__

    def service(self, app: App, database: Database) -> AlertService:
        return AlertService(app, self, database)


def delivery(app: App, settings: rules.Settings, database: Database) -> Delivery:
    """The delivery of an app, which calls jobs and keys as the app does."""
    from overnight.alerts.delivery import Delivery

    titles = partial(titles_of, app, database)
    return Delivery(app.name, settings, database, titles, app.key_name)


class AlertService(Service):
    def __init__(self, app: App, settings: rules.Settings, database: Database) -> None:
        from overnight.alerts.monitor import Monitor

        self._delivery = delivery(app, settings, database)
        self._monitor = Monitor(app.name, settings, database)

    def tasks(self) -> Sequence[Task]:
        return (
            Task("alerts", 0.0, self._delivery.tick),
            Task("monitor", 0.0, self._monitor.tick),
        )

    def slot_fired(self, pipeline: str, slot: datetime, period: timedelta) -> None:
        if period >= NIGHTLY:
            self._monitor.start(f"{pipeline} of {slot:%Y-%m-%d %H:%M} UTC begins")

    async def settle(self, within: float | None) -> None:
        await self._delivery.settle(within)

    async def flush(self) -> None:
        await self._delivery.flush()
        await self._monitor.flush()
