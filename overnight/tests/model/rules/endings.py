"""Attempts end in every way, with next steps, spawned jobs and events, once, twice or late."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from overnight.store.ledger import Ledger
from overnight.store.records import Ending, Finish, NewRun, Run, Status, Transition
from overnight.store.wait_records import NewEvent, NewWait

from ..stage import KEYS, LEASE, Actor
from .claims import Claims
from .jobs import pipelines, versions
from .machine import SCOPES, Action, Any_, answer_of, has_attempts, has_sent, numbers, some
from .switches import Switches

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

spawns = st.one_of(
    st.none(),
    st.tuples(st.just("job"), pipelines, numbers, versions),
    st.tuples(st.just("event"), st.sampled_from(KEYS), numbers, versions),
    st.tuples(st.just("wait"), st.sampled_from(KEYS)),
    st.tuples(st.just("emit"), st.sampled_from(KEYS)),
    st.tuples(
        st.just("join"),
        st.sampled_from((None, None, 1, 2)),
        st.sampled_from(("wait", "skip", "fail")),
        st.lists(st.tuples(pipelines, numbers), min_size=1, max_size=3),
    ),
)
Ends = list[tuple[str, tuple[Any, ...] | None]]
ends, two_ends = (
    st.lists(st.tuples(st.sampled_from(sorted(ENDS)), spawns), min_size=least, max_size=3)
    for least in (1, 2)
)


class Endings(Claims, Switches):
    """A worker hands in what came of its attempts."""

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
            if what in ("wait", "emit", "join"):
                return self.waiting(Ending(run, transition, output, next=following), what, rest)
            following.append(self.new(*rest) if what == "job" else self.event(*rest))
        return Ending(run, transition, output, next=following)

    def waiting(self, ending: Ending, what: str, rest: list[Any]) -> Ending:
        """The same, with what others wait for, or a next step that waits."""
        if what == "emit":
            return replace(ending, events=[NewEvent("came", rest[0], "1")])
        children = [self.new(p, n, 0) for p, n in rest[2]] if what == "join" else []
        children = [new for new in children if new.job_id != ending.run.job_id]
        ids = list(dict.fromkeys(new.job_id for new in children))
        if not ending.next or (what == "join" and not ids):
            return replace(ending, next=[*ending.next, *children])
        follow = replace(ending.next[0], delay=3600.0, origin=what)
        wait = (
            NewWait(follow.step, "came", rest[0])
            if what == "wait"
            else NewWait(follow.step, needs=rest[0], dead=rest[1], children=ids)
        )
        return replace(ending, next=[follow, *children], wait=wait)

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
            expected = answer_of(
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
            Action(
                actor.session,
                lambda: finish(endings, actor.boot_id, eager=eager, lease=LEASE),
                judge,
            )
        )

    def forget(self, actor: Actor, endings: list[Ending]) -> None:
        for ending in endings:
            actor.carried.pop((ending.run.id, ending.run.attempt), None)

    @precondition(has_attempts)
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

    @precondition(has_sent)
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
