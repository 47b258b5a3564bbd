"""A monitor outside is called while all is well, by one of all workers: without any, its silence is
the alarm.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from overnight import Alerts, App, Context, Cron, Pipeline
from overnight.alerts import Heartbeat, Slack, background, channel
from overnight.alerts.heartbeat import LINE_LIMIT, SHORTEST, Signal, request_of
from overnight.alerts.monitor import RETRY, UNDELIVERED, Monitor
from overnight.alerts.rules import CRITICAL
from overnight.cli import runner
from overnight.cli.main import cli
from overnight.engine.maintenance import Maintenance
from overnight.engine.worker import Worker
from overnight.errors import ConfigError, Permanent, Transient
from overnight.observability.watch import WatchService
from overnight.operations import queries, runs
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.testing import Clock

pytestmark = pytest.mark.contract

UUID = "/d5f7ae9e-1234-4b6a-9c1e-0123456789ab"
PUSH = "/api/push/aBcDeFgHiJ"
DAY = datetime(2030, 1, 1, 12, tzinfo=UTC)
EVERY = 300.0
MISSED = Alert("missed_slot", "night 0 4 * * * UTC", "the slot was neither fired\nnor skipped")


class Scene:
    """Workers of one app whose heartbeat goes to the server."""

    def __init__(
        self, database: Database, clock: Clock, server: Any, path: str = UUID, **options: Any
    ) -> None:
        self.database, self.clock, self.server = database, clock, server
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        self.alerts = Alerts(heartbeat=Heartbeat(origin + path, EVERY), **options)
        self.workers = [Monitor("app", self.alerts, database) for _ in range(3)]

    async def tick(self, seconds: float = 0.0) -> list[str]:
        """Time passes, and each worker looks at the same time; what was called since."""
        before = len(self.server.posts)
        await self.clock.move(seconds)
        await asyncio.gather(*(worker.tick() for worker in self.workers))
        await background.settle()
        return [call(post) for post in self.server.posts[before:]]

    async def state(self) -> dict[str, Any]:
        (row,) = await queries.heartbeats(self.database)
        return row


def call(post: Any) -> str:
    """What the server was told: the signal, and the line."""
    parts = urlsplit(post.path)
    if parts.path.startswith("/api/push/"):
        query = parse_qs(parts.query)
        return f"{query['status'][0]} {query['msg'][0]}"
    return f"{parts.path.removeprefix(UUID) or 'success'} {post.body.decode()}".strip()


@pytest.fixture
async def scene(database: Database, clock: Clock, slack: Any) -> Scene:
    await clock.set(DAY)
    return Scene(database, clock, slack)


@pytest.fixture(autouse=True)
def a_log_of_its_own() -> Iterator[None]:
    yield
    structlog.reset_defaults()


HC, KUMA = "https://hc-ping.com", "https://k.example/sub/api/push"


@pytest.mark.parametrize(
    ("url", "signal", "text", "called"),
    [
        (f"{HC}/uuid", "success", "", ("POST", f"{HC}/uuid", b"")),
        (f"{HC}/uuid", "start", "night", ("POST", f"{HC}/uuid/start", b"night")),
        (f"{HC}/uuid/", "fail", "a\nb", ("POST", f"{HC}/uuid/fail", b"a b")),
        (f"{HC}/key/slug?create=1", "fail", "", ("POST", f"{HC}/key/slug/fail?create=1", b"")),
        (f"{KUMA}/T", "success", "", ("GET", f"{KUMA}/T?status=up&msg=OK", None)),
        (
            f"{KUMA}/T?status=up&msg=OK&ping=",
            "fail",
            "é & x",
            ("GET", f"{KUMA}/T?ping=&status=down&msg=%C3%A9+%26+x", None),
        ),
        (f"{KUMA}/T", "start", "night", None),
    ],
)
def test_each_service_is_called_in_its_own_way(
    url: str, signal: Signal, text: str, called: tuple[str, str, bytes | None] | None
) -> None:
    request = request_of(url, signal, text)
    assert (request and (request.method, request.url, request.body)) == called


@pytest.mark.parametrize("url", [f"{HC}/uuid", f"{KUMA}/T"])
def test_a_long_line_is_cut(url: str) -> None:
    request = request_of(url, "fail", "z" * 10_000)
    assert request is not None
    assert (request.url + (request.body or b"").decode()).count("z") == LINE_LIMIT


@pytest.mark.parametrize("path", [UUID, PUSH])
async def test_healthy_workers_together_send_one_heartbeat_an_interval(
    database: Database, clock: Clock, slack: Any, path: str
) -> None:
    await clock.set(DAY)
    scene = Scene(database, clock, slack, path)
    well = "success" if path == UUID else "up OK"
    assert await scene.tick() == [well]
    assert await scene.tick(EVERY - 60) == []
    assert await scene.tick(60) == [well]
    assert [len(await scene.tick(30)) for _ in range(20)].count(1) == 2
    state = await scene.state()
    assert (state["app"], state["signal"], state["error"]) == ("app", "success", None)
    assert state["taken_at"] is not None


@pytest.mark.parametrize("path", [UUID, PUSH])
@pytest.mark.parametrize("kind", CRITICAL)
async def test_a_critical_alert_is_signalled_at_once_and_until_it_ends(
    database: Database, clock: Clock, slack: Any, path: str, kind: str
) -> None:
    await clock.set(DAY)
    scene = Scene(database, clock, slack, path)
    well, ill = ("success", "/fail") if path == UUID else ("up OK", "down")
    assert await scene.tick() == [well]
    await Ledger(database).alert([Alert(kind, "p/s", "why\nit is")])
    (told,) = await scene.tick(30)
    assert told.startswith(f"{ill} ")
    assert told.endswith(": p/s: why it is")
    await Ledger(database).alert([Alert(kind, "q/t", "why not")])
    assert await scene.tick(30) == []
    (told,) = await scene.tick(EVERY)
    assert told.endswith(": p/s (and 1 more): why it is")
    await Ledger(database).resolve_alerts(kind, ["p/s", "q/t"])
    assert await scene.tick(30) == [well]


async def test_only_critical_alerts_that_cannot_wait_fail_the_monitor(
    database: Database, clock: Clock, slack: Any
) -> None:
    await clock.set(DAY)
    scene = Scene(
        database, clock, slack, urgency={"missed_slot:refresh": "morning", "saturation": "morning"}
    )
    ledger = Ledger(database)
    await ledger.alert(
        [Alert(kind, "p/s", "why") for kind in ("dead_letter", "breaker", "review", "saturation")]
    )
    await ledger.alert([Alert("missed_slot", "refresh 30 5 * * 1 UTC", "why")])
    assert await scene.tick() == ["success"]
    await ledger.alert([MISSED])
    assert await scene.tick() == [
        "/fail schedule missed: night 0 4 * * * UTC: the slot was neither fired nor skipped"
    ]


async def test_that_no_alert_gets_through_is_told_where_it_does(
    database: Database, clock: Clock, slack: Any
) -> None:
    scene = Scene(
        database, clock, slack, channels=[Slack("http://127.0.0.1:9/services/verysecret")]
    )
    await clock.set(DAY)
    await Ledger(database).alert([Alert("dead_letter", "p/s", "why")])
    keeper = Maintenance(App("app", [], extensions=[scene.alerts]), Ledger(database))
    await keeper.tick()
    await keeper.settle()
    assert [call(post) for post in slack.posts] == ["success"]
    assert await scene.tick(UNDELIVERED - 60) == ["success"]
    (told,) = await scene.tick(60)
    assert told.startswith("/fail alerts undelivered: slack: cannot be reached")


async def test_without_a_worker_nobody_calls(scene: Scene) -> None:
    await scene.tick()
    await scene.clock.move(86_400)
    assert len(scene.server.posts) == 1
    assert (await scene.state())["due_at"] < await scene.clock.now()


@pytest.mark.parametrize(
    "answer", ["500", "404", "429", "redirect", "reset", "hang", "unknown", "limited"]
)
async def test_a_refused_call_is_recorded_and_repeated_in_a_minute(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(channel, "TIMEOUT", 0.2)
    scene.server.answer = answer
    with capture_logs() as logs:
        assert len(await scene.tick()) == 1
    state = await scene.state()
    assert (state["taken_at"], state["called_at"] is not None) == (None, True)
    assert [line["error"] for line in logs if line["event"] == "heartbeat not taken"] == [
        state["error"]
    ]
    assert "d5f7ae9e" not in repr(logs) + repr(state)
    scene.server.answer = "ok"
    assert await scene.tick(RETRY - 30) == []
    assert await scene.tick(30) == ["success"]
    assert (await scene.state())["error"] is None


async def test_a_server_that_is_not_there_is_noted_without_its_address(database: Database) -> None:
    heartbeat = Heartbeat(f"http://127.0.0.1:9{UUID}")
    worker = Monitor("app", Alerts(heartbeat=heartbeat), database)
    await worker.tick()
    await background.settle()
    (state,) = await queries.heartbeats(database)
    assert state["error"].startswith("cannot be reached")
    assert (repr(heartbeat), heartbeat.host) == ("Heartbeat(every=300.0)", "127.0.0.1")


async def test_a_hanging_monitor_holds_up_no_worker(
    database: Database, clock: Clock, slack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "TIMEOUT", 20.0)
    scene, pipeline, done = Scene(database, clock, slack), Pipeline("p"), asyncio.Event()

    @pipeline.step
    async def work(ctx: Context[Any], value: int) -> int:
        assert (await scene.state())["called_at"] is None
        done.set()
        return value

    slack.answer = "hang"
    posted, loop = asyncio.Event(), asyncio.get_running_loop()
    slack.at_post = lambda: loop.call_soon_threadsafe(posted.set)
    worker = Worker(App("app", [pipeline], extensions=[scene.alerts]), database, poll=0.05)
    running = asyncio.create_task(worker.run())
    await posted.wait()
    await Ledger(database).enqueue([pipeline.job(1)])
    worker.wake()
    await done.wait()
    slack.released.set()
    worker.stop()
    await running


def nightly(expression: str) -> Pipeline:
    pipeline = Pipeline("night", on=[Cron(expression, input=lambda slot: slot.isoformat())])

    @pipeline.step
    async def plan(ctx: Context[Any], slot: str) -> str:
        return slot

    return pipeline


@pytest.mark.parametrize(
    ("expression", "path", "told"),
    [
        ("0 4 * * *", UUID, ["/start night of 2030-01-02 04:00 UTC begins"]),
        ("30 5 * * 3", UUID, ["/start night of 2030-01-02 05:30 UTC begins"]),
        ("*/5 * * * *", UUID, []),
        ("0 * * * *", UUID, []),
        ("0 4 * * *", PUSH, []),
    ],
)
async def test_the_begin_of_a_night_is_told_once_by_whoever_fires_it(
    database: Database, clock: Clock, slack: Any, expression: str, path: str, told: list[str]
) -> None:
    app = App("app", [nightly(expression)], extensions=[Scene(database, clock, slack, path).alerts])
    keepers = [Maintenance(app, Ledger(database)) for _ in range(3)]
    await clock.set(DAY)
    await keepers[0].fire()
    for moment in (DAY + timedelta(hours=18), DAY + timedelta(hours=18, minutes=1)):
        await clock.set(moment)
        await asyncio.gather(*(keeper.fire() for keeper in keepers))
        await keepers[0].settle()
    assert [call(post) for post in slack.posts] == told
    assert (await database.fetch("select count(*) as n from runs"))[0]["n"] > 0


async def test_an_overdue_night_fails_the_heartbeat_until_it_is_fired(
    database: Database, clock: Clock, slack: Any
) -> None:
    scene, app = Scene(database, clock, slack), App("app", [nightly("0 4 * * *")])
    await clock.set(DAY)
    await Maintenance(app, Ledger(database)).fire()
    await clock.set(DAY + timedelta(hours=17))
    other = App(
        "other", [], extensions=[scene.alerts]
    )  # its workers are alive, and see that nobody fires the night
    watcher = WatchService(other, Ledger(database))
    await watcher.watch()
    (told,) = await scene.tick()
    assert told.startswith(
        "/fail schedule missed: night 0 4 * * * UTC: the slot of 2030-01-02 04:00 UTC was neither"
    )
    await Maintenance(app, Ledger(database)).fire()
    await watcher.watch()
    assert await scene.tick() == ["success"]


async def test_a_worker_that_ends_with_its_work_says_how_it_stands(
    database: Database, slack: Any
) -> None:
    pipeline = Pipeline("p")

    @pipeline.step
    async def work(ctx: Context[Any], value: int) -> int:
        await Ledger(database).alert([MISSED])
        return value

    heartbeat = Heartbeat(f"http://127.0.0.1:{slack.server_address[1]}{UUID}")
    app = App("app", [pipeline], extensions=[Alerts(heartbeat=heartbeat)])
    await runs.start(app, database, "p", 1)
    await runner.work(app, database, until_idle=True)
    assert call(slack.posts[-1]).startswith("/fail schedule missed: night")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Heartbeat("hc-ping.com/verysecret"), "the URL of the heartbeat must be whole"),
        (
            lambda: Heartbeat("ftp://hc-ping.com/verysecret"),
            "the URL of the heartbeat must be whole",
        ),
        (
            lambda: Heartbeat("https://hc-ping.com/verysecret", SHORTEST - 1),
            "every 60 seconds at most",
        ),
    ],
)
def test_a_wrong_heartbeat_is_one_sentence_without_its_url(make: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        make()
    assert "verysecret" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (
            "unknown",
            Permanent,
            "it knows no monitor of this URL; mend the URL of the heartbeat, then: alerts test",
        ),
        ("limited", Transient, "it was called too often"),
        (
            "404",
            Permanent,
            "it answered 404, no_service; mend the URL of the heartbeat, then: alerts test",
        ),
        ("500", Transient, "it answered 500, internal_error"),
    ],
)
def test_the_monitors_answer_is_read_as_its_status_is_always_200(
    slack: Any, answer: str, error: type[Exception], says: str
) -> None:
    slack.answer = answer
    with pytest.raises(error, match=says):
        Heartbeat(f"http://127.0.0.1:{slack.server_address[1]}{UUID}").send("success")


async def press(database: Database, app: App, *words: str) -> Result:
    module = ModuleType("beating")
    module.app = app  # type: ignore[attr-defined]
    sys.modules["beating"] = module
    line, env = ["--app", "beating:app", *words], {"OVERNIGHT_DATABASE_URL": database.url}
    return await asyncio.to_thread(
        lambda: CliRunner().invoke(cli, line, prog_name="overnight", env=env)
    )


async def test_the_commands_show_and_test_the_heartbeat_but_no_url(scene: Scene) -> None:
    app = App("app", [], extensions=[scene.alerts])
    told = await press(scene.database, app, "alerts", "test")
    assert (told.exit_code, told.output) == (0, "heartbeat: “app: a test call” was taken\n")
    assert await scene.tick() == ["success"]
    shown = (await press(scene.database, app, "alerts")).output
    assert "heartbeat of app at 127.0.0.1: said that all is well at 2030-01-01 12:0" in shown
    await Ledger(scene.database).alert([MISSED])
    await scene.tick()
    assert (
        "said “schedule missed: night 0 4 * * * UTC: "
        in (await press(scene.database, app, "alerts")).output
    )
    scene.server.answer = "404"
    failed = await press(scene.database, app, "alerts", "test", "heartbeat", "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["sent"][0]["channel"]) == (1, "heartbeat")
    await scene.tick(EVERY)
    shown += (await press(scene.database, app, "alerts")).output
    assert "was not taken at 2030-01-01 12:0" in shown
    assert (
        "UTC: it answered 404, no_service; mend the URL of the heartbeat, then: alerts test"
        in shown
    )
    assert "the last that was taken is of 2030-01-01 12:0" in shown
    data = await press(scene.database, app, "alerts", "--json")
    (row,) = json.loads(data.stdout)["heartbeats"]
    assert (row["host"], row["signal"]) == ("127.0.0.1", "fail")
    assert "d5f7ae9e" not in shown + failed.output + data.output
    retired = await press(scene.database, App("app", []), "alerts", "--json")
    assert json.loads(retired.stdout)["heartbeats"] == []
    wrong = await press(scene.database, app, "alerts", "test", "nose")
    assert "there is no channel “nose”; the app has: heartbeat" in str(wrong.exception)


async def test_without_a_heartbeat_nothing_is_asked_or_called(
    database: Database, slack: Any
) -> None:
    worker = Monitor("app", Alerts(), database)
    await worker.tick()
    worker.start("night")
    await worker.flush()
    assert (slack.posts, await queries.heartbeats(database)) == ([], [])


def test_no_channel_has_the_name_of_the_heartbeat() -> None:
    with pytest.raises(ConfigError, match="the same name"):
        Alerts(
            [Slack("https://x.example/y", name="heartbeat")],
            heartbeat=Heartbeat("https://x.example/z"),
        )
