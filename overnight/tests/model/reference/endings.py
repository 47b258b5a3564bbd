"""Attempts end, while they are owned."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from overnight.errors import IdConflict
from overnight.store.records import Ending
from overnight.store.records import Run as Owned

from .jobs import Jobs, in_order
from .state import Run, Wait


class Endings(Jobs):
    """Beats keep a lease; an ending is heard while its attempt is the live one."""

    def beat(self, worker: str, lease: float, ids: Iterable[int]) -> set[int]:
        ours = [run for run in self._running() if run.worker == worker and run.id in ids]
        for run in ours:
            run.leased_at, run.lease_until = self.now, self._after(lease)
        return {run.id for run in ours if run.id is not None}

    def finish(
        self,
        endings: Sequence[Ending],
        eager: Container[tuple[int, int]] = (),
        begun: Sequence[Owned] | None = None,
        worker: str = "",
        lease: float = 0.0,
    ) -> set[tuple[int, int]]:
        """What was still owned. Which of the `eager` ones' next steps begin is known, or judged by
        what has `begun`.
        """
        live = [ending for ending in endings if self.owned(ending.run)]
        goes_on = {
            ending.run.job_id for ending in live if (ending.run.id, ending.run.attempt) in eager
        }
        due = [
            run.priority for run in self.runs if run.status == "queued" and run.due_at <= self.now
        ]
        with self._all_or_nothing():
            for ending in live:
                self._end(ending)
            ended = {ending.run.id for ending in live}
            begun_here = set[tuple[str, str]]()
            parents = {id(new): self.by_id(ending.run.id) for ending in live for new in ending.next}
            for new in in_order(new for ending in live for new in ending.next):
                there = self.find(new.job_id, new.step)
                if self._insert(new, parents[id(new)]):
                    run = self.runs[-1]
                    begun_here.add((run.job_id, run.step))
                    may = new.input is None and run.job_id in goes_on
                    may = may and self.switched_off(run.pipeline, run.key, run.step) is None
                    if may and (
                        run.priority >= max(due, default=run.priority)
                        if begun is None
                        else _is_among(run, begun)
                    ):
                        run.status, run.attempt, run.worker = "running", 1, worker
                        run.leased_at, run.lease_until = self.now, self._after(lease)
                elif there is not None and there.id in ended:
                    # one statement may not touch a row twice: the worker writes these endings apart
                    raise IdConflict
        for ending in live:
            self.events += [event.key for event in ending.events]
            new = ending.wait
            if new is not None and (ending.run.job_id, new.step) in begun_here:
                place, children = (ending.run.job_id, new.step), frozenset(new.children or ())
                missing = min(new.needs or len(children), len(children)) if children else 1
                wait = Wait(place, new.key, children, missing, new.dead or "wait")
                self.waits.append(wait)
        self.written |= {(e.run.id, e.run.attempt, e.transition.outcome) for e in live}
        return {(ending.run.id, ending.run.attempt) for ending in live}

    def _end(self, ending: Ending) -> None:
        run, transition = self.by_id(ending.run.id), ending.transition
        run.let_go(transition.status, transition.outcome, transition.error_class)
        run.output = run.output if ending.output is None else ending.output
        run.failures += transition.failed
        self.alerts[run.work] += transition.status == "dead"
        if transition.status == "queued":
            run.due_at = self._after(transition.delay)
        if transition.outcome not in ("done", "no_work"):
            self.history[ending.run.id, ending.run.attempt] = transition.outcome


def _is_among(run: Run, owned: Sequence[Owned]) -> bool:
    return any((run.job_id, run.step) == (each.job_id, each.step) for each in owned)
