"""The class of an error (transient, permanent, unknown), and its one line for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from overnight.errors import ConfigError, ErrorClass, OutcomeUnknown, Permanent, Transient, Waiting

ErrorRows = (
    Mapping[type[BaseException], ErrorClass] | Iterable[tuple[type[BaseException], ErrorClass]]
)
OURS: Mapping[type[BaseException], ErrorClass] = {Transient: "transient", Permanent: "permanent"}


class ErrorTable:
    """Which class an exception of a step belongs to: that of its nearest base that the app or we
    have classed, else what is known of the errors of libraries.

    What is no fault of the step (the ledger away, a switch off) never comes here. What nothing
    knows is `unknown`, which is not retried: a bug does not heal by being run again.
    """

    def __init__(self, rows: ErrorRows = ()) -> None:
        self._rows = {**OURS, **dict(rows)}
        for type_, class_ in self._rows.items():
            if not isinstance(type_, type) or class_ not in get_args(ErrorClass):
                raise ConfigError(
                    f"errors: {type_} cannot be “{class_}”; write a class of exceptions, and "
                    f"for it one of: {', '.join(get_args(ErrorClass))}"
                )

    def classify(self, error: BaseException) -> ErrorClass:
        for base in type(error).__mro__:
            if base in self._rows:
                return self._rows[base]
        from overnight import known_errors

        return known_errors.classify(error)


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
