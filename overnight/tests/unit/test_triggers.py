"""Cron slots: right in time zones and at both DST changes, caught up once, within their grace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.errors import ConfigError
from overnight.triggers import Cron

NIGHTLY = Cron("0 4 * * *")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_a_slot_is_due_from_its_instant_on_and_not_before() -> None:
    last = utc(2026, 11, 22, 4)
    assert NIGHTLY.due_slot(last, utc(2026, 11, 23, 3, 59, 59)) is None
    assert NIGHTLY.due_slot(last, utc(2026, 11, 23, 4)) == utc(2026, 11, 23, 4)
    assert NIGHTLY.due_slot(utc(2026, 11, 23, 4), utc(2026, 11, 23, 9)) is None


def test_after_two_weeks_down_one_slot_fires_and_only_within_its_grace() -> None:
    last = utc(2026, 11, 1, 4)
    assert NIGHTLY.due_slot(last, utc(2026, 11, 15, 9)) == utc(2026, 11, 15, 4)
    assert NIGHTLY.due_slot(last, utc(2026, 11, 15, 20)) is None


def test_a_clock_that_steps_back_fires_nothing_again() -> None:
    assert NIGHTLY.due_slot(utc(2026, 11, 23, 4), utc(2026, 11, 22, 23)) is None


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        ("Europe/Belgrade", utc(2026, 3, 29), 1),  # 02:30 does not exist that night: it fires once, at 03:00
        ("Europe/Belgrade", utc(2026, 10, 25), 1),  # 02:30 exists twice that night: it fires once
        ("America/New_York", utc(2026, 3, 8), 1),
        ("America/New_York", utc(2026, 11, 1), 1),
    ],
)
def test_a_nightly_slot_fires_once_at_both_changes(zone: str, day: datetime, slots: int) -> None:
    cron = Cron("30 2 * * *", zone)
    last, fired, now = day - timedelta(hours=12), [], day - timedelta(hours=12)
    while now < day + timedelta(hours=18):
        slot = cron.due_slot(last, now)
        if slot is not None:
            fired.append(slot)
            last = slot
        now += timedelta(minutes=10)
    assert len(fired) == slots


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), st.integers(0, 40 * 24 * 3600))  # noqa: DTZ001
def test_the_slot_that_fires_lies_between_the_last_one_and_now(moment: datetime, away: int) -> None:
    last = moment.replace(tzinfo=UTC)
    now = last + timedelta(seconds=away)
    slot = NIGHTLY.due_slot(last, now)
    assert slot is None or (last < slot <= now and (slot.hour, slot.minute) == (4, 0))
    if away >= 24 * 3600 and now.hour >= 4 and now.hour < 16:
        assert slot is not None


@pytest.mark.parametrize("wrong", ["every day", "0 4 * *", "99 4 * * *", ""])
def test_a_wrong_expression_is_named(wrong: str) -> None:
    with pytest.raises(ConfigError, match="no cron expression"):
        Cron(wrong)


def test_a_wrong_zone_is_named() -> None:
    with pytest.raises(ConfigError, match="no time zone"):
        Cron("0 4 * * *", "Mars/Olympus")
