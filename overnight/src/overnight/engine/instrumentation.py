"""The seam for log lines, traces, metrics and hooks: instruments, which decide nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from overnight.engine.in_flight import InFlight
from overnight.error_classes import describe
from overnight.logs import log
from overnight.pipelines.app import App
from overnight.pipelines.extensions import Extension
from overnight.store.database import Row
from overnight.store.ledger import Ledger
from overnight.store.records import Ending


class Instrument:
    """Observes the attempts of one worker, all in its event loop. An error in any method but `open`
    is logged, and stops nothing.
    """

    async def open(self, app: App, ledger: Ledger) -> None:
        """Before the first attempt begins. An error ends the worker."""

    async def close(self) -> None:
        """After the last ending was written."""

    def started(self, attempt: InFlight) -> None:
        """An attempt begins; called in its own context, so context variables hold for its step."""

    async def written(self, attempts: Sequence[InFlight]) -> None:
        """The endings of these attempts are written. Results that came too late are not among
        them.
        """

    def rescued(self, row: Row) -> None:
        """This worker took back a run whose owner is dead; `row` as given by rescue.sql."""


class Observer(Extension):
    """An extension with an instrument for each worker."""

    def instrument(self) -> Instrument:
        return Instrument()


class Instruments:
    """Several as one, in their order."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._all = instruments
        # An attempt is short: do not call what does nothing.
        self._of_starts = [i for i in instruments if type(i).started is not Instrument.started]

    @asynccontextmanager
    async def opened(self, app: App, ledger: Ledger) -> AsyncIterator[None]:
        """Open as long as the block lasts."""
        async with AsyncExitStack() as stack:
            for instrument in self._all:
                await instrument.open(app, ledger)
                stack.push_async_callback(self._close, instrument)
            yield

    async def _close(self, instrument: Instrument) -> None:
        with _logged(instrument):
            await instrument.close()

    def started(self, attempt: InFlight) -> None:
        for instrument in self._of_starts:
            with _logged(instrument):
                instrument.started(attempt)

    async def written(self, attempts: Sequence[InFlight]) -> None:
        for instrument in self._all:
            with _logged(instrument):
                await instrument.written(attempts)

    def rescued(self, row: Row) -> None:
        for instrument in self._all:
            with _logged(instrument):
                instrument.rescued(row)


@contextmanager
def _logged(instrument: Instrument) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.warning("instrument failed", name=type(instrument).__name__, error=describe(error))


class OnEnding(Instrument):
    """Calls a function with each ending."""

    def __init__(self, call: Callable[[Ending], None]) -> None:
        self._call = call

    async def written(self, attempts: Sequence[InFlight]) -> None:
        for attempt in attempts:
            with _logged(self):
                self._call(attempt.result)
