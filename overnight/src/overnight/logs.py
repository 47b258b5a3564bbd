"""One JSON object a line, with `job_id`, `step`, `duration_ms`, `status`, and `cost_usd` where a
model was called.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, MutableSequence
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    import structlog

hidden: set[str] = set()  # values that are masked wherever text is shown
MASK = "•••"
SHOWN = 200  # characters of a value that are shown in a message


def hide(*secrets: str | None) -> None:
    """Values that must never be seen in a log line or an error, such as an API key."""
    hidden.update(secret for secret in secrets if secret)


def redact(text: str) -> str:
    """The text with every hidden value masked."""
    for secret in hidden:
        text = text.replace(secret, MASK)
    return text


def clean(text: str) -> str:
    """The text as it may be stored: without secrets, and without what Postgres cannot hold."""
    return redact(text).replace("\x00", "").encode("utf-8", "replace").decode()


def shown(value: object) -> str:
    """A value as a message shows it: whatever it is, shortened, without secrets."""
    try:
        text = clean(repr(value))
    except BaseException:
        text = f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


class _Log:
    """The log, whose library is loaded with the first line: most commands write none, and should
    not wait for it.

    Until somebody configures it, only warnings are told, beside the answer on standard output and
    never in it.
    """

    def __getattr__(self, method: str) -> Any:
        import structlog

        from overnight.log_output import ensure_configured

        ensure_configured()
        return getattr(structlog.get_logger(), method)


log = cast("structlog.typing.FilteringBoundLogger", _Log())


def listened(lines: MutableSequence[str]) -> structlog.typing.FilteringBoundLogger:
    """A logger as it is configured, of which each line from `INFO` on goes to `lines`, too."""
    from overnight import log_output

    return log_output.listened(lines)


def write_lines(event: str, lines: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Write a line of this event for each (level, fields), together."""
    from overnight import log_output

    log_output.write_lines(event, lines)


def configure(stream: TextIO, level: int = logging.INFO) -> None:
    """Send JSON lines to a stream."""
    from overnight import log_output

    log_output.configure(stream, level)
