"""How lines of the log are made, kept with an attempt, and written; loaded with the first line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO, cast

import structlog
from pydantic_core import to_json

from overnight import logs
from overnight.logs import clean, redact
from overnight.terminal import escaped

WHO = ("job_id", "step", "attempt")  # whose line it is, which a page says once
LINE_LIMIT = 500  # characters of a line that is kept
BINDING = ("bind", "unbind", "try_unbind", "new")  # methods that answer with another logger


def _redact_event(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if not logs.hidden:
        return event
    return {
        name: redact(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _json(event: structlog.typing.EventDict, **_: Any) -> str:
    return escaped(_as_json(event))


def _as_json(event: structlog.typing.EventDict) -> str:
    try:
        return to_json(event, serialize_unknown=True, inf_nan_mode="strings").decode()
    except (
        BaseException
    ):  # a lone surrogate, bytes that are no text, a type whose own functions fail
        return to_json(
            {clean(_text(name)): clean(_text(value)) for name, value in event.items()}
        ).decode()


def _text(value: object) -> str:
    """A value as text, whatever it is."""
    try:
        return str(value)
    except BaseException:
        return f"<{type(value).__name__} that cannot be shown>"


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
_ours: Sequence[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    _stamp,
    structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    ),
    _redact_event,
    structlog.processors.JSONRenderer(serializer=_json),
]


def ensure_configured() -> None:
    if not structlog.is_configured():
        configure(sys.stderr, logging.WARNING)


def listened(lines: MutableSequence[str]) -> structlog.typing.FilteringBoundLogger:
    """A logger as it is configured, of which each line goes to `lines` too, as a person reads it
    and may see it.

    Lines from `INFO` on are kept whatever level the log itself has: who looks at a failure wants
    them.
    """

    def below(_: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if not structlog.get_logger().is_enabled_for(
            logging.getLevelNamesMapping().get(method.upper(), logging.INFO)
        ):
            raise structlog.DropEvent
        return event

    def keep(_: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        fields = [
            f"{name}={_text(value)}" for name, value in event.items() if name not in (*WHO, "event")
        ]
        line = " ".join(
            [f"{datetime.now(UTC):%H:%M:%S}", method, _text(event.get("event")), *fields]
        )
        lines.append(clean(line)[:LINE_LIMIT])
        return event

    ensure_configured()
    logger = structlog.wrap_logger(
        None,
        processors=[keep, below, *structlog.get_config()["processors"]],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return cast("structlog.typing.FilteringBoundLogger", _Harmless(logger))


def write_lines(event: str, lines: Iterable[tuple[str, structlog.typing.EventDict]]) -> None:
    """Write a line for each (level, fields), as a logger would, with one time stamp and one write
    for all: a worker may end thousands of attempts a second.

    Where somebody else configured structlog, its processors get each line.
    """
    ensure_configured()
    config, logger = structlog.get_config(), structlog.get_logger()
    if config["processors"] != _ours:
        for level, fields in lines:
            getattr(logger, level)(event, **fields)
        return
    enabled = {
        level
        for level in ("info", "warning")
        if logger.is_enabled_for(logging.getLevelNamesMapping()[level.upper()])
    }
    shared = _stamp(logger, "", structlog.contextvars.get_contextvars())
    text = [
        _as_json(_redact_event(logger, level, {**shared, **fields, "event": event, "level": level}))
        for level, fields in lines
        if level in enabled
    ]
    if text:
        config["logger_factory"]().info(escaped("\n".join(text)))


class _Harmless:
    """A logger whose calls raise nothing: what a line holds, or how it is put together, must not
    fail a job.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._logger, name)
        return partial(self._call, name, method) if callable(method) else method

    def _call(self, name: str, method: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        try:
            result = method(*args, **fields)
        except BaseException as error:
            words = clean(" ".join(map(_text, args)))[:LINE_LIMIT]
            with suppress(BaseException):
                self._logger.warning(
                    "a log line could not be written", words=words, error=type(error).__name__
                )
            return self if name in BINDING else None
        return _Harmless(result) if name in BINDING else result


class _Unbreakable:
    """A stream whose failure stops nothing: a full disk or a closed pipe costs log lines, not the
    night.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(stream: TextIO, level: int = logging.INFO) -> None:
    """Send JSON lines to a stream. Local variables of a traceback are never logged:
    they hold keys.
    """
    structlog.configure(
        processors=list(_ours),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Unbreakable(stream))),
        cache_logger_on_first_use=False,
    )
