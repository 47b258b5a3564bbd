"""`Retry-After` as servers send it: seconds, dates in each form of the standard, and what is
neither.
"""

from __future__ import annotations

import email.message
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from overnight.errors import MAX_RETRY_AFTER
from overnight.http_headers import retry_after
from overnight.llm import wire

NOW = datetime(2026, 11, 9, 4, 0, tzinfo=UTC)
HOUR = 3_600.0


def at(seconds: float, start: datetime = NOW) -> str:
    return format_datetime(start + timedelta(seconds=seconds), usegmt=True)


def waits(value: str | None, **others: str) -> float | None:
    headers = {} if value is None else {"Retry-After": value}
    return retry_after(headers | others, NOW, at_most=HOUR)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("+7", 7),
        ("0.5", 0.5),
        ("90.", 90),
        ("-3", 0),
        ("-0.25", 0),
        ("3600.5", HOUR),
        ("999999999999999999999", HOUR),
        ("9" * 400, HOUR),
    ],
)
def test_a_number_is_seconds_between_zero_and_the_maximum(value: str, seconds: float) -> None:
    assert waits(value) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (at(90), 90),
        ("Mon, 09 Nov 2026 04:01:30 GMT", 90),
        ("Monday, 09-Nov-26 04:01:30 GMT", 90),  # RFC 850
        ("Mon Nov  9 04:01:30 2026", 90),  # asctime
        ("Mon, 09 Nov 2026 04:01:30", 90),
        ("Mon, 09 Nov 2026 04:01:30 -0000", 90),
        ("Mon, 09 Nov 2026 05:01:30 +0100", 90),
        ("09 Nov 2026 04:01:30 GMT", 90),
        (at(0), 0),
        (at(-86_400), 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (at(9 * 86_400), HOUR),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),  # in no calendar
    ],
)
def test_a_date_in_any_form_is_the_seconds_until_it(value: str, seconds: float | None) -> None:
    assert waits(value) == seconds


@pytest.mark.parametrize("off", [-9 * 365 * 86_400, -3_600, 30, 86_400])
def test_a_date_counts_from_the_clock_of_the_server_that_sent_it(off: float) -> None:
    there = NOW + timedelta(seconds=off)
    assert waits(at(90, there), Date=at(0, there)) == 90
    assert waits("90", Date=at(0, there)) == 90


@pytest.mark.parametrize("date", ["", "yesterday", "0"])
def test_an_answer_whose_date_cannot_be_read_counts_from_now(date: str) -> None:
    assert waits(at(90), Date=date) == 90


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            "",
            " ",
            "soon",
            "nan",
            "inf",
            "-inf",
            "1e3",
            "0x10",
            "1_000",
            "7s",
            "7, 8",
            "--7",
            ".",
            "PT5M",
        ),
        *(
            "²",
            "١٢",
            "Ⅶ",
            "Mon, 99 Nov 2026 04:01:00 GMT",
            "Mon, 09 Nov 2026 25:01:00 GMT",
            "2026-11-09T04:01:00Z",
        ),
    ],
)
def test_what_is_neither_says_nothing(value: str | None) -> None:
    assert waits(value) is None


def test_a_header_is_found_in_any_case_and_in_any_container() -> None:
    message = email.message.Message()
    message["RETRY-AFTER"] = "7"
    for headers in (
        {"retry-after": "7"},
        {"Retry-After": "7"},
        httpx2.Headers({"Retry-After": "7"}),
        message,
    ):
        assert retry_after(headers, NOW, at_most=HOUR) == 7


def test_a_model_that_asks_for_a_week_is_asked_again_after_a_day() -> None:
    assert wire.waiting({"retry-after": str(7 * 86_400)}) == MAX_RETRY_AFTER
