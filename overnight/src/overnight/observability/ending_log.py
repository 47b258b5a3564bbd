"""A line of the log for each ending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from overnight.engine.in_flight import InFlight
from overnight.engine.instrumentation import Instrument, Observer
from overnight.logs import write_lines
from overnight.store.records import Ending, Status


class EndingLog(Instrument):
    """Warns of what needs a person."""

    async def written(self, attempts: Sequence[InFlight]) -> None:
        write_lines("step", (_line(attempt.result) for attempt in attempts))


class Log(Observer):
    """The lines of the log for endings, which every app has."""

    def instrument(self) -> Instrument:
        return EndingLog()


def _line(ending: Ending) -> tuple[str, dict[str, Any]]:
    needs_person = ending.transition.status in (Status.NEEDS_REVIEW, Status.DEAD)
    return "warning" if needs_person else "info", _fields(ending)


def _fields(ending: Ending) -> dict[str, Any]:
    """What a line of the log says of an ending."""
    run, transition = ending.run, ending.transition
    fields: dict[str, Any] = {
        "job_id": run.job_id,
        "step": run.step,
        "pipeline": run.pipeline,
        "key": run.key,
        "attempt": run.attempt,
        "status": transition.status.value,
        "outcome": transition.outcome,
        "duration_ms": ending.duration_ms,
    }
    if ending.cost_usd is not None:
        fields["cost_usd"] = float(ending.cost_usd)
    if transition.error:
        fields["error" if transition.error_class else "reason"] = transition.error
    return fields
