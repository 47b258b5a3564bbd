"""What hinders the work: each kind by its rule, whether it heals by itself, and its button."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from overnight import App, Context, Cron, Keys, Pipeline
from overnight.errors import UserError
from overnight.operations import incidents, queries, switches
from overnight.operations.commands import OPERATIONS, Operator, parse
from overnight.operations.incidents import Incident
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Alert
from overnight.testing import Clock, run_until_idle

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
WELL: Mapping[str, Any] = {
    "workers": [{"host": "here"}],
    "switched_off": [],
    "schedules": [],
    "breakers": [],
    "budgets": [],
    "parked": [],
    "channels": [],
}
PAUSE = {"scope": "key:garden", "reason": "a trial", "changed_by": "ada", "changed_at": NOW}
SCHEDULE = {
    "app": "desk",
    "pipeline": "nightly",
    "cron": "0 4 * * *",
    "timezone": "UTC",
    "catch_up": "latest",
    "overdue": NOW,
}
BREAKER = {
    "name": "cms garden",
    "state": "open",
    "failures": 5,
    "error": "502",
    "opened_at": NOW,
    "open_until": NOW + timedelta(minutes=10),
}
BUDGET = {
    "scope": "key:garden",
    "spent_usd": Decimal(2),
    "usd_per_day": Decimal(2),
    "is_spent": True,
    "refused_at": NOW,
    "renews_at": NOW + timedelta(hours=20),
}
PARKED = {"step": "old/step", "key": "garden", "count": 3}
CHANNEL = {
    "channel": "slack",
    "error": "410",
    "attempts": 2,
    "due_at": NOW + timedelta(minutes=5),
    "created_at": NOW,
}


def desk() -> App:
    nightly = Pipeline("nightly", on=[Cron("0 4 * * *")])

    @nightly.step
    async def gather(ctx: Context[Any], slot: dict[str, str]) -> dict[str, str]:
        return slot

    return App("desk", [nightly], keys=Keys("site", lambda: ["garden"]))


def judged(**standing: Any) -> list[Incident]:
    return incidents.judge({**WELL, **standing}, desk())


def test_nothing_hinders_where_all_is_well() -> None:
    assert judged() == []
    assert incidents.health([], 0, 0) == ("well", "All is well.")


@pytest.mark.parametrize(
    ("standing", "kind", "what", "heals", "page"),
    [
        ({"workers": []}, "worker", "No worker is running", "does not heal", "/runs"),
        ({"switched_off": [PAUSE]}, "pause", "site:garden is paused", "stays", "/switches"),
        (
            {"schedules": [SCHEDULE]},
            "schedule",
            "The schedule of nightly is overdue",
            "The next worker of desk starts it",
            "/schedules",
        ),
        (
            {"breakers": [BREAKER]},
            "breaker",
            "The breaker cms garden is open",
            "At 2026-11-30 04:10 UTC one run probes it",
            "/breakers",
        ),
        (
            {"budgets": [BUDGET]},
            "budget",
            "The budget of site:garden is spent",
            "room again at 00:00 UTC",
            "/budgets",
        ),
        ({"parked": [PARKED]}, "parked", "3 runs of old/step garden", "when an app", "/runs"),
        (
            {"channels": [CHANNEL]},
            "channel",
            "slack takes no messages",
            "tried again at 2026-11-30 04:05 UTC",
            "/alerts",
        ),
    ],
)
def test_each_kind_says_whether_it_heals_and_where_to_press(
    standing: dict[str, Any], kind: str, what: str, heals: str, page: str
) -> None:
    (incident,) = judged(**standing)
    assert incident.kind == kind
    assert what in incident.what
    assert heals in incident.heals
    assert incident.page.startswith(page)
    assert incident.command
    has_button = incident.remedy is not None and incident.remedy.verb in OPERATIONS
    assert has_button or "no button can" in incident.heals


def test_a_half_open_breaker_is_being_probed() -> None:
    (incident,) = judged(breakers=[{**BREAKER, "state": "half-open"}])
    assert "probes it now" in incident.heals
    assert incident.until is None


def test_a_schedule_without_catch_up_drops_its_slot() -> None:
    (incident,) = judged(schedules=[{**SCHEDULE, "catch_up": "skip"}])
    assert "drops it" in incident.heals
    assert incident.remedy is not None


@pytest.mark.parametrize("change", [{"pipeline": "gone"}, {"cron": "1 1 * * *"}])
def test_a_schedule_that_the_app_does_not_have_has_no_button(change: dict[str, str]) -> None:
    (incident,) = judged(schedules=[{**SCHEDULE, **change}])
    assert incident.remedy is None
    assert "No button can start it, for this app has no such schedule" in incident.heals


def test_a_breaker_or_channel_that_is_well_is_no_incident() -> None:
    rows = {
        "breakers": [{**BREAKER, "state": "closed"}],
        "channels": [{**CHANNEL, "error": None}],
        "budgets": [{**BUDGET, "is_spent": False}],
        "schedules": [{**SCHEDULE, "overdue": None}],
    }
    assert judged(**rows) == []


def test_what_a_person_must_mend_comes_first_and_is_the_health() -> None:
    everything = {**PAUSE, "scope": "all"}
    rows = judged(breakers=[BREAKER], switched_off=[PAUSE, everything], workers=[])
    assert [row.level for row in rows] == ["act", "act", "look", "look"]
    level, sentence = incidents.health(rows, 2, 1)
    assert (level, sentence.split(".")[0]) == ("act", "No worker is running")


def test_the_health_names_what_hinders_and_what_waits() -> None:
    level, sentence = incidents.health(judged(breakers=[BREAKER]), 2, 1)
    assert level == "look"
    assert sentence == ("It runs; the breaker cms garden is open, 2 failed jobs, 1 item to review.")


async def press(incident: Incident, app: App, database: Database, **asked: str) -> str:
    """Press the button of an incident."""
    assert incident.remedy is not None
    assert set(incident.remedy.asks) == set(asked)
    values: dict[str, Any] = {**incident.remedy.values, **asked}
    if "input" in values:
        values["input"] = json.loads(values["input"])
    command = parse(OPERATIONS[incident.remedy.verb], values)
    return (await command.do(Operator(app, database, "ada"))).text


async def of_kind(kind: str, app: App, database: Database) -> list[Incident]:
    return [each for each in await incidents.read(database, app) if each.kind == kind]


async def test_the_button_of_a_pause_resumes_it(database: Database) -> None:
    app = desk()
    await switches.pause(database, "key:garden", reason="a trial", by="ada")
    (incident,) = await of_kind("pause", app, database)
    assert "resumed" in await press(incident, app, database)
    assert await of_kind("pause", app, database) == []


async def test_the_button_of_a_breaker_closes_it(database: Database) -> None:
    app = desk()
    await database.fetch(
        "insert into breakers (name, key, failures, error, opened_at, open_until) values"
        " ('cms garden', 'garden', 5, '502', ledger_now(), ledger_now() + interval '9 minutes')"
    )
    (incident,) = await of_kind("breaker", app, database)
    assert "is closed" in await press(incident, app, database, reason="it is well")
    assert await of_kind("breaker", app, database) == []


async def test_a_budget_that_refused_a_call_is_spent_until_raised(
    database: Database,
) -> None:
    app = desk()
    await database.fetch(
        "insert into budgets (scope, person_usd, person) values ('key:garden', 2, 'ada')"
    )
    assert await of_kind("budget", app, database) == []
    (row,) = await database.fetch("select day from budgets")
    await Ledger(database).alert([Alert("budget_spent", f"key:garden {row['day']}", "no room")])
    (incident,) = await of_kind("budget", app, database)
    assert incident.about == "site:garden"
    assert incident.until is not None
    assert "may spend $5.00" in await press(incident, app, database, usd="5", reason="more")
    assert await of_kind("budget", app, database) == []


async def test_an_overdue_slot_is_started_once_by_hand_or_by_a_worker(
    database: Database, clock: Clock
) -> None:
    app = desk()
    await run_until_idle(app, database, clock=clock)
    await clock.move(26 * 3_600)
    (incident,) = await of_kind("schedule", app, database)
    assert "is queued" in await press(incident, app, database)
    await run_until_idle(app, database, clock=clock)
    jobs = await database.fetch("select job_id, status from runs")
    assert [row["status"] for row in jobs] == ["succeeded"]
    assert await of_kind("schedule", app, database) == []


async def test_status_has_what_the_rules_need(database: Database) -> None:
    status = await queries.status(database, desk())
    assert [each.kind for each in incidents.judge(status, desk())] == ["worker"]


async def parked(database: Database, step: str, key: str, count: int) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key) select %s || ' ' || %s || n, %s, 'nightly',"
        " %s from generate_series(1, %s::int) n",
        [step, key, step, key, count],
    )


@pytest.mark.parametrize(("step", "key"), [("old", ""), ("old", "garden"), ("gather", "attic")])
async def test_the_button_of_parked_runs_cancels_those_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, step: str, key: str
) -> None:
    monkeypatch.setattr("overnight.operations.parked.BATCH", 2)
    app = desk()
    await parked(database, step, key, 5)
    await parked(database, "older", "garden", 1)
    await parked(database, "gather", "garden", 1)
    first = next(
        each for each in await of_kind("parked", app, database) if "older" not in each.what
    )
    said = await press(first, app, database, reason="it was removed")
    assert said == f"5 runs of nightly/{step}{f' {key}' if key else ''}: cancelled"
    rows = await database.fetch("select step, status, error from runs where status = 'cancelled'")
    assert [(row["step"], row["error"]) for row in rows] == 5 * [(step, "it was removed")]
    (left,) = await of_kind("parked", app, database)
    assert left.about == "nightly/older garden"
    actions = await database.fetch("select by from actions where verb = 'cancel'")
    assert [row["by"] for row in actions] == 5 * ["ada"]


@pytest.mark.parametrize(
    ("step", "key", "says"),
    [
        ("nightly/gather", "", "this app has nightly/gather"),
        ("nightly/gather", "garden", "this app has nightly/gather"),
        ("nightly/gather", "attic", "no run of nightly/gather attic is queued"),
        ("nightly/old", "", "no run of nightly/old is queued"),
    ],
)
async def test_what_the_app_has_is_not_cancelled_as_parked(
    database: Database, step: str, key: str, says: str
) -> None:
    await parked(database, "gather", "", 1)
    await parked(database, "gather", "garden", 1)
    command = parse(OPERATIONS["cancel-parked"], {"step": step, "key": key, "reason": "no"})
    with pytest.raises(UserError, match=says):
        await command.do(Operator(desk(), database, "ada"))
    assert await database.fetch("select id from runs where status <> 'queued'") == []


async def test_the_button_of_a_channel_sends_again(database: Database) -> None:
    app = desk()
    await database.fetch("insert into channels (app, name, kind) values ('desk', 'slack', 'slack')")
    await database.fetch(
        "insert into deliveries (app, channel, message, alerts, error, attempts, due_at) values "
        "('desk', 'slack', '{\"title\": \"t\"}', '{}', '410', 3, ledger_now() + interval '1 h')"
    )
    (incident,) = await of_kind("channel", app, database)
    assert "sends 1 message to slack again" in await press(incident, app, database)
    (row,) = await database.fetch("select due_at <= ledger_now() as is_due from deliveries")
    assert row["is_due"]
    await database.fetch("update deliveries set sent_at = ledger_now(), error = null")
    with pytest.raises(UserError, match="no message waits for the channel “slack”"):
        await press(incident, app, database)
