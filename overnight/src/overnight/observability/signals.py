"""The golden signals: counts by span become points of a chart, and what is unusual in them becomes
a sentence. Pure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any

from pydantic_core import from_json

SPANS = {
    300: 8,
    3_600: 40,
    86_400: 800,
}  # seconds of a span, and for how many days its sums are kept
KNOWN = 8_192  # counts that are kept as they were read: about 8 MB
MAX_POINTS = 600  # of one line in a chart: a longer time is shown by longer spans
GROWTH = 1.1  # from one bin of durations to the next, as `duration_bin` has it
RESULTS = ("done", "no_work", "review")  # how an attempt ends that came to a result
FAILED = ("retry", "error", "lost")  # how one ends that did not
SUCCEEDED = ("done", "no_work", "approved")  # how a run succeeds

ENOUGH = 20  # attempts from which a share or a percentile tells something
FRESH = timedelta(hours=6)  # what is older is not news
SPREADS = 4.0  # how many median deviations lie within the usual
NORMAL = 1.4826  # makes the median deviation comparable with a standard deviation
HOURS_KNOWN, WEEKDAYS_KNOWN = (
    3,
    2,
)  # samples of the same hour, and of the same hour and weekday, from which they count
GROWING = 6  # samples of the queue, half an hour, through which the oldest run grew older
STUCK_SECONDS = 900.0  # an age of the oldest due run that is worth a word


@dataclass(slots=True)
class Tally:
    """How attempts of one step ended in one span.

    `outcomes` are counted by name, `seconds` by the bin of the duration, `failures` by their number
    before a success. The counts of several tallies may be one object: only `add` makes others.
    """

    at: datetime
    step: str
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    failures: Counter[int] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count more of the same."""
        self.outcomes = _added(self.outcomes, other.outcomes)
        self.seconds = _added(self.seconds, other.seconds)
        self.failures = _added(self.failures, other.failures)

    @property
    def failed(self) -> int:
        return _sum(self.outcomes, FAILED)

    @property
    def attempts(self) -> int:
        """Attempts that came to a result or failed; what was put off or cancelled is neither."""
        return _sum(self.outcomes, FAILED + RESULTS)

    @property
    def succeeded(self) -> int:
        return _sum(self.outcomes, SUCCEEDED)

    @property
    def error_rate(self) -> float:
        attempts = self.attempts
        return self.failed / attempts if attempts else 0.0

    @property
    def mean_failures(self) -> float:
        """Failed attempts before a success."""
        return sum(number * count for number, count in self.failures.items()) / (
            self.failures.total() or 1
        )


def _sum(counts: Mapping[str, int], names: Sequence[str]) -> int:
    return sum([count for name, count in counts.items() if name in names])


def _added(counts: Counter[Any], more: Counter[Any]) -> Counter[Any]:
    both = counts.copy()
    both.update(more)
    return both


# The sums of a span that ended stay as they are, and each page and each look reads many of them.
@lru_cache(maxsize=KNOWN)
def _named(text: str) -> Counter[str]:
    """Counts by name, as JSON has them."""
    return Counter(from_json(text))


@lru_cache(maxsize=KNOWN)
def _numbered(text: str) -> Counter[int]:
    """Counts by number; the names of JSON are text."""
    counts = from_json(text)
    return Counter(dict(zip(map(int, counts), counts.values(), strict=True)))


@dataclass(frozen=True, slots=True)
class Sample:
    """A value at a moment, for the judgement of what is usual."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a chart that is unusual, beside what was usual until then."""

    at: datetime
    value: float
    usual: float


@dataclass(frozen=True, slots=True)
class Rule:
    """When a value is unusual: `ratio` times the median, `least` above it, and outside the spread.

    At least `samples` others have to be known.
    """

    ratio: float
    least: float
    samples: int


COST = Rule(ratio=2.0, least=1.0, samples=3)  # dollars, by days
LATENCY = Rule(ratio=1.5, least=1.0, samples=8)  # seconds
RETRIES = Rule(ratio=1.5, least=0.2, samples=8)  # failures before a success
ERRORS = Rule(ratio=2.0, least=0.1, samples=8)  # share of the attempts
SATURATION = Rule(ratio=2.0, least=STUCK_SECONDS, samples=24)  # seconds


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What is unusual, as an alert tells it: `kind` is cost, latency, retries, errors or
    saturation.

    `subject` is a day, a step (`pipeline/step`) or all, `text` the sentence; `value` and `usual`
    have its unit.
    """

    kind: str
    subject: str
    text: str
    at: datetime
    value: float
    usual: float


def span_for(since: datetime, until: datetime, now: datetime) -> int:
    """Seconds of the spans by which a time is shown: the shortest that are still kept and not too
    many.
    """
    for span, days in SPANS.items():
        if (until - since).total_seconds() <= span * MAX_POINTS and now - since < timedelta(
            days=days
        ):
            return span
    return max(SPANS)


def floor(moment: datetime, span: int) -> datetime:
    """The beginning of the span that a moment lies in."""
    seconds = int(moment.timestamp() // span) * span
    return datetime.fromtimestamp(seconds, UTC)


def ceil(moment: datetime, span: int) -> datetime:
    """The first beginning of a span that is not before a moment."""
    begin = floor(moment, span)
    return begin if begin == moment else begin + timedelta(seconds=span)


@dataclass(frozen=True, slots=True)
class Piece:
    """The sums of one span that begin from `since` until before `until`."""

    span: int
    since: datetime
    until: datetime


def pieces(since: datetime, until: datetime, span: int, now: datetime) -> list[Piece]:
    """The sums that a time is made of, without a gap: shorter spans lead up to the first of `span`
    that lies within.

    What is before the first piece is in no sum that is still kept: at most one of the shortest
    spans that are.
    """
    spans = [
        each for each, days in SPANS.items() if each < span and now - since < timedelta(days=days)
    ] + [span]
    begins = [since]
    for each in spans:
        begins.append(min(ceil(begins[-1], each), until))
    return [
        Piece(each, begin, end)
        for each, begin, end in zip(spans, begins[1:], (*begins[2:], until), strict=True)
    ]


def tallies(rows: Iterable[Mapping[str, Any]]) -> list[Tally]:
    """Rows of counts (as the text of JSON), of which several may be of one span and step, put
    together and in order of time.
    """
    sums: dict[tuple[datetime, str], Tally] = {}
    for row in rows:
        counts = _named(row["outcomes"]), _numbered(row["seconds"]), _numbered(row["failures"])
        tally = Tally(row["at"], f"{row['pipeline']}/{row['step']}", *counts)
        known = sums.setdefault((tally.at, tally.step), tally)
        if known is not tally:
            known.add(tally)
    return [sums[place] for place in sorted(sums)]


def by_step(items: Iterable[Tally]) -> list[Tally]:
    """The tallies of each step as one, in order of the steps' names."""
    of_step: dict[str, list[Tally]] = defaultdict(list)
    for tally in items:
        of_step[tally.step].append(tally)
    return [together(each) for _, each in sorted(of_step.items())]


def quantile(bins: Mapping[int, int], share: float) -> float | None:
    """Seconds that this share of the durations does not exceed, at most 5 % off; None without any.

    The middle of a bin is told: the root of 1.1 is 1.049. Below 1.1 ms and above 2 days the bins
    are open.
    """
    total = sum(bins.values())
    count = 0
    for number, more in sorted(bins.items()):
        count += more
        if total and count >= share * total:
            return float(GROWTH ** (number - 0.5) / 1000)
    return None


def together(items: Sequence[Tally]) -> Tally:
    """Several tallies of one step as one, at the latest of their spans."""
    if len(items) == 1:
        return items[0]
    total = Tally(max(each.at for each in items), items[0].step)
    for each in items:
        total.add(each)
    return total


def unusual(value: float, peers: Sequence[float], rule: Rule) -> float | None:
    """The median of the peers, where the value is far above it; None where it is not, or they are
    too few to tell.

    Median and median deviation, for one bad day among the peers must not hide the next one.
    """
    if len(peers) < rule.samples:
        return None
    usual = median(peers)
    spread = NORMAL * median([abs(peer - usual) for peer in peers])
    return (
        usual
        if value > max(usual * rule.ratio, usual + rule.least, usual + SPREADS * spread)
        else None
    )


def judge(history: Sequence[Sample], now: Sample, rule: Rule) -> float | None:
    """What was usual, where `now` is far above it; None where it is not.

    Where the same hour of other days is known, or of the same weekday, it has to be unusual for
    these too: what comes every Monday is no news.
    """
    usual = unusual(now.value, [sample.value for sample in history], rule)
    same_hour = [sample for sample in history if sample.at.hour == now.at.hour]
    same_weekday = [sample for sample in same_hour if sample.at.weekday() == now.at.weekday()]
    for peers, least in ((same_hour, HOURS_KNOWN), (same_weekday, WEEKDAYS_KNOWN)):
        if usual is None or len(peers) < least:
            break
        usual = unusual(
            now.value, [sample.value for sample in peers], Rule(rule.ratio, rule.least, least)
        )
    return usual


def marks(samples: Sequence[Sample], rule: Rule) -> list[Mark]:
    """The points of one line that were unusual for what came before them, in order of time."""
    judged = (
        (sample, judge(samples[:place], sample, rule)) for place, sample in enumerate(samples)
    )
    return [Mark(sample.at, sample.value, usual) for sample, usual in judged if usual is not None]


def cost_anomalies(hours: Sequence[Sample], now: datetime) -> list[Anomaly]:
    """Today and yesterday, where they cost far more than the days before until the same hour.

    `hours` are dollars by hour (UTC); one that is missing cost nothing, but for those before the
    first.
    """
    now = now.astimezone(UTC)
    anomalies = (
        _cost_anomaly(hours, now, now.hour),
        _cost_anomaly(hours, now - timedelta(days=1), 23),
    )
    return [anomaly for anomaly in anomalies if anomaly]


def _cost_anomaly(hours: Sequence[Sample], moment: datetime, last_hour: int) -> Anomaly | None:
    """The day of a moment, from midnight to the end of `last_hour`."""
    spent: dict[date, float] = defaultdict(float)
    for hour in hours:
        if hour.at.hour <= last_hour:
            spent[hour.at.date()] += hour.value
    day = moment.date()
    first = min((hour.at.date() for hour in hours), default=day)
    before = [_day(first + timedelta(days=n), spent) for n in range((day - first).days)]
    usual = judge(before, _day(day, spent), COST)
    if usual is None:
        return None
    until = "" if last_hour == 23 else f" until {last_hour + 1:02}:00 UTC"
    text = (
        f"{day}{until} cost ${spent[day]:.2f}; usually it is ${usual:.2f}, the median of "
        f"{len(before)} days before"
    )
    return Anomaly("cost", str(day), text, _midnight(day), spent[day], usual)


def _day(day: date, spent: Mapping[date, float]) -> Sample:
    return Sample(_midnight(day), spent.get(day, 0.0))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def step_anomalies(hours: Iterable[Tally], now: datetime) -> list[Anomaly]:
    """What is unusual in the latest attempts of each step, beside those of the days before: p95,
    failures, retries.

    `hours` are in order of time. As many of them are put together as it takes to have enough
    attempts.
    """
    steps: dict[str, list[Tally]] = defaultdict(list)
    for tally in hours:
        steps[tally.step].append(tally)
    anomalies = (
        _step_anomaly(step, items, now, drift)
        for step, items in sorted(steps.items())
        for drift in DRIFTS
    )
    return [anomaly for anomaly in anomalies if anomaly]


def chunks(
    items: Sequence[Tally], size: Callable[[Tally], int], enough: int = ENOUGH
) -> list[Tally]:
    """Tallies of one step, in order of time, put together from the latest back, so that each has
    enough by `size`.
    """
    groups: list[Tally] = []
    gathered: list[Tally] = []
    there = 0
    for tally in reversed(items):
        gathered.append(tally)
        there += size(tally)
        if there >= enough:
            groups.append(together(gathered))
            gathered, there = [], 0
    return groups[::-1]


@dataclass(frozen=True, slots=True)
class Drift:
    """How one signal of a step is judged: `value` of a tally, which counts `size` of what it is
    made of.
    """

    kind: str
    rule: Rule
    value: Callable[[Tally], float]
    size: Callable[[Tally], int]
    text: str


DRIFTS = (
    Drift(
        "latency",
        LATENCY,
        lambda tally: quantile(tally.seconds, 0.95) or 0.0,
        lambda tally: tally.seconds.total(),
        "the p95 of {step} is {value:.1f} s in its last {size} attempts; usually {usual:.1f} s",
    ),
    Drift(
        "errors",
        ERRORS,
        lambda tally: tally.error_rate,
        lambda tally: tally.attempts,
        "{value:.0%} of the last {size} attempts of {step} failed; usually {usual:.0%}",
    ),
    Drift(
        "retries",
        RETRIES,
        lambda tally: tally.mean_failures,
        lambda tally: tally.failures.total(),
        "{step} failed {value:.2f} times before each of its last {size} successes; "
        "usually {usual:.2f} times",
    ),
)


def _step_anomaly(step: str, items: Sequence[Tally], now: datetime, drift: Drift) -> Anomaly | None:
    gathered = chunks(items, drift.size)
    if not gathered or now - gathered[-1].at > FRESH:
        return None
    *before, latest = [Sample(tally.at, drift.value(tally)) for tally in gathered]
    usual = judge(before, latest, drift.rule)
    if usual is None:
        return None
    text = drift.text.format(
        step=step, value=latest.value, usual=usual, size=drift.size(gathered[-1])
    )
    return Anomaly(drift.kind, step, text, latest.at, latest.value, usual)


def saturation_anomaly(oldest: Sequence[Sample], now: datetime) -> Anomaly | None:
    """The oldest due run grew older from sample to sample, and is older than usual.

    `oldest` are its seconds, one for each five minutes, in order of time.
    """
    lately = oldest[-GROWING - 1 :]
    grows = len(lately) > GROWING and all(
        one.value < other.value for one, other in pairwise(lately)
    )
    if not grows or now - lately[-1].at > FRESH or lately[-1].value < STUCK_SECONDS:
        return None
    before, latest = oldest[: -len(lately)], lately[-1]
    usual = judge(before, latest, SATURATION) if len(before) >= SATURATION.samples else 0.0
    if usual is None:
        return None
    minutes = (latest.at - lately[0].at).total_seconds() / 60
    text = (
        f"the oldest due run waits for {latest.value / 60:.0f} min and grew older for "
        f"{minutes:.0f} min"
    )
    return Anomaly(
        "saturation",
        "all",
        f"{text}; usually it waits for {usual / 60:.0f} min",
        latest.at,
        latest.value,
        usual,
    )
