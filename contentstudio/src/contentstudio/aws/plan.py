"""What it takes to run a studio on AWS: what works there, its schedules, connections and monthly
bill. Asks nobody.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cronsim import CronSim

from contentstudio import pipelines
from contentstudio.config import Config, Git, SearchConsoleSource, Static
from overnight.cli import output
from overnight.errors import ConfigError
from overnight.pipelines.triggers import Cron

LAMBDA_SECONDS = 900  # the longest that an invocation takes
CONNECTIONS = {
    "worker": 6,
    "schedule": 3,
    "sweep": 3,
    "console": 3,
}  # of one sandbox, as in deploy/aws/functions.tf
AT_ONCE = {"schedule": 2, "sweep": 1, "console": 2}  # sandboxes of the functions beside the worker
CONNECTIONS_KEPT = 10  # for people and backups
MOST_WORKERS = 10  # where nobody asks for more: each holds connections
NAME = re.compile(r"^[a-z][a-z0-9-]{1,30}$")  # as in deploy/aws/variables.tf, like REGION
REGION = re.compile(r"^[a-z]{2,3}(-[a-z]+)+-[0-9]$")
WEEKDAYS = (
    "SUN",
    "MON",
    "TUE",
    "WED",
    "THU",
    "FRI",
    "SAT",
    "SUN",
)  # cron counts them from 0, and has two Sundays


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not work on Lambda as it does here, and what to do. `stops`:
    not at all.
    """

    what: str
    mend: str
    stops: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron of the config in the words of EventBridge Scheduler."""

    name: str
    pipeline: str
    cron: str
    timezone: str
    expression: str

    def variable(self) -> dict[str, str]:
        """As Terraform's variable `schedules` has it, beside its name."""
        return {
            "pipeline": self.pipeline,
            "cron": self.cron,
            "timezone": self.timezone,
            "expression": self.expression,
        }


def findings(config: Config) -> list[Finding]:
    """What this config has that Lambda has not: a folder that stays, Git, key files,
    this machine.
    """
    rows = []
    for site in config.site:
        if isinstance(site.publish, Static):
            mend = (
                "publish it to WordPress or Ghost, or give it a studio of its own on a "
                "machine of yours"
            )
            rows.append(
                Finding(
                    f"{site.name} is published to a folder, and Lambda has none that stays",
                    mend,
                    True,
                )
            )
        if isinstance(site.publish, Git):
            mend = "give it a studio of its own on a machine of yours (docs/deploy.md)"
            rows.append(
                Finding(f"{site.name} is published by Git, which Lambda does not have", mend, True)
            )
        if site.search_console or any(
            isinstance(source, SearchConsoleSource) for source in site.sources
        ):
            mend = (
                "leave Search Console out there: a key file is a secret, and secrets are not "
                "put into the zip"
            )
            rows.append(Finding(f"{site.name} asks Search Console with a key file", mend, True))
    for what, url in (("writing.anthropic", config.writing.anthropic.base_url), *_openai(config)):
        if url and _is_here(url):
            rows.append(
                Finding(
                    f"{what} is at {url}, an address of this machine",
                    "name one on the internet",
                    True,
                )
            )
    longest = [
        f"{name} ({seconds:g} s)" for name, seconds in _timeouts(config) if seconds > LAMBDA_SECONDS
    ]
    if longest:
        what = f"longer than the {LAMBDA_SECONDS} s of an invocation may take: {', '.join(longest)}"
        rows.append(
            Finding(
                what,
                "they go on in the next one from what they stored; shorter deadlines help",
                False,
            )
        )
    return rows


def _openai(config: Config) -> list[tuple[str, str]]:
    servers = [("writing.openai", config.writing.openai.base_url)]
    if config.memory.embeddings is not None:
        servers.append(("memory.embeddings", config.memory.embeddings.base_url))
    return servers


def _is_here(url: str) -> bool:
    """Whether an address means this machine or its own network."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))


def _timeouts(config: Config) -> list[tuple[str, float]]:
    steps = [(p.name, step) for p in pipelines.build(config) for step in p.steps.values()]
    return [(f"{pipeline}/{step.name}", step.timeout) for pipeline, step in steps]


def schedules(config: Config) -> list[Schedule]:
    """Every cron of the pipelines. One whose days are told in two ways is two schedules: AWS takes
    one of both.
    """
    rows: list[Schedule] = []
    for pipeline in pipelines.build(config):
        for cron in pipeline.crons():
            for expression in expressions(cron):
                number = sum(each.pipeline == pipeline.name for each in rows)
                name = f"{pipeline.name}-{number + 1}" if number else pipeline.name
                rows.append(
                    Schedule(name, pipeline.name, cron.expression, cron.timezone, expression)
                )
    return rows


def expressions(cron: Cron) -> list[str]:
    """A cron of five fields in AWS's six. Raises `ConfigError` for one that AWS cannot say.

    AWS wants a ? where the day of the month or of the week is left open, and counts the days of the
    week from 1. Where cron has both, either counts: then there are two expressions, and the ledger
    fires a slot once that both name.
    """
    minute, hour, day, month, weekday = cron.expression.split()
    parsed = CronSim(cron.expression, datetime(2026, 1, 1, tzinfo=UTC))
    on = [each for each in parsed.weekdays if isinstance(each, int)]
    if len(on) < len(parsed.weekdays) or min(parsed.days) < 0:
        raise ConfigError(
            f"“{cron.expression}” has a last or an nth day, which Scheduler would count otherwise"
        )
    times = f"{_listed(parsed.minutes, minute)} {_listed(parsed.hours, hour)}"
    months = _listed(parsed.months, month)
    days = _listed(parsed.days, day)
    weekdays = ",".join(dict.fromkeys(WEEKDAYS[each] for each in sorted(on)))
    if weekday == "*":
        return [f"cron({times} {days} {months} ? *)"]
    if day == "*":
        return [f"cron({times} ? {months} {weekdays} *)"]
    if parsed.day_and:
        raise ConfigError(
            f"“{cron.expression}” asks for a day of the month and of the week, which "
            "Scheduler cannot"
        )
    return [f"cron({times} {days} {months} ? *)", f"cron({times} ? {months} {weekdays} *)"]


def _listed(values: Iterable[int], written: str) -> str:
    return "*" if written == "*" else ",".join(map(str, sorted(values)))


def workers(postgres_connections: int, wanted: int | None = None) -> int:
    """How many workers at once leave room for everybody else. Raises `ConfigError` where none, or
    not so many, can.
    """
    beside = sum(AT_ONCE[name] * CONNECTIONS[name] for name in AT_ONCE)
    room = (postgres_connections - beside - CONNECTIONS_KEPT) // CONNECTIONS["worker"]
    if room < max(2, wanted or 0):
        raise ConfigError(
            f"{postgres_connections} connections are too few for {wanted or 2} workers: "
            f"{max(2, wanted or 0) * CONNECTIONS['worker'] + beside + CONNECTIONS_KEPT} are needed"
        )
    return wanted or min(room, MOST_WORKERS)


# --- The bill

DAYS = 30  # of a month
MINUTES = DAYS * 24 * 60  # sweeps of a month
SOURCE = "facts of 2026 from third-party pages; look at AWS's own for your region"


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars, us-east-1. Other regions are up to a fifth dearer."""

    sqs_million: float = 0.40
    sqs_free: float = 1e6
    scheduler_million: float = 1.00
    scheduler_free: float = 14e6
    lambda_million: float = 0.20
    lambda_gb_second: float = 0.0000167
    secret: float = 0.40
    metric: float = 0.30
    alarm_metric: float = 0.10
    log_gb: float = 0.50
    nat_hour: float = 0.045
    nat_gb: float = 0.045
    rds_hour: float = 0.016  # db.t4g.micro
    rds_gb: float = 0.115


@dataclass(frozen=True, slots=True)
class Work:
    """What a studio does in a day, and what one piece of it takes.

    The first two are the owner's. `model_seconds` (for how long an article waits for models) and
    `invocation_seconds` (what an invocation takes beside its steps) are assumed. Steps, CPU and
    statements are what `python bench/sites.py --sites 100 --articles 5` prints under these names,
    with one feed and one file of keywords a site. The judge reads an article in the step `gate`,
    and adds none. `log_bytes` is a line of the log of a step.
    """

    sites: int
    articles_per_site: float
    model_seconds: float = 60.0
    invocation_seconds: float = 0.3
    together: float = 1.0  # articles that wait for a model in one sandbox at once; 1 is the dearest
    steps_per_site: float = 5.0
    steps_per_article: float = 9.0
    cpu_seconds_per_step: float = 0.0233
    statements_per_step: float = 7.9
    hours_at_work: float = 6.0
    log_bytes: float = 400.0

    @property
    def articles(self) -> float:
        """A day."""
        return self.sites * self.articles_per_site

    @property
    def steps(self) -> float:
        """A day."""
        return self.sites * self.steps_per_site + self.articles * self.steps_per_article

    @property
    def busy_seconds(self) -> float:
        """Seconds of workers a day: CPU, of which 1,024 MB have 0.58 of a core, and waiting for
        models.
        """
        each_step = self.cpu_seconds_per_step / CORE + self.invocation_seconds
        return self.steps * each_step + self.articles * self.model_seconds / self.together


CORE = 1024 / 1769  # of a core, which Lambda gives by memory
SWEEP_SECONDS = 0.5  # of one sweep, at 512 MB
POLLS = 5 * 3 * MINUTES  # of an idle queue: Lambda asks with five pollers, each for 20 s
STEPS_WITH_METRICS = 14  # that a night has
METRICS = 6  # of each step
ALARM_METRICS = 16  # that the alarms of deploy/aws look at


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill: dollars a month, and how they come about."""

    what: str
    usd: float
    how: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What AWS asks for in a month. Language models are not AWS's."""

    work: Work
    lines: Sequence[Line]

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)


def bill(work: Work, *, rds: bool = False, prices: Prices | None = None) -> Bill:
    """The arithmetic. One hint for each step is the most there can be: a worker goes on with what
    follows by itself.
    """
    p = prices or Prices()
    hints = work.steps * DAYS
    requests = hints + MINUTES
    gb_seconds = work.busy_seconds * DAYS + MINUTES * SWEEP_SECONDS * 0.5
    sqs = 3 * hints + POLLS + 2 * MINUTES
    metrics = STEPS_WITH_METRICS * METRICS * work.hours_at_work / 24
    log_gb = hints * work.log_bytes / 1e9
    lines = [
        Line(
            "Lambda, requests",
            requests / 1e6 * p.lambda_million,
            f"{requests:,.0f} x $0.20 a million",
        ),
        Line(
            "Lambda, time", gb_seconds * p.lambda_gb_second, f"{gb_seconds:,.0f} GB-s x $0.0000167"
        ),
        Line(
            "SQS",
            max(0, sqs - p.sqs_free) / 1e6 * p.sqs_million,
            f"{sqs:,.0f} less a million x $0.40 a million",
        ),
        Line(
            "Scheduler",
            max(0, MINUTES - p.scheduler_free) * p.scheduler_million / 1e6,
            "14 million are free",
        ),
        Line("Secrets Manager", 2 * p.secret, "2 x $0.40"),
        Line(
            "CloudWatch, metrics",
            metrics * p.metric,
            f"{metrics:,.0f} x $0.30, for the hours in which they come",
        ),
        Line("CloudWatch, alarms", ALARM_METRICS * p.alarm_metric, f"{ALARM_METRICS} x $0.10"),
        Line("CloudWatch, logs", log_gb * p.log_gb, f"{log_gb:,.2f} GB x $0.50"),
    ]
    if rds:
        lines += [
            Line("RDS", 730 * p.rds_hour + 20 * p.rds_gb, "db.t4g.micro x 730 h, 20 GB"),
            Line("NAT gateway", 730 * p.nat_hour + 5 * p.nat_gb, "730 h x $0.045, 5 GB"),
        ]
    return Bill(work, lines)


# --- The plan


@dataclass(frozen=True, slots=True)
class Plan:
    """What an owner is walked through. `variables` are those of the Terraform module."""

    findings: Sequence[Finding]
    schedules: Sequence[Schedule]
    variables: dict[str, Any]
    connections: dict[str, int]
    bill: Bill
    usd_models: float
    steps: Sequence[str]


def plan(
    config: Config,
    *,
    name: str,
    region: str,
    arch: str,
    articles: float,
    postgres_connections: int,
    wanted: int | None = None,
    rds: bool = False,
) -> Plan:
    """Everything that follows from a config and a few choices. Raises `ConfigError` for a choice
    that AWS refuses.
    """
    _check(name, region, articles)
    count = workers(postgres_connections, wanted)
    clock = schedules(config)
    active = [site for site in config.site if site.active]
    usd = config.budget.usd_per_day
    variables: dict[str, Any] = {
        "name": name,
        "region": region,
        "architecture": arch,
        "package": f"dist/contentstudio-{arch}.zip",
        "postgres_connections": postgres_connections,
        "connections_kept": CONNECTIONS_KEPT,
        "workers": count,
        "workers_by_hints": count,
        "schedules": {each.name: each.variable() for each in clock},
    }
    if usd:
        variables["usd_per_day"] = usd
    if rds:
        variables |= {"private_network": True, "rds": {}}
    connections = {"worker": count * CONNECTIONS["worker"]}
    connections |= {each: AT_ONCE[each] * CONNECTIONS[each] for each in AT_ONCE}
    connections |= {"kept": CONNECTIONS_KEPT, "postgres": postgres_connections}
    return Plan(
        findings(config),
        clock,
        variables,
        connections,
        bill(Work(len(active), articles), rds=rds),
        usd * DAYS,
        _steps(config, name, region, arch, rds),
    )


def _check(name: str, region: str, articles: float) -> None:
    """What Terraform would say only after all the rest was done."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"--name “{name}”: it has 2 to 31 small letters, digits and hyphens, and "
            "begins with a letter"
        )
    if not REGION.fullmatch(region):
        raise ConfigError(f"--region “{region}”: a region is written like eu-central-1")
    if not math.isfinite(articles):
        raise ConfigError(f"--articles {articles}: it is a number of articles a day")


def _steps(config: Config, name: str, region: str, arch: str, rds: bool) -> list[str]:
    secrets = ["ANTHROPIC_API_KEY, or that of another provider", "OVERNIGHT_CONSOLE_PASSWORD"]
    secrets += [
        _secret_name(site.name)
        for site in config.site
        if not isinstance(site.publish, Static | Git)
    ]
    secrets += [f"what [alerts] needs for {channel}" for channel in config.alerts.channels]
    put = f"aws secretsmanager put-secret-value --region {region} --secret-id {name}"
    database = (
        "create a role for the studio in the new RDS (docs/aws.md); then write" if rds else "write"
    )
    tls = (
        "sslmode=require" if rds else "sslmode=verify-full&sslrootcert=system"
    )  # RDS has an authority of its own
    return [
        f"make lambda CONFIG={config.file} ARCH={arch}",
        "cd deploy/aws && terraform init && terraform apply -var working=false",
        f'{database} database.json: {{"OVERNIGHT_DATABASE_URL": "postgresql://…?{tls}"}}',
        f"{put}/database --secret-string file://database.json",
        f"write keys.json, one JSON object of: {', '.join(dict.fromkeys(secrets))}",
        f"{put}/keys --secret-string file://keys.json",
        "shred both files, run what `terraform output -raw open_console` prints, "
        "subscribe to the topic of the alarms",
        "terraform apply, which lets it work; the first sweep makes the schema",
        "the checklist of docs/aws.md: what nobody could try without AWS",
    ]


def _secret_name(site: str) -> str:
    return f"CONTENTSTUDIO_SECRET_{site.upper().replace('-', '_')}"


# --- How it is told

SIZES = (10, 100, 1_000)  # sites whose bills stand beside the owner's


def as_data(the_plan: Plan, file: Path | None) -> dict[str, Any]:
    """A plan for a script; `file` is where the variables were written, None where nothing was."""
    return {
        "works": file is not None,
        "findings": [asdict(each) for each in the_plan.findings],
        "schedules": [asdict(each) for each in the_plan.schedules],
        "connections": the_plan.connections,
        "variables": the_plan.variables,
        "file": str(file) if file else None,
        "bill": {
            "usd_per_month": round(the_plan.bill.usd, 2),
            "lines": [asdict(line) for line in the_plan.bill.lines],
        },
        "usd_models_per_month": the_plan.usd_models,
        "steps": list(the_plan.steps),
    }


def render(the_plan: Plan, file: Path | None) -> None:
    """A plan for a person."""
    if the_plan.findings:
        rows = [
            {"stops": "does not work" if f.stops else "note", "what": f"{f.what}\n↳ {f.mend}"}
            for f in the_plan.findings
        ]
        output.table("What is different there", rows, {"stops": "", "what": ""}, empty="")
    if file is None:
        output.echo("\nMend what does not work; nothing was written.")
        return
    output.echo()
    output.table(
        "The clock",
        [asdict(each) for each in the_plan.schedules],
        {"name": "schedule", "cron": "cron", "timezone": "zone", "expression": "in AWS"},
        empty="",
    )
    output.echo(f"\nConnections: {_connections(the_plan.connections)}")
    _render_bill(the_plan)
    output.echo(f"\nwrote {file}. What to do:\n")
    for number, step in enumerate(the_plan.steps, 1):
        output.echo(f"{number:>2}. {step}")


def _connections(counts: dict[str, int]) -> str:
    parts = " + ".join(f"{number} {name}" for name, number in counts.items() if name != "postgres")
    return (
        f"{parts} = {sum(n for name, n in counts.items() if name != 'postgres')} of "
        f"{counts['postgres']}"
    )


def _render_bill(the_plan: Plan) -> None:
    from overnight import formatting

    work = the_plan.bill.work
    rows = [
        {"usd": f"${line.usd:,.2f}", "what": line.what, "how": line.how}
        for line in the_plan.bill.lines
    ]
    rows.append({"usd": f"${the_plan.bill.usd:,.2f}", "what": "together", "how": ""})
    title = (
        f"A month of {formatting.count(work.sites, 'site')} with {work.articles_per_site:g} "
        "articles a day each"
    )
    output.echo()
    output.table(title, rows, {"usd": "$", "what": "what", "how": "how"}, empty="")
    rds = any(line.what == "RDS" for line in the_plan.bill.lines)
    others = [
        f"{size:,} sites ${bill(replace(work, sites=size), rds=rds).usd:,.0f}" for size in SIZES
    ]
    output.echo(f"With other numbers: {', '.join(others)}.")
    output.echo(
        f"Prices: {SOURCE}. An article is taken to wait {work.model_seconds:g} s for "
        "models, alone in its worker."
    )
    output.echo(
        f"Beside that, language models: at most ${the_plan.usd_models:,.2f}, by [budget] "
        "usd_per_day in the config."
    )
    if not rds:
        output.echo("Beside that, the Postgres, by whoever sells it.")
