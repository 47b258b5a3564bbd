"""What all rules share: the ledger beside its model, two sessions at once, the clock, and what has
to hold after each rule.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from overnight.errors import IdConflict, OvernightError, Refused
from overnight.store.database import Row
from overnight.store.ledger import Ledger
from overnight.store.records import Ending

from ..reference.ledger import Ledger as Reference
from ..reference.state import LEGAL, Breaker, plain
from ..reference.state import Run as Expected
from ..stage import LEASE, START, Actor, Session, Stage

AUDIT_EVERY = 3  # steps
AUDITOR = "auditor"

RUNS = """
    select r.*, coalesce((select jsonb_object_agg(a.attempt, a.outcome) from attempts a
        where a.run_id = r.id), '{}')
        as history
    from runs r order by r.id
"""
AROUND = """
    select 'breaker' as what, name, probe_run as run, failures, errors, open_until, null
        as job_id, null as hash,
           null as status from breakers
    union all select 'effect', name, run_id, null, null, null, job_id, content_hash, status
        from effects
    union all select 'limit', name, null, null, starts, null, null, null, null from limits
    union all select 'alert', subject, count, null, null, null, null, null, null from alerts
    where kind = 'dead_letter' and resolved_at is null
"""

MOVES = (1, 5, 31, 61, 121, 601, 3700, 9000, -1, -61, -3700)  # seconds
SCOPES = (
    "all",
    "pipeline:plain",
    "pipeline:shared",
    "key:a",
    "key:b",
    "step:shared/call",
    "step:edited/publish",
)

Any_ = st.integers(0, 7)  # which one of what there is
numbers = st.integers(0, 5)


class ProcessDies(Exception):
    """In the middle of an outside write."""


@dataclass
class Action:
    """One verb of one session, and the judgement of what came of it.

    `may_stay_open`: the next action may come while its transaction is open. `may_meet`: it may be
    that next action. What came is then what comes of the two one after the other, and `alone` is
    False for what the second could not see.
    """

    session: Session
    act: Callable[[], Awaitable[Any]]
    judge: Callable[[Any, bool], None]
    may_stay_open: bool = True
    may_meet: bool = True
    result: Any = None

    async def outcome(self) -> Any:
        try:
            return await self.act()
        except (OvernightError, ProcessDies) as error:
            return error


def some(*statuses: str) -> Callable[[Machine], bool]:
    """A rule for runs of which there is one, as far as the model knows."""
    return lambda self: any(run.status in statuses for run in self.model.runs)


def has_attempts(self: Machine) -> bool:
    return any(actor.carried for actor in self.actors)


def has_sent(self: Machine) -> bool:
    return self.sent is not None


def answer_of(verb: Callable[[], Any]) -> Any:
    """What the model answers; a refusal is compared by its kind."""
    try:
        return verb()
    except IdConflict:
        return Conflict()


class Conflict:
    """Equal to the refusals of the ledger: by its guard, or by Postgres where one call contradicts
    itself.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdConflict | Refused)

    __hash__ = None  # type: ignore[assignment]


class Machine(RuleBasedStateMachine):
    """The state. Each family of rules adds to it."""

    stage: ClassVar[Stage]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.run(self.stage.empty())
        self.model = Reference(START, self.stage.app.scope().guards)
        self.actors: list[Actor] = []
        self.boots = 0
        self.sent: tuple[str, list[Ending]] | None = (
            None  # the endings whose answer may have been lost
        )
        self.outside = Counter[tuple[str, str, str]]()
        self.fired: set[tuple[str, object]] = set()
        self.ended: dict[int, Row] = {}
        self.stood: dict[int, tuple[str, int]] = {}
        self.leave_open = False
        self.open: Action | None = None
        self.looks = 0

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def do(self, action: Action) -> None:
        """Alone; or with its transaction left open; or beside one that was left open."""
        if self.open is None:
            stays_open, self.leave_open = self.leave_open and action.may_stay_open, False
            if stays_open:
                self.run(action.session.own.execute("begin"))
            action.result = self.run(action.outcome())
            if stays_open:
                self.open = action
            else:
                action.judge(action.result, True)
                self.model.tell()
            return
        if not action.may_meet or action.session is self.open.session:
            self.settle()
            self.do(action)
            return
        first, self.open = self.open, None
        action.result = self.run(self.stage.together(first.session, action.session, action.outcome))
        first.judge(first.result, True)
        self.model.tell()
        action.judge(action.result, False)
        self.model.tell()

    def settle(self) -> None:
        """Commit what was left open."""
        self.leave_open = False
        if self.open is not None:
            action, self.open = self.open, None
            self.run(action.session.own.execute("commit"))
            action.judge(action.result, True)
            self.model.tell()
            self.check()

    @precondition(lambda self: self.open is None and self.model.runs)
    @rule()
    def leave_the_next_transaction_open(self) -> None:
        self.leave_open = True

    @rule(seconds=st.sampled_from(MOVES))
    def move(self, seconds: float) -> None:
        self.settle()
        self.model.tell()
        self.model.now += timedelta(seconds=seconds)
        self.run(self.stage.move_to(self.model.now))

    def pick(self, which: int, *statuses: str) -> Expected | None:
        runs = [run for run in self.model.runs if run.status in statuses]
        return runs[which % len(runs)] if runs else None

    @invariant()
    def holds(self) -> None:
        if self.open is None:
            self.check()
            self.looks += 1
            if self.looks % AUDIT_EVERY == 0:  # who waits in vain still does so a little later
                self.audit()

    def check(self) -> None:
        self.model.tell()
        rows = {row["id"]: row for row in self.run(self.stage.watcher.fetch(RUNS))}
        self.check_equal(rows)
        self.check_life(rows)
        self.check_around(rows)

    def check_equal(self, rows: dict[int, Row]) -> None:
        """The ledger is what the model says, run by run and attempt by attempt."""
        assert len(rows) == len(self.model.runs), (
            "a job was lost, or one is there that nobody started"
        )
        places = {(row["job_id"], row["step"]): row for row in rows.values()}
        for run in self.model.runs:
            row = rows[run.id] if run.id is not None else places[run.job_id, run.step]
            run.id = row["id"]
            assert plain(row) == plain(run)
            assert row["output"] == (None if run.output is None else json.loads(run.output))
            assert row["input"] == json.loads(run.input or "null")
            history = {
                (run.id, attempt): outcome
                for (run_id, attempt), outcome in self.model.history.items()
                if run_id == run.id
            }
            assert {
                (run.id, int(attempt)): outcome for attempt, outcome in row.pop("history").items()
            } == history

    def check_life(self, rows: dict[int, Row]) -> None:
        """What needs no model: what has ended stays as it is, attempts only grow, and steps are
        legal ones.
        """
        for run_id, row in rows.items():
            status, attempt = self.stood.get(run_id, ("queued", 0))
            assert row["attempt"] >= attempt
            assert status == row["status"] or (status, row["status"]) in LEGAL
            self.stood[run_id] = (row["status"], row["attempt"])
            assert (
                (row["status"] == "running")
                == (row["worker"] is not None)
                == (row["lease_until"] is not None)
            )
            if row["status"] in ("succeeded", "cancelled"):
                assert row == self.ended.setdefault(run_id, row), "it had ended, and changed"

    def check_around(self, rows: dict[int, Row]) -> None:
        """Breakers, effects, limits and alerts."""
        around: dict[str, list[Row]] = {"breaker": [], "effect": [], "limit": [], "alert": []}
        for row in self.run(self.stage.watcher.fetch(AROUND)):
            around[row["what"]].append(row)
        for row in around["breaker"]:
            expected = self.model.breakers.get(row["name"], Breaker())
            stands = (row["failures"], row["errors"], row["open_until"], row["run"])
            assert stands == (
                expected.failures,
                expected.errors,
                expected.open_until,
                expected.probe,
            ), row["name"]
        stand = {
            (row["job_id"], row["name"], row["hash"]): (row["run"], row["status"])
            for row in around["effect"]
        }
        assert stand == {
            name: (effect.run, effect.status) for name, effect in self.model.effects.items()
        }
        assert all(count == 1 for count in self.outside.values()), "written outside more than once"
        assert set(self.outside) <= set(stand), "written outside without an intent"
        for row in around["limit"]:
            assert row["errors"] == self.model.starts.get(row["name"], []), (
                "more is kept than what counts, or less"
            )
        kept = self.run(self.stage.watcher.fetch("select key from events where run_id is null"))
        assert Counter(row["key"] for row in kept) == Counter(self.model.events)
        dead = Counter({row["name"]: row["run"] for row in around["alert"]})
        assert dead == self.model.alerts
        assert set(dead) == {
            f"{row['pipeline']}/{row['step']}" for row in rows.values() if row["status"] == "dead"
        }

    def audit(self) -> None:
        """Nothing waits in vain: what a worker that asks for all there is cannot have is held by
        something. A look.
        """
        if not any(run.status == "queued" for run in self.model.runs):
            return
        scope, then, session = self.stage.app.scope(), deepcopy(self.model), self.stage.watcher
        self.run(session.own.execute("begin"))
        try:
            waits = True
            while waits:
                claim = self.run(Ledger(session).claim(scope, AUDITOR, 99, LEASE)).runs
                then.claim(AUDITOR, scope, 99, LEASE, claim)
                waits = any(
                    run.status == "queued" and then.held(run, AUDITOR, scope) is None
                    for run in then.runs
                )
                assert claim or not waits, "nothing holds it, and nobody gets it"
        finally:
            self.run(session.own.execute("rollback"))

    def teardown(self) -> None:
        if self.open is not None:
            self.run(self.open.session.own.execute("rollback"))
        for actor in self.actors:
            self.run(self.stage.cut(actor.session))
