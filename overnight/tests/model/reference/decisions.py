"""What people do with runs."""

from __future__ import annotations

from collections.abc import Iterable

from overnight.store.records import NewRun

from .jobs import Jobs
from .state import Run


class Decisions(Jobs):
    """A decision starts a run again, changes it, or ends it."""

    def replay(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if run.status == "needs_review":
                self._forget(run)
            run.start_again(self.now)
        self._resolve()

    def edit(self, run: Run, value: str, wait: float | None, at_most: float | None = None) -> None:
        """`value`: JSON. `wait`, `at_most`: the seconds of its debounce, where it has one."""
        if run.status == "needs_review" and run.error_class == "unknown_outcome":
            self._forget(run)
        due_at = self.now
        if run.status == "queued":
            if run.attempt and run.due_by and run.due_by <= self.now:
                run.due_by = None if at_most is None else self._after(at_most)
            restarted = run.due_at if wait is None else self._after(wait)
            due_at = restarted if wait is None else min(restarted, run.due_by or restarted)
        run.input, run.output, run.debounce = value, None, None
        run.start_again(due_at)
        self._resolve()

    def approve(self, run: Run, follow: NewRun | None) -> None:
        run.status, run.outcome = "succeeded", "done"
        if follow is not None:
            self._insert(follow, run)

    def reject(self, run: Run) -> None:
        run.status, run.outcome = "cancelled", "cancel"

    def _forget(self, run: Run) -> None:
        """Who decides on an outside write of which nobody knew has looked: it counts as
        not begun.
        """
        self.effects = {
            name: effect
            for name, effect in self.effects.items()
            if not (effect.run == run.id and effect.status == "intended")
        }
