"""External writes begin, come again, and die before or after the write."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from overnight.engine import effects
from overnight.errors import LeaseLost, OutcomeUnknown, SwitchedOff
from overnight.store.ledger import Ledger
from overnight.store.records import Run

from ..reference.state import Effect
from ..stage import Actor
from .endings import Endings
from .machine import SCOPES, Action, Any_, ProcessDies, has_attempts


class Effects(Endings):
    """Whoever believes to own a run writes, at most once."""

    @precondition(has_attempts)
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
        if not has_attempts(self):
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
            run,
            name,
            self.run(Action(actor.session, lambda: perform, print).outcome()),
            probed,
            dies,
        )

    def judge_write(
        self, run: Run, name: tuple[str, str, str], result: Any, probed: bool, dies: str
    ) -> None:
        off = self.model.switched_off(run.pipeline, run.key, run.step)
        if off or not self.model.owned(run):
            assert isinstance(result, SwitchedOff if off else LeaseLost), result
            return
        expected = self.model.effects.get(name)
        effect = self.model.effects.setdefault(name, Effect(run.id))
        effect.run = run.id
        if expected is not None and expected.status == "intended" and not probed:
            assert isinstance(result, OutcomeUnknown), (
                "a write that nobody can know of was begun again"
            )
        elif isinstance(result, ProcessDies):
            assert dies != "never"
        else:
            assert result["receipt"]
            effect.status = "done"
