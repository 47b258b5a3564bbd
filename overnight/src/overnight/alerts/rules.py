"""What is told when. Pure: from what a channel does not know yet, the hour, and when it was last
told something.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from shlex import quote as quoted
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode

from overnight.alerts.channel import Channel
from overnight.alerts.heartbeat import Heartbeat
from overnight.alerts.message import TEXT_LIMIT, Button, Item, Message, State
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
SHOWN_KEYS = 3  # names of keys that an alert tells; of more it tells how many
TITLE_LIMIT = 120  # characters of a job's title
RETRY_AT_MOST = 3_600.0  # seconds; also for a channel that somebody has to mend first


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kind of alert is called, whom it may wake, whether a person must do something, what to
    press (a command), and its page in the console.

    `{job}` is filled in. While a `critical` one is open, the heartbeat says so: the work itself
    stands still. No more are, for a monitor that is red already cannot tell that the last worker
    has gone.
    """

    urgency: Urgency
    what: str
    press: str = "alerts"
    page: str = "/alerts"
    advice: str = ""
    critical: bool = False


RULES: dict[str, Rule] = {
    "dead_letter": Rule(
        "now",
        "job failed",
        "show {job}",
        "/jobs/{job}",
        "You need to act: it is not retried by itself. Fix the cause, then retry; or discard it.",
    ),
    "breaker": Rule(
        "now",
        "breaker is open",
        "breakers",
        "/breakers",
        "Nothing to do at first: it probes by itself, and what waits goes on when that succeeds.",
    ),
    "missed_slot": Rule(
        "now",
        "schedule missed",
        "schedules",
        "/schedules",
        "You need to act: start a worker, or see why none fired it.",
        critical=True,
    ),
    "budget_spent": Rule(
        "now",
        "budget is spent",
        "budgets",
        "/budgets",
        "Nothing to do: what waits goes on at midnight UTC. Raise the budget to go on now.",
    ),
    "cost": Rule(
        "now",
        "cost is unusual",
        "budgets",
        "/budgets",
        "You need to look: pause what spends too much, or set it a budget.",
    ),
    "saturation": Rule(
        "now",
        "work piles up",
        "status",
        "/",
        "You need to look: start another worker, or find what is slow.",
        critical=True,
    ),
    "errors": Rule(
        "now",
        "errors are unusual",
        "dead",
        "/dead",
        "You need to look: attempts are retried by themselves, but more fail than usual.",
    ),
    "budget": Rule(
        "morning",
        "budget is nearly spent",
        "budgets",
        "/budgets",
        "Nothing to do, unless work must not wait: at the limit it waits for midnight UTC.",
    ),
    "late_job": Rule(
        "morning",
        "job is late",
        "show {job}",
        "/jobs/{job}",
        "Nothing to do at once: it goes on. Its page says what it waits for.",
    ),
    "latency": Rule(
        "morning", "a step became slow", "status", "/", "Nothing to do at once: it still succeeds."
    ),
    "retries": Rule(
        "morning",
        "retries creep up",
        "runs",
        "/runs",
        "Nothing to do at once: retries succeed so far.",
    ),
    "switch": Rule(
        "morning",
        "paused",
        "switches",
        "/switches",
        "Nothing to do if that is meant: it stays paused until somebody resumes it.",
    ),
    "worker_lost": Rule(
        "morning",
        "worker lost",
        "status",
        "/",
        "Nothing to do where another worker runs: it has what this one held.",
    ),
    "parked": Rule(
        "morning",
        "step is gone",
        "show {job}",
        "/jobs/{job}",
        "You need to act: deploy the step again, or cancel the job.",
    ),
    "zero_work": Rule(
        "morning",
        "schedule finds nothing",
        "schedules",
        "/schedules",
        "Nothing to do if that is right; else see what it looks for.",
    ),
    "model_end": Rule(
        "morning",
        "model reaches its end of life",
        advice="You need to act before that day: name another model in the configuration.",
    ),
    "review": Rule(
        "morning",
        "waits for review",
        "review",
        "/review",
        "You need to decide: approve, edit or reject. It waits until you do.",
    ),
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

    `times` is how often the channel was told of it, `told_at` when.
    """

    id: int
    kind: str
    subject: str
    text: str
    job_id: str | None
    count: int
    first_at: datetime
    resolved_at: datetime | None
    times: int = 0
    told_at: datetime | None = None

    @property
    def state(self) -> State:
        return "resolved" if self.resolved_at else "again" if self.times else "new"


@dataclass(frozen=True, slots=True)
class Work:
    """What an alert is about: how many jobs failed or wait, one of them with its title, the keys
    that they are of, and what they cost altogether (dollars).

    `revision` is that of the one thing that waits for review.
    """

    jobs: int = 0
    job_id: str | None = None
    keys: tuple[str, ...] = ()
    cost_usd: float | None = None
    revision: str | None = None
    title: str | None = None


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


def in_order(alerts: Settings, news: Sequence[News]) -> list[News]:
    """What may wake goes first, what is well again last; a message shows the first of them."""
    return sorted(
        news, key=lambda n: (n.state == "resolved", not _is_urgent(alerts, n), n.first_at)
    )


def compose(
    alerts: Settings,
    app: str,
    due_now: Due,
    report: str = "",
    work: Mapping[int, Work] = MappingProxyType({}),
    key_name: str = "key",
) -> Message:
    """The message of what is due. `work` is what its alerts are about, by their ids; `key_name` is
    the app's word for a key.
    """
    news = in_order(alerts, due_now.news)
    items = tuple(
        _item(alerts, each, work.get(each.id, Work(job_id=each.job_id)), key_name)
        for each in news[:SHOWN]
    )
    title = f"{app}: last night" if due_now.morning else f"{app}: {_title(items, len(news))}"
    return Message(
        title, items, len(news) - len(items), report, f"{alerts.command} alerts", alerts.link
    )


def _title(items: Sequence[Item], total: int) -> str:
    if total == 1:
        resolved = "resolved: " if items[0].state == "resolved" else ""
        return f"{resolved}{items[0].what}: {items[0].about}"
    resolved_count = sum(item.state == "resolved" for item in items)
    if resolved_count == total:
        return f"{total} alerts are resolved"
    return f"{total} alerts" + (f", {resolved_count} of them resolved" if resolved_count else "")


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


def _next(news: News, work: Work) -> tuple[str, str]:
    """The command and the page for an alert, about all of its work."""
    if news.kind == "dead_letter" and work.jobs > 1:
        pipeline, _, step = news.subject.partition("/")
        command = f"dead --pipeline {quoted(pipeline)} --step {quoted(step)}"
        return command, f"/dead?{urlencode({'pipeline': pipeline, 'step': step})}"
    one_waits = news.kind == "review" and work.revision is not None
    press, page = ("review {job}", "/review/{job}") if one_waits else _where(news.kind, work.job_id)
    job = work.job_id or ""
    return press.format(job=quoted(job)), page.format(job=quote(job, safe=""))


def _item(alerts: Settings, news: News, work: Work, key_name: str) -> Item:
    press, page = _next(news, work)
    since = news.first_at.astimezone(alerts.cron.zone)
    return Item(
        news.kind,
        _subject(news, key_name),
        news.state,
        named(news.kind, None)[0],
        _cut(news.text, TEXT_LIMIT),
        news.count,
        f"{since:%a %H:%M}",
        work.cost_usd,
        f"{alerts.command} {press}",
        alerts.link and alerts.link.rstrip("/") + page,
        _cut(" ".join(work.title.split()), TITLE_LIMIT) if work.title else None,
        _place(work.keys, key_name),
        work.jobs,
        RULES.get(news.kind, OTHER).advice,
        tuple(_buttons(news, work, key_name)) if news.state != "resolved" else (),
    )


def _subject(news: News, key_name: str) -> str:
    """What an alert is about, a scope in the app's own words."""
    return re.sub("^key:", f"{key_name}:", news.subject)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def _place(keys: Sequence[str], key_name: str) -> str | None:
    """Whose the jobs are."""
    if len(keys) > SHOWN_KEYS:
        return f"{len(keys)} {key_name}s"
    return f"{key_name} {', '.join(keys)}" if keys else None


def _buttons(news: News, work: Work, key_name: str) -> Iterator[Button]:
    """What a channel can offer to press: only what the console does by one command."""
    if news.kind == "review" and work.job_id and work.revision:
        values = {"job": work.job_id, "revision": work.revision}
        name = f"“{work.title}”" if work.title else f"job {work.job_id}"
        yield Button("Approve", "approve", values, "good", f"Approve {name} as it stands?")
    if news.kind == "switch":
        text = f"Resume {_subject(news, key_name)}?"
        yield Button("Resume", "resume", {"scope": news.subject}, "", text)
    if news.kind == "dead_letter" and work.job_id and work.jobs:
        yield from _of_failed(news, work, work.job_id, key_name)


def _of_failed(news: News, work: Work, job_id: str, key_name: str) -> Iterator[Button]:
    pipeline, _, step = news.subject.partition("/")
    if work.jobs == 1:
        yield Button("Retry", "replay", {"job": job_id}, "good")
    else:
        text = f"Start all {work.jobs} failed jobs of {news.subject} again?"
        yield Button("Retry all", "replay", {"pipeline": pipeline, "step": step}, "good", text)
    kind, name = ("key", work.keys[0]) if len(work.keys) == 1 else ("pipeline", pipeline)
    what = f"{key_name if kind == 'key' else kind} {name}"
    text = f"Pause {what}? Nothing of it starts or writes outside until somebody resumes it."
    yield Button(f"Pause {what}", "pause", {"scope": f"{kind}:{name}"}, "danger", text)


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
