"""Instruments: what they see, and that their errors stop nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from overnight import App
from overnight.engine import spans
from overnight.engine.in_flight import InFlight
from overnight.engine.instrumentation import Instrument, Instruments, OnEnding
from overnight.observability.ending_log import EndingLog
from overnight.store.records import Ending, Run, Status, Transition

NOTHING: Any = None


def ended(transition: Transition, number: int = 1) -> InFlight:
    run = Run(number, f"job {number}", "s", "p", "", 1, 0, None)
    return InFlight(run, ending=Ending(run, transition))


DONE = ended(Transition(Status.SUCCEEDED, "done"))


class Recorder(Instrument):
    """Records each call; those of the names in `fails` raise then."""

    def __init__(self, *fails: str) -> None:
        self.calls: list[str] = []
        self._fails = fails

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self._fails:
            raise OSError("the collector is gone")

    async def open(self, app: App, ledger: Any) -> None:
        self._call("open")

    async def close(self) -> None:
        self._call("close")

    def started(self, attempt: InFlight) -> None:
        self._call("started")

    async def written(self, attempts: Sequence[InFlight]) -> None:
        self._call("written")

    def rescued(self, row: Any) -> None:
        self._call("rescued")


async def use(*each: Instrument) -> None:
    instruments = Instruments(each)
    async with instruments.opened(App("app", []), NOTHING):
        instruments.started(DONE)
        await instruments.written([DONE])
        instruments.rescued({})


@pytest.mark.parametrize("name", ["started", "written", "rescued", "close"])
async def test_an_instruments_error_is_logged_and_the_others_still_run(name: str) -> None:
    broken, sound = Recorder(name), Recorder()
    with capture_logs() as lines:
        await use(broken, Instrument(), sound)
    assert broken.calls == sound.calls == ["open", "started", "written", "rescued", "close"]
    assert [(line["event"], line["name"]) for line in lines] == [("instrument failed", "Recorder")]


async def test_an_instrument_that_cannot_open_closes_the_opened_ones() -> None:
    first, broken, last = Recorder(), Recorder("open"), Recorder()
    with pytest.raises(OSError, match="the collector is gone"):
        await use(first, broken, last)
    assert (first.calls, broken.calls, last.calls) == (["open", "close"], ["open"], [])


async def test_a_hook_gets_every_ending_though_it_fails_at_each() -> None:
    endings = []

    def hook(ending: Ending) -> None:
        endings.append(ending)
        raise OSError("the terminal is gone")

    with capture_logs() as lines:
        await OnEnding(hook).written([DONE, DONE])
    assert (endings, len(lines)) == ([DONE.result] * 2, 2)


@pytest.mark.parametrize(("transition", "level", "fields"), [
    (Transition(Status.SUCCEEDED, "done"), "info", {}),
    (Transition(Status.SUCCEEDED, "no_work", "no topic"), "info", {"reason": "no topic"}),
    (Transition(Status.QUEUED, "retry", "502", "transient"), "info", {"error": "502"}),
    (Transition(Status.NEEDS_REVIEW, "review", "thin"), "warning", {"reason": "thin"}),
    (Transition(Status.DEAD, "error", "404", "permanent"), "warning", {"error": "404"}),
])  # fmt: skip
async def test_the_log_warns_of_what_needs_a_person(
    transition: Transition, level: str, fields: dict[str, str]
) -> None:
    with capture_logs() as lines:
        await EndingLog().written([ended(transition)])
    (line,) = lines
    assert (line["event"], line["log_level"], line["outcome"]) == (
        "step",
        level,
        transition.outcome,
    )
    assert {name: line.get(name) for name in ("reason", "error") if name in line} == fields


def test_spans_are_recorded_only_for_the_attempt_in_context() -> None:
    with spans.span("before any attempt"):
        pass
    parts: list[spans.Span] = []
    token = spans.current_spans.set(parts)
    try:
        with spans.span("ask", {"model": "m"}) as attributes:
            attributes["tokens"] = 7
        with pytest.raises(ValueError, match="no"), spans.span("fail"):
            raise ValueError("no")
        for _ in range(spans.MAX_SPANS):
            with spans.span("many"):
                pass
    finally:
        spans.current_spans.reset(token)
    ask, fail, *rest = parts
    assert (ask.name, ask.attributes, ask.error) == ("ask", {"model": "m", "tokens": 7}, None)
    assert (fail.error, ask.started <= ask.ended <= fail.ended) == ("ValueError", True)
    assert len(rest) == spans.MAX_SPANS - 2
