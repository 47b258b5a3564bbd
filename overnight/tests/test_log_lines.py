"""Lines of the log that are written together are like those that a logger writes one by one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from overnight import logs

LINES: list[tuple[str, dict[str, Any]]] = [
    ("info", {"job_id": "a", "number": 1}),
    ("warning", {"job_id": "b", "error": "the key is s3cret"}),
    ("info", {"text": "\ud800", "thing": object}),
]


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    before = structlog.get_config() if structlog.is_configured() else None
    hidden = set(logs.hidden)
    yield
    logs.hidden.clear()
    logs.hidden.update(hidden)
    structlog.reset_defaults() if before is None else structlog.configure(**before)


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines without their moments, which are checked to be there."""
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert all(line.pop("timestamp").endswith("Z") for line in lines)
    return lines


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.ERROR])
def test_lines_together_are_like_lines_one_by_one(level: int) -> None:
    logs.hide("s3cret")
    together, alone = io.StringIO(), io.StringIO()
    with structlog.contextvars.bound_contextvars(worker="w1"):
        logs.configure(together, level)
        logs.write_lines("step", LINES)
        logs.configure(alone, level)
        for name, fields in LINES:
            getattr(logs.log, name)("step", **fields)
    assert written(together) == written(alone)
    assert len(written(together)) == {logging.INFO: 3, logging.WARNING: 1}.get(level, 0)
    assert "s3cret" not in together.getvalue()


class Stream(io.StringIO):
    """Counts its writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def test_a_thousand_lines_are_one_write() -> None:
    stream = Stream()
    logs.configure(stream)
    logs.write_lines("step", [("info", {"number": number}) for number in range(1_000)])
    assert [line["number"] for line in written(stream)] == list(range(1_000))
    assert stream.writes == 1


def test_no_line_writes_nothing() -> None:
    stream = Stream()
    logs.configure(stream)
    logs.write_lines("step", [])
    assert stream.writes == 0


def test_processors_of_the_app_get_each_line() -> None:
    with structlog.testing.capture_logs() as lines:
        logs.write_lines("step", LINES[:2])
    assert [(line["log_level"], line["job_id"]) for line in lines] == [
        ("info", "a"), ("warning", "b"),
    ]  # fmt: skip
