"""Several calls of a model at once, of which none is lost that is paid."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from overnight.errors import Waiting

T = TypeVar("T")


async def gather(calls: Sequence[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """The results in order. After a failure no other call begins; those under way come to their
    end: they are paid. Answers that are waited for are no failure: all are asked for first.
    """
    turn = asyncio.Semaphore(at_once)
    failures: list[Exception] = []

    async def one(call: Callable[[], Awaitable[T]]) -> T | None:
        async with turn:
            if not all(map(_is_awaited, failures)):
                return None
            try:
                return await call()
            except Exception as error:
                failures.append(error)
                return None

    results = await asyncio.gather(*map(one, calls))
    if failures:
        raise min(failures, key=_is_awaited)
    return [result for result in results if result is not None]


def _is_awaited(failure: Exception) -> bool:
    """Whether the answer is on its way, and nothing holds other calls back."""
    return isinstance(failure, Waiting) and failure.held is None
