"""Whether an app sends OpenTelemetry traces."""

from __future__ import annotations

from dataclasses import dataclass

from overnight.pipelines.extensions import Extension


@dataclass(frozen=True, slots=True)
class OpenTelemetry(Extension):
    """`traces` says whether workers send traces; None: where the environment names a collector
    (OTEL_EXPORTER_OTLP_ENDPOINT).
    """

    traces: bool | None = None
