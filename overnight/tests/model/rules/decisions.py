"""People replay, edit, approve, reject and cancel, on what they saw, or saw long ago."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from overnight.errors import IllegalTransition
from overnight.operations import dead_letters, reviews
from overnight.operations import runs as by_hand
from overnight.operations.decisions import Approve, Edit, Reject
from overnight.operations.filters import Filter
from overnight.store.records import Run
from overnight.store.sql import queries

from ..reference.state import LEGAL
from ..reference.state import Run as Expected
from ..stage import AT_MOST, KEYS, WAIT
from .jobs import Jobs
from .machine import Action, Any_, numbers, some


class Decisions(Jobs):
    """A decision is made on what the person saw, and once."""

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
        work = {
            "id": run.id,
            "ids": lived,
            "job_id": None,
            "revision": "0" * 64,
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
            refused.append(("edit", edit | {"revision": None}))
        for verb, params in refused:
            rows = self.run(self.stage.people.fetch(queries[verb], work | params))
            assert rows == [], "a person changed what they had not seen"

    @precondition(lambda self: self.model.runs)
    @rule(
        which=Any_,
        status=st.sampled_from(sorted({status for pair in LEGAL for status in pair})),
    )
    def somebody_writes_around_the_verbs(self, which: int, status: str) -> None:
        """Then the table of transitions is what refuses."""
        self.settle()
        run = self.model.runs[which * 7 % len(self.model.runs)]
        if run.status == status or (run.status, status) in LEGAL:
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
        seen = next(row["revision"] for row in rows if row["id"] == run.id) if saw else "0" * 64
        value = {"n": int(run.job_id[-1]), "key": run.key, "v": 9}
        decision = {
            "approve": Approve(seen),
            "edit": Edit(seen, value),
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
                self.model.edit(run, json.dumps(value), None)

        people = self.stage.people
        self.do(
            self.action_on(
                lambda: reviews.decide(self.stage.app, people, run.job_id, decision, by="ada"),
                lambda: [run] if saw and not nothing else [],
                do,
            )
        )

    def action_on(
        self, act: Callable[[], Awaitable[Any]], runs: Callable[[], list[Expected]], do: Any
    ) -> Action:
        """What a person does with these runs, which is refused where there are none."""

        def judge(result: Any, alone: bool) -> None:
            chosen = runs()
            assert isinstance(result, IllegalTransition) == (not chosen), f"{result} of {chosen}"
            if chosen:
                do(chosen)
                gone = [name for name in self.outside if name not in self.model.effects]
                for name in gone:  # who decides on it has looked
                    del self.outside[name]

        return Action(self.stage.people, act, judge, may_meet=False)

    def replay(self, which: int) -> None:
        run = self.pick(which, "dead", "needs_review", "dead")
        if run is None:
            return

        def runs() -> list[Expected]:
            return [
                r for r in self.model.job(run.job_id) if r.status == "dead" or outcome_is_unknown(r)
            ]

        job, people = Filter(job=run.job_id), self.stage.people
        self.do(
            self.action_on(
                lambda: dead_letters.replay(None, people, job, by="ada"), runs, self.model.replay
            )
        )

    def replay_all(self, _: int) -> None:
        self.settle()
        dead = [run for run in self.model.runs if run.status == "dead"]
        assert self.run(
            dead_letters.replay(None, self.stage.people, Filter(), by="ada")
        ).count == len(dead)
        self.model.replay(dead)

    def drop(self, which: int) -> None:
        self.settle()
        run = self.pick(which, "dead")
        if run is not None:
            dead = [each for each in self.model.job(run.job_id) if each.status == "dead"]
            done = self.run(
                dead_letters.discard(self.stage.people, Filter(job=run.job_id), "enough", by="ada")
            )
            assert done.count == len(dead)
            self.model.cancel(dead)

    def cancel(self, which: int) -> None:
        run = self.pick(which, "queued", "dead", "running")
        if run is None:
            return

        def runs() -> list[Expected]:
            return [r for r in self.model.job(run.job_id) if r.status in ("queued", "dead")]

        act = by_hand.cancel
        self.do(
            self.action_on(
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

    def edit_run(self, run: Expected) -> None:
        """What has not begun, put itself off, or is dead; the latest step of the job that is one of
        these.
        """
        job_id, value = run.job_id, {"n": int(run.job_id[-1]), "key": run.key, "v": 9}

        def runs() -> list[Expected]:
            return sorted(
                (r for r in self.model.job(job_id) if r.editable), key=lambda r: r.id or 0
            )[-1:]

        def do(chosen: list[Expected]) -> None:
            wait = (WAIT, AT_MOST) if chosen[0].origin == "event edit" else (None, None)
            self.model.edit(chosen[0], json.dumps(value), *wait)

        self.do(
            self.action_on(
                lambda: by_hand.edit(self.stage.app, self.stage.people, job_id, value, by="ada"),
                runs,
                do,
            )
        )

    @staticmethod
    def owned(run: Expected) -> Run:
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


def outcome_is_unknown(run: Expected) -> bool:
    return (run.status, run.error_class) == ("needs_review", "unknown_outcome")
