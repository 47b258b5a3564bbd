"""Jobs are enqueued, and events come."""

from __future__ import annotations

from collections.abc import Iterable

from overnight.errors import IdConflict
from overnight.store.records import NewRun

from .state import Run, State


class Jobs(State):
    """What is new, known, or takes the place of what waits."""

    def enqueue(self, new: Iterable[NewRun]) -> int:
        """How many rows are new; a debounced one that took another's place is none."""
        with self._all_or_nothing():
            return sum([self._insert(each) for each in in_order(new)])

    def _insert(self, new: NewRun, parent: Run | None = None) -> bool:
        value = new.input if parent is None or new.input is not None else parent.output
        run = Run(
            *(new.job_id, new.step, new.pipeline, new.key, value, new.input_hash),
            self._after(new.delay),
        )
        run.priority, run.origin, run.debounce = new.priority, new.origin, new.debounce
        run.due_by = None if new.at_most is None else self._after(new.at_most)
        if parent is not None and parent.job_id == new.job_id:
            run.priority = parent.priority
        there = self.find(new.job_id, new.step)
        waiting = [old for old in self.runs if self._waits_like(old, run)]
        giving_way = [old for old in waiting if there is None or old is there]
        for old in giving_way:
            if old.job_id == run.job_id and old.input_hash != run.input_hash:
                raise IdConflict
            old.job_id, old.input, old.input_hash, old.priority = (
                run.job_id,
                run.input,
                run.input_hash,
                run.priority,
            )
            old.origin, old.due_at = run.origin, min(run.due_at, old.due_by or run.due_at)
        if giving_way:
            return False
        self.cancel(waiting)  # what the latest event stands for is done already: they would undo it
        if there is not None:
            if (there.input_hash, there.pipeline) != (run.input_hash, run.pipeline):
                raise IdConflict
            return False
        self.runs.append(run)
        return True

    @staticmethod
    def _waits_like(old: Run, new: Run) -> bool:
        return old.debounce is not None and (old.debounce, old.status, old.attempt) == (
            new.debounce,
            "queued",
            0,
        )


def in_order(new: Iterable[NewRun]) -> list[NewRun]:
    """Each once, in the order in which the ledger inserts them."""
    once = {(each.job_id, each.step, each.input_hash or "~"): each for each in reversed(list(new))}
    return [once[name] for name in sorted(once)]
