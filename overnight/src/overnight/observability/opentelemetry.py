"""Whether an app sends OpenTelemetry traces."""

from __future__ import annotations

from dataclasses import dataclass

from overnight.engine.instrumentation import Instrument, Observer


@dataclass(frozen=True, slots=True)
class OpenTelemetry(Observer):
    """`traces` says whether workers send traces; None: where the environment names a collector
    (OTEL_EXPORTER_OTLP_ENDPOINT).
    """

    traces: bool | None = None

    def instrument(self) -> Instrument:
        from overnight.observability.tracing import Tracing

        return Tracing(self.traces)
