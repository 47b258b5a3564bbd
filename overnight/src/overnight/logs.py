"""One JSON object a line, with `job_id`, `step`, `duration_ms`, `status`, and `cost_usd` where a
model was called.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableSequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO, cast

from pydantic_core import to_json

if TYPE_CHECKING:
    import structlog

_secrets: set[str] = set()
MASK = "•••"
WHO = ("job_id", "step", "attempt")  # whose line it is, which a page says once
LINE_LIMIT = 500  # characters of a line that is kept
BINDING = (
    "bind",
    "unbind",
    "try_unbind",
    "new",
)  # what a logger has that answers with another logger


def hide(*secrets: str | None) -> None:
    """Values that must never be seen in a log line or an error, such as an API key."""
    _secrets.update(secret for secret in secrets if secret)


def redact(text: str) -> str:
    """The text with every hidden value masked."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    return text


def clean(text: str) -> str:
    """The text as it may be stored: without secrets, and without what Postgres cannot hold."""
    return redact(text).replace("\x00", "").encode("utf-8", "replace").decode()


def _redact_event(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if not _secrets:
        return event
    return {
        name: redact(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _json(event: structlog.typing.EventDict, **_: Any) -> str:
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


class _Log:
    """The log, whose library is loaded with the first line: most commands write none, and should
    not wait for it.

    Until somebody configures it, only warnings are told, beside the answer on standard output and
    never in it.
    """

    def __getattr__(self, method: str) -> Any:
        import structlog

        _ensure_configured()
        return getattr(structlog.get_logger(), method)


def _ensure_configured() -> None:
    import structlog

    if not structlog.is_configured():
        configure(sys.stderr, logging.WARNING)


log = cast("structlog.typing.FilteringBoundLogger", _Log())


def listened(lines: MutableSequence[str]) -> structlog.typing.FilteringBoundLogger:
    """A logger as it is configured, of which each line goes to `lines` too, as a person reads it
    and may see it.

    Lines from `INFO` on are kept whatever level the log itself has: who looks at a failure wants
    them.
    """
    import structlog

    def below(_: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if not structlog.get_logger().is_enabled_for(
            logging.getLevelNamesMapping().get(method.upper(), logging.INFO)
        ):
            raise structlog.DropEvent
        return event

    def keep(_: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        told = [
            f"{name}={_text(value)}" for name, value in event.items() if name not in (*WHO, "event")
        ]
        said = " ".join([f"{datetime.now(UTC):%H:%M:%S}", method, _text(event.get("event")), *told])
        lines.append(clean(said)[:LINE_LIMIT])
        return event

    _ensure_configured()
    logger = structlog.wrap_logger(
        None,
        processors=[keep, below, *structlog.get_config()["processors"]],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return cast("structlog.typing.FilteringBoundLogger", _Harmless(logger))


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
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            _redact_event,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Unbreakable(stream))),
        cache_logger_on_first_use=False,
    )
