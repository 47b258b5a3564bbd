"""What the ledger holds, in plain Python, and which transitions are legal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from overnight.errors import IdConflict
from overnight.store.records import Guard
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
class Wait:
    """What a run waits for: `missing` of its `children`, or an event of this `key`."""

    place: tuple[str, str]
    key: str | None = None
    children: frozenset[str] = frozenset()
    missing: int = 1
    dead: str = "wait"
    ended: set[str] = field(default_factory=set)
    fulfilled: bool = False


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


class State:
    """The one state of the reference, which each family of verbs changes.

    `guards` are those of the app: every worker knows all of them, whatever it may claim.
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
        self.waits: list[Wait] = []
        self.events: list[str] = []  # the keys of those that are given to nobody
        self.alerts = Counter[str]()  # how many died at each step since its alert was opened

    def find(self, job_id: str, step: str) -> Run | None:
        return next((run for run in self.runs if (run.job_id, run.step) == (job_id, step)), None)

    def by_id(self, run_id: int) -> Run:
        return next(run for run in self.runs if run.id == run_id)

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
    def _all_or_nothing(self) -> Iterator[None]:
        before = deepcopy((self.runs, self.history, self.alerts))
        try:
            yield
        except IdConflict:
            self.runs, self.history, self.alerts = before
            raise

    def tell(self) -> None:
        """Those that wait hear of what has ended and of what has come, once."""
        places = [(run.job_id, run.step) for run in self.runs]
        for wait in sorted(self.waits, key=lambda wait: places.index(wait.place)):
            run = self.find(*wait.place)
            assert run is not None
            for job in wait.children - wait.ended:
                self._count(wait, {each.status for each in self.job(job)}, job)
            if wait.fulfilled or (run.status, run.attempt) != ("queued", 0):
                continue
            if wait.key in self.events:
                self.events.remove(wait.key)
                wait.missing = 0
            if wait.missing <= 0:
                wait.fulfilled, run.due_at = True, min(run.due_at, self.now)

    @staticmethod
    def _count(wait: Wait, statuses: set[str], job: str) -> None:
        is_open = statuses & {"queued", "running", "needs_review"}
        if not is_open and not ("dead" in statuses and wait.dead == "wait"):
            wait.ended.add(job)
            fails = "dead" in statuses and wait.dead == "fail"
            wait.missing = 0 if fails else wait.missing - 1

    def _after(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def _running(self) -> list[Run]:
        return [run for run in self.runs if run.status == "running"]

    def cancel(self, runs: Iterable[Run]) -> None:
        for run in runs:
            run.status, run.outcome = "cancelled", "cancel"
        self._resolve()

    def _resolve(self) -> None:
        """The alert of a step ends with its last dead letter."""
        dead = {run.work for run in self.runs if run.status == "dead"}
        self.alerts = Counter({work: count for work, count in self.alerts.items() if work in dead})


def name_of(guard: Guard, run: Run) -> str:
    return guard.name.replace("{key}", run.key)


def is_breaker(guard: Guard) -> bool:
    return guard.at_once is None and guard.starts is None


def lease_of(run: Run) -> datetime:
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
