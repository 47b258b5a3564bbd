"""One attempt of one step: load its input, run it within its time limit, turn its result into an
ending.
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from overnight.engine.context import Context
from overnight.engine.decide import decide
from overnight.engine.in_flight import State
from overnight.engine.threads import Threads
from overnight.error_classes import describe
from overnight.errors import DeadlinePassed, Transient
from overnight.logs import clean
from overnight.pipelines.app import App
from overnight.pipelines.outcomes import Outcome, Review, Wait
from overnight.pipelines.pipeline import Step, dump
from overnight.store.ledger import Ledger
from overnight.store.records import JOIN, WAIT, Ending, NewRun, Run, Status, Transition

if TYPE_CHECKING:
    from overnight.store.wait_records import NewWait

DETAIL_LIMIT = 8_000  # characters of a traceback that are stored; its end says where it happened
WITHOUT_HISTORY = ("done", "no_work")  # outcomes that `runs` tells completely
ERROR_LIMIT = 2_000  # characters of an error message that are stored


class StepTimeout(Transient):
    """The step took longer than its time limit."""


class StepCancelled(Transient):
    """Something inside the step was cancelled, though nobody cancelled the step."""


async def execute(
    app: App,
    ledger: Ledger,
    deps: Any,
    run: Run,
    rng: random.Random,
    threads: Threads,
    *,
    state: Callable[[], State],
) -> Ending:
    """Run one attempt, a plain function in one of `threads`.

    Every way out of a step becomes an ending. A cancellation passes through only if the `state` of
    the attempt says that it came from outside: a step may cancel itself, and a library may leak the
    cancellation of something within.
    """
    step = app.pipelines[run.pipeline].steps[run.step]
    context = Context(run, deps, app, ledger)
    started = time.perf_counter()
    result = await _attempt(step, context, threads, state)
    try:
        output = _output(result)
        follow, wait = _follow(app, run, result, context.spawned)
    except BaseException as error:  # the functions of its types may raise whatever they like, too
        result, output, follow, wait = error, None, [], None
    rest = None if run.time_left is None else run.time_left - (time.perf_counter() - started)
    transition = decide(
        result, failures=run.failures, retry=step.retry, errors=app.errors, rng=rng, time_left=rest
    )
    succeeded = transition.status is Status.SUCCEEDED
    return Ending(
        run,
        _cleaned(transition),
        output,
        None if transition.outcome in WITHOUT_HISTORY else _detail(result, context.lines),
        [*follow, *context.spawned] if succeeded else [],
        round((time.perf_counter() - started) * 1000),
        context.cost_usd,
        wait,
        context.events if succeeded else [],
    )


def time_limit(step: Step, run: Run) -> float:
    """The seconds that an attempt may take: those of the step, or what is left of the job's."""
    return step.timeout if run.time_left is None else min(step.timeout, run.time_left)


async def _attempt(
    step: Step, context: Context[Any], threads: Threads, state: Callable[[], State]
) -> Any:
    """What the step returned or raised."""
    seconds = time_limit(step, context.run)
    try:
        if seconds <= 0:
            raise DeadlinePassed
        value = step.load(context.run.input)
        if context.run.origin in (JOIN, WAIT):
            from overnight.engine import waits

            await waits.load(context)
        if step.is_async:
            return await step.function(context, value)
        return await threads.run(step.function, context, value)
    except (TimeoutError, asyncio.CancelledError) as error:
        is_cancellation = isinstance(error, asyncio.CancelledError)
        if is_cancellation and state() in (State.CANCELLED, State.LOST):
            raise
        if state() is State.TIMED_OUT:
            return StepTimeout(f"the step took longer than {seconds:.3g} s")
        return StepCancelled(_why_cancelled(error)) if is_cancellation else error
    except BaseException as error:  # `sys.exit`, a panic of a library: the run ends all the same
        return error


def _why_cancelled(error: BaseException) -> str:
    reason = describe(error).partition(": ")[2]
    text = "something inside the step was cancelled, though nobody cancelled the step"
    return f"{text}: {reason}" if reason else text


def _follow(
    app: App, run: Run, result: Any, spawned: list[NewRun]
) -> tuple[list[NewRun], NewWait | None]:
    """The run of the next step after a value or a `Wait`, and what it waits for."""
    if isinstance(result, BaseException | Outcome) and not isinstance(result, Wait):
        return [], None
    pipeline = app.pipelines[run.pipeline]
    follow = pipeline.follow(run)
    if isinstance(result, Wait) or (follow and pipeline.steps[follow[0].step].join):
        from overnight.engine import waits

        return waits.begin(app, run, follow, result, spawned)
    return follow, None


def _output(result: Any) -> str | None:
    if isinstance(result, Review | Wait):
        return dump(result.value)
    if isinstance(result, Outcome | BaseException):
        return None
    return dump(result)


def _cleaned(transition: Transition) -> Transition:
    """Errors without secrets, NUL bytes or endless bodies: they are stored, logged and shown."""
    if transition.error is None:
        return transition
    return replace(transition, error=clean(transition.error)[:ERROR_LIMIT])


def _detail(result: Any, lines: Sequence[str]) -> str | None:
    """What the step logged last, and the traceback of its error; None without both."""
    parts = [f"it logged:\n{chr(10).join(lines)}"] if lines else []
    if isinstance(result, BaseException):
        parts.append(clean(_traceback(result))[-DETAIL_LIMIT:])
    return "\n\n".join(parts) or None


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException as fault:  # groups nested too deeply, an attribute that raises
        return f"{describe(error)} (its traceback cannot be shown: {type(fault).__name__})"
