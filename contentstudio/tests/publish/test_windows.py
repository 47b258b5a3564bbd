"""When a site may publish, by the clock on its own wall."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contentstudio.config import Window
from contentstudio.config.windows import gives_up_at, opens_in

HOUR = 3_600


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "hours"),
    [
        ({}, "2026-11-23 03:00", 0),
        ({"hours": ("08:00", "18:00")}, "2026-11-23 07:00", 1),
        ({"hours": ("08:00", "18:00")}, "2026-11-23 08:00", 0),
        ({"hours": ("08:00", "18:00")}, "2026-11-23 17:59:59", 0),
        ({"hours": ("08:00", "18:00")}, "2026-11-23 18:00", 14),
        ({"hours": ("08:00", "18:00"), "days": ["mon"]}, "2026-11-23 18:00", 6 * 24 + 14),
        ({"hours": ("22:00", "06:00"), "days": ["mon"]}, "2026-11-24 05:00", 0),
        ({"hours": ("22:00", "06:00"), "days": ["mon"]}, "2026-11-23 05:00", 17),
        ({"days": ["sat", "sun"]}, "2026-11-23 00:00", 5 * 24),
        ({"hours": ("08:00", "24:00")}, "2026-11-23 23:59", 0),
        ({"hours": ("08:00", "18:00"), "timezone": "Europe/Belgrade"}, "2026-11-23 06:00", 1),
        ({"hours": ("08:00", "18:00"), "timezone": "Europe/Belgrade"}, "2026-07-23 06:00", 0),
        (
            {"hours": ("08:00", "18:00"), "timezone": "Europe/Belgrade"},
            "2026-03-28 17:00",
            13,
        ),  # an hour is left out
        (
            {"hours": ("08:00", "18:00"), "timezone": "Europe/Belgrade"},
            "2026-10-24 16:00",
            15,
        ),  # an hour comes twice
        (
            {"hours": ("02:30", "06:00"), "timezone": "Europe/Belgrade"},
            "2026-03-29 00:30",
            1,
        ),  # 02:30 is left out
    ],
)
def test_a_site_publishes_when_its_window_opens(
    window: dict[str, object], now: str, hours: float
) -> None:
    assert opens_in(Window.model_validate(window), at(now)) == hours * HOUR


DAYTIME = {"hours": ("08:00", "18:00")}


@pytest.mark.parametrize(
    ("window", "since", "hours", "until"),
    [
        (None, "2026-11-23 12:00", 24, "2026-11-24 12:00"),
        ({}, "2026-11-23 12:00", 24, "2026-11-24 12:00"),
        ({}, "2026-11-23 12:00", 2, "2026-11-23 14:00"),
        ({}, "2026-11-23 23:00", 2, "2026-11-24 01:00"),
        ({"days": ["mon"]}, "2026-11-23 23:00", 2, "2026-12-01 00:00"),
        (DAYTIME, "2026-11-23 12:00", 24, "2026-11-24 12:00"),
        (DAYTIME, "2026-11-23 12:00", 6, "2026-11-23 18:00"),
        (DAYTIME, "2026-11-23 17:30", 6, "2026-11-24 18:00"),
        (DAYTIME, "2026-11-23 17:59:59", 24, "2026-11-24 17:59:59"),
        ({**DAYTIME, "days": ["mon"]}, "2026-11-23 17:30", 24, "2026-11-30 18:00"),
        ({**DAYTIME, "days": ["mon", "fri"]}, "2026-11-27 17:30", 24, "2026-11-30 18:00"),
        ({"hours": ("22:00", "02:00")}, "2026-11-23 23:30", 24, "2026-11-24 23:30"),
        ({"hours": ("22:00", "02:00")}, "2026-11-24 01:30", 3, "2026-11-25 02:00"),
        (
            {**DAYTIME, "timezone": "Europe/Belgrade"},
            "2026-10-24 15:59",
            12,
            "2026-10-25 17:00",
        ),  # an hour comes twice
    ],
)
def test_failures_are_retried_for_hours_or_through_a_next_window(
    window: dict[str, object] | None, since: str, hours: float, until: str
) -> None:
    made = None if window is None else Window.model_validate(window)
    assert gives_up_at(made, at(since), hours) == at(until)


@pytest.mark.parametrize(
    "window",
    [{"days": []}, {"hours": ("8:00", "18:00")}, {"timezone": "Mars"}, {"days": ["someday"]}],
)
def test_a_window_that_never_opens_is_refused(window: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Window"):
        Window.model_validate(window)
