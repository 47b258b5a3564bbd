"""Alerts reach a channel at least once, and seldom twice, whatever the other side does and whoever
dies when.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from overnight import App, Context, Pipeline
from overnight.alerts import Alerts, Message, Slack, channel
from overnight.alerts.delivery import KEPT, LEASE, Delivery
from overnight.alerts.rules import AGAIN, SHOWN
from overnight.engine.maintenance import Maintenance
from overnight.engine.worker import Worker
from overnight.operations import queries as lists
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.store.sql import queries
from overnight.testing import Clock

pytestmark = pytest.mark.contract

DAY = datetime(2030, 1, 1, 12, tzinfo=UTC)
NIGHT = datetime(2030, 1, 2, 3, tzinfo=UTC)
MORNING = datetime(2030, 1, 2, 7, 30, tzinfo=UTC)
TICK = 30.0  # seconds between two looks of a worker


class Scene:
    """Workers of one app, whose alerts go to the server; time passes tick by tick."""

    def __init__(self, database: Database, clock: Clock, slack: Any, **options: Any) -> None:
        self.database = database
        self.clock = clock
        self.slack = slack
        self.alerts = Alerts([Slack(slack.url)], **options)
        self.workers = [Delivery("app", self.alerts, database) for _ in range(2)]

    async def tick(self, moment: datetime | None = None) -> None:
        """One look of each worker at the same time; what they send has come back."""
        if moment is not None:
            await self.clock.set(moment)
        await asyncio.gather(*(worker.decide() for worker in self.workers))
        await asyncio.gather(*(worker.send() for worker in self.workers))

    async def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            await self.clock.move(TICK)
            await self.tick()

    async def tell(self, *subjects: str, kind: str = "dead_letter") -> None:
        await Ledger(self.database).alert(
            [Alert(kind, subject, f"why of {subject}") for subject in subjects]
        )

    async def heal(self, *subjects: str, kind: str = "dead_letter") -> None:
        await Ledger(self.database).resolve_alerts(kind, subjects)

    @property
    def texts(self) -> list[str]:
        """The plain text of what the server took."""
        return [post.json["text"] for post in self.slack.taken]

    def told(self, subject: str) -> int:
        return sum(
            f" {subject} " in f"{text} ".replace("\n", " ").replace(",", " ") for text in self.texts
        )


@pytest.fixture
async def scene(database: Database, clock: Clock, slack: Any) -> Scene:
    made = Scene(database, clock, slack)
    await made.tick(DAY)
    return made


async def test_ten_minutes_of_slack_failures_lose_and_double_no_alert(scene: Scene) -> None:
    for minute, answer in enumerate(
        ["500", "429", "reset", "404", "500", "reset", "redirect", "500", "429", "500"]
    ):
        scene.slack.answer = answer
        await scene.tell(f"p/step{minute}")
        if minute == 3:
            await scene.heal("p/step3")
        await scene.pass_time(60)
    assert scene.texts == []
    scene.slack.answer = "ok"
    await scene.pass_time(2 * 3600)
    assert {
        minute: scene.told(f"p/step{minute}") for minute in range(10) if minute != 3
    } == dict.fromkeys([0, 1, 2, 4, 5, 6, 7, 8, 9], 1)
    assert (
        scene.told("p/step3") == 0
    )  # it healed before anybody heard of it, and waits for the morning
    await scene.tick(MORNING)
    assert scene.told("p/step3") == 1
    assert len(scene.texts) == 3


async def test_a_message_whose_answer_was_lost_comes_exactly_twice(scene: Scene) -> None:
    scene.slack.answer = "lost"
    await scene.tell("p/one")
    await scene.tick()
    scene.slack.answer = "ok"
    await scene.pass_time(3600)
    assert scene.told("p/one") == 2


async def test_two_workers_that_look_at_once_send_one_message(scene: Scene) -> None:
    for number in range(5):
        await scene.tell(f"p/step{number}")
        await scene.pass_time(1200)
    assert [scene.told(f"p/step{number}") for number in range(5)] == [1] * 5
    assert len(scene.slack.posts) == 5


async def test_a_dead_senders_message_is_resent_and_comes_only_twice(
    scene: Scene, tmp_path: Path
) -> None:
    program = """
import asyncio, sys
from overnight.alerts import Alerts, Slack
from overnight.alerts.delivery import Delivery
from overnight.store.database import Database

async def main(url, slack):
    async with Database(url) as database:
        delivery = Delivery("app", Alerts([Slack(slack)]), database)
        await delivery.decide()
        await delivery.send()

asyncio.run(main(*sys.argv[1:]))
"""
    await scene.tell("p/one")
    child: list[subprocess.Popen[bytes]] = []
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def kill() -> None:  # the message is taken, and its sender never hears of it
        loop.call_soon_threadsafe(started.set)
        while not child:
            pass
        os.kill(child[0].pid, signal.SIGKILL)
        child[0].wait()

    scene.slack.at_post = kill
    child.append(
        subprocess.Popen([sys.executable, "-c", program, scene.database.url, scene.slack.url])
    )
    await asyncio.to_thread(child[0].wait)
    assert started.is_set()
    scene.slack.at_post = lambda: None
    await scene.tick()
    assert len(scene.texts) == 1  # the lease of the dead one still counts
    await scene.clock.move(LEASE + 1)
    await scene.pass_time(600)
    assert scene.texts == [scene.texts[0]] * 2
    assert scene.told("p/one") == 2


async def test_a_hanging_server_delays_no_worker_and_no_other_channel(
    database: Database, clock: Clock, slack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        name = kind = "other"

        def __init__(self) -> None:
            self.heard: list[Message] = []

        def send(self, message: Message, message_id: str) -> None:
            self.heard.append(message)

    pipeline, other = Pipeline("p"), Other()
    done = asyncio.Event()

    @pipeline.step
    async def work(ctx: Context[Any], value: int) -> int:
        assert other.heard
        (tried,) = await database.fetch(
            "select error from deliveries where channel = 'slack' and sent_at is null"
        )
        assert tried["error"] is None
        done.set()
        return value

    monkeypatch.setattr(channel, "TIMEOUT", 20.0)
    slack.answer = "hang"
    posted = asyncio.Event()
    loop = asyncio.get_running_loop()
    slack.at_post = lambda: loop.call_soon_threadsafe(posted.set)
    await clock.set(DAY)
    app = App("app", [pipeline], extensions=[Alerts([Slack(slack.url), other])])
    await Ledger(database).alert([Alert("dead_letter", "p/one", "why")])
    worker = Worker(app, database, poll=0.05)
    running = asyncio.create_task(worker.run())
    await posted.wait()
    while not other.heard:
        await asyncio.sleep(0.01)
    await Ledger(database).enqueue([pipeline.job(1)])
    worker.wake()
    await done.wait()
    slack.released.set()
    worker.stop()
    await running


async def test_a_stopping_worker_waits_for_the_message_it_is_sending(
    database: Database, clock: Clock, slack: Any
) -> None:
    app = App("app", [], extensions=[Alerts([Slack(slack.url)])])
    await clock.set(DAY)
    await Ledger(database).alert([Alert("dead_letter", "p/one", "why")])

    async def command() -> None:
        """What is left over when the worker has stopped is cancelled, as with every command."""
        async with Database(database.url) as own:
            worker, loop = Worker(app, own), asyncio.get_running_loop()

            def stop_before_the_answer() -> None:
                loop.call_soon_threadsafe(worker.stop)
                time.sleep(0.5)  # the worker could be gone by then

            slack.at_post = stop_before_the_answer
            await worker.run()

    await asyncio.to_thread(asyncio.run, command())
    await clock.move(LEASE + 1)
    await Delivery("app", app.extension(Alerts), database).flush()
    assert len(slack.taken) == 1


async def test_a_stopping_worker_waits_for_no_answer_beyond_its_grace(
    database: Database, clock: Clock, slack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "TIMEOUT", 20.0)
    slack.answer = "hang"
    await clock.set(DAY)
    await Ledger(database).alert([Alert("dead_letter", "p/one", "why")])
    worker = Worker(App("app", [], extensions=[Alerts([Slack(slack.url)])]), database, grace=0.05)
    loop = asyncio.get_running_loop()
    slack.at_post = lambda: loop.call_soon_threadsafe(worker.stop)
    async with asyncio.timeout(15):
        await worker.run()
    slack.released.set()


async def test_a_failing_channel_is_listed_and_raises_no_alert_itself(scene: Scene) -> None:
    scene.slack.answer = "404"
    await scene.tell("p/one")
    with capture_logs() as logs:
        await scene.tick()
        await scene.pass_time(3 * 3600)
    assert len(scene.slack.posts) == 4  # once an hour
    (row,) = await lists.deliveries(scene.database, "app")
    assert (row["channel"], row["kind"], row["sent_at"], row["attempts"]) == (
        "slack",
        "slack",
        None,
        4,
    )
    assert row["error"] == "it answered 404, no_service; mend the channel, then: alerts send"
    assert len(await scene.database.fetch("select * from alerts")) == 1
    assert "verysecrettoken" not in repr(logs) + repr(
        await scene.database.fetch("select * from deliveries")
    )


async def test_what_slack_asks_for_is_waited_for(scene: Scene) -> None:
    scene.slack.answer = "429"
    await scene.tell("p/one")
    await scene.tick()
    scene.slack.answer = "ok"
    await scene.pass_time(90)
    assert len(scene.slack.posts) == 1
    await scene.pass_time(60)
    assert scene.told("p/one") == 1


async def test_a_redirect_is_not_followed(scene: Scene) -> None:
    scene.slack.answer = "redirect"
    await scene.tell("p/one")
    await scene.tick()
    assert [post.path for post in scene.slack.posts] == ["/services/T000/B000/verysecrettoken"]


async def test_a_storm_is_one_message_repeated_at_growing_intervals(scene: Scene) -> None:
    for _ in range(500):
        await scene.tell("p/step")
    await scene.tick()
    begun, moments = await scene.clock.now(), []
    for _ in range(round(8 * 3600 / TICK)):
        await scene.tell("p/step")
        sent = len(scene.texts)
        await scene.clock.move(TICK)
        await scene.tick()
        if len(scene.texts) > sent:
            moments.append((await scene.clock.now() - begun).total_seconds())
    assert len(scene.texts) == 1 + len(moments)
    waits = [later - earlier for earlier, later in zip([0.0, *moments], moments, strict=False)]
    assert [round(wait / 60) for wait in waits] == [round(wait / 60) for wait in AGAIN[:3]]
    assert "500 times" in scene.texts[0]
    assert "still: " in scene.texts[1]


async def test_a_storm_of_alerts_is_a_few_messages_that_count_the_rest(
    scene: Scene,
) -> None:
    await scene.tell(*(f"p/step{number}" for number in range(500)))
    await scene.tick()
    for number in range(120):
        await scene.tell(f"q/step{number}")
        await scene.pass_time(TICK)
    assert len(scene.texts) <= 8
    assert (
        scene.slack.taken[0]
        .json["blocks"][-1]["text"]["text"]
        .startswith(f"and {500 - SHOWN} more: ")
    )
    (row,) = await scene.database.fetch("select count(*) from told where alert <= 500")
    assert row["count"] == 500


async def test_the_first_alert_of_a_kind_is_sent_at_once_in_a_storm(scene: Scene) -> None:
    for number in range(6):
        await scene.tell(f"p/storm{number}")
        await scene.pass_time(TICK)
    await scene.tell("night 0 4 * * * UTC", kind="missed_slot")
    await scene.tell("p/storm6")
    await scene.tick()
    assert scene.told("night") == scene.told("p/storm6") == 1
    await scene.tell("report 0 5 * * * UTC", kind="missed_slot")
    await scene.tick()
    assert scene.told("report") == 0  # the second of its kind keeps the pace
    await scene.pass_time(1800)
    assert scene.told("report") == 1
    assert [scene.told(f"p/storm{number}") for number in range(6)] == [1] * 6


async def test_a_resolution_is_sent_once_and_only_after_its_alert_was(scene: Scene) -> None:
    await scene.tell("p/one")
    await scene.tick()
    await scene.heal("p/one")
    await scene.tell("p/two")
    await scene.heal("p/two")
    await scene.pass_time(4 * 3600)
    assert Counter(text.splitlines()[0] for text in scene.texts) == {
        "app: job failed: p/one": 1,
        "app: resolved: job failed: p/one": 1,
    }


async def test_non_urgent_alerts_of_the_night_are_sent_in_the_morning(
    database: Database, clock: Clock, slack: Any
) -> None:
    asked: list[datetime] = []

    async def report(database: Any, since: datetime) -> str:
        asked.append(since)
        return "3 published"

    scene = Scene(database, clock, slack, report=report)
    await scene.tick(NIGHT)
    await scene.tell("p/urgent")
    await scene.tell("p/gate", kind="review")
    await scene.tick()
    await scene.heal("p/urgent")
    await scene.pass_time(3 * 3600)
    assert [text.splitlines()[0] for text in scene.texts] == ["app: job failed: p/urgent"]
    assert asked == []
    await scene.tick(MORNING + timedelta(seconds=1))
    await scene.pass_time(3600)
    assert asked[0] == MORNING - timedelta(hours=24)
    assert [text.splitlines()[0] for text in scene.texts][1:] == ["app: last night"]
    assert scene.told("p/gate") == 1
    assert "resolved: job failed: p/urgent" in scene.texts[1]
    assert "3 published" in str(scene.slack.taken[1].json["blocks"])
    await scene.tick(MORNING + timedelta(days=1))
    assert len(scene.texts) == 3


async def test_a_report_that_cannot_be_made_holds_no_alert_up(
    database: Database, clock: Clock, slack: Any
) -> None:
    async def report(database: Any, since: datetime) -> str:
        raise ValueError("no such column")

    scene = Scene(database, clock, slack, report=report)
    await scene.tick(NIGHT)
    await scene.tell("p/gate", kind="review")
    await scene.tick(MORNING)
    assert scene.told("p/gate") == 1
    assert "could not be made: ValueError: no such column" in str(scene.slack.taken[0].json)


async def test_what_had_healed_before_a_channel_was_there_is_no_news(
    database: Database, clock: Clock, slack: Any
) -> None:
    scene = Scene(database, clock, slack)
    await clock.set(NIGHT - timedelta(hours=1))
    await scene.tell("p/old", "p/open")
    await scene.heal("p/old")
    await scene.tick(NIGHT)
    await scene.tick(MORNING)
    assert (scene.told("p/old"), scene.told("p/open")) == (0, 1)


async def test_a_removed_channel_takes_its_unsent_message_along(scene: Scene) -> None:
    scene.slack.answer = "500"
    await scene.tell("p/one")
    await scene.tick()
    await Delivery("app", Alerts(), scene.database).tick()
    assert await lists.deliveries(scene.database, "app") == []
    scene.slack.answer = "ok"
    await scene.pass_time(600)
    assert scene.texts == []


async def test_a_person_s_send_tries_at_once_what_failed_before(scene: Scene) -> None:
    scene.slack.answer = "404"
    await scene.tell("p/one")
    await scene.tick()
    scene.slack.answer = "ok"
    (sent,) = await scene.workers[0].flush()
    assert (sent.channel, sent.error, scene.told("p/one")) == ("slack", None, 1)
    assert await scene.workers[0].flush() == []


async def test_a_message_says_what_why_the_cost_and_where_to_look(
    database: Database, clock: Clock, slack: Any
) -> None:
    scene = Scene(database, clock, slack, link="https://console.example/", command="shop")
    await clock.set(DAY)
    await database.fetch(
        "insert into runs (job_id, step, pipeline, status, cost_usd) values ('j 1', 's', "
        "'p', 'dead', 0.25),"
        " ('j 1', 't', 'p', 'succeeded', 0.1)"
    )
    await Ledger(database).alert([Alert("dead_letter", "p/s", "503 <b> & co", "j 1")])
    await scene.tick()
    (post,) = slack.taken
    header, told, footer = (block["text"]["text"] for block in post.json["blocks"])
    assert header == "app: job failed: p/s"
    assert told == (
        "*job failed: p/s (since Tue 12:00)* "
        "<https://console.example/jobs/j%201|open>\n503 &lt;b&gt; &amp; co\n"
        "_You need to act: it is not retried by itself. "
        "Fix the cause, then retry; or discard it._\n"
        "its job cost $0.35 · `shop show 'j 1'`"
    )
    assert footer == "all that is open: shop alerts\n<https://console.example/|open the console>"


async def test_sent_messages_go_after_some_weeks_and_unsent_ones_never(scene: Scene) -> None:
    await scene.tell("p/one")
    await scene.tick()
    scene.slack.answer = "500"
    await scene.tell("p/two")
    await scene.pass_time(120)
    scene.slack.answer = "ok"
    await scene.clock.move(KEPT + 3600)
    await scene.tick()
    await scene.tell("p/three")
    await scene.clock.move(60)
    await scene.tick()
    rows = await scene.database.fetch(
        "select message ->> 'title' as title from deliveries order by id"
    )
    assert [row["title"] for row in rows] == ["app: job failed: p/two", "app: last night"]


async def test_without_a_channel_a_tick_asks_the_database_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = Database.fetch

    async def counted(self: Database, sql: str, params: Any = ()) -> Any:
        asked.append(sql)
        return await fetch(self, sql, params)

    keeper = Maintenance(App("app", []), Ledger(database))
    await keeper.tick()
    monkeypatch.setattr(Database, "fetch", counted)
    await keeper.tick()
    names = {verb for verb in queries.verbs() if queries[verb] in asked}
    assert not {name for name in names if name.startswith(("channel", "delivery", "alert"))}
