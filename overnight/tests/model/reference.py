"""The protocol of the ledger in plain Python: what each verb has to do and what it must refuse. No
SQL, no concurrency.

Every method changes the model as the ledger has to change, and returns the answer that the ledger
has to give. What a claim takes is the ledger's choice among several: it is judged here, and then
adopted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from overnight.errors import IdConflict
from overnight.store.records import Ending, Guard, NewRun, Scope
from overnight.store.records import Run as Owned

MAX_LOSSES = 5  # owners that may die on one step
SUSPECT_LOSSES = 2  # from here on a worker runs the step beside no other such step
SETTLE = timedelta(seconds=1)  # between the two looks that prove a death
ERRORS, WITHIN, PAUSE = 5, timedelta(minutes=2), timedelta(minutes=10)  # of a breaker
LEGAL = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "queued"),
    ("running", "needs_review"),
    ("running", "dead"),
    ("running", "cancelled"),
    ("needs_review", "succeeded"),
    ("needs_review", "cancelled"),
    ("needs_review", "queued"),
    ("dead", "queued"),
    ("dead", "cancelled"),
}


@dataclass
class Run:
    """What the ledger has to hold of a run. `id` is None until the ledger has given one."""

    job_id: str
    step: str
    pipeline: str
    key: str
    input: str | None
    input_hash: str | None
    due_at: datetime
    priority: int = 0
    origin: str | None = None
    debounce: str | None = None
    due_by: datetime | None = None
    id: int | None = None
    status: str = "queued"
    outcome: str | None = None
    error_class: str | None = None
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    output: str | None = None
    worker: str | None = None
    leased_at: datetime | None = None
    lease_until: datetime | None = None

    @property
    def work(self) -> str:
        return f"{self.pipeline}/{self.step}"

    @property
    def place(self) -> tuple[int, datetime, int]:
        """Where it stands in line."""
        assert self.id is not None
        return -self.priority, self.due_at, self.id

    def wait(self, due_at: datetime) -> None:
        self.status, self.due_at = "queued", due_at

    def let_go(self, status: str, outcome: str, error_class: str | None) -> None:
        self.status, self.outcome, self.error_class = status, outcome, error_class
        self.worker, self.lease_until = None, None

    @property
    def editable(self) -> bool:
        """Without a look at what is in review."""
        waits = self.status == "queued" and (self.attempt == 0 or self.outcome == "snooze")
        return waits or self.status == "dead"

    def start_again(self, due_at: datetime) -> None:
        self.failures, self.losses = 0, 0
        self.wait(due_at)


@dataclass
class Worker:
    """`holds_lock`: its connection lives. `missed_at`: when its lock was first found free."""

    lives: bool = True
    holds_lock: bool = True
    missed_at: datetime | None = None
    stopped: bool = False


@dataclass
class Breaker:
    failures: int = 0
    errors: list[datetime] = field(default_factory=list)
    open_until: datetime | None = None
    probe: int | None = None


@dataclass
class Effect:
    """An outside write: its intent or outcome in the ledger, and how often it happened outside."""

    run: int
    status: str = "intended"
    written: int = 0


class Ledger:
    """The reference. `guards` are those of the app: every worker knows all of them, whatever it may
    claim.
    """

    def __init__(self, now: datetime, guards: Sequence[Guard]) -> None:
        self.now = now
        self.guards = guards
        self.runs: list[Run] = []
        self.history: dict[tuple[int, int], str] = {}
        self.claimed: set[tuple[int, int]] = set()
        self.written: set[tuple[int, int, str]] = set()
        self.workers: dict[str, Worker] = {}
        self.off: set[str] = set()
        self.breakers: dict[str, Breaker] = {}
        self.starts: dict[str, list[datetime]] = {}
        self.effects: dict[tuple[str, str, str], Effect] = {}
        self.alerts = Counter[str]()  # how many died at each step since its alert was opened

    # --- what there is

    def find(self, job_id: str, step: str) -> Run | None:
        return next((run for run in self.runs if (run.job_id, run.step) == (job_id, step)), None)

    def by_id(self, id: int) -> Run:
        return next(run for run in self.runs if run.id == id)

    def job(self, job_id: str) -> list[Run]:
        return [run for run in self.runs if run.job_id == job_id]

    def owned(self, run: Owned) -> bool:
        """Whether this attempt is the live one."""
        there = self.by_id(run.id)
        return (there.attempt, there.status) == (run.attempt, "running")

    def switched_off(self, pipeline: str, key: str, step: str) -> str | None:
        scopes = {"all", f"pipeline:{pipeline}", f"key:{key}", f"step:{pipeline}/{step}"}
        return min(scopes & self.off, default=None)

    @contextmanager
    def _wholly_or_not_at_all(self) -> Iterator[None]:
        before = deepcopy((self.runs, self.history, self.alerts))
        try:
            yield
        except IdConflict:
            self.runs, self.history, self.alerts = before
            raise

    # --- enqueue

    def enqueue(self, new: Iterable[NewRun]) -> int:
        """How many rows are new; a debounced one that took another's place is none."""
        with self._wholly_or_not_at_all():
            return sum([self._insert(each) for each in _in_order(new)])

    def _insert(self, new: NewRun, parent: Run | None = None) -> bool:
        input = new.input if parent is None or new.input is not None else parent.output
        run = Run(
            *(new.job_id, new.step, new.pipeline, new.key, input, new.input_hash),
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

    def _after(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    # --- claim

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
                return f"guard {_name(guard, run)}"
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
                recent = self._recent(_name(guard, run), guard)
                if len(recent) >= guard.starts:
                    yield min(recent) + timedelta(seconds=guard.per)

    def _allowed(self, run: Run, scope: Scope) -> bool:
        known = run.work in scope.steps and (scope.keys is None or run.key in ("", *scope.keys))
        return known and self.switched_off(run.pipeline, run.key, run.step) is None

    def _has_a_suspect(self, worker: str) -> bool:
        return any(run.worker == worker and run.losses >= SUSPECT_LOSSES for run in self._running())

    def _running(self) -> list[Run]:
        return [run for run in self.runs if run.status == "running"]

    def _guards(self, run: Run) -> list[Guard]:
        return [guard for guard in self.guards if guard.step == run.work]

    def _open_until(self, guard: Guard, run: Run) -> datetime | None:
        return (
            self.breakers[_name(guard, run)].open_until
            if _is_breaker(guard) and self._known(guard, run)
            else None
        )

    def _known(self, guard: Guard, run: Run) -> bool:
        return _name(guard, run) in self.breakers

    def _room(self, guard: Guard, run: Run) -> float:
        name = _name(guard, run)
        if _is_breaker(guard):
            until = self._open_until(guard, run)
            return 0 if until is not None and (until > self.now or self._probed(name)) else 1
        busy = [
            other
            for other in self._running()
            for g in self._guards(other)
            if _name(g, other) == name
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
            name = _name(guard, run)
            if guard.starts is not None:
                self.starts[name] = [*self._recent(name, guard), self.now]
            elif self._open_until(guard, run) is not None:  # half-open: this run is the probe
                self.breakers[name].open_until, self.breakers[name].probe = self.now + PAUSE, run.id

    # --- beat, finish, rescue

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
        with self._wholly_or_not_at_all():
            for ending in live:
                self._end(ending)
            ended = {ending.run.id for ending in live}
            parents = {id(new): self.by_id(ending.run.id) for ending in live for new in ending.next}
            for new in _in_order(new for ending in live for new in ending.next):
                there = self.find(new.job_id, new.step)
                if self._insert(new, parents[id(new)]):
                    run = self.runs[-1]
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
            if (judges_leases and _lease(run) < self.now) or run.worker in gone
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
                run.leased_at, run.lease_until = self.now, self.now + (_lease(run) - run.leased_at)
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
        waits += [max(_lease(run) - self.now, timedelta(0)) for run in self._running()]
        return min(waits).total_seconds() if waits else None

    def neighbour(self, worker: str) -> str | None:
        living = sorted(
            boot for boot, each in self.workers.items() if boot != worker and not each.stopped
        )
        living = [boot for boot in living if self.workers[boot].holds_lock]
        return next((boot for boot in living if boot > worker), living[0] if living else None)

    # --- breakers

    def hear(self, name: str, run: int, verdict: str) -> None:
        """One signal of an upstream: an `error`, `well`, or `nothing`."""
        breaker = self.breakers.setdefault(name, Breaker())
        if breaker.open_until is not None:
            if run != breaker.probe:
                return
            breaker.probe = None
            if verdict == "well":
                self.breakers[name] = Breaker()
            else:
                breaker.failures += verdict == "error"
                breaker.open_until = self.now + (PAUSE if verdict == "error" else timedelta(0))
        elif verdict == "well":
            breaker.failures, breaker.errors = 0, []
        elif verdict == "error":
            breaker.failures += 1
            breaker.errors = [*breaker.errors, self.now][-ERRORS:]
            if len(breaker.errors) == ERRORS and breaker.errors[-1] - breaker.errors[0] <= WITHIN:
                breaker.open_until = self.now + PAUSE

    # --- people

    def cancel(self, runs: Iterable[Run]) -> None:
        for run in runs:
            run.status, run.outcome = "cancelled", "cancel"
        self._resolve()

    def replay(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if run.status == "needs_review":
                self._forget(run)
            run.start_again(self.now)
        self._resolve()

    def edit(self, run: Run, input: str, wait: float | None, at_most: float | None = None) -> None:
        """`wait` and `at_most` are the seconds of its debounce, where it has one."""
        if run.status == "needs_review" and run.error_class == "unknown_outcome":
            self._forget(run)
        due_at = self.now
        if run.status == "queued":
            if run.attempt and run.due_by and run.due_by <= self.now:
                run.due_by = None if at_most is None else self._after(at_most)
            restarted = run.due_at if wait is None else self._after(wait)
            due_at = restarted if wait is None else min(restarted, run.due_by or restarted)
        run.input, run.output, run.debounce = input, None, None
        run.start_again(due_at)
        self._resolve()

    def approve(self, run: Run, follow: NewRun | None) -> None:
        run.status, run.outcome = "succeeded", "done"
        if follow is not None:
            self._insert(follow, run)

    def reject(self, run: Run) -> None:
        run.status, run.outcome = "cancelled", "cancel"

    def _resolve(self) -> None:
        """The alert of a step ends with its last dead letter."""
        dead = {run.work for run in self.runs if run.status == "dead"}
        self.alerts = Counter({work: count for work, count in self.alerts.items() if work in dead})

    def _forget(self, run: Run) -> None:
        """Who decides on an outside write of which nobody knew has looked: it counts as
        not begun.
        """
        self.effects = {
            name: effect
            for name, effect in self.effects.items()
            if not (effect.run == run.id and effect.status == "intended")
        }


def _in_order(new: Iterable[NewRun]) -> list[NewRun]:
    """Each once, in the order in which the ledger inserts them."""
    once = {(each.job_id, each.step, each.input_hash or "~"): each for each in reversed(list(new))}
    return [once[name] for name in sorted(once)]


def _is_among(run: Run, owned: Sequence[Owned]) -> bool:
    return any((run.job_id, run.step) == (each.job_id, each.step) for each in owned)


def _name(guard: Guard, run: Run) -> str:
    return guard.name.replace("{key}", run.key)


def _is_breaker(guard: Guard) -> bool:
    return guard.at_once is None and guard.starts is None


def _lease(run: Run) -> datetime:
    assert run.lease_until is not None
    return run.lease_until


def plain(row: Any) -> Any:
    """What of a run is compared: everything that the protocol promises."""
    names = (
        *(
            "job_id",
            "step",
            "pipeline",
            "key",
            "status",
            "outcome",
            "error_class",
            "attempt",
            "failures",
            "losses",
        ),
        *("due_at", "due_by", "lease_until", "worker", "priority", "debounce"),
    )
    return {name: row[name] if isinstance(row, dict) else getattr(row, name) for name in names}
