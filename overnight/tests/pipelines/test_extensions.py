"""Extensions: each kind once, its default where none is named, and tasks that do not disturb each
other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from overnight import Alerts, App, Budgets, ConfigError, Extension, Retention, Service, Task
from overnight.engine.maintenance import Maintenance
from overnight.errors import LedgerUnavailable, Refused, TooSlow
from overnight.pipelines import app as core
from overnight.store.database import Database
from overnight.store.ledger import Ledger


class NoSchedules:
    """A database in which no app has a schedule."""

    async def fetch(self, *_: Any) -> list[dict[str, Any]]:
        return []


DATABASE = cast(Database, NoSchedules())


class Diary(Extension):
    """Writes down what its services do; its tasks are `(name, every, delay, error)`."""

    def __init__(self, *tasks: tuple[str, float, float, Exception | None]) -> None:
        self.tasks = tasks
        self.lines: list[Any] = []

    def service(self, app: core.App, database: Database) -> Service:
        return DiaryService(self)


class Other(Diary):
    """Another kind."""


class DiaryService(Service):
    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    async def start(self) -> None:
        self._diary.lines.append("start")

    def tasks(self) -> list[Task]:
        def run_of(name: str, error: Exception | None) -> Any:
            async def run() -> None:
                self._diary.lines.append(name)
                if error is not None:
                    raise error

            return run

        return [
            Task(name, every, run_of(name, error), delay)
            for name, every, delay, error in self._diary.tasks
        ]

    def slot_fired(self, pipeline: str, slot: datetime, period: timedelta) -> None:
        self._diary.lines.append((pipeline, slot, period))

    async def settle(self, within: float | None) -> None:
        self._diary.lines.append(("settle", within))

    async def flush(self) -> None:
        self._diary.lines.append("flush")


def maintenance(*extensions: Extension) -> Maintenance:
    return Maintenance(core.App("app", [], extensions=extensions), Ledger(DATABASE))


def test_an_app_has_its_own_extension_or_the_default_of_the_kind() -> None:
    app = App("app", [], extensions=[Budgets({"all": 20})])
    assert app.extension(Budgets) == Budgets({"all": 20})
    assert app.extension(Alerts) == Alerts()
    assert core.App("app", []).extension(Retention) == Retention()


def test_two_extensions_of_one_kind_are_refused() -> None:
    with pytest.raises(ConfigError, match="has the extension Budgets twice"):
        App("app", [], extensions=[Budgets({"all": 20}), Alerts(), Budgets()])


def test_an_app_has_the_standard_extensions_and_then_its_own() -> None:
    own, alerts = Diary(), Alerts(quiet=None)
    app = App("app", [], extensions=[own, alerts])
    assert [type(each) for each in app.extensions] == [*App.standard, Diary]
    assert alerts in app.extensions and app.extensions[-1] is own


def test_the_app_of_the_core_has_its_own_extensions_alone() -> None:
    assert core.App("app", []).extensions == []


async def test_the_app_of_the_core_does_no_periodic_work() -> None:
    own = Diary(("never", 0, 0, None))
    work = core.App("app", [], extensions=[own]).periodic_work(DATABASE)
    await work.start()
    assert await work.tick() is None
    await work.settle(1)
    assert own.lines == []


@pytest.mark.parametrize("error", [ValueError("a bug"), Refused("no right"), TooSlow("locked")])
async def test_a_task_that_fails_is_logged_and_stops_no_other(error: Exception) -> None:
    first, second = Diary(("bad", 0, 0, error), ("good", 0, 0, None)), Other(("better", 0, 0, None))
    each = maintenance(first, second)
    with capture_logs() as logs:
        await each.tick()
        await each.tick()
    assert first.lines == ["bad", "good"] * 2
    assert second.lines == ["better"] * 2
    assert [(line["event"], line["task"]) for line in logs] == [
        ("a periodic task failed", "bad")
    ] * 2


async def test_an_outage_is_the_workers_business() -> None:
    with pytest.raises(LedgerUnavailable):
        await maintenance(Diary(("bad", 0, 0, LedgerUnavailable("away")))).tick()


async def test_tasks_run_after_their_delay_and_then_at_each_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("overnight.engine.maintenance.time.monotonic", lambda: now[0])
    diary = Diary(("always", 0, 0, None), ("minute", 60, 0, None), ("later", 60, 90, None))
    each = maintenance(diary)
    for moment, ran in [
        (1000.0, ["always", "minute"]),
        (1030.0, ["always"]),
        (1060.0, ["always", "minute"]),
        (1089.9, ["always"]),
        (1090.0, ["always", "later"]),
        (1150.0, ["always", "minute", "later"]),
    ]:
        now[0] = moment
        diary.lines.clear()
        await each.tick()
        assert diary.lines == ran, moment


async def test_services_start_hear_of_slots_settle_and_flush_in_order() -> None:
    first, second = Diary(), Other()
    each = maintenance(first, second)
    slot = datetime(2030, 1, 1, 4, tzinfo=UTC)
    await each.start()
    each._slot_fired("night", slot, timedelta(days=1))
    await each.settle(2.0)
    await each.flush()
    assert (
        first.lines
        == second.lines
        == ["start", ("night", slot, timedelta(days=1)), ("settle", 2.0), "flush"]
    )
