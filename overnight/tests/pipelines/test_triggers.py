"""Cron slots: right in time zones and at both changes of the clocks, caught up by policy, never
twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overnight.errors import ConfigError
from overnight.observability.schedule_advice import zero_work
from overnight.pipelines.triggers import (
    AT_ONCE,
    COUNTED,
    LATE,
    CatchUp,
    Cron,
    Due,
    Skipped,
    span,
)

NIGHTLY = Cron("0 4 * * *")
MINUTE = timedelta(minutes=1)
BELGRADE, NEW_YORK = "Europe/Belgrade", "America/New_York"
POLICIES = get_args(CatchUp)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def slots(cron: Cron, after: datetime, until: datetime) -> list[datetime]:
    """Every slot in (after, until], one by one."""
    found = []
    while (after := cron.next_slot(after)) <= until:
        found.append(after)
    return found


def test_a_slot_is_due_from_its_instant_on_and_not_before() -> None:
    last = utc(2026, 11, 22, 4)
    assert NIGHTLY.due(last, utc(2026, 11, 23, 3, 59, 59)) == Due()
    assert NIGHTLY.due(last, utc(2026, 11, 23, 4)) == Due((utc(2026, 11, 23, 4),))
    assert NIGHTLY.due(utc(2026, 11, 23, 4), utc(2026, 11, 23, 9)) == Due()


@pytest.mark.parametrize(
    ("policy", "grace", "hour", "fired", "skipped", "latest", "why"),
    [
        ("latest", 12, 9, [15], 13, 14, "a later one is fired instead"),
        ("latest", 12, 20, [], 14, 15, "they were more than 12 h late"),
        ("all", 12, 9, [15], 13, 14, "they were more than 12 h late"),
        ("all", 72, 9, [13, 14, 15], 11, 12, "they were more than 3 days late"),
        ("skip", 12, 9, [], 14, 15, "they were more than 1 min late"),
        ("skip", 12, 4, [15], 13, 14, "they were more than 1 min late"),
    ],
)
def test_after_two_weeks_down_the_policy_says_what_is_caught_up(
    policy: CatchUp, grace: int, hour: int, fired: list[int], skipped: int, latest: int, why: str
) -> None:
    cron = Cron("0 4 * * *", grace=timedelta(hours=grace), catch_up=policy)
    due = cron.due(utc(2026, 11, 1, 4), utc(2026, 11, 15, hour))
    assert due.fire == tuple(utc(2026, 11, day, 4) for day in fired)
    assert due.skipped == Skipped(skipped, utc(2026, 11, latest, 4), why)


def test_two_weeks_of_minutely_slots_fire_720_in_portions_of_100() -> None:
    cron, now = Cron("* * * * *", catch_up="all"), utc(2026, 11, 15, 9)
    first = cron.due(utc(2026, 11, 1, 9), now)
    assert first.skipped == Skipped(COUNTED, utc(2026, 11, 14, 21), "they were more than 12 h late")
    fired, counts = list(first.fire), [len(first.fire)]
    while due := cron.due(fired[-1], now).fire:
        fired += due
        counts.append(len(due))
    assert counts == [AT_ONCE] * 7 + [20]
    assert fired == [utc(2026, 11, 14, 21) + minute * MINUTE for minute in range(1, 721)]


@pytest.mark.parametrize("policy", POLICIES)
def test_decades_away_cost_no_more_steps_than_are_counted(
    policy: CatchUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cronsim import CronSim

    steps, step = [], CronSim.__next__

    def counted(self: Any) -> Any:
        steps.append(1)
        return step(self)

    monkeypatch.setattr(CronSim, "__next__", counted)
    due = Cron("* * * * *", BELGRADE, catch_up=policy).due(utc(1990, 1, 1), utc(2026, 11, 15, 9))
    assert (
        due.fire[-1] == utc(2026, 11, 14, 22, 40)
        if policy == "all"
        else due.fire == (utc(2026, 11, 15, 9),)
    )
    assert len(steps) < COUNTED + 1_000


def test_a_clock_that_steps_back_fires_nothing_again() -> None:
    assert NIGHTLY.due(utc(2026, 11, 23, 4), utc(2026, 11, 22, 23)) == Due()


@pytest.mark.parametrize(
    ("zone", "expression", "after", "expected"),
    [
        # Belgrade, 29 March: 02:00 becomes 03:00 at 01:00 UTC. What lies in the gap fires right
        # after it.
        (BELGRADE, "30 2 * * *", utc(2026, 3, 28, 12), ["29 01:00", "30 00:30", "31 00:30"]),
        (BELGRADE, "30 1 * * *", utc(2026, 3, 28, 12), ["29 00:30", "29 23:30", "30 23:30"]),
        (BELGRADE, "0 3 * * *", utc(2026, 3, 28, 12), ["29 01:00", "30 01:00", "31 01:00"]),
        (BELGRADE, "0 2,3 * * *", utc(2026, 3, 28, 12), ["29 01:00", "30 00:00", "30 01:00"]),
        (BELGRADE, "0 * * * *", utc(2026, 3, 28, 23), ["29 00:00", "29 01:00", "29 02:00"]),
        (BELGRADE, "*/30 * * * *", utc(2026, 3, 29, 0), ["29 00:30", "29 01:00", "29 01:30"]),
        (BELGRADE, "*/30 2 * * *", utc(2026, 3, 28, 12), ["30 00:00", "30 00:30", "31 00:00"]),
        # Belgrade, 25 October: 03:00 becomes 02:00 at 01:00 UTC. What lies in the repeated hour
        # fires the first time.
        (BELGRADE, "30 2 * * *", utc(2026, 10, 24, 12), ["25 00:30", "26 01:30", "27 01:30"]),
        (BELGRADE, "0 2 * * *", utc(2026, 10, 24, 12), ["25 00:00", "26 01:00", "27 01:00"]),
        (BELGRADE, "0 3 * * *", utc(2026, 10, 24, 12), ["25 02:00", "26 02:00", "27 02:00"]),
        (BELGRADE, "0 * * * *", utc(2026, 10, 24, 23), ["25 00:00", "25 01:00", "25 02:00"]),
        (
            BELGRADE,
            "*/30 2 * * *",
            utc(2026, 10, 24, 12),
            ["25 00:00", "25 00:30", "25 01:00", "25 01:30", "26 01:00"],
        ),
        # New York, 8 March: 02:00 becomes 03:00 at 07:00 UTC.
        (NEW_YORK, "30 2 * * *", utc(2026, 3, 7, 18), ["08 07:00", "09 06:30", "10 06:30"]),
        (NEW_YORK, "30 1 * * *", utc(2026, 3, 7, 18), ["08 06:30", "09 05:30", "10 05:30"]),
        (NEW_YORK, "0 3 * * *", utc(2026, 3, 7, 18), ["08 07:00", "09 07:00", "10 07:00"]),
        (NEW_YORK, "0 * * * *", utc(2026, 3, 8, 5), ["08 06:00", "08 07:00", "08 08:00"]),
        (NEW_YORK, "*/30 2 * * *", utc(2026, 3, 7, 18), ["09 06:00", "09 06:30", "10 06:00"]),
        # New York, 1 November: 02:00 becomes 01:00 at 06:00 UTC.
        (NEW_YORK, "30 1 * * *", utc(2026, 10, 31, 18), ["01 05:30", "02 06:30", "03 06:30"]),
        (NEW_YORK, "30 2 * * *", utc(2026, 10, 31, 18), ["01 07:30", "02 07:30", "03 07:30"]),
        (NEW_YORK, "0 * * * *", utc(2026, 11, 1, 4), ["01 05:00", "01 06:00", "01 07:00"]),
        (
            NEW_YORK,
            "*/30 1 * * *",
            utc(2026, 10, 31, 18),
            ["01 05:00", "01 05:30", "01 06:00", "01 06:30", "02 06:00"],
        ),
    ],
)
def test_slots_at_the_changes_of_the_clocks_are_these_instants(
    zone: str, expression: str, after: datetime, expected: list[str]
) -> None:
    cron, found = Cron(expression, zone), [after]
    for _ in expected:
        found.append(cron.next_slot(found[-1]))
    assert [f"{slot:%d %H:%M}" for slot in found[1:]] == expected


@pytest.mark.parametrize(
    ("zone", "expression", "repeated", "expected"),
    [
        (BELGRADE, "30 2 * * *", utc(2026, 10, 25, 1, 10), utc(2026, 10, 26, 1, 30)),
        (NEW_YORK, "30 1 * * *", utc(2026, 11, 1, 6, 10), utc(2026, 11, 2, 6, 30)),
    ],
)
def test_a_slot_fires_once_in_the_repeated_hour_at_a_dst_change(
    zone: str, expression: str, repeated: datetime, expected: datetime
) -> None:
    cron = Cron(expression, zone)
    assert cron.next_slot(repeated) == expected
    assert cron.due(repeated, repeated + timedelta(minutes=40)) == Due()


def by_the_wall_clock(day: date, at: time, zone: str) -> datetime:
    """The instant at which a clock on the wall first shows this time of that day, or a
    later one.
    """
    wall, instant = (
        datetime.combine(day, at),
        datetime.combine(day, time(), UTC) - timedelta(hours=15),
    )
    while instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wall:
        instant += timedelta(minutes=15)
    return instant


@given(
    zone=st.sampled_from([BELGRADE, NEW_YORK]),
    change=st.sampled_from(
        [date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 14), date(2027, 11, 7)]
    ),
    hour=st.integers(0, 23),
    quarter=st.integers(0, 3),
)
def test_a_nightly_schedule_fires_daily_around_a_clock_change(
    zone: str, change: date, hour: int, quarter: int
) -> None:
    days = [change + timedelta(days=offset) for offset in range(-3, 4)]
    expected = [by_the_wall_clock(day, time(hour, 15 * quarter), zone) for day in days]
    cron = Cron(f"{15 * quarter} {hour} * * *", zone)
    assert slots(cron, expected[0] - MINUTE, expected[-1]) == expected


FORMS = st.sampled_from(["*/7 * * * *", "0 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 4 * * 1-5"])
CRONS = st.builds(
    Cron,
    FORMS,
    st.sampled_from([BELGRADE, NEW_YORK, "UTC"]),
    grace=st.sampled_from([timedelta(minutes=1), timedelta(hours=3), timedelta(days=2)]),
    catch_up=st.sampled_from(POLICIES),
)
# A week that holds no change, and each that does.
BEGINNINGS = st.sampled_from(
    [utc(2026, 1, 5), utc(2026, 3, 6), utc(2026, 3, 27), utc(2026, 10, 23), utc(2026, 10, 30)]
)
SECONDS = st.integers(0, 5 * 86_400)


def carried(last: datetime, due: Due) -> datetime:
    """The last slot after all of this was fired and skipped."""
    return due.fire[-1] if due.fire else due.skipped.latest if due.skipped else last


@settings(max_examples=150, deadline=None)
@given(CRONS, BEGINNINGS, st.lists(SECONDS, min_size=1, max_size=12))
def test_whatever_the_clock_does_real_slots_fire_in_order_once(
    cron: Cron, beginning: datetime, moments: list[int]
) -> None:
    last, gone = beginning, []
    real = slots(cron, beginning, beginning + timedelta(days=6))
    for seconds in moments:
        now = beginning + timedelta(seconds=seconds)
        due = cron.due(last, now)
        passed = [slot for slot in real if last < slot <= now]
        fresh = [*([due.skipped.latest] if due.skipped else []), *due.fire]
        assert set(fresh) <= set(passed)
        assert all(a < b for a, b in pairwise([last, *fresh]))
        skipped = due.skipped.count if due.skipped else 0
        assert skipped + len(due.fire) == len(
            [slot for slot in passed if slot <= carried(last, due)]
        )
        gone += due.fire
        last = carried(last, due)
    assert len(gone) == len(set(gone))


@settings(max_examples=150, deadline=None)
@given(CRONS, BEGINNINGS, st.lists(SECONDS, min_size=1, max_size=6))
def test_over_any_polls_each_policy_fires_exactly_its_promise(
    cron: Cron, beginning: datetime, moments: list[int]
) -> None:
    looks = [beginning + timedelta(seconds=seconds) for seconds in sorted(moments)]
    last, fired = beginning, []
    for now in looks:
        while (due := cron.due(last, now)) != Due():
            fired += due.fire
            last = carried(last, due)
    promised = []
    for before, now in pairwise([beginning, *looks]):
        reach = MINUTE if cron.catch_up == "skip" else cron.grace
        fresh = [slot for slot in slots(cron, before, now) if slot > now - reach]
        promised += fresh if cron.catch_up == "all" else fresh[-1:]
    assert fired == promised


def test_a_slot_is_overdue_after_five_minutes_without_a_record() -> None:
    slot = utc(2026, 11, 23, 4)
    assert NIGHTLY.overdue(utc(2026, 11, 22, 4), slot + LATE - timedelta(seconds=1)) is None
    assert NIGHTLY.overdue(utc(2026, 11, 22, 4), slot + LATE) == slot
    assert NIGHTLY.overdue(utc(2026, 11, 2, 4), slot + LATE) == slot
    assert NIGHTLY.overdue(slot, slot + LATE) is None


@pytest.mark.parametrize(
    "wrong",
    ["every day", "0 4 * *", "99 4 * * *", "", "0 0 4 * * *", "30 4 31 2 *", "0 0 */31 * MON#5"],
)
def test_a_wrong_expression_is_named(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"no cron expression of five fields|fits no day"):
        Cron(wrong)


def test_a_wrong_zone_is_named() -> None:
    with pytest.raises(ConfigError, match="no time zone"):
        Cron("0 4 * * *", "Mars/Olympus")


def test_a_wrong_policy_or_a_grace_under_a_minute_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="“never” is no way to catch up: write latest, all or skip"
    ):
        Cron("0 4 * * *", catch_up="never")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="at least a minute"):
        Cron("0 4 * * *", grace=timedelta(seconds=59))


@pytest.mark.parametrize(
    ("nothing", "ended", "advised"),
    [
        (9, 9, False),
        (10, 10, True),
        (5, 10, False),
        (6, 10, True),
        (15, 30, False),
        (16, 30, True),
        (0, 0, False),
    ],
)
def test_advice_comes_when_most_of_ten_jobs_had_no_work(
    nothing: int, ended: int, advised: bool
) -> None:
    advice = zero_work(nothing, ended)
    assert (advice is not None) == advised
    if advice:
        assert f"found nothing in {nothing} of its last {ended} runs" in advice
        assert 'On("…")' in advice
        assert "Debounce" in advice


def test_spans_are_said_in_the_unit_that_people_would_take() -> None:
    spans = [timedelta(minutes=1), timedelta(minutes=90), timedelta(hours=12), timedelta(days=14)]
    assert [span(each) for each in spans] == ["1 min", "90 min", "12 h", "14 days"]
