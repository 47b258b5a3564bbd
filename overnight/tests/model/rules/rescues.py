"""Workers die, lose their connection, or come late; others rescue what they held."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from overnight.engine.decide import MAX_LOSSES
from overnight.engine.rescuer import SETTLE
from overnight.store.ledger import Ledger
from overnight.store.records import Rescue

from ..reference.state import Worker
from ..stage import LEASE
from .effects import Effects
from .endings import Ends, ends, two_ends
from .machine import Action, Any_, has_attempts, some


class Rescues(Effects):
    """Nothing is lost with a worker, and no late one is heard."""

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
            self.model.workers[actor.boot_id] = Worker()

    @precondition(has_attempts)
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

        def judge(result: Rescue, alone: bool) -> None:
            rescued = self.model.rescue(actor.boot_id, steady)
            assert {(row["id"], row["status"]) for row in result.runs} == rescued
            if alone:
                next_one = self.model.neighbour(actor.boot_id)
                assert result.neighbour == next(
                    (a.lock for a in self.actors if a.boot_id == next_one), None
                )
                assert result.again == pytest.approx(self.model.look_again(actor.boot_id))

        terms = {"max_losses": MAX_LOSSES, "settle": SETTLE, "judges_leases": steady}
        self.do(
            Action(
                actor.session, lambda: Ledger(actor.session).rescue(actor.boot_id, **terms), judge
            )
        )
