"""Group commit: what several tasks write at the same moment goes in one statement and one commit.

Nobody waits for company. What comes alone is written at once; what comes while a statement is on
its way makes up the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from overnight.errors import LedgerUnavailable, TooSlow

T = TypeVar("T")

MOST = 200  # items in one statement
CHARACTERS = 8_000_000  # of them, far below what one message to Postgres may hold


@dataclass(eq=False, slots=True)
class _Item(Generic[T]):
    text: str
    result: asyncio.Future[T] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class GroupCommit(Generic[T]):
    """`write` writes items, each a text, and gives a result for each. One that the database refuses
    is refused alone: the others of its statement are written.

    `unclaimed` is called with each result whose task was cancelled meanwhile: an item on its way is
    written all the same.
    """

    def __init__(
        self,
        write: Callable[[Sequence[str]], Awaitable[Sequence[T]]],
        unclaimed: Callable[[T], object] = lambda result: None,
    ) -> None:
        self._write = write
        self._unclaimed = unclaimed
        self._waiting = deque[_Item[T]]()
        self._task: asyncio.Task[None] | None = None

    async def add(self, text: str) -> T:
        """Write an item; its result. Raises what `write` raises."""
        item = self._queue(text)
        try:
            return await asyncio.shield(item.result)
        except asyncio.CancelledError:
            if item in self._waiting:
                self._waiting.remove(item)
            item.result.add_done_callback(self._hand_back)
            raise

    def add_soon(self, text: str) -> None:
        """Write an item, for one who does not wait for its result."""
        self._queue(text)

    def _queue(self, text: str) -> _Item[T]:
        item = _Item[T](text)
        self._waiting.append(item)
        if self._task is None or self._task.done():
            # for all who ask, so with the log context of none of them
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
        return item

    async def _run(self) -> None:
        while self._waiting:
            await self._write_group(self._next_group())

    def _next_group(self) -> list[_Item[T]]:
        group = [self._waiting.popleft()]
        size = len(group[0].text)
        while self._waiting and len(group) < MOST and size < CHARACTERS:
            group.append(self._waiting.popleft())
            size += len(group[-1].text)
        return group

    async def _write_group(self, group: Sequence[_Item[T]]) -> None:
        try:
            results = await self._write([item.text for item in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, LedgerUnavailable | TooSlow):
                for item in group:
                    await self._write_group([item])
                return
            for item in group:
                item.result.set_exception(error)
                item.result.exception()  # seen: whoever asked may be gone
            return
        for item, result in zip(group, results, strict=True):
            item.result.set_result(result)

    def _hand_back(self, result: asyncio.Future[T]) -> None:
        if result.exception() is None:
            self._unclaimed(result.result())
