"""The protocol against its model: Hypothesis chooses what workers, people and the clock do, and in
which order.

See docs/proof.md for what is modelled, and for how a failure is repeated.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from overnight.engine import effects, upstreams
from overnight.engine.decide import MAX_LOSSES
from overnight.engine.rescuer import SETTLE
from overnight.errors import (
    IdConflict,
    IllegalTransition,
    LeaseLost,
    NotFound,
    OutcomeUnknown,
    OvernightError,
    Refused,
    SwitchedOff,
)
from overnight.operations import control
from overnight.operations.decisions import Approve, Edit, Reject
from overnight.store.database import Row
from overnight.store.ledger import Ledger
from overnight.store.records import (
    Claim,
    Ending,
    Filter,
    Finish,
    NewRun,
    Rescue,
    Run,
    Scope,
    Status,
    Transition,
)
from overnight.store.schedules import Schedules
from overnight.store.sql import queries
from overnight.testing import fresh_database

from . import reference
from .stage import AT_MOST, KEYS, LEASE, START, WAIT, Actor, Session, Stage

EXAMPLES = int(os.environ.get("OVERNIGHT_EXAMPLES", "0"))  # 0: those of `make test`
SEED = int(os.environ.get("OVERNIGHT_SEED") or (secrets.randbits(32) if EXAMPLES else 0))
PHASES = [Phase.generate] if "OVERNIGHT_MUTANT" in os.environ else [Phase.generate, Phase.shrink]
BY_DEFAULT, STEPS = 30, 40
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

ENDS = {
    "done": Transition(Status.SUCCEEDED, "done", ends_job=False),
    "no_work": Transition(Status.SUCCEEDED, "no_work"),
    "review": Transition(Status.NEEDS_REVIEW, "review", "look"),
    "unknown": Transition(Status.NEEDS_REVIEW, "review", "who knows", "unknown_outcome"),
    "snooze": Transition(Status.QUEUED, "snooze", delay=20.0),
    "cancel": Transition(Status.CANCELLED, "cancel", "no more"),
    "retry": Transition(Status.QUEUED, "retry", "502", "transient", delay=4.0, failed=True),
    "at once": Transition(Status.QUEUED, "retry", "502", "transient", failed=True),
    "dead": Transition(Status.DEAD, "error", "404", "permanent", failed=True),
    "payload": Transition(Status.DEAD, "error", "no number", "payload", failed=True),
    "handed back": Transition(Status.QUEUED, "handed_back", "stopped"),
    "held": Transition(Status.QUEUED, "held", "off", "switch", delay=1.0),
}
ERRORS = ("retry", "at once", "dead")
WELL = ("done", "no_work", "review", "cancel")
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
versions = st.sampled_from(
    (0, 0, 0, 0, 0, 1)
)  # the same number with another version is the same id with other inputs
pipelines = st.sampled_from(("plain", "plain", "shared", "shared", "slow"))
jobs = st.tuples(
    pipelines, numbers, versions, st.sampled_from((0, 0, -3, 7)), st.sampled_from((0.0, 0.0, 30.0))
)
spawns = st.one_of(
    st.none(),
    st.tuples(st.just("job"), pipelines, numbers, versions),
    st.tuples(st.just("event"), st.sampled_from(KEYS), numbers, versions),
)
Ends = list[tuple[str, tuple[Any, ...] | None]]
ends, two_ends = (
    st.lists(st.tuples(st.sampled_from(sorted(ENDS)), spawns), min_size=least, max_size=3)
    for least in (1, 2)
)
scopes = st.sampled_from(("all", "all", "all", "slow", "shared", "key a"))


class ProcessDies(Exception):
    """In the middle of an outside write."""


@dataclass
class Deed:
    """One verb of one session, and the judgement of what came of it.

    `may_stay_open`: the next deed may come while its transaction is open. `may_meet`: it may be
    that next deed. What came is then what comes of the two one after the other, and `alone` is
    False for what the second could not see.
    """

    session: Session
    act: Callable[[], Awaitable[Any]]
    judge: Callable[[Any, bool], None]
    may_stay_open: bool = True
    may_meet: bool = True
    result: Any = None

    async def tried(self) -> Any:
        try:
            return await self.act()
        except (OvernightError, ProcessDies) as error:
            return error


def some(*statuses: str) -> Callable[[Protocol], bool]:
    """A rule for runs of which there is one, as far as the model knows."""
    return lambda self: any(run.status in statuses for run in self.model.runs)


def carried(self: Protocol) -> bool:
    return any(actor.carried for actor in self.actors)


def answered(self: Protocol) -> bool:
    return self.sent is not None


class Protocol(RuleBasedStateMachine):
    stage: ClassVar[Stage]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.run(self.stage.empty())
        self.model = reference.Ledger(START, self.stage.app.scope().guards)
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
        self.open: Deed | None = None
        self.looks = 0

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    # --- two at once

    def do(self, deed: Deed) -> None:
        """Alone; or with its transaction left open; or beside one that was left open."""
        if self.open is None:
            stays_open, self.leave_open = self.leave_open and deed.may_stay_open, False
            if stays_open:
                self.run(deed.session.own.execute("begin"))
            deed.result = self.run(deed.tried())
            if stays_open:
                self.open = deed
            else:
                deed.judge(deed.result, True)
            return
        if not deed.may_meet or deed.session is self.open.session:
            self.settle()
            self.do(deed)
            return
        first, self.open = self.open, None
        deed.result = self.run(self.stage.together(first.session, deed.session, deed.tried))
        first.judge(first.result, True)
        deed.judge(deed.result, False)

    def settle(self) -> None:
        """Commit what was left open."""
        self.leave_open = False
        if self.open is not None:
            deed, self.open = self.open, None
            self.run(deed.session.own.execute("commit"))
            deed.judge(deed.result, True)
            self.check()

    @precondition(lambda self: self.open is None and self.model.runs)
    @rule()
    def leave_the_next_transaction_open(self) -> None:
        self.leave_open = True

    # --- work comes in

    def new(
        self, pipeline: str, n: int, version: int, *, priority: int = 0, delay: float = 0.0
    ) -> NewRun:
        made = self.stage.app.pipeline(pipeline).job(
            {"n": n, "key": KEYS[n % 2], "v": version}, priority=priority
        )
        return NewRun(
            *(made.job_id, made.step, made.pipeline, made.key, made.input, made.input_hash),
            delay=delay,
            priority=priority,
        )

    def event(self, key: str, n: int, version: int) -> NewRun:
        (new,) = self.stage.app.jobs_for("edit", {"n": n, "key": key, "v": version})
        return new

    def enqueue_deed(self, new: Sequence[NewRun]) -> Deed:
        session = self.stage.people

        def judge(result: Any, alone: bool) -> None:
            assert result == told(lambda: self.model.enqueue(new))

        return Deed(session, lambda: Ledger(session).enqueue(new), judge)

    @initialize(given=st.lists(jobs, min_size=3, max_size=5, unique_by=lambda job: job[:2]))
    def work_is_there(self, given: list[tuple[str, int, int, int, float]]) -> None:
        self.enqueue(given)

    @rule(given=st.lists(jobs, min_size=1, max_size=3, unique_by=lambda job: job[:2]))
    def enqueue(self, given: list[tuple[str, int, int, int, float]]) -> None:
        self.do(
            self.enqueue_deed([self.new(p, n, v, priority=pr, delay=d) for p, n, v, pr, d in given])
        )

    @rule(key=st.sampled_from(KEYS), n=numbers, version=versions)
    def an_event_comes(self, key: str, n: int, version: int = 0) -> None:
        self.do(self.enqueue_deed([self.event(key, n, version)]))

    @rule(
        who=Any_,
        key=st.sampled_from(KEYS),
        first=numbers,
        others=st.lists(numbers, min_size=1, max_size=3),
    )
    def edits_come_while_an_earlier_one_is_worked_on(
        self, who: int, key: str, first: int, others: list[int]
    ) -> None:
        self.an_event_comes(key, first)
        self.move(WAIT)
        self.check()
        self.claim(who, 4, "all")
        for n in [*others, first]:
            self.an_event_comes(key, n)

    # --- workers

    @initialize()
    def two_workers(self) -> None:
        self.sign_in()
        self.sign_in()

    @precondition(lambda self: len(self.actors) < 3)
    @rule()
    def sign_in(self) -> None:
        self.settle()
        self.boots += 1
        boot_id = f"w{self.boots * 7 % 10}-{self.boots}"  # not in the order of their coming
        self.actors.append(self.run(self.stage.sign_in(boot_id)))
        self.model.workers[boot_id] = reference.Worker()

    def actor(self, who: int) -> Actor:
        if not self.actors:
            self.sign_in()
        return self.actors[who % len(self.actors)]

    def scope(self, name: str) -> Scope:
        whole = self.stage.app.scope()
        steps = [step for step in whole.steps if name in ("all", "key a") or step.startswith(name)]
        return Scope(steps, ["a"] if name == "key a" else None, whole.guards)

    @precondition(some("queued"))
    @rule(who=Any_, limit=st.integers(0, 4), name=scopes)
    def claim(self, who: int, limit: int, name: str) -> None:
        actor, scope = self.actor(who), self.scope(name)

        def judge(result: Claim, alone: bool) -> None:
            self.adopt(actor, scope, limit, result, alone)

        self.do(
            Deed(
                actor.session,
                lambda: Ledger(actor.session).claim(scope, actor.boot_id, limit, LEASE),
                judge,
            )
        )

    @rule(who=Any_, limits=st.sampled_from(((1, 1), (1, 4), (4, 4))), name=scopes, first=numbers)
    def two_claim_at_once(
        self, who: int, limits: tuple[int, int], name: str, first: int | None
    ) -> None:
        """Often there is room for one of them."""
        while len(self.actors) < 2:
            self.sign_in()
        if first is not None:
            self.enqueue([("slow", (first + 2 * each) % 6, 0, 0, 0.0) for each in range(3)])
        self.settle()
        self.check()
        self.leave_open = True
        self.claim(who, limits[0], name)
        self.claim(who + 1, limits[1], name)

    def adopt(self, actor: Actor, scope: Scope, limit: int, claim: Claim, alone: bool) -> None:
        before = deepcopy(self.model) if alone else None
        self.model.claim(actor.boot_id, scope, limit, LEASE, claim.runs)
        actor.carried.update({(run.id, run.attempt): run for run in claim.runs})
        if before is None:
            return
        passed_over = before.passed_over(actor.boot_id, scope, claim.runs)
        assert not passed_over, f"{passed_over} stood before some of {claim.runs}"
        if limit == 0 or len(claim.runs) < limit:
            wanted = self.model.next_due(actor.boot_id, scope)
            if wanted is not None:
                assert claim.next_due is not None, "it would sleep for ever"
                seconds = max((wanted - self.model.now).total_seconds(), 0)
                assert claim.next_due <= seconds, (
                    f"it would sleep for {claim.next_due} s, and not for {seconds} s"
                )

    @precondition(carried)
    @rule(who=Any_, seconds=st.sampled_from((0, 5, 31)), first=st.sampled_from((None, 1)))
    def beat(self, who: int, seconds: float, first: int | None) -> None:
        """For all that a worker carries, or for what is still within its time limit."""
        self.move(seconds)
        actor = self.actor(who)
        ids = sorted({run.id for run in actor.carried.values()})[:first]
        params = {"worker": actor.boot_id, "lease": LEASE, "ids": ids}

        def judge(result: list[Row], alone: bool) -> None:
            assert {row["id"] for row in result} == self.model.beat(actor.boot_id, LEASE, ids)

        self.do(
            Deed(
                actor.session,
                lambda: actor.session.fetch(queries["beat"], params),
                judge,
                may_meet=False,
            )
        )

    def believed(self, which: int) -> tuple[Actor, Run]:
        """An attempt that a worker believes to own."""
        all_ = [(actor, run) for actor in self.actors for run in actor.carried.values()]
        return all_[which % len(all_)]

    def ending(self, run: Run, kind: str, spawn: tuple[Any, ...] | None = None) -> Ending:
        transition = ENDS[kind]
        output = (
            json.dumps({"n": run.id, "key": run.key, "attempt": run.attempt})
            if kind in ("done", "review")
            else None
        )
        following: list[NewRun] = []
        if kind == "done":
            following += self.stage.app.pipeline(run.pipeline).follow(run)
        if transition.status is Status.SUCCEEDED and spawn is not None:
            what, *rest = spawn
            following.append(self.new(*rest) if what == "job" else self.event(*rest))
        return Ending(run, transition, output, next=following)

    def finish_with(self, actor: Actor, endings: list[Ending], goes_on: str = "yes") -> None:
        """`goes_on`: whether next steps may begin at once. Without an answer the worker knows of
        none that did.
        """
        scope = self.stage.app.scope()
        eager = {
            (e.run.id, e.run.attempt)
            for e in endings
            if goes_on != "no" and any(new.follows and scope.is_free(new) for new in e.next)
        }

        def judge(result: Any, alone: bool) -> None:
            begun = result.begun if isinstance(result, Finish) else []
            owner = (actor.boot_id, LEASE)
            expected = told(
                lambda: self.model.finish(endings, eager, None if alone else begun, *owner)
            )
            ours = result.ours if isinstance(result, Finish) else result
            assert ours == expected, "a late owner was heard, or the owner was not"
            for run in begun:
                there = self.model.find(run.job_id, run.step)
                assert there is not None and (there.status, there.worker) == (
                    "running",
                    actor.boot_id,
                ), "it was held"
                there.id = run.id
                assert (run.attempt, run.failures, run.key) == (1, 0, there.key)
                assert json.loads(run.input or "null") == json.loads(there.input or "null")
                self.model.claimed.add((run.id, run.attempt))
            if not isinstance(result, Exception):
                self.sent = (actor.boot_id, endings)
                self.forget(actor, endings)
                if goes_on != "unanswered":
                    actor.carried.update({(run.id, run.attempt): run for run in begun})

        finish = Ledger(actor.session).finish
        self.do(
            Deed(
                actor.session,
                lambda: finish(endings, actor.boot_id, eager=eager, lease=LEASE),
                judge,
            )
        )

    def forget(self, actor: Actor, endings: list[Ending]) -> None:
        for ending in endings:
            actor.carried.pop((ending.run.id, ending.run.attempt), None)

    @precondition(carried)
    @rule(which=Any_, ends=ends, goes_on=st.sampled_from(("yes", "yes", "no", "unanswered")))
    def finish(self, which: int, ends: Ends, goes_on: str) -> None:
        """Some of what a worker believes to own; it may have lost it long ago."""
        actor, first = self.believed(which)
        others = [run for run in actor.carried.values() if run is not first]
        endings = [self.ending(run, *end) for run, end in zip([first, *others], ends, strict=False)]
        self.finish_with(actor, endings, goes_on)

    @precondition(some("queued"))
    @rule(who=Any_, limit=st.integers(1, 4), ends=ends)
    def claim_and_finish(self, who: int, limit: int, ends: Ends) -> None:
        self.claim(who, limit, "all")
        self.settle()
        self.check()
        if self.actor(who).carried:
            runs = list(self.actor(who).carried.values())[-len(ends) :]
            self.finish_with(
                self.actor(who),
                [self.ending(run, *end) for run, end in zip(runs, ends, strict=False)],
            )

    @rule(
        who=Any_,
        first=numbers,
        off=st.sampled_from((None, None, None, *SCOPES)),
        waits=st.sampled_from((None, None, 7, -3)),
        goes_on=st.sampled_from(("yes", "yes", "unanswered")),
    )
    def a_job_goes_on(
        self, who: int, first: int, off: str | None, waits: int | None, goes_on: str
    ) -> None:
        """To its second step, unless a switch or what has a higher priority holds that."""
        self.enqueue([("plain", first, 0, 0, 0.0)])
        self.settle()
        self.check()
        self.claim(who, 4, "plain")
        self.settle()
        self.check()
        if off is not None:
            self.switch(off, False)
        if waits is not None:
            self.enqueue([("slow", first, 0, waits, 0.0)])
        actor = self.actor(who)
        runs = [
            run for run in actor.carried.values() if (run.pipeline, run.step) == ("plain", "first")
        ]
        if runs:
            self.finish_with(actor, [self.ending(run, "done") for run in runs[-2:]], goes_on)

    @precondition(answered)
    @rule()
    def finish_again_for_the_answer_was_lost(self) -> None:
        """And where nothing was written this time either, say that it came late, unless it had been
        written.
        """
        self.settle()
        assert self.sent is not None
        ledger, (boot_id, endings) = Ledger(self.stage.people), self.sent
        eager = {(ending.run.id, ending.run.attempt) for ending in endings}
        assert self.run(ledger.finish(endings, boot_id, eager=eager, lease=LEASE)) == Finish(
            set(), []
        )
        for ending in endings:
            fence = (ending.run.id, ending.run.attempt, ending.transition.outcome)
            late = self.run(ledger.note_late_result(ending, boot_id, "late"))
            assert late == (fence not in self.model.written)

    @precondition(answered)
    @rule(who=Any_)
    def tell_the_breakers(self, who: int) -> None:
        """After the endings, as a worker does; or again; or never, where it dies
        between the two.
        """
        if self.sent is None:
            return
        session, endings = self.actor(who).session, self.sent[1]

        def judge(_: Any, alone: bool) -> None:
            for ending in endings:
                breaker = (
                    self.stage.app.pipelines[ending.run.pipeline].steps[ending.run.step].breaker
                )
                if breaker is not None:
                    self.model.hear(
                        breaker.replace("{key}", ending.run.key), ending.run.id, verdict(ending)
                    )

        note = upstreams.note
        self.do(
            Deed(
                session,
                lambda: note(self.stage.app, Ledger(session), endings),
                judge,
                may_stay_open=False,
            )
        )

    @precondition(some("queued"))
    @rule(
        who=Any_,
        kinds=st.lists(st.sampled_from(sorted(ENDS)), min_size=1, max_size=3),
        same=st.integers(1, 3),
    )
    def work(self, who: int, kinds: list[str], same: int) -> None:
        """Rounds: all that can be had, and all of it ends alike; its upstreams hear of it."""
        self.move(WAIT)
        actor, scope = self.actor(who), self.scope("all")
        for kind in kinds * same:
            claim = self.run(Ledger(actor.session).claim(scope, actor.boot_id, 9, LEASE))
            self.adopt(actor, scope, 9, claim, True)
            if claim.runs:
                self.check()
                self.finish_with(actor, [self.ending(run, kind) for run in claim.runs])
                self.check()
                self.tell_the_breakers(who)

    @rule(who=Any_, first=numbers, waits=st.sampled_from(("no", "yes", "two claim")))
    def an_upstream_falls(self, who: int, first: int, waits: str) -> None:
        """Until its breaker opens; or until it lets a probe through, of whoever is first."""
        self.enqueue([("shared", (first + 2 * each) % 6, 0, 0, 0.0) for each in range(3)])
        self.settle()
        self.check()
        self.work(who, ["at once"], 3)
        if waits != "no":
            self.move(601)
        if waits == "two claim":
            self.two_claim_at_once(who, (1, 1), "shared", None)

    @rule(who=Any_)
    def crash(self, who: int) -> None:
        """With its transaction open: then nothing of that happened."""
        actor = self.actor(who)
        if self.open is not None and self.open.session is actor.session:
            self.open = None
        self.settle()
        self.run(self.stage.cut(actor.session))
        self.actors.remove(actor)
        self.model.workers[actor.boot_id].holds_lock = False

    @precondition(some("queued"))
    @rule(who=Any_, times=st.sampled_from((1, 1, 2, 5)))
    def die_of_it(self, who: int, times: int) -> None:
        """A worker claims and dies; another one finds out by two looks."""
        for _ in range(times):
            self.claim(who, 4, "all")
            if self.open is None:
                self.check()
            self.crash(who)
            self.rescue(who)
            self.move(SETTLE + 1)
            self.rescue(who)
            self.check()

    @rule(who=Any_, looks=st.integers(0, 2), signs_in=st.booleans())
    def lose_the_connection(self, who: int, looks: int, signs_in: bool) -> None:
        """And the lock with it, while others look; then sign in again, with another lock, or not as
        yet.
        """
        self.settle()
        actor = self.actor(who)
        self.run(self.stage.cut(actor.session))
        self.run(actor.session.open())
        self.model.workers[actor.boot_id].holds_lock = False
        for _ in range(looks):
            self.rescue(who + 1)
            self.move(1)
        if signs_in:
            self.run(self.stage.say_hello(actor))
            self.model.workers[actor.boot_id] = reference.Worker()

    @precondition(carried)
    @rule(who=Any_, taken_over=st.booleans())
    def leases_run_out(self, who: int, taken_over: bool) -> None:
        """All of them. Who has no steady heart does not judge; the others find out, and the owners
        are late.
        """
        self.move(LEASE + 1)
        self.rescue(who, False)
        self.rescue(who)
        self.rescue(who + 1)
        if taken_over:
            self.settle()
            self.check()
            self.claim(who, 4, "all")

    @precondition(some("queued"))
    @rule(
        who=Any_,
        heir=Any_,
        taken_over=st.sampled_from((True, True, False)),
        ends=two_ends,
        writes=st.booleans(),
    )
    def an_owner_is_late(
        self, who: int, heir: int, taken_over: bool, ends: Ends, writes: bool
    ) -> None:
        """Its runs are with somebody else by now, or with itself once more, or wait; and then it
        ends them.
        """
        self.claim(who, 3, "all")
        self.settle()
        self.check()
        self.move(LEASE + 1)
        self.rescue(heir)
        if taken_over:
            self.claim(heir, 3, "all")
            self.check()
        actor = self.actor(who)
        carried = sorted(actor.carried.values(), key=lambda run: (run.id, run.attempt))[
            -len(ends) :
        ]
        if writes:
            for run in carried:
                self.write(actor, run, "x", True, "never")
        elif carried:
            self.finish_with(
                actor, [self.ending(run, *end) for run, end in zip(carried, ends, strict=False)]
            )

    @precondition(some("queued"))
    @rule(who=Any_, ends=ends)
    def an_owner_ends_what_another_one_gives_back(self, who: int, ends: Ends) -> None:
        """The lease has run out, and both come at once: whoever is first is heard."""
        while len(self.actors) < 2:
            self.sign_in()
        self.claim(who, 3, "all")
        self.settle()
        self.check()
        self.move(LEASE + 1)
        actor = self.actor(who)
        runs = list(actor.carried.values())[-len(ends) :]
        if runs:
            self.leave_open = True
            self.finish_with(
                actor, [self.ending(run, *end) for run, end in zip(runs, ends, strict=False)]
            )
            self.rescue(who + 1)

    @rule(who=Any_, steady=st.sampled_from((True, True, False)))
    def rescue(self, who: int, steady: bool = True) -> None:
        """Leases are judged by a worker whose heart is steady; a free lock is judged by all."""
        actor = self.actor(who)

        def judge(found: Rescue, alone: bool) -> None:
            rescued = self.model.rescue(actor.boot_id, steady)
            assert {(row["id"], row["status"]) for row in found.runs} == rescued
            if alone:
                next_one = self.model.neighbour(actor.boot_id)
                assert found.neighbour == next(
                    (a.lock for a in self.actors if a.boot_id == next_one), None
                )
                assert found.again == pytest.approx(self.model.look_again(actor.boot_id))

        terms = {"max_losses": MAX_LOSSES, "settle": SETTLE, "judges_leases": steady}
        self.do(
            Deed(actor.session, lambda: Ledger(actor.session).rescue(actor.boot_id, **terms), judge)
        )

    # --- the clock

    @rule(seconds=st.sampled_from(MOVES))
    def move(self, seconds: float) -> None:
        self.settle()
        self.model.now += timedelta(seconds=seconds)
        self.run(self.stage.move_to(self.model.now))

    @rule(which=Any_)
    def tick(self, which: int) -> None:
        self.settle()
        self.run(self.stage.keepers[which % 2][1].fire())
        self.adopt_slots()

    @rule(later=st.booleans(), seconds=st.sampled_from((3600, 7300)))
    def two_keepers_see_the_same_slot(self, later: bool, seconds: float) -> None:
        """At once, or one of them when the other one has fired all there was."""
        self.tick(0)
        self.move(seconds)
        (one, _), (other, _) = self.stage.keepers
        for schedule in self.run(Schedules(one).read(self.stage.app.name)):
            pipeline = self.stage.app.pipeline(schedule.pipeline)
            cron = next(
                c
                for c in pipeline.crons()
                if (c.expression, c.timezone) == (schedule.cron, schedule.timezone)
            )
            due = cron.due(schedule.last_slot, schedule.now)
            if not due.fire or due.skipped is not None:
                continue
            slot = due.fire[0]
            if later:
                self.run(self.stage.keepers[1][1].fire())
            fire = [
                lambda s=session, sc=schedule, sl=slot, p=pipeline, c=cron: Schedules(s).fire(
                    sc, sl, p.job(c.input(sl.astimezone(c.zone))), None
                )
                for session in (one, other)
            ]
            self.run(one.own.execute("begin"))
            first = self.run(fire[0]())
            second = self.run(self.stage.together(one, other, fire[1]))
            assert (first, second) == (not later, False), "of two who saw a slot due, one fires it"
        self.adopt_slots()

    def adopt_slots(self) -> None:
        """Each slot at most once, none of the future, and every one of the past is fired or
        accounted for.
        """
        accounted = Counter[str]()
        for row in self.run(
            self.stage.watcher.fetch("select * from slots order by slot, timezone")
        ):
            accounted[row["timezone"]] += row["count"]
            place = (row["timezone"], row["slot"])
            if row["status"] != "fired" or place in self.fired:
                continue
            self.fired.add(place)
            assert row["slot"] <= self.model.now
            pipeline = self.stage.app.pipeline(row["pipeline"])
            cron = next(cron for cron in pipeline.crons() if cron.timezone == row["timezone"])
            assert (
                self.model.enqueue([pipeline.job(cron.input(row["slot"].astimezone(cron.zone)))])
                == 1
            )
        for row in self.run(self.stage.watcher.fetch("select * from schedules")):
            zone = ZoneInfo(row["timezone"])
            hours = _hours(row["last_slot"].astimezone(zone)) - _hours(
                row["created_at"].astimezone(zone)
            )
            assert accounted[row["timezone"]] == hours, "a slot was neither fired nor accounted for"

    # --- people

    @precondition(some("queued", "dead", "needs_review"))
    @rule(
        what=st.sampled_from(("replay", "replay all", "drop", "cancel", "edit", "edit")), which=Any_
    )
    def a_person_acts(self, what: str, which: int) -> None:
        {
            "replay": self.replay,
            "replay all": self.replay_all,
            "drop": self.drop,
            "cancel": self.cancel,
            "edit": self.edit,
        }[what](which)

    @precondition(lambda self: self.model.runs)
    @rule(which=Any_)
    def people_act_on_what_was_there_long_ago(self, which: int) -> None:
        """The verbs look before they write; what they write is guarded all the same."""
        self.settle()
        run = self.model.runs[which * 7 % len(self.model.runs)]
        lived = [each.id for each in self.model.runs if each.status != "dead"]
        given = {
            "id": run.id,
            "ids": lived,
            "job_id": None,
            "seen": "0" * 64,
            "reason": "",
            "by": "ada",
        }
        follows = {"next_step": None, "delay": 0.0, "at_most": None}
        refused: list[tuple[str, dict[str, Any]]] = [
            ("replay", {}),
            ("dead_drop", {}),
            ("approve", follows),
            ("reject", {}),
        ]
        edit = {"job_id": run.job_id, "input": "{}", "wait": None, "at_most": None}
        refused.append(("edit", edit))
        if not run.editable:
            refused.append(("edit", edit | {"seen": None}))
        for verb, params in refused:
            rows = self.run(self.stage.people.fetch(queries[verb], given | params))
            assert rows == [], "a person changed what they had not seen"

    @precondition(lambda self: self.model.runs)
    @rule(
        which=Any_,
        status=st.sampled_from(sorted({status for pair in reference.LEGAL for status in pair})),
    )
    def somebody_writes_around_the_verbs(self, which: int, status: str) -> None:
        """Then the table of transitions is what refuses."""
        self.settle()
        run = self.model.runs[which * 7 % len(self.model.runs)]
        if run.status == status or (run.status, status) in reference.LEGAL:
            return
        with pytest.raises(IllegalTransition):
            self.run(
                self.stage.people.fetch(
                    "update runs set status = %s where id = %s", [status, run.id]
                )
            )

    @precondition(some("needs_review"))
    @rule(
        which=Any_,
        verb=st.sampled_from(("approve", "edit", "reject")),
        saw=st.sampled_from((True, True, False)),
    )
    def a_person_decides(self, which: int, verb: str, saw: bool) -> None:
        """On what waits for review, if it is what the person saw."""
        self.settle()
        run = self.pick(which, "needs_review")
        if run is None:
            return
        params = {"job_id": run.job_id, "before_at": None, "before_id": None, "limit": 9}
        rows = self.run(self.stage.people.fetch(queries["review_list"], params))
        seen = next(row["seen"] for row in rows if row["id"] == run.id) if saw else "0" * 64
        input = {"n": int(run.job_id[-1]), "key": run.key, "v": 9}
        decision = {
            "approve": Approve(seen),
            "edit": Edit(seen, input),
            "reject": Reject(seen, "no"),
        }[verb]
        follow = self.stage.app.pipeline(run.pipeline).follow(self.owned(run))
        nothing = verb == "approve" and run.output is None and bool(follow)

        def do(_: Any) -> None:
            if verb == "approve":
                self.model.approve(run, *(follow or [None]))
            elif verb == "reject":
                self.model.reject(run)
            else:
                self.model.edit(run, json.dumps(input), None)

        people = self.stage.people
        self.do(
            self.deed_of(
                lambda: control.decide(self.stage.app, people, run.job_id, decision, by="ada"),
                lambda: [run] if saw and not nothing else [],
                do,
            )
        )

    @precondition(lambda self: self.model.off or self.model.breakers)
    @rule(which=Any_)
    def a_person_lets_go_on(self, which: int) -> None:
        """All switches on; sometimes a breaker is closed, too."""
        self.switch_everything_on()
        if which < 3:
            self.close_a_breaker(("llm", "cms a", "cms b")[which])

    @rule(scope=st.sampled_from(SCOPES), enabled=st.booleans())
    def switch(self, scope: str, enabled: bool) -> None:
        self.settle()
        self.run(
            control.set_switch(self.stage.people, scope, enabled=enabled, reason="test", by="ada")
        )
        (self.model.off.discard if enabled else self.model.off.add)(scope)

    def switch_everything_on(self) -> None:
        for scope in sorted(self.model.off):
            self.switch(scope, True)

    def close_a_breaker(self, name: str) -> None:
        self.settle()
        known = self.model.breakers.pop(name, reference.Breaker())
        close = control.close_breaker(self.stage.people, name, reason="it is well", by="ada")
        if known.open_until is None and not known.failures:
            with pytest.raises(NotFound):
                self.run(close)
        else:
            self.run(close)

    def deed_of(
        self, act: Callable[[], Awaitable[Any]], runs: Callable[[], list[reference.Run]], do: Any
    ) -> Deed:
        """What a person does with these runs, which is refused where there are none."""

        def judge(result: Any, alone: bool) -> None:
            chosen = runs()
            assert isinstance(result, IllegalTransition) == (not chosen), f"{result} of {chosen}"
            if chosen:
                do(chosen)
                gone = [name for name in self.outside if name not in self.model.effects]
                for name in gone:  # who decides on it has looked
                    del self.outside[name]

        return Deed(self.stage.people, act, judge, may_meet=False)

    def pick(self, which: int, *statuses: str) -> reference.Run | None:
        runs = [run for run in self.model.runs if run.status in statuses]
        return runs[which % len(runs)] if runs else None

    def replay(self, which: int) -> None:
        run = self.pick(which, "dead", "needs_review", "dead")
        if run is None:
            return

        def runs() -> list[reference.Run]:
            return [r for r in self.model.job(run.job_id) if r.status == "dead" or is_unknown(r)]

        job, people = Filter(job=run.job_id), self.stage.people
        self.do(
            self.deed_of(lambda: control.replay(people, job, by="ada"), runs, self.model.replay)
        )

    def replay_all(self, _: int) -> None:
        self.settle()
        dead = [run for run in self.model.runs if run.status == "dead"]
        assert self.run(control.replay(self.stage.people, Filter(), by="ada")).count == len(dead)
        self.model.replay(dead)

    def drop(self, which: int) -> None:
        self.settle()
        run = self.pick(which, "dead")
        if run is not None:
            dead = [each for each in self.model.job(run.job_id) if each.status == "dead"]
            done = self.run(
                control.drop(self.stage.people, Filter(job=run.job_id), "enough", by="ada")
            )
            assert done.count == len(dead)
            self.model.cancel(dead)

    def cancel(self, which: int) -> None:
        run = self.pick(which, "queued", "dead", "running")
        if run is None:
            return

        def runs() -> list[reference.Run]:
            return [r for r in self.model.job(run.job_id) if r.status in ("queued", "dead")]

        act = control.cancel
        self.do(
            self.deed_of(
                lambda: act(self.stage.people, run.job_id, "enough", by="ada"),
                runs,
                self.model.cancel,
            )
        )

    @rule(key=st.sampled_from(KEYS), first=numbers, second=numbers)
    def a_person_edits_what_waits_and_an_event_comes(
        self, key: str, first: int, second: int
    ) -> None:
        """What the person wrote stays."""
        self.an_event_comes(key, first)
        self.settle()
        self.check()
        waits = (self.event(key, first, 0).debounce, "queued", 0)
        for run in [
            each for each in self.model.runs if (each.debounce, each.status, each.attempt) == waits
        ]:
            self.edit_run(run)
        self.an_event_comes(key, second)

    def edit(self, which: int) -> None:
        run = self.pick(which, "queued", "dead")
        if run is not None and run.pipeline != "night":
            self.edit_run(run)

    def edit_run(self, run: reference.Run) -> None:
        """What has not begun, put itself off, or is dead; the latest step of the job that is one of
        these.
        """
        job_id, input = run.job_id, {"n": int(run.job_id[-1]), "key": run.key, "v": 9}

        def runs() -> list[reference.Run]:
            return sorted(
                (r for r in self.model.job(job_id) if r.editable), key=lambda r: r.id or 0
            )[-1:]

        def do(chosen: list[reference.Run]) -> None:
            wait = (WAIT, AT_MOST) if chosen[0].origin == "event edit" else (None, None)
            self.model.edit(chosen[0], json.dumps(input), *wait)

        self.do(
            self.deed_of(
                lambda: control.edit(self.stage.app, self.stage.people, job_id, input, by="ada"),
                runs,
                do,
            )
        )

    @staticmethod
    def owned(run: reference.Run) -> Run:
        assert run.id is not None
        return Run(
            run.id,
            run.job_id,
            run.step,
            run.pipeline,
            run.key,
            run.attempt,
            run.failures,
            run.input,
        )

    # --- outside

    @precondition(carried)
    @rule(
        which=Any_,
        hash_=st.sampled_from("xxy"),
        probed=st.sampled_from((True, True, False)),
        dies=st.sampled_from(("never", "before", "after")),
        again=st.booleans(),
        off=st.sampled_from((False, False, True)),
    )
    def write_outside(
        self, which: int, hash_: str, probed: bool, dies: str, again: bool, off: bool
    ) -> None:
        """By whoever believes to own a run; it may die on the way, or come again; a switch may be
        off by then.
        """
        self.settle()
        if not carried(self):
            return
        actor, run = self.believed(which)
        if off:
            self.switch(SCOPES[which % len(SCOPES)], False)
        self.write(actor, run, hash_, probed, dies)
        if again:
            self.write(actor, run, hash_, probed, "never")

    def write(self, actor: Actor, run: Run, hash_: str, probed: bool, dies: str) -> None:
        """It may die right before the write, or between the write and its note."""
        self.settle()
        name = (run.job_id, "publish", hash_)

        async def call() -> dict[str, int]:
            assert self.model.switched_off(run.pipeline, run.key, run.step) is None, (
                "written though switched off"
            )
            assert self.model.owned(run), "written by a late owner"
            if dies == "before":
                raise ProcessDies
            self.outside[name] += 1
            if dies == "after":
                raise ProcessDies
            return {"receipt": run.id}

        async def probe() -> dict[str, int] | None:
            return {"receipt": run.id} if self.outside[name] else None

        perform = effects.perform(
            Ledger(actor.session),
            run,
            "publish",
            hash_,
            call=call,
            probe=probe if probed else None,
            pauses=(0.0,),
        )
        self.judge_write(
            run, name, self.run(Deed(actor.session, lambda: perform, print).tried()), probed, dies
        )

    def judge_write(
        self, run: Run, name: tuple[str, str, str], result: Any, probed: bool, dies: str
    ) -> None:
        off = self.model.switched_off(run.pipeline, run.key, run.step)
        if off or not self.model.owned(run):
            assert isinstance(result, SwitchedOff if off else LeaseLost), result
            return
        known = self.model.effects.get(name)
        effect = self.model.effects.setdefault(name, reference.Effect(run.id))
        effect.run = run.id
        if known is not None and known.status == "intended" and not probed:
            assert isinstance(result, OutcomeUnknown), (
                "a write that nobody can know of was begun again"
            )
        elif isinstance(result, ProcessDies):
            assert dies != "never"
        else:
            assert result["receipt"]
            effect.status = "done"

    # --- what has to hold

    @invariant()
    def holds(self) -> None:
        if self.open is None:
            self.check()
            self.looks += 1
            if self.looks % AUDIT_EVERY == 0:  # who waits in vain still does so a little later
                self.audit()

    def check(self) -> None:
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
            assert reference.plain(row) == reference.plain(run)
            assert row["output"] == (None if run.output is None else json.loads(run.output))
            assert row["input"] == json.loads(run.input or "null")
            history = {
                (run.id, attempt): outcome
                for (id, attempt), outcome in self.model.history.items()
                if id == run.id
            }
            assert {
                (run.id, int(attempt)): outcome for attempt, outcome in row.pop("history").items()
            } == history

    def check_life(self, rows: dict[int, Row]) -> None:
        """What needs no model: what has ended stays as it is, attempts only grow, and steps are
        legal ones.
        """
        for id, row in rows.items():
            status, attempt = self.stood.get(id, ("queued", 0))
            assert row["attempt"] >= attempt
            assert status == row["status"] or (status, row["status"]) in reference.LEGAL
            self.stood[id] = (row["status"], row["attempt"])
            assert (
                (row["status"] == "running")
                == (row["worker"] is not None)
                == (row["lease_until"] is not None)
            )
            if row["status"] in ("succeeded", "cancelled"):
                assert row == self.ended.setdefault(id, row), "it had ended, and changed"

    def check_around(self, rows: dict[int, Row]) -> None:
        """Breakers, effects, limits and alerts."""
        around: dict[str, list[Row]] = {"breaker": [], "effect": [], "limit": [], "alert": []}
        for row in self.run(self.stage.watcher.fetch(AROUND)):
            around[row["what"]].append(row)
        for row in around["breaker"]:
            known = self.model.breakers.get(row["name"], reference.Breaker())
            stands = (row["failures"], row["errors"], row["open_until"], row["run"])
            assert stands == (known.failures, known.errors, known.open_until, known.probe), row[
                "name"
            ]
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


def told(verb: Callable[[], Any]) -> Any:
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


def verdict(ending: Ending) -> str:
    kind = next(name for name, transition in ENDS.items() if transition == ending.transition)
    return "error" if kind in ERRORS else "well" if kind in WELL else "nothing"


def _hours(local: datetime) -> int:
    """Whole hours that a wall clock has struck."""
    return local.toordinal() * 24 + local.hour


def is_unknown(run: reference.Run) -> bool:
    return (run.status, run.error_class) == ("needs_review", "unknown_outcome")


@pytest.mark.timeout(0 if EXAMPLES else 300)
def test_the_ledger_does_what_its_model_says_whatever_happens_in_whatever_order(
    server_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"{EXAMPLES or BY_DEFAULT} examples, OVERNIGHT_SEED={SEED}")
    with asyncio.Runner() as runner:
        context = fresh_database(server_url)
        database = runner.run(context.__aenter__())
        stage = Stage(database.url)
        runner.run(stage.open())
        Protocol.stage, Protocol.runner = stage, runner
        try:
            run_state_machine_as_test(
                seed(SEED)(Protocol),
                settings=settings(
                    max_examples=EXAMPLES or BY_DEFAULT,
                    stateful_step_count=STEPS,
                    database=None,
                    phases=PHASES,
                    deadline=None,
                    print_blob=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stage.close())
            runner.run(context.__aexit__(None, None, None))
