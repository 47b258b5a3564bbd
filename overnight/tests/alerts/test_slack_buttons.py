"""Buttons in Slack, from the alert to the answer: a message offers them, Slack signs what a person
presses, and the console does it in their name. The fake speaks Slack's protocol.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import console_night as night
import httpx2
import pytest

from overnight import App, http
from overnight.alerts import Alerts, Slack, channel
from overnight.alerts.extension import delivery
from overnight.console import site, slack
from overnight.console.access import Access
from overnight.console.slack import SlackApp
from overnight.observability.watch import WatchService
from overnight.operations import queries
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.testing import Clock
from overnight.titles import Titles

pytestmark = pytest.mark.contract

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
ANN, BEN, EVE = "U0OPERATOR", "U0EDITOR", "U0NOBODY"
ANSWERS = "https://hooks.slack.com/actions/T000/1/answer"


class Workspace:
    """Slack as the console sees it: it shows messages, signs what people press, and takes
    answers.
    """

    def __init__(self, server: Any, client: httpx2.AsyncClient) -> None:
        self.server = server
        self.client = client

    @property
    def buttons(self) -> list[Mapping[str, Any]]:
        """The buttons of all messages."""
        blocks = [block for post in self.server.posts for block in post.json.get("blocks", ())]
        rows = [block["elements"] for block in blocks if block["type"] == "actions"]
        return [button for row in rows for button in row]

    def button(self, verb: str) -> Mapping[str, Any]:
        return next(each for each in self.buttons if each["action_id"] == verb)

    @property
    def answers(self) -> list[Any]:
        return [post.json for post in self.server.posts if post.path.startswith("/actions/")]

    def payload(self, button: Mapping[str, Any], user: str, url: str = ANSWERS) -> dict[str, Any]:
        return {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "team_id": "T000"},
            "actions": [{**button, "block_id": "alert-0", "action_ts": "1"}],
            "response_url": url,
        }

    async def send(
        self, payload: Any, *, age: float = 0, secret: str = SECRET, **headers: str
    ) -> httpx2.Response:
        """A request as Slack makes it."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        timestamp = str(int(time.time() - age))
        signed = b"v0:" + timestamp.encode() + b":" + body
        signature = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return await self.client.post(
            "/slack",
            content=body,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "x-slack-request-timestamp": timestamp,
                "x-slack-signature": signature,
                **headers,
            },
        )

    async def press(self, verb: str, user: str) -> Any:
        """Press the button of a message; what the channel is told."""
        count = len(self.answers)
        assert (await self.send(self.payload(self.button(verb), user))).status_code == 200
        while len(self.answers) == count:  # the answer comes after that to the request
            await asyncio.sleep(0.01)
        return self.answers[-1]


@asynccontextmanager
async def workspace(
    app: App, database: Database, server: Any, roles: Mapping[str, Any]
) -> AsyncIterator[Workspace]:
    def post(url: str, body: bytes, headers: dict[str, str]) -> None:
        """What is meant for Slack goes to the fake."""
        channel.post(
            f"http://127.0.0.1:{server.server_address[1]}{urlsplit(url).path}", body, headers
        )

    access = Access(
        {"operate": "a long password"}, slack=replace(SlackApp(SECRET, roles), post=post)
    )
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(site.build(app, database, access), listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False) as client,
        ):
            yield Workspace(server, client)


async def read_titles(_: Database, jobs: Sequence[str]) -> Mapping[str, str]:
    return dict.fromkeys(jobs, "Tea & <cake>")


@pytest.fixture
async def app(database: Database, clock: Clock, slack: Any) -> App:
    """The night of the console, whose alerts have gone to Slack, with buttons."""
    filled = await night.fill(database, clock)
    alerts = Alerts([Slack(slack.url, buttons=True)], quiet=None, link="https://console.example")
    made = App(
        "nightshop",
        list(filled.pipelines.values()),
        keys=filled._keys,
        extensions=[alerts, Titles(read_titles)],
    )
    sender = delivery(made, alerts, database)
    await sender.flush()
    await WatchService(made, Ledger(database)).flush()
    morning = (await clock.now() + timedelta(days=1)).replace(hour=7, minute=31)
    await clock.set(morning)  # whose message tells of what waits, too
    await sender.flush()
    return made


@pytest.fixture
async def work(app: App, database: Database, slack: Any) -> AsyncIterator[Workspace]:
    async with workspace(app, database, slack, {ANN: "operate", BEN: "edit"}) as made:
        yield made


async def statuses(database: Database, status: str) -> list[str]:
    rows = await database.fetch("select job_id from runs where status = %s order by id", [status])
    return [row["job_id"] for row in rows]


async def audit(database: Database, verb: str) -> Any:
    (row,) = await queries.audit(database, verb=verb, limit=1)
    return row


async def test_an_operator_retries_what_failed(work: Workspace, database: Database) -> None:
    (dead,) = await statuses(database, "dead")
    told = await work.press("replay", ANN)
    assert told["response_type"] == "in_channel"
    assert told["replace_original"] is False
    assert "1 failed job started again" in told["text"]
    assert await statuses(database, "dead") == []
    row = await audit(database, "replay")
    assert (row["target"], row["by"]) == (dead, f"{ANN.lower()} (Slack {ANN})")


async def test_an_operator_pauses_what_fails_and_resumes_it(
    work: Workspace, database: Database
) -> None:
    assert "customer:ada is paused" in (await work.press("pause", ANN))["text"]
    assert "customer:ben is resumed" in (await work.press("resume", ANN))["text"]
    rows = await queries.switches(database)
    assert {row["scope"]: row["enabled"] for row in rows} == {"key:ada": False, "key:ben": True}


async def test_an_editor_approves_what_was_shown_and_nothing_else(
    app: App, database: Database, slack: Any
) -> None:
    """With two that wait no revision was shown, so that there is no button; with one there is."""
    first, second = await statuses(database, "needs_review")
    async with workspace(app, database, slack, {BEN: "edit"}) as work:
        assert all(each["action_id"] != "approve" for each in work.buttons)
        (row,) = await queries.review(database, second, 1)
        value = json.dumps({"job": second, "revision": row["revision"]})
        body = work.payload({"action_id": "approve", "value": value}, BEN)
        await work.send(body)
        while not work.answers:
            await asyncio.sleep(0.01)
    assert "approved" in work.answers[0]["text"]
    assert await statuses(database, "needs_review") == [first]


@pytest.mark.parametrize(
    ("user", "verb", "says"),
    [
        (BEN, "replay", "needs the role operate"),
        (BEN, "pause", "needs the role operate"),
        (EVE, "replay", f"user {EVE} has no role here"),
    ],
)
async def test_who_may_not_is_told_so_alone_and_nothing_is_changed(
    work: Workspace, database: Database, user: str, verb: str, says: str
) -> None:
    before = await statuses(database, "dead")
    told = await work.press(verb, user)
    assert (told["response_type"], says in told["text"]) == ("ephemeral", True), told
    assert await statuses(database, "dead") == before
    assert len([row for row in await queries.switches(database) if not row["enabled"]]) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"secret": "another secret"}, 401),
        ({"age": slack.VALID_SECONDS + 5}, 401),
        ({"age": -slack.VALID_SECONDS - 5}, 401),
        ({"x-slack-signature": ""}, 401),
        ({"x-slack-signature": "v0=é"}, 401),
        ({"x-slack-request-timestamp": "now"}, 401),
        ({"x-slack-request-timestamp": "0"}, 401),
    ],
)
async def test_what_slack_has_not_signed_now_does_nothing(
    work: Workspace, database: Database, changes: dict[str, Any], status: int
) -> None:
    before = await statuses(database, "dead")
    headers = {
        name: value.encode() if isinstance(value, str) and name.startswith("x-") else value
        for name, value in changes.items()
    }
    answer = await work.send(work.payload(work.button("replay"), ANN), **headers)
    assert answer.status_code == status
    assert (work.answers, await statuses(database, "dead")) == ([], before)


async def test_a_request_that_comes_again_is_refused(work: Workspace, database: Database) -> None:
    work.client.event_hooks = {"request": [_keep := Kept()]}
    await work.press("pause", ANN)
    again = await work.client.send(_keep.requests[-1])
    assert (again.status_code, len(work.answers)) == (409, 1)
    rows = await queries.audit(database, verb="pause", by=f"{ANN.lower()} (Slack {ANN})")
    assert len(rows) == 1


class Kept:
    """The requests of a client."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> None:
        self.requests.append(request)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"type": "block_actions"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": [{"action_id": "replay", "value": "no JSON"}]},
        {
            "type": "block_actions",
            "actions": [{"action_id": "replay", "value": "[1]"}],
            "user": {"id": ANN},
            "response_url": ANSWERS,
        },
    ],
)
async def test_what_is_no_button_is_refused(work: Workspace, payload: Any) -> None:
    assert (await work.send(payload)).status_code == 400


@pytest.mark.parametrize("verb", ["set-budget", "edit", "discard", "open"])
async def test_a_button_that_no_message_offers_does_nothing(
    work: Workspace, database: Database, verb: str
) -> None:
    value = json.dumps({"scope": "all", "usd": 0})
    answer = await work.send(work.payload({"action_id": verb, "value": value}, ANN))
    assert (answer.status_code, work.answers) == (200, [])
    assert await queries.audit(database, by=f"{ANN.lower()} (Slack {ANN})") == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com:444/x",
        "file:///etc/passwd",
        "https://[",
    ],
)
async def test_an_answer_goes_to_slack_and_nowhere_else(url: str) -> None:
    posted: list[str] = []
    app = SlackApp(SECRET, {}, post=lambda url, body, headers: posted.append(url))
    for each in (url, ANSWERS):
        press = slack.Press(EVE, "eve", "replay", {}, each)
        await slack.answer(None, app, press)  # type: ignore[arg-type]  who has no role does nothing
    assert posted == [ANSWERS]


def test_the_environment_says_who_may_do_what(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SlackApp.from_environment() is None
    monkeypatch.setenv("OVERNIGHT_SLACK_SIGNING_SECRET", SECRET)
    monkeypatch.setenv("OVERNIGHT_SLACK_OPERATE", f"{ANN}, U0BOTH")
    monkeypatch.setenv("OVERNIGHT_SLACK_EDIT", f"{BEN} U0BOTH")
    app = SlackApp.from_environment()
    assert app is not None
    assert app.roles == {ANN: "operate", BEN: "edit", "U0BOTH": "operate"}
    assert SECRET not in repr(app)


async def test_without_a_signing_secret_there_is_no_such_page(database: Database) -> None:
    with http.listen("127.0.0.1", 0) as listener:
        built = site.build(night.make_app(), database, Access({"operate": "a long password"}))
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False) as client,
        ):
            answer = await client.post("/slack")
    assert answer.status_code == 404


async def test_a_message_tells_the_title_whose_it_is_and_what_to_do(
    work: Workspace, database: Database
) -> None:
    post = next(post for post in work.server.taken if "blocks" in post.json)
    failed = next(line for line in post.json["text"].splitlines() if "job failed" in line)
    assert "“Tea &amp; &lt;cake&gt;” (order/check, customer ada)" in failed
    read = [block["text"] for block in post.json["blocks"] if "text" in block]
    parsed = "\n".join(text["text"] for text in read if text["type"] == "mrkdwn")
    assert "You need to act" in parsed
    assert "<cake>" not in parsed
