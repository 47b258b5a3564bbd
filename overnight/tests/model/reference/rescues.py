"""What died with its worker is given back."""

from __future__ import annotations

from datetime import timedelta

from .state import MAX_LOSSES, SETTLE, State, lease_of


class Rescues(State):
    """A free lock is a death after two looks, a lease that ran out at once."""

    def rescue(self, worker: str, judges_leases: bool) -> set[tuple[int, str]]:
        """(id, status) of what is given back."""
        missing = {
            boot: each
            for boot, each in self.workers.items()
            if boot != worker and not each.stopped and not each.holds_lock
        }
        gone = {
            boot
            for boot, each in missing.items()
            if each.missed_at is not None and each.missed_at < self.now - SETTLE
        }
        for boot, each in missing.items():
            each.missed_at = min(each.missed_at or self.now, self.now)
            each.stopped = boot in gone
        lost = [
            run
            for run in self._running()
            if (judges_leases and lease_of(run) < self.now) or run.worker in gone
        ]
        for run in lost:
            assert run.id is not None
            run.losses += 1
            self.history[run.id, run.attempt] = "lost"
            run.let_go("dead" if run.losses >= MAX_LOSSES else "queued", "lost", "lost")
            run.due_at = self.now
            self.alerts[run.work] += run.status == "dead"
        for run in self._running():
            if run.leased_at is not None and run.leased_at > self.now:  # the clock has stepped back
                run.leased_at, run.lease_until = (
                    self.now,
                    self.now + (lease_of(run) - run.leased_at),
                )
        return {(run.id, run.status) for run in lost if run.id is not None}

    def look_again(self, worker: str) -> float | None:
        """Seconds until there is a reason to look at the others again; asked right
        after a rescue.
        """
        missing = any(
            not each.holds_lock and not each.stopped
            for boot, each in self.workers.items()
            if boot != worker
        )
        waits = [SETTLE] if missing else []
        waits += [max(lease_of(run) - self.now, timedelta(0)) for run in self._running()]
        return min(waits).total_seconds() if waits else None

    def neighbour(self, worker: str) -> str | None:
        living = sorted(
            boot for boot, each in self.workers.items() if boot != worker and not each.stopped
        )
        living = [boot for boot in living if self.workers[boot].holds_lock]
        return next((boot for boot in living if boot > worker), living[0] if living else None)
