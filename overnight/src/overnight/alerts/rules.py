"""What is told when. Pure: from what a channel does not know yet, the hour, and when it was last
told something.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from shlex import quote as quoted
from typing import Any, Literal, get_args
from urllib.parse import quote

from overnight.alerts.channel import Channel
from overnight.alerts.heartbeat import Heartbeat
from overnight.alerts.message import TEXT_LIMIT, Item, Message, State
from overnight.errors import ConfigError
from overnight.pipelines.triggers import Cron

Urgency = Literal["now", "morning"]

AGAIN = (
    600.0,
    3_600.0,
    4 * 3_600.0,
    86_400.0,
)  # seconds after which an alert that keeps coming is told again
PACE = (
    0.0,
    60.0,
    180.0,
    600.0,
    900.0,
)  # seconds between two messages, by how many the last hour had
PACE_WITHIN = 3_600.0  # seconds for which messages count in the pace
SHOWN = 20  # alerts in one message; the others are counted
RETRY = (10.0, 30.0, 60.0, 120.0, 300.0)  # seconds after the tries of a message that failed
RETRY_AT_MOST = 3_600.0  # seconds; also for a channel that somebody has to mend first


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kind of alert is called, whom it may wake, what to press (a command), and its page in
    the console.

    `{job}` is filled in. While a `critical` one is open, the heartbeat says so: the work itself
    stands still. No more are, for a monitor that is red already cannot tell that the last worker
    has gone.
    """

    urgency: Urgency
    what: str
    press: str = "alerts"
    page: str = "/alerts"
    critical: bool = False


RULES: dict[str, Rule] = {
    "dead_letter": Rule("now", "dead letter", "show {job}", "/jobs/{job}"),
    "breaker": Rule("now", "breaker is open", "breakers", "/breakers"),
    "missed_slot": Rule("now", "schedule missed", "schedules", "/schedules", critical=True),
    "budget_spent": Rule("now", "budget is spent", "budgets", "/budgets"),
    "cost": Rule("now", "cost is unusual", "budgets", "/budgets"),
    "saturation": Rule("now", "work piles up", "status", "/", critical=True),
    "errors": Rule("now", "errors are unusual", "dead", "/dead"),
    "budget": Rule("morning", "budget is nearly spent", "budgets", "/budgets"),
    "late_job": Rule("morning", "job is late", "show {job}", "/jobs/{job}"),
    "latency": Rule("morning", "a step became slow", "status", "/"),
    "retries": Rule("morning", "retries creep up", "runs", "/runs"),
    "switch": Rule("morning", "switched off", "switches", "/switches"),
    "worker_lost": Rule("morning", "worker lost", "status", "/"),
    "parked": Rule("morning", "step is gone", "show {job}", "/jobs/{job}"),
    "zero_work": Rule("morning", "schedule finds nothing", "schedules", "/schedules"),
    "model_end": Rule("morning", "model reaches its end of life"),
    "review": Rule("morning", "waits for review", "review", "/review"),
}
OTHER = Rule("morning", "alert")  # a kind that an app raises by itself
PART = re.compile(
    r"[^/ ]+(?=[/ ]|$)"
)  # where a part of a subject ends: `night` of `night 0 4 * * * UTC`, too
NEVER_WAKES = "review"  # a gate that fails is for the morning, whatever the configuration says
CRITICAL = tuple(kind for kind, rule in RULES.items() if rule.critical)
WITHOUT_JOB = {
    "dead_letter": ("dead", "/dead"),
    "late_job": ("runs", "/runs"),
    "parked": ("status", "/"),
}

Report = Callable[[Any, datetime], Awaitable[str]]


@dataclass(frozen=True)
class Settings:
    """Where alerts go, and when.

    An alert whose urgency is `now` is told at once, day and night. What follows it (that it came
    again, that all is well) keeps the `quiet` hours, from one time of day to another in the
    `timezone`. All else waits for the `morning`.
    `urgency` changes the rules: by kind, such as `"late_job": "now"`, or by kind and what it is
    about, such as `"dead_letter:source": "morning"` for a pipeline or `"dead_letter:source/read":
    "morning"` for one of its steps; the narrowest rule counts. What waits for review never wakes
    anybody.

    `heartbeat` is a monitor outside that is called while all is well: its silence is the alarm when
    no worker is left to raise one.

    `report(database, since)` is plain text for the morning's message, such as a report of the
    night. `link` is where the console is reached, `command` how the program is called.
    """

    channels: Sequence[Channel] = ()
    quiet: tuple[str, str] | None = ("22:00", "07:00")
    morning: str = "07:30"
    timezone: str = "UTC"
    urgency: Mapping[str, Urgency] = field(default_factory=dict)
    report: Report | None = None
    link: str | None = None
    command: str = "overnight"
    heartbeat: Heartbeat | None = None

    def __post_init__(self) -> None:
        names = [channel.name for channel in self.channels] + (
            ["heartbeat"] if self.heartbeat else []
        )
        if len(set(names)) < len(names):
            raise ConfigError(
                "two channels of the alerts have the same name: give one of them another"
            )
        for at in (self.morning, *(self.quiet or ())):
            time_of_day(at)
        _ = self.cron.zone
        for what, urgency in self.urgency.items():
            kind = what.partition(":")[0]
            if kind not in RULES:
                raise ConfigError(f"there is no alert “{kind}”; there are: {', '.join(RULES)}")
            if urgency not in get_args(Urgency):
                raise ConfigError(f"“{urgency}” is no urgency of an alert: write now or morning")
            if kind == NEVER_WAKES and urgency == "now":
                raise ConfigError(
                    "what waits for review never wakes anybody: leave its urgency at morning"
                )

    @property
    def cron(self) -> Cron:
        """The schedule of the mornings."""
        at = time_of_day(self.morning)
        return Cron(f"{at.minute} {at.hour} * * *", self.timezone)

    def is_quiet(self, now: datetime) -> bool:
        """Whether a moment lies in the quiet hours."""
        if self.quiet is None:
            return False
        begin, end = map(time_of_day, self.quiet)
        at = now.astimezone(self.cron.zone).time().replace(tzinfo=None)
        return begin <= at < end if begin <= end else at >= begin or at < end

    def urgency_of(self, kind: str, subject: str = "") -> Urgency:
        """When an alert is told. Its subject is such as `source/read`, of which `source` is a part
        too.
        """
        parts = (f"{kind}:{subject[: part.end()]}" for part in PART.finditer(subject))
        narrowest = next(
            (self.urgency[name] for name in reversed([*parts]) if name in self.urgency), None
        )
        return narrowest or self.urgency.get(kind, RULES.get(kind, OTHER).urgency)


@dataclass(frozen=True, slots=True)
class News:
    """An alert of which a channel does not know the latest.

    `times` is how often the channel was told of it, `told_at` when; `cost_usd` is of the job.
    """

    id: int
    kind: str
    subject: str
    text: str
    job_id: str | None
    count: int
    first_at: datetime
    resolved_at: datetime | None
    cost_usd: float | None = None
    times: int = 0
    told_at: datetime | None = None

    @property
    def state(self) -> State:
        return "resolved" if self.resolved_at else "again" if self.times else "new"


@dataclass(frozen=True, slots=True)
class Due:
    """What a channel is told now; `morning` is the slot, where it is the morning's message."""

    news: list[News]
    morning: datetime | None = None


def due(
    alerts: Settings,
    news: Sequence[News],
    now: datetime,
    morning_at: datetime,
    lately: Sequence[datetime],
    kinds_lately: Collection[str],
) -> Due:
    """What a channel is to be told at a moment.

    `morning_at` is the latest morning that it was told, `lately` are the moments of its messages of
    the last hour, and
    `kinds_lately` the kinds of alerts that these told of. The pace of the messages holds up none of
    another kind.
    """
    quiet = alerts.is_quiet(now)
    slots = () if quiet else alerts.cron.due(morning_at, now).fire
    if slots:
        return Due(list(news), slots[-1])
    urgent = [each for each in news if _is_urgent(alerts, each) and _is_due(each, now, quiet)]
    rest = PACE[min(len(lately), len(PACE) - 1)]
    is_early = bool(lately) and now < max(lately) + timedelta(seconds=rest)
    is_first_of_kind = any(not each.times and each.kind not in kinds_lately for each in urgent)
    return Due(urgent if is_first_of_kind or not is_early else [])


def _is_urgent(alerts: Settings, news: News) -> bool:
    return alerts.urgency_of(news.kind, news.subject) == "now"


def _is_due(news: News, now: datetime, quiet: bool) -> bool:
    """Of an alert that may wake: its first news at once, what follows when nobody sleeps.

    What healed before it was told, and what keeps coming, can wait.
    """
    if not news.times:
        return news.resolved_at is None
    if quiet or news.resolved_at is not None:
        return not quiet
    assert news.told_at is not None
    return now >= news.told_at + timedelta(seconds=AGAIN[min(news.times, len(AGAIN)) - 1])


def compose(alerts: Settings, app: str, due_now: Due, report: str = "") -> Message:
    """The message of what is due: what may wake goes first, what is well again last."""
    news = sorted(
        due_now.news, key=lambda n: (n.state == "resolved", not _is_urgent(alerts, n), n.first_at)
    )
    items = tuple(_item(alerts, each) for each in news[:SHOWN])
    title = f"{app}: while you slept" if due_now.morning else f"{app}: {_title(items, len(news))}"
    return Message(
        title, items, len(news) - len(items), report, f"{alerts.command} alerts", alerts.link
    )


def _title(items: Sequence[Item], total: int) -> str:
    if total == 1:
        return (
            f"{'resolved: ' if items[0].state == 'resolved' else ''}{items[0].what}: "
            f"{items[0].subject}"
        )
    resolved = sum(item.state == "resolved" for item in items)
    if resolved == total:
        return f"{total} alerts are resolved"
    return f"{total} alerts" + (f", {resolved} of them resolved" if resolved else "")


def trouble(alerts: Settings, open_alerts: Sequence[tuple[str, str, str]]) -> str:
    """The line that the heartbeat tells of (kind, subject, text), the oldest first; empty where all
    is well.

    What the owner lets wait for the morning is no trouble.
    """
    grave = [
        each
        for each in open_alerts
        if each[0] not in RULES or alerts.urgency_of(each[0], each[1]) == "now"
    ]
    if not grave:
        return ""
    kind, subject, text = grave[0]
    more = f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
    return f"{named(kind, None)[0]}: {subject}{more}: {text}"


def named(kind: str, job_id: str | None) -> tuple[str, str]:
    """How an alert is called, and its page in the console."""
    rule = RULES.get(kind, OTHER)
    what = rule.what if rule is not OTHER else kind.replace("_", " ")
    return what, _where(kind, job_id)[1].format(job=quote(job_id or "", safe=""))


def _where(kind: str, job_id: str | None) -> tuple[str, str]:
    """The command and the page for an alert; `{job}` is to be filled in."""
    rule = RULES.get(kind, OTHER)
    there = rule.press, rule.page
    return there if job_id is not None else WITHOUT_JOB.get(kind, there)


def _item(alerts: Settings, news: News) -> Item:
    what, page = named(news.kind, news.job_id)
    press, _ = _where(news.kind, news.job_id)
    since = news.first_at.astimezone(alerts.cron.zone)
    return Item(
        news.kind,
        news.subject,
        news.state,
        what,
        news.text if len(news.text) <= TEXT_LIMIT else f"{news.text[:TEXT_LIMIT]}…",
        news.count,
        f"{since:%a %H:%M}",
        news.cost_usd,
        f"{alerts.command} {press.format(job=quoted(news.job_id or ''))}",
        alerts.link and alerts.link.rstrip("/") + page,
    )


def retry_in(attempts: int, retry_after: float | None, *, is_permanent: bool) -> float:
    """Seconds until the next try of a message, after so many that failed (≥ 1)."""
    wait = RETRY_AT_MOST if is_permanent else RETRY[min(attempts, len(RETRY)) - 1]
    return min(max(wait, retry_after or 0.0), RETRY_AT_MOST)


def time_of_day(text: str) -> time:
    """A time of day from what a person wrote. Raises `ConfigError`."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  a time of day has no zone of its own
    except (ValueError, TypeError):
        raise ConfigError(f"“{text}” is no time of day: write it as 07:30") from None
