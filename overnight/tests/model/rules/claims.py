"""Workers sign in, claim with any limit and scope, and beat."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from overnight.store.database import Row
from overnight.store.ledger import Ledger
from overnight.store.records import Claim, Scope
from overnight.store.sql import queries

from ..reference.state import Worker
from ..stage import KEYS, LEASE, WAIT, Actor
from .jobs import Jobs
from .machine import Action, Any_, has_attempts, numbers, some

scopes = st.sampled_from(("all", "all", "all", "slow", "shared", "key a"))


class Claims(Jobs):
    """What a worker gets, and what it may not get."""

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
        self.model.workers[boot_id] = Worker()

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
            Action(
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

    @precondition(has_attempts)
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
            Action(
                actor.session,
                lambda: actor.session.fetch(queries["beat"], params),
                judge,
                may_meet=False,
            )
        )
