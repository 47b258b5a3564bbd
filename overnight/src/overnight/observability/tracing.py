"""OpenTelemetry traces: one for each job, a span for each attempt, and under it its external writes
and model calls.

The ids follow from the job: its trace, and the span of each attempt. So workers hand each other no
context, what one of them spawns can be linked to by another, and whoever knows a job finds its
trace. The first attempt of the first step is the root. A span is exported by the worker that wrote
the attempt's ending, once that is written: a late result leaves none.

Without an app or an environment that asks for traces nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from overnight.engine.in_flight import InFlight
from overnight.engine.instrumentation import Instrument
from overnight.engine.spans import Attributes, Span
from overnight.errors import ConfigError
from overnight.logs import clean, log
from overnight.pipelines.app import App
from overnight.store import parents as parents_of
from overnight.store.database import Row
from overnight.store.ledger import Ledger
from overnight.store.records import Run

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

# each asks for traces
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# in which the last spans are sent when a worker stops, where the collector does not answer
LAST_SECONDS = 2.0
# they would log each batch that is lost; we log the first
QUIETED = ("opentelemetry.exporter", "opentelemetry.sdk")


@dataclass(frozen=True, slots=True)
class Place:
    """Which attempt a span is of."""

    job_id: str
    step: str
    attempt: int

    @property
    def span_id(self) -> int:
        return _digits(f"span {self.job_id}/{self.step}/{self.attempt}", 8)


def trace_id(job_id: str) -> int:
    """The id of a job's trace, 128 bits; `f"{…:032x}"` is how it is written."""
    return _digits(f"trace {job_id}", 16)


def wanted(app_asks: bool | None) -> bool:
    """Whether there are traces: as the app says, or else if the environment names a collector."""
    return any(map(os.environ.get, ENDPOINTS)) if app_asks is None else app_asks


class Tracing(Instrument):
    """The traces of a worker, if the app or else the environment asks for them."""

    def __init__(self, app_asks: bool | None = None) -> None:
        self._app_asks = app_asks
        self._app: App
        self._ledger: Ledger
        self._traces: Traces | None = None

    async def open(self, app: App, ledger: Ledger) -> None:
        self._app, self._ledger = app, ledger
        self._traces = await asyncio.to_thread(opened, app.name, self._app_asks)

    async def close(self) -> None:
        """Takes some seconds where the collector does not answer."""
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)

    def started(self, attempt: InFlight) -> None:
        """Spans that a step makes by itself come under that of its attempt."""
        if self._traces is not None:
            from opentelemetry import context

            context.attach(_under(attempt.run.job_id, _place(attempt.run).span_id))

    async def written(self, attempts: Sequence[InFlight]) -> None:
        if self._traces is None:
            return
        roots = [
            attempt.run.id
            for attempt in attempts
            if attempt.run.attempt == 1 and attempt.run.step == self._first(attempt.run.pipeline)
        ]
        parents = await parents_of.read(self._ledger.database, roots) if roots else {}
        for attempt in attempts:
            parent = parents.get(attempt.run.id)
            first = self._first(attempt.run.pipeline)
            self._traces.export(attempt, first, parent and Place(*parent))

    def rescued(self, row: Row) -> None:
        if self._traces is not None and row["pipeline"] in self._app.pipelines:
            self._traces.lost(row, self._first(row["pipeline"]))

    def _first(self, pipeline: str) -> str:
        return next(iter(self._app.pipelines[pipeline].steps))


def opened(service: str, app_asks: bool | None) -> Traces | None:
    """The traces of a worker, or None where nobody asks for them. Imports take some tenths of a
    second.

    Raises `ConfigError` where the app asks, and the extra is not installed.
    """
    if not wanted(app_asks):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        if app_asks:
            raise ConfigError("traces need OpenTelemetry: pip install 'overnight[otel]'") from None
        log.warning(
            "no traces", error="pip install 'overnight[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        return None
    return Traces(service, OTLPSpanExporter())


class Traces:
    """Makes the spans of attempts and hands them to an exporter, which sends them from a thread of
    its own.

    The environment of OpenTelemetry holds: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
    OTEL_TRACES_SAMPLER and the others. A collector that does not answer costs spans, never work; it
    is logged once.
    """

    def __init__(self, service: str, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        for name in QUIETED:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._exporter = _logged_once(exporter)
        self._ids = _chosen_ids()
        # What the environment says goes first.
        resource = Resource({SERVICE_NAME: service}).merge(_environment())
        self._provider = TracerProvider(
            resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("overnight", version("overnight"))

    def export(self, attempt: InFlight, first: str, parent: Place | None = None) -> None:
        """The spans of an attempt whose ending is written.

        `first` is the first step of its pipeline, `parent` the attempt that spawned the job.
        """
        run, ending, transition = attempt.run, attempt.result, attempt.result.transition
        attributes = _attributes(run) | {
            "overnight.status": transition.status.value,
            "overnight.outcome": transition.outcome,
        }
        if ending.cost_usd is not None:
            attributes["overnight.cost_usd"] = float(ending.cost_usd)
        if transition.error_class:
            attributes["error.type"] = transition.error_class
        spawned = {new.job_id: new.step for new in ending.next if new.job_id != run.job_id}
        links = [
            *([parent] if parent else []),
            *(Place(job, step, 1) for job, step in spawned.items()),
        ]
        place, name = _place(run), f"{run.pipeline}/{run.step}"
        error = (transition.error or "") if transition.failed else None
        times = (attempt.started, attempt.ended)
        self._attempt(place, first, name, attributes, times, error, links)
        for number, span in enumerate(attempt.spans):
            self._part(place, number, span, attempt.ended)

    def lost(self, row: Row, first: str) -> None:
        """The span of an attempt whose owner died: a moment, for nobody can tell what was done in
        it. `row` is a run as rescued.
        """
        place = Place(row["job_id"], row["step"], row["attempt"])
        attributes: Attributes = {
            f"overnight.{name}": row[name]
            for name in ("pipeline", "step", "key", "attempt", "job_id", "status")
        }
        attributes |= {"overnight.outcome": "lost", "error.type": "lost"}
        name, now = f"{row['pipeline']}/{row['step']}", time.time_ns()
        self._attempt(place, first, name, attributes, (now, now), row["error"], [])

    def close(self) -> None:
        """Send what is left. Takes some seconds where the collector does not answer."""
        late = threading.Timer(LAST_SECONDS, self._exporter.shutdown)
        late.daemon = True
        late.start()
        self._provider.shutdown()
        late.cancel()

    def _attempt(
        self,
        place: Place,
        first: str,
        name: str,
        attributes: Attributes,
        times: tuple[int, int],
        error: str | None,
        links: Sequence[Place],
    ) -> None:
        root = Place(place.job_id, first, 1)
        above = None if place == root else root.span_id
        self._emit(place.job_id, place.span_id, above, name, attributes, times, error, links)

    def _part(self, place: Place, number: int, span: Span, last: int) -> None:
        span_id = _digits(f"part {place.span_id} {number}", 8)
        attributes = {
            name: clean(value) if isinstance(value, str) else value
            for name, value in span.attributes.items()
        }
        if span.error:
            attributes["error.type"] = span.error
        times, name = (span.started, span.ended or last), clean(span.name)
        self._emit(place.job_id, span_id, place.span_id, name, attributes, times, span.error, [])

    def _emit(
        self,
        job_id: str,
        span_id: int,
        above: int | None,
        name: str,
        attributes: Attributes,
        times: tuple[int, int],
        error: str | None,
        links: Sequence[Place],
    ) -> None:
        from opentelemetry.sdk.trace.sampling import Decision
        from opentelemetry.trace import Link, Status, StatusCode

        trace = trace_id(job_id)
        if (
            self._provider.sampler.should_sample(None, trace, name).decision
            is not Decision.RECORD_AND_SAMPLE
        ):
            return
        self._ids.trace, self._ids.span = trace, span_id
        span = self._tracer.start_span(
            name,
            context=_under(job_id, above),
            attributes=attributes,
            links=[Link(_context(trace_id(to.job_id), to.span_id)) for to in links],
            start_time=times[0],
        )
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(times[1])


def _attributes(run: Run) -> Attributes:
    return {
        "overnight.job_id": run.job_id,
        "overnight.pipeline": run.pipeline,
        "overnight.step": run.step,
        "overnight.key": run.key,
        "overnight.attempt": run.attempt,
    }


def _place(run: Run) -> Place:
    return Place(run.job_id, run.step, run.attempt)


def _digits(text: str, size: int) -> int:
    """A number of `size` bytes that follows from a text. 0 is no id, and as likely as any other."""
    return int.from_bytes(sha256(text.encode()).digest()[:size]) or 1


def _context(trace: int, span_id: int) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(trace, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _under(job_id: str, span_id: int | None) -> Context:
    """The place under a span; of None that of a root."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    if span_id is None:
        return Context()
    return set_span_in_context(NonRecordingSpan(_context(trace_id(job_id), span_id)), Context())


def _environment() -> Any:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    return Resource.get_empty().merge(OTELResourceDetector().detect())


def _chosen_ids() -> Any:
    """The ids of the next span are those that were put here; spans are made one after the other, in
    the event loop.
    """
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Chosen(IdGenerator):
        trace = span = 0

        def generate_trace_id(self) -> int:
            return self.trace

        def generate_span_id(self) -> int:
            return self.span

    return Chosen()


def _logged_once(exporter: SpanExporter) -> SpanExporter:
    """The exporter, which tells of the first batch that the collector does not take, and of the
    first one after it.
    """
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Logged(SpanExporter):
        is_well = True

        def export(self, spans: Any) -> SpanExportResult:
            result = exporter.export(spans)
            well = result is SpanExportResult.SUCCESS
            if self.is_well and not well:
                log.warning(
                    "traces are not taken",
                    spans=len(spans),
                    error="does the collector run? work goes on",
                )
            elif well and not self.is_well:
                log.info("traces are taken again")
            self.is_well = well
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Logged()
