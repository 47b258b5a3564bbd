"""Counts become points, and what is unusual is told: a jump at once, the usual never."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overnight.observability import signals
from overnight.observability.signals import COST, ENOUGH, Sample, Tally

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
dollars = st.floats(0, 1e4)


def days(values: list[float]) -> list[Sample]:
    """A value for each day until yesterday, at noon."""
    first = NOW.replace(hour=12, minute=0) - len(values) * DAY
    return [Sample(first + number * DAY, value) for number, value in enumerate(values)]


def binned(seconds: list[float]) -> Counter[int]:
    """As `duration_bin` does it."""
    return Counter(min(200, max(1, ceil(log(max(each * 1000, 1)) / log(1.1)))) for each in seconds)


@given(st.lists(st.floats(0.0011, 100_000), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_at_most_five_percent_off(seconds: list[float], share: float) -> None:
    exact = sorted(seconds)[ceil(share * len(seconds)) - 1]
    told = signals.quantile(binned(seconds), share)
    assert told is not None
    assert abs(told - exact) <= 0.05 * exact


def test_there_is_no_quantile_of_nothing() -> None:
    assert signals.quantile({}, 0.95) is None


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1970),
    st.sampled_from([300, 86_400]),
)
def test_a_span_contains_its_moment_and_starts_at_a_multiple(moment: datetime, span: int) -> None:
    begin = signals.floor(moment, span)
    assert begin <= moment < begin + timedelta(seconds=span)
    assert begin.timestamp() % span == 0
    assert signals.ceil(moment, span) in (
        {begin} if begin == moment else {begin + timedelta(seconds=span)}
    )


@given(st.integers(1, 800 * 24))
def test_a_chart_has_spans_that_are_still_kept_and_not_too_many(hours: int) -> None:
    span = signals.span_for(NOW - hours * HOUR, NOW, NOW)
    assert hours * 3600 / span <= signals.MAX_POINTS or span == 86_400
    assert hours < signals.SPANS[span] * 24 or span == 86_400


def test_charts_show_two_days_by_five_minutes_two_weeks_by_hours() -> None:
    assert signals.span_for(NOW - 2 * DAY, NOW, NOW) == 300
    assert signals.span_for(NOW - 14 * DAY, NOW, NOW) == 3600
    assert signals.span_for(NOW - 14 * DAY, NOW - 13 * DAY, NOW) == 3600


@given(st.lists(dollars, max_size=20), dollars)
def test_what_is_not_above_the_median_is_never_unusual(peers: list[float], value: float) -> None:
    usual = signals.unusual(value, peers, COST)
    assert usual is None or value > usual


@given(st.lists(dollars, max_size=20), dollars, dollars)
def test_what_is_more_than_the_unusual_is_unusual(
    peers: list[float], value: float, more: float
) -> None:
    if signals.unusual(value, peers, COST) is not None:
        assert signals.unusual(value + more, peers, COST) is not None


@given(st.lists(dollars, min_size=3, max_size=20))
def test_a_value_near_identical_peers_is_not_unusual(peers: list[float]) -> None:
    usual = min(peers)
    alike = [usual] * len(peers)
    assert signals.unusual(usual, alike, COST) is None
    assert signals.unusual(usual * 1.9, alike, COST) is None


@given(st.lists(st.floats(0, 0.4), min_size=3, max_size=20), st.floats(0, 1))
def test_tiny_sums_are_never_unusual(peers: list[float], value: float) -> None:
    assert signals.unusual(value, peers, COST) is None


@given(st.lists(dollars, max_size=2), dollars)
def test_two_days_tell_nothing(peers: list[float], value: float) -> None:
    assert signals.unusual(value, peers, COST) is None


def test_one_dear_day_does_not_hide_the_next_one() -> None:
    assert signals.unusual(42.0, [4.2, 4.0, 42.0, 4.4, 4.1], COST) == 4.2


def test_what_comes_every_monday_is_unusual_only_on_other_days() -> None:
    rhythm = days([10.0 if number % 7 == 0 else 1.0 for number in range(28)])
    assert signals.judge(rhythm, Sample(NOW.replace(hour=12), 10.0), COST) is None
    assert signals.judge(rhythm, Sample(NOW.replace(hour=12) + DAY, 10.0), COST) == 1.0
    assert signals.judge(rhythm, Sample(NOW.replace(hour=12), 30.0), COST) == 10.0


def test_a_mark_stands_where_the_line_jumps() -> None:
    line = days([1.0] * 10 + [9.0] + [1.0] * 3)
    (mark,) = signals.marks(line, COST)
    assert (mark.at, mark.value, mark.usual) == (line[10].at, 9.0, 1.0)


def spent(by_day: list[float], today: float, hours: int = 24) -> list[Sample]:
    """Dollars by hour: evenly over each day, and today until now."""
    midnight = NOW.replace(hour=0, minute=0)
    first = midnight - len(by_day) * DAY
    past = [
        Sample(first + d * DAY + h * HOUR, value / hours)
        for d, value in enumerate(by_day)
        for h in range(hours)
    ]
    return past + [Sample(midnight + h * HOUR, today / (NOW.hour + 1)) for h in range(NOW.hour + 1)]


def test_a_tenfold_cost_is_reported_on_that_day_and_the_next() -> None:
    (today,) = signals.cost_anomalies(spent([4.2] * 10, 42.0), NOW)
    assert (today.kind, today.subject, round(today.value, 2), round(today.usual, 2)) == (
        "cost",
        "2026-11-23",
        42.0,
        2.62,
    )
    assert today.text == (
        "2026-11-23 until 15:00 UTC cost $42.00; usually it is $2.62, the median of 10 days before"
    )
    (yesterday,) = signals.cost_anomalies(spent([4.2] * 10 + [42.0], 2.0), NOW)
    assert (yesterday.subject, yesterday.text) == (
        "2026-11-22",
        "2026-11-22 cost $42.00; usually it is $4.20, the median of 10 days before",
    )


@pytest.mark.parametrize("by_day", [[4.2] * 10, [4.2, 4.2], [], [0.0] * 9 + [0.3]])
def test_a_usual_day_a_new_ledger_and_cents_are_no_anomaly(by_day: list[float]) -> None:
    assert (
        signals.cost_anomalies(spent(by_day, 2.6 if len(by_day) > 2 and by_day[0] else 0.9), NOW)
        == []
    )


def test_a_day_is_compared_with_the_same_hours_of_the_others() -> None:
    at_four = [Sample(NOW.replace(hour=4, minute=0) - d * DAY, 20.0) for d in range(11)]
    assert signals.cost_anomalies(at_four, NOW.replace(hour=4)) == []


def hours(*counts: tuple[int, float, int], each: int = 30) -> list[Tally]:
    """An hour of a step for each (failed of 30 attempts, seconds, failures before a success), the
    last of them now.
    """
    made = []
    for back, (failed, seconds, failures) in enumerate(reversed(counts)):
        good = each - failed
        counts = (
            Counter({"done": good, "error": failed}),
            Counter({binned([seconds]).most_common(1)[0][0]: good}),
            Counter({failures: good}),
        )
        made.append(Tally(signals.floor(NOW, 3600) - back * HOUR, "p/a", *counts))
    return made[::-1]


def test_the_counts_of_a_row_are_not_changed_by_adding_to_them() -> None:
    """They may be those of another answer, too."""
    row = {"at": NOW, "pipeline": "p", "step": "a", "seconds": '{"7": 2}', "failures": '{"0": 2}'}
    rows = [{**row, "outcomes": '{"done": 2}'}, {**row, "outcomes": '{"retry": 1}'}]
    for _ in range(2):
        (tally,) = signals.tallies(rows)
        assert (tally.outcomes, tally.seconds) == ({"done": 2, "retry": 1}, {7: 4})
        (alone,) = signals.tallies(rows[:1])
        assert (alone.outcomes, alone.seconds, alone.failures) == ({"done": 2}, {7: 2}, {0: 2})
        assert signals.together([alone, alone]).seconds == {7: 4}


CALM = (1, 10.0, 0)


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        (CALM, []),
        ((1, 14.0, 0), []),
        ((1, 20.0, 0), ["latency"]),
        ((12, 10.0, 0), ["errors"]),
        ((1, 10.0, 1), ["retries"]),
        ((12, 20.0, 2), ["latency", "errors", "retries"]),
    ],
)
def test_each_drift_of_a_step_is_told_by_its_name(
    now: tuple[int, float, int], kinds: list[str]
) -> None:
    assert [each.kind for each in signals.step_anomalies(hours(*[CALM] * 30, now), NOW)] == kinds


def test_a_drift_has_its_figures_in_the_sentence() -> None:
    (told,) = signals.step_anomalies(hours(*[CALM] * 30, (1, 20.0, 0)), NOW)
    assert told.subject == "p/a"
    assert told.text.startswith("the p95 of p/a is ")
    assert told.text.endswith(f"s in its last 29 attempts; usually {told.usual:.1f} s")


def test_few_attempts_are_gathered_over_hours_before_a_verdict() -> None:
    calm, slow = (0, 10.0, 0), (0, 30.0, 0)
    assert signals.step_anomalies(hours(*[calm] * 300, slow, each=1), NOW) == []
    assert [
        each.kind for each in signals.step_anomalies(hours(*[calm] * 300, slow, slow, each=1), NOW)
    ] == ["latency"]


@given(st.lists(st.integers(1, 50), max_size=40))
def test_gathered_tallies_have_enough_and_none_is_counted_twice(counts: list[int]) -> None:
    tallies = [Tally(NOW + n * HOUR, "p/a", Counter(done=count)) for n, count in enumerate(counts)]
    made = signals.chunks(tallies, lambda tally: tally.attempts)
    assert all(each.attempts >= ENOUGH for each in made)
    assert sum(counts) - sum(each.attempts for each in made) < ENOUGH
    assert [each.at for each in made] == sorted({each.at for each in made})


def test_what_ended_long_ago_is_no_news() -> None:
    assert signals.step_anomalies(hours(*[CALM] * 30, (12, 10.0, 0)), NOW + 7 * HOUR) == []


def queued(*seconds: float) -> list[Sample]:
    """The age of the oldest due run, each five minutes until now."""
    return [
        Sample(NOW - timedelta(minutes=5 * back), value)
        for back, value in enumerate(reversed(seconds))
    ][::-1]


GROWS = [1000.0 + 300 * n for n in range(7)]


def test_a_line_that_only_grows_older_is_told() -> None:
    told = signals.saturation_anomaly(queued(*[5.0] * 30, *GROWS), NOW)
    assert told is not None
    assert told.text == (
        "the oldest due run waits for 47 min and grew older for 30 min; usually it waits for 0 min"
    )


@pytest.mark.parametrize(
    "seconds",
    [
        [5.0] * 40,
        [*[5.0] * 30, *GROWS[:3], 900.0, *GROWS[3:]],  # somebody takes from it
        [*[5.0] * 30, *[number + 1.0 for number in range(7)]],  # nothing waits for long
        [*[3000.0] * 30, *GROWS],  # as long as ever
        GROWS[:5],
    ],
)
def test_a_line_that_moves_or_is_short_or_as_long_as_ever_is_not(seconds: list[float]) -> None:
    assert signals.saturation_anomaly(queued(*seconds), NOW) is None
