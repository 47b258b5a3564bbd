"""What a look at a WordPress tells of its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from contentstudio.publish import wordpress_check
from contentstudio.publish.cms_client import Answer


def told(*dates: str) -> list[bool]:
    answer = Answer(200, {}, httpx2.Headers([("Date", date) for date in dates]))
    return [found.ok and not found.mend for found in wordpress_check._clock(answer)]


def date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (-30, True), (-600, False), (7_200, False)])
def test_a_clock_that_is_wrong_by_minutes_is_told(seconds: float, ok: bool) -> None:
    assert told(date(seconds)) == [ok]


def test_of_the_dates_of_a_proxy_and_the_server_the_first_counts() -> None:
    assert told(date(-600), date(0)) == [False]


def test_a_server_that_tells_no_time_is_told_nothing_of() -> None:
    assert told() == []
