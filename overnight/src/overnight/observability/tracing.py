"""OpenTelemetry traces: one for each job, a span for each attempt, and under it its outside writes
and model calls.

The ids follow from the job: its trace, and the span of each attempt. So workers hand each other no
context, what one of them spawns can be linked to by another, and whoever knows a job finds its
trace. The first attempt of the first step is the root. A span is told by who wrote the attempt's
ending, once that is written: a late result leaves none.

Without an app or an environment that asks for traces nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from overnight.errors import ConfigError
from overnight.logs import clean, log
from overnight.store.records import Ending, Run

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)  # each asks for traces
MOST_PARTS = 200  # spans under one attempt
LAST_SECONDS = (
    2.0  # in which the last spans are sent when a worker stops, where the collector does not answer
)
QUIETED = (
    "opentelemetry.exporter",
    "opentelemetry.sdk",
)  # they would tell of each batch that is lost; we tell once

Value = str | int | float | bool
Attributes = dict[str, Value]


@dataclass(slots=True)
class Part:
    """What was done in an attempt, as a span under it. `began` and `ended` are nanoseconds since
    1970.
    """

    name: str
    attributes: Attributes
    began: int = field(default_factory=time.time_ns)
    ended: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which attempt a span is of."""

    job_id: str
    step: str
    attempt: int

    @property
    def span_id(self) -> int:
        return _digits(f"span {self.job_id}/{self.step}/{self.attempt}", 8)


@dataclass(slots=True)
class Known:
    """What is known of an attempt until its ending is written."""

    began: int = field(default_factory=time.time_ns)
    ended: int = 0
    parts: list[Part] = field(default_factory=list)


_parts: ContextVar[list[Part] | None] = ContextVar("parts", default=None)


def trace_id(job_id: str) -> int:
    """The id of a job's trace, 128 bits; `f"{…:032x}"` is how it is written."""
    return _digits(f"trace {job_id}", 16)


def wanted(app_asks: bool | None) -> bool:
    """Whether there are traces: as the app says, or else where the environment names a
    collector.
    """
    return any(map(os.environ.get, ENDPOINTS)) if app_asks is None else app_asks


@contextmanager
def span(name: str, attributes: Mapping[str, Value] | None = None) -> Iterator[Attributes]:
    """What is done within, as a span under that of the attempt; gives its attributes, to add to."""
    told = dict(attributes or {})
    parts = _parts.get()
    if parts is None or len(parts) >= MOST_PARTS:
        yield told
        return
    part = Part(name, told)
    parts.append(part)
    try:
        yield told
    except BaseException as error:
        part.error = type(error).__name__
        raise
    finally:
        part.ended = time.time_ns()


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
    is told of once.
    """

    def __init__(self, service: str, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        for name in QUIETED:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._exporter = _once_told(exporter)
        self._ids = _given_ids()
        # What the environment says goes first.
        resource = Resource({SERVICE_NAME: service}).merge(_environment())
        self._provider = TracerProvider(
            resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("overnight", version("overnight"))
        self._known: dict[tuple[int, int], Known] = {}

    @contextmanager
    def attempt(self, run: Run) -> Iterator[None]:
        """While an attempt runs: what `span` is told of is kept; spans that a step makes by itself
        come under it.
        """
        from opentelemetry import context

        known = self._known[run.id, run.attempt] = Known()
        here = context.attach(_under(run.job_id, Place(run.job_id, run.step, run.attempt).span_id))
        token = _parts.set(known.parts)
        try:
            yield
        finally:
            _parts.reset(token)
            context.detach(here)
            known.ended = time.time_ns()

    def forget(self, attempts: Iterable[tuple[int, int]]) -> None:
        """Of attempts whose lease is lost nothing is told."""
        for attempt in attempts:
            self._known.pop(attempt, None)

    def tell(self, ending: Ending, first: str, parent: Place | None = None) -> None:
        """The spans of an attempt whose ending is written.

        `first` is the first step of its pipeline, `parent` the attempt that spawned the job.
        """
        run, transition = ending.run, ending.transition
        known = self._known.pop((run.id, run.attempt), None) or Known(ended=time.time_ns())
        place = Place(run.job_id, run.step, run.attempt)
        told = _attributes(run) | {
            "overnight.status": transition.status.value,
            "overnight.outcome": transition.outcome,
        }
        if ending.cost_usd is not None:
            told["overnight.cost_usd"] = float(ending.cost_usd)
        if transition.error_class:
            told["error.type"] = transition.error_class
        spawned = {new.job_id: new.step for new in ending.next if new.job_id != run.job_id}
        links = [
            *([parent] if parent else []),
            *(Place(job, step, 1) for job, step in spawned.items()),
        ]
        error = (transition.error or "") if transition.failed else None
        self._attempt(
            place, first, f"{run.pipeline}/{run.step}", told, known.began, known.ended, error, links
        )
        for number, part in enumerate(known.parts):
            self._part(place, number, part, known.ended)

    def lost(self, row: Mapping[str, Any], first: str) -> None:
        """The span of an attempt whose owner died: a moment, for nobody can tell what was done in
        it.

        `row` is a run as rescued.
        """
        place = Place(row["job_id"], row["step"], row["attempt"])
        told: Attributes = {
            f"overnight.{name}": row[name]
            for name in ("pipeline", "step", "key", "attempt", "job_id")
        }
        told |= {
            "overnight.status": row["status"],
            "overnight.outcome": "lost",
            "error.type": "lost",
        }
        now = time.time_ns()
        self._attempt(
            place, first, f"{row['pipeline']}/{row['step']}", told, now, now, row["error"], []
        )

    def close(self) -> None:
        """Send what is left, as far as the collector answers. Takes some seconds where
        it does not.
        """
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
        told: Attributes,
        began: int,
        ended: int,
        error: str | None,
        links: Sequence[Place],
    ) -> None:
        root = Place(place.job_id, first, 1)
        above = None if place == root else root.span_id
        self._emit(place.job_id, place.span_id, above, name, told, (began, ended), error, links)

    def _part(self, place: Place, number: int, part: Part, last: int) -> None:
        span_id = _digits(f"part {place.span_id} {number}", 8)
        told = {
            name: clean(value) if isinstance(value, str) else value
            for name, value in part.attributes.items()
        }
        if part.error:
            told["error.type"] = part.error
        times = (part.began, part.ended or last)
        self._emit(
            place.job_id, span_id, place.span_id, clean(part.name), told, times, part.error, []
        )

    def _emit(
        self,
        job_id: str,
        span_id: int,
        above: int | None,
        name: str,
        told: Attributes,
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
        made = self._tracer.start_span(
            name,
            context=_under(job_id, above),
            attributes=told,
            links=[Link(_context(trace_id(to.job_id), to.span_id)) for to in links],
            start_time=times[0],
        )
        if error is not None:
            made.set_status(Status(StatusCode.ERROR, error))
        made.end(times[1])


def _attributes(run: Run) -> Attributes:
    return {
        "overnight.job_id": run.job_id,
        "overnight.pipelines.pipeline": run.pipeline,
        "overnight.step": run.step,
        "overnight.key": run.key,
        "overnight.attempt": run.attempt,
    }


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


def _given_ids() -> Any:
    """The ids of the next span are those that were put here; spans are made one after the other, in
    the event loop.
    """
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Given(IdGenerator):
        trace = span = 0

        def generate_trace_id(self) -> int:
            return self.trace

        def generate_span_id(self) -> int:
            return self.span

    return Given()


def _once_told(exporter: SpanExporter) -> SpanExporter:
    """The exporter, which tells of the first batch that the collector does not take, and of the
    first one after it.
    """
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Told(SpanExporter):
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

    return Told()
