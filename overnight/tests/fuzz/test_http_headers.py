"""Headers of HTTP answers with generated inputs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from overnight.http_headers import retry_after

NOW = datetime(2026, 11, 9, 4, 0, tzinfo=UTC)
MOST = 3_600.0
PIECES = st.sampled_from(
    ["Mon, ", " ", "09", "-", "Nov", "2026", "04:01:30", "GMT", "+0100", "+99999999", "."]
)
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
VALUES = st.text(max_size=40) | st.lists(PIECES, max_size=12).map("".join)


@given(VALUES, VALUES)
def test_any_header_gives_no_wait_or_one_within_the_limit(value: str, date: str) -> None:
    wait = retry_after({"Retry-After": value, "Date": date}, NOW, at_most=MOST)
    assert wait is None or 0 <= wait <= MOST


@given(st.integers(-(10**7), 10**7), st.integers(int(FIRST.timestamp()), int(LAST.timestamp())))
def test_a_date_is_the_seconds_from_the_date_of_its_answer(seconds: int, sent: int) -> None:
    there = datetime.fromtimestamp(sent, UTC)
    headers = {
        "retry-after": format_datetime(there + timedelta(seconds=seconds), usegmt=True),
        "date": format_datetime(there, usegmt=True),
    }
    assert retry_after(headers, NOW, at_most=MOST) == min(max(seconds, 0), MOST)
