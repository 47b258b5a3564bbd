"""Work comes in: new ids, known ids, known ids with other inputs, and debounced events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from overnight.store.ledger import Ledger
from overnight.store.records import NewRun

from ..stage import KEYS
from .machine import Action, Machine, answer_of, numbers

versions = st.sampled_from(
    (0, 0, 0, 0, 0, 1)
)  # the same number with another version is the same id with other inputs
pipelines = st.sampled_from(("plain", "plain", "shared", "shared", "slow"))
jobs = st.tuples(
    pipelines, numbers, versions, st.sampled_from((0, 0, -3, 7)), st.sampled_from((0.0, 0.0, 30.0))
)


class Jobs(Machine):
    """Jobs are enqueued, and events come."""

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

    def enqueue_deed(self, new: Sequence[NewRun]) -> Action:
        session = self.stage.people

        def judge(result: Any, alone: bool) -> None:
            assert result == answer_of(lambda: self.model.enqueue(new))

        return Action(session, lambda: Ledger(session).enqueue(new), judge)

    @initialize(work=st.lists(jobs, min_size=3, max_size=5, unique_by=lambda job: job[:2]))
    def work_is_there(self, work: list[tuple[str, int, int, int, float]]) -> None:
        self.enqueue(work)

    @rule(work=st.lists(jobs, min_size=1, max_size=3, unique_by=lambda job: job[:2]))
    def enqueue(self, work: list[tuple[str, int, int, int, float]]) -> None:
        self.do(
            self.enqueue_deed([self.new(p, n, v, priority=pr, delay=d) for p, n, v, pr, d in work])
        )

    @rule(key=st.sampled_from(KEYS), n=numbers, version=versions)
    def an_event_comes(self, key: str, n: int, version: int = 0) -> None:
        self.do(self.enqueue_deed([self.event(key, n, version)]))
