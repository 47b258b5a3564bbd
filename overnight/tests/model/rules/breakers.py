"""Upstreams fail and recover: breakers open, probe and close."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from overnight.engine import upstreams
from overnight.store.ledger import Ledger
from overnight.store.records import Ending

from ..stage import LEASE, WAIT
from .endings import ENDS, Endings
from .machine import Action, Any_, has_sent, numbers, some

ERRORS = ("retry", "at once", "dead")
WELL = ("done", "no_work", "review", "cancel")


class Breakers(Endings):
    """Workers record what their upstreams answered."""

    @precondition(has_sent)
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
            Action(
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


def verdict(ending: Ending) -> str:
    kind = next(name for name, transition in ENDS.items() if transition == ending.transition)
    return "error" if kind in ERRORS else "well" if kind in WELL else "nothing"
