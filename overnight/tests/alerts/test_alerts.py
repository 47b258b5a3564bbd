"""What raises alerts by how things stand, and the commands by which a person sees whether people
hear of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import structlog
from click.testing import CliRunner, Result

from overnight import Alerts, App
from overnight.alerts import Message
from overnight.alerts.delivery import Delivery
from overnight.cli.main import cli
from overnight.errors import Transient
from overnight.observability.signals import Anomaly
from overnight.observability.watch import UNUSUAL, WatchService
from overnight.operations import switches
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.testing import Clock

Open = dict[str, tuple[str, int]]


class Heard:
    """A channel that keeps what it is given, or refuses it."""

    name, kind = "ear", "test"

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuses = False

    def send(self, message: Message, message_id: str) -> None:
        if self.refuses:
            raise Transient("not now")
        self.messages.append(message)


@pytest.fixture(autouse=True)
def a_log_of_its_own() -> Iterator[None]:
    yield
    structlog.reset_defaults()


async def open_alerts(database: Database, kind: str) -> Open:
    """Text and count by subject."""
    rows = await database.fetch(
        "select * from alerts where kind = %s and resolved_at is null", [kind]
    )
    return {row["subject"]: (row["text"], row["count"]) for row in rows}


async def watched(database: Database, kind: str) -> Open:
    await asyncio.gather(
        *(WatchService(App("app", []), Ledger(database)).watch() for _ in range(2))
    )
    return await open_alerts(database, kind)


async def press(database: Database, app: App, *words: str) -> Result:
    module = ModuleType("heard")
    module.app = app  # type: ignore[attr-defined]
    sys.modules["heard"] = module
    line, env = ["--app", "heard:app", *words], {"OVERNIGHT_DATABASE_URL": database.url}
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(cli, line, prog_name="overnight", env=env)
    )


async def test_a_switch_that_is_off_is_an_alert_until_it_is_on_again(database: Database) -> None:
    await switches.pause(database, "key:ann", reason="she asked", by="bob")
    assert await watched(database, "switch") == {"key:ann": ("switched off by bob: she asked", 1)}
    await switches.resume(database, "key:ann", reason="")
    assert await watched(database, "switch") == {}


async def test_runs_in_review_are_one_alert_of_their_step_with_a_count(database: Database) -> None:
    add = (
        "insert into runs (job_id, step, pipeline, status) values (%s, 'gate', 'article', "
        "'needs_review')"
    )
    await database.fetch(add, ["a"])
    await watched(database, "review")
    await database.fetch(add, ["b"])
    ((subject, (text, count)),) = (await watched(database, "review")).items()
    assert (subject, count) == ("article/gate", 2)
    assert text.startswith("2 wait for you, the oldest since ")
    await database.fetch("delete from runs")
    assert await watched(database, "review") == {}


async def test_a_lost_worker_alerts_until_replaced_or_a_day_has_passed(
    database: Database, clock: Clock
) -> None:
    sign = (
        "insert into workers (boot_id, lock_key, host, pid, missed_at, stopped_at) values "
        "(%s, %s, %s, 7, {0}, {0})"
    )
    died = sign.format("ledger_now()")
    await database.fetch(died, ["a", 1, "one"])
    await database.fetch(died, ["b", 2, "two"])
    stopped = (
        "insert into workers (boot_id, lock_key, host, pid, stopped_at) values ('c', 3, "
        "'three', 8, ledger_now())"
    )
    await database.fetch(stopped)
    assert set(await watched(database, "worker_lost")) == {"one", "two"}
    await clock.move(60)
    await database.fetch(sign.format("null"), ["d", 4, "one"])
    assert set(await watched(database, "worker_lost")) == {"two"}
    await clock.move(86_400)
    assert await watched(database, "worker_lost") == {}


async def test_an_anomaly_is_an_open_alert_for_as_long_as_it_lasts(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Anomaly] = []

    async def anomalies(database: Database) -> list[Anomaly]:
        return found

    monkeypatch.setattr("overnight.observability.watch.charts.anomalies", anomalies)
    keeper = WatchService(App("app", []), Ledger(database))
    for kind in UNUSUAL:
        found[:] = [Anomaly(kind, "p/s", "42 instead of 4", await clock.now(), 42.0, 4.0)]
        await keeper.judge()
        assert await open_alerts(database, kind) == {"p/s": ("42 instead of 4", 1)}
    found.clear()
    await keeper.judge()
    assert await database.fetch("select 1 as one from alerts where resolved_at is null") == []


async def test_the_command_shows_open_alerts_and_failing_channels(database: Database) -> None:
    ear = Heard()
    app = App("heard", [], extensions=[Alerts([ear])])
    ear.refuses = True
    await Ledger(database).alert([Alert("dead_letter", "p/s", "503")])
    await Delivery("heard", app.extension(Alerts), database).flush()
    told = (await press(database, app, "alerts")).output
    assert "dead_letter" in told
    assert "waits after 1 attempt: not now" in " ".join(told.split())
    data = json.loads((await press(database, app, "alerts", "--json")).output)
    assert [alert["subject"] for alert in data["alerts"]] == ["p/s"]
    assert [(row["channel"], row["error"]) for row in data["channels"]] == [("ear", "not now")]
    status = (await press(database, app, "status")).output
    assert "The alert channel ear takes no messages. After 1 attempt: not now." in " ".join(
        status.split()
    )


async def test_send_delivers_what_is_due_and_says_what_came_of_it(database: Database) -> None:
    ear = Heard()
    app = App("heard", [], extensions=[Alerts([ear])])
    assert (await press(database, app, "alerts", "send")).output == "nothing is due\n"
    await Ledger(database).alert([Alert("dead_letter", "p/s", "503")])
    ear.refuses = True
    failed = await press(database, app, "alerts", "send")
    assert (failed.exit_code, failed.stdout) == (
        1,
        "ear: “heard: job failed: p/s” was not taken: not now\n",
    )
    ear.refuses = False
    sent = await press(database, app, "alerts", "send", "--json")
    assert json.loads(sent.output) == {
        "sent": [{"channel": "ear", "title": "heard: job failed: p/s", "error": None}]
    }
    assert [message.items[0].why for message in ear.messages] == ["503"]


async def test_a_test_message_goes_to_its_channel_and_is_not_kept(database: Database) -> None:
    ear, other = Heard(), Heard()
    other.name = "other"
    app = App("heard", [], extensions=[Alerts([ear, other])])
    told = await press(database, app, "alerts", "test", "ear")
    assert (told.exit_code, told.output) == (0, "ear: “heard: a test message” was taken\n")
    assert (len(ear.messages), len(other.messages)) == (1, 0)
    await press(database, app, "alerts", "test")
    assert (len(ear.messages), len(other.messages)) == (2, 1)
    wrong = await press(database, app, "alerts", "test", "nose")
    assert "there is no channel “nose”; the app has: ear, other" in str(wrong.exception)
    bare = await press(database, App("heard", []), "alerts", "test")
    assert "this app has no channel for alerts" in str(bare.exception)
    assert await database.fetch("select id from deliveries") == []
