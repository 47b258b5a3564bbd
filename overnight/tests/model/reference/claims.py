"""What a worker may claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from overnight.store.records import Guard, Scope
from overnight.store.records import Run as Owned

from .state import PAUSE, SUSPECT_LOSSES, Run, State, is_breaker, name_of


class Claims(State):
    """What a claim takes is the choice of the ledger: it is judged, and then adopted."""

    def held(self, run: Run, worker: str, scope: Scope) -> str | None:
        """Why this worker may not have a queued run now, or None."""
        if run.due_at > self.now:
            return "not due"
        if not self._allowed(run, scope):
            return "out of scope, or switched off"
        if run.losses >= SUSPECT_LOSSES and self._has_a_suspect(worker):
            return "apart"
        for guard in self._guards(run):
            if self._room(guard, run) <= 0:
                return f"guard {name_of(guard, run)}"
        return None

    def claim(
        self, worker: str, scope: Scope, limit: int, lease: float, got: Sequence[Owned]
    ) -> None:
        """Judge what a claim got, one run after the other, and adopt it."""
        assert len(got) <= limit, "more than it asked for"
        for owned in got:
            run = self.by_id(owned.id)
            assert run.status == "queued", f"{run.status} and claimed"
            assert (reason := self.held(run, worker, scope)) is None, f"claimed, though {reason}"
            assert (owned.job_id, owned.step, owned.key) == (run.job_id, run.step, run.key)
            assert (owned.attempt, owned.failures) == (run.attempt + 1, run.failures)
            assert (owned.id, owned.attempt) not in self.claimed, "one attempt has two owners"
            self.claimed.add((owned.id, owned.attempt))
            self._pass_guards(run)
            run.status, run.attempt, run.worker = "running", owned.attempt, worker
            run.leased_at, run.lease_until = self.now, self._after(lease)

    def passed_over(self, worker: str, scope: Scope, got: Sequence[Owned]) -> list[Run]:
        """What stood before something that was taken in the line, with nothing that could have held
        it.
        """
        last = max((self.by_id(owned.id).place for owned in got), default=None)
        return [
            run
            for run in self.runs
            if last is not None
            and run.id not in {owned.id for owned in got}
            and (run.status, run.losses, self._guards(run)) == ("queued", 0, [])
            and self.held(run, worker, scope) is None
            and run.place < last
        ]

    def next_due(self, worker: str, scope: Scope) -> datetime | None:
        """The moment by which this worker has to look again: when something is due and its guards
        may let it through.

        While it runs a suspect no other one counts, for the worker itself ends what that waits for.
        """
        waiting = [run for run in self.runs if run.status == "queued" and self._allowed(run, scope)]
        if self._has_a_suspect(worker):
            waiting = [run for run in waiting if run.losses < SUSPECT_LOSSES]
        return min((max([run.due_at, *self._let_through(run)]) for run in waiting), default=None)

    def _let_through(self, run: Run) -> Iterator[datetime]:
        """For each guard the earliest moment that can be known."""
        for guard in self._guards(run):
            until = self._open_until(guard, run)
            if until is not None:
                yield until
            if guard.starts is not None and guard.per is not None:
                recent = self._recent(name_of(guard, run), guard)
                if len(recent) >= guard.starts:
                    yield min(recent) + timedelta(seconds=guard.per)

    def _allowed(self, run: Run, scope: Scope) -> bool:
        known = run.work in scope.steps and (scope.keys is None or run.key in ("", *scope.keys))
        return known and self.switched_off(run.pipeline, run.key, run.step) is None

    def _has_a_suspect(self, worker: str) -> bool:
        return any(run.worker == worker and run.losses >= SUSPECT_LOSSES for run in self._running())

    def _guards(self, run: Run) -> list[Guard]:
        return [guard for guard in self.guards if guard.step == run.work]

    def _open_until(self, guard: Guard, run: Run) -> datetime | None:
        return (
            self.breakers[name_of(guard, run)].open_until
            if is_breaker(guard) and self._known(guard, run)
            else None
        )

    def _known(self, guard: Guard, run: Run) -> bool:
        return name_of(guard, run) in self.breakers

    def _room(self, guard: Guard, run: Run) -> float:
        name = name_of(guard, run)
        if is_breaker(guard):
            until = self._open_until(guard, run)
            return 0 if until is not None and (until > self.now or self._probed(name)) else 1
        busy = [
            other
            for other in self._running()
            for g in self._guards(other)
            if name_of(g, other) == name
        ]
        at_once = float("inf") if guard.at_once is None else guard.at_once - len(busy)
        starts = (
            float("inf") if guard.starts is None else guard.starts - len(self._recent(name, guard))
        )
        return min(at_once, starts)

    def _probed(self, name: str) -> bool:
        probe = self.breakers[name].probe
        return probe is not None and self.by_id(probe).status == "running"

    def _recent(self, name: str, guard: Guard) -> list[datetime]:
        assert guard.per is not None
        return [
            start
            for start in self.starts.get(name, [])
            if start > self.now - timedelta(seconds=guard.per)
        ]

    def _pass_guards(self, run: Run) -> None:
        for guard in self._guards(run):
            name = name_of(guard, run)
            if guard.starts is not None:
                self.starts[name] = [*self._recent(name, guard), self.now]
            elif self._open_until(guard, run) is not None:  # half-open: this run is the probe
                self.breakers[name].open_until, self.breakers[name].probe = self.now + PAUSE, run.id
