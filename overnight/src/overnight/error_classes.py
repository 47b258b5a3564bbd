"""The class of an error (transient, permanent, unknown), and its one line for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from overnight.errors import OutcomeUnknown, Permanent, Transient, Waiting

ErrorClass = Literal["transient", "permanent", "unknown"]


class ErrorTable:
    """Which class an exception of a step belongs to: the first row that fits decides, ours after
    the app's own.

    What is no fault of the step (the ledger away, a switch off) never comes here. What no row knows
    is `unknown`, which is not retried: a bug does not heal by being run again.
    """

    OURS: tuple[tuple[type[BaseException], ErrorClass], ...] = (
        (Transient, "transient"),
        (Permanent, "permanent"),
        (TimeoutError, "transient"),
        (ConnectionError, "transient"),
    )

    def __init__(self, rows: Iterable[tuple[type[BaseException], ErrorClass]] = ()) -> None:
        self._rows = (*rows, *self.OURS)

    def classify(self, error: BaseException) -> ErrorClass:
        return next((class_ for type_, class_ in self._rows if isinstance(error, type_)), "unknown")


def joined(messages: list[str]) -> str:
    different = list(dict.fromkeys(messages))
    return (
        different[0] if len(different) == 1 else f"{len(messages)} errors: {'; '.join(different)}"
    )


def parts_of(error: BaseException, errors: ErrorTable) -> list[BaseException]:
    """The errors of a group and of the groups in it, unless the app has a row for the
    group itself.
    """
    parts, rest = list[BaseException](), [error]
    while rest:
        each = rest.pop(0)
        if isinstance(each, BaseExceptionGroup) and errors.classify(each) == "unknown":
            rest[:0] = each.exceptions
        else:
            parts.append(each)
    return parts


def describe(error: BaseException) -> str:
    """One line for a person: our own errors speak for themselves, others are named, and of a group
    each one.
    """
    parts = parts_of(error, ErrorTable())
    return joined(list(map(describe_one, parts)))


def describe_one(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "its message cannot be read"
    if isinstance(error, Transient | Permanent | Waiting | OutcomeUnknown):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
