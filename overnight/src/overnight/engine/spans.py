"""What an attempt does, as named spans with attributes. The engine records them; an instrument may
export them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

MAX_SPANS = 200  # of one attempt; later ones are not recorded

Value = str | int | float | bool
Attributes = dict[str, Value]


@dataclass(slots=True)
class Span:
    """`started` and `ended` are nanoseconds since 1970, `error` the name of what was raised."""

    name: str
    attributes: Attributes
    started: int = field(default_factory=time.time_ns)
    ended: int = 0
    error: str | None = None


current_spans: ContextVar[list[Span] | None] = ContextVar("spans of this attempt", default=None)


@contextmanager
def span(name: str, attributes: Mapping[str, Value] | None = None) -> Iterator[Attributes]:
    """Record the block as a span of the current attempt; gives its attributes, to add to."""
    new = Span(name, dict(attributes or {}))
    spans = current_spans.get()
    if spans is not None and len(spans) < MAX_SPANS:
        spans.append(new)
    try:
        yield new.attributes
    except BaseException as error:
        new.error = type(error).__name__
        raise
    finally:
        new.ended = time.time_ns()
