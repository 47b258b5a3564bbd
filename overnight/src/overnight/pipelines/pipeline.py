"""A pipeline: typed functions, each with its policy beside it, in the order in which they run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypedDict, get_type_hints, overload

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypeVar, Unpack

from overnight.errors import ConfigError, InvalidPayload, first_fault
from overnight.identity import hash_id, input_hash
from overnight.pipelines.events import Debounce, On
from overnight.pipelines.policies import Limit, Retry
from overnight.store.records import Guard, NewRun, Run
from overnight.store.storable import MAX_PAYLOAD as MAX_PAYLOAD
from overnight.store.storable import NUL as NUL
from overnight.store.storable import fault, json_of

DEFAULT_TIMEOUT = 300.0  # seconds
# characters: it is part of the names of switches, breakers and limits, which stand in indexes
MAX_KEY = 200

NAME = re.compile(r"[\w.-]+")

if TYPE_CHECKING:
    from overnight.pipelines.triggers import Cron, Trigger
    from overnight.pipelines.waits import Event, Join

F = TypeVar("F", bound=Callable[..., Any])
Input = TypeVar("Input", contravariant=True, default=Any)
Output = TypeVar("Output", covariant=True, default=Any)


@dataclass(frozen=True)
class Step:
    """A function with its policy. `timeout` is in seconds, for one attempt; `after` delays the
    start.

    `guards` are what may hold it back: its breaker and its limits.
    """

    name: str
    function: Callable[..., Any]
    input: TypeAdapter[Any]
    retry: Retry
    timeout: float
    after: Debounce | None
    breaker: str | None
    guards: tuple[Guard, ...]
    join: Join | None = None

    @property
    def delay(self) -> float:
        return float(self.after.seconds) if self.after else 0.0

    @property
    def at_most(self) -> float | None:
        return self.after.at_most if self.after else None

    @cached_property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def load(self, payload: str | None) -> Any:
        """The step's input from JSON text. Raises `InvalidPayload`, which no retry mends."""
        try:
            return self.input.validate_json(payload or "null")
        except ValidationError as error:
            raise self.unfit(error, self.name) from None

    def unfit(self, error: ValidationError, name: str) -> InvalidPayload:
        """What is said of an input that is none of the step or pipeline of this name."""
        schema: Mapping[str, Any] = self.input.core_schema
        why = first_fault(error, of_union=schema.get("schema", schema)["type"] == "union")
        return InvalidPayload(f"the input does not fit {name}: {why}")


def dump(value: Any) -> str:
    """JSON text of a step's output. What cannot be stored is refused: which part,
    where, and why.
    """
    text, reason = json_of(value)
    if reason is not None:
        raise InvalidPayload(f"the payload cannot be stored: {fault(value, reason)}")
    return text


class Policy(TypedDict, total=False):
    """What may be said of a step; see `Pipeline.step`."""

    retry: Retry
    timeout: float
    after: Debounce | None
    breaker: str | None
    limits: Sequence[Limit]
    join: Join | None


class Pipeline(Generic[Input, Output]):
    """Steps that run one after another; the output of each is stored and is the input of the next.

    `id` makes a job's id from its input (default: a hash of the pipeline's name and the whole
    input); `key` says whom the job is for, which is the scope of kill switches, limits and budgets.
    A step is known by its function's name.

    Type checkers know what a job takes and gives where that is said, `Pipeline[Order, Receipt](…)`,
    or where `id` or `key` is a function with an annotation.

    Jobs with a higher `priority` start sooner. `deadline`: seconds after which a job is given up.
    `expect_within`: seconds after which one that has not ended is an alert. `events` are kept for
    steps that wait for them.
    """

    def __init__(
        self,
        name: str,
        *,
        on: Sequence[Trigger] = (),
        id: Callable[[Input], str] | None = None,  # noqa: A002  what users write
        key: Callable[[Input], str] | None = None,
        priority: int = 0,
        deadline: float | None = None,
        expect_within: float | None = None,
        events: Sequence[Event] = (),
    ) -> None:
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"“{name}” is no name of a pipeline: letters, digits, and . _ - between them"
            )
        self.name = name
        self.priority = priority
        self.deadline = deadline
        self.expect_within = expect_within
        self.on = tuple(on)
        self.events = tuple(events)
        clocks = [(cron.expression, cron.timezone) for cron in self.crons()]
        if len(set(clocks)) != len(clocks):
            raise ConfigError(f"pipeline {name} has the same schedule twice")
        self.steps: dict[str, Step] = {}
        self._id = id
        self._key = key

    @overload
    def step(self, function: F, /, **policy: Unpack[Policy]) -> F: ...
    @overload
    def step(self, function: None = None, /, **policy: Unpack[Policy]) -> Callable[[F], F]: ...

    def step(
        self,
        function: F | None = None,
        /,
        *,
        retry: Retry = Retry(),  # noqa: B008  frozen
        timeout: float = DEFAULT_TIMEOUT,
        after: Debounce | None = None,
        breaker: str | None = None,
        limits: Sequence[Limit] = (),
        join: Join | None = None,
    ) -> F | Callable[[F], F]:
        """Adds a function `(ctx, input) -> output | outcome`, plain or async, as the next step.

        `breaker` names the upstream that the step leans on: `anthropic`, or `cms {key}` for one of
        each key. With `join` the step waits for the jobs that the one before it spawned.
        """

        def add(function: F) -> F:
            name = function.__name__
            if name in self.steps:
                raise ConfigError(f"pipeline {self.name} has two steps named {name}")
            if join and (after or not self.steps):
                raise ConfigError(f"step {name} cannot join: it is the first, or has after=")
            guards = self._guards(name, breaker, limits)
            step = Step(
                name, function, _input_of(function), retry, timeout, after, breaker, guards, join
            )
            if self.steps:
                from overnight.pipelines.step_types import check

                check(self.name, list(self.steps.values())[-1], step)
            self.steps[name] = step
            return function

        return add(function) if function is not None else add

    def _guards(self, step: str, breaker: str | None, limits: Sequence[Limit]) -> tuple[Guard, ...]:
        work = f"{self.name}/{step}"
        guards = [Guard(work, breaker)] if breaker is not None else []
        for limit in limits:
            name = limit.name.replace("{pipeline}", self.name).replace("{step}", step)
            if any(guard.name == name and guard.per is not None for guard in guards):
                raise ConfigError(
                    f"step {work} has the limit “{name}” twice: put both numbers into one"
                )
            guards.append(Guard(work, name, limit.at_once, limit.starts, limit.per))
        return tuple(guards)

    def after(self, step: str) -> Step | None:
        """The step that follows, or None after the last."""
        names = list(self.steps)
        position = names.index(step) + 1
        return self.steps[names[position]] if position < len(names) else None

    def follow(self, run: Run) -> list[NewRun]:
        """The run of the step that comes after this one, which takes its output as stored; none
        after the last.
        """
        step = self.after(run.step)
        if step is None:
            return []
        names = (run.job_id, step.name, self.name, run.key)
        return [NewRun(*names, None, None, step.delay, at_most=step.at_most)]

    def job(
        self,
        input: Any,  # noqa: A002  what users write
        *,
        step: str | None = None,
        origin: str | None = None,
        priority: int | None = None,
    ) -> NewRun:
        """The first run of a job with this input (a model, or plain data that fits it); it begins
        at `step`.
        """
        first = self.steps[step] if step is not None else next(iter(self.steps.values()))
        try:
            value = first.input.validate_python(input)
        except ValidationError as error:
            raise first.unfit(error, self.name) from None
        payload = dump(value)
        later = [first.name] if first is not next(iter(self.steps.values())) else []
        job_id = self._id(value) if self._id else hash_id("pipeline", self.name, *later, payload)
        key = self._key(value) if self._key else ""
        if len(key) > MAX_KEY:
            raise InvalidPayload(
                f"the key of a job has at most {MAX_KEY} characters; this one has {len(key):,}"
            )
        return NewRun(
            *(job_id, first.name, self.name, key, payload, input_hash(payload)),
            delay=first.delay,
            at_most=first.at_most,
            priority=self.priority if priority is None else priority,
            origin=origin,
            deadline=self.deadline,
            expect=self.expect_within,
        )

    def crons(self) -> Iterator[Cron]:
        return (trigger for trigger in self.on if not isinstance(trigger, On))

    def jobs_for(self, event: str, payload: Any) -> Iterator[NewRun]:
        """The job that an event begins here, if this pipeline listens to it."""
        for trigger in self.on:
            if isinstance(trigger, On) and trigger.event == event:
                new = self.job(payload, origin=f"event {event}")
                if (wait := trigger.debounce) is not None:
                    name = f"{self.name} {event} {new.key}"
                    new = replace(new, debounce=name, delay=wait.seconds, at_most=wait.at_most)
                yield new


def _input_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """The type of the second parameter: what the step takes."""
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) != 2:
        raise ConfigError(
            f"step {function.__name__} must take two parameters: the context and its input"
        )
    return TypeAdapter(get_type_hints(function).get(parameters[1], Any))
