"""The sections that hold for all sites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from contentstudio.config.fields import CronText, Dollars, HttpUrl, Section, TimeOfDay, Zone
from overnight.names import among, nearest


class Weights(Section):
    """The weights of the factors of an idea's score: see `research/ideas.py`. `urgency` counts for
    ideas with a due date alone.
    """

    substance: float = Field(default=0.15, ge=0)
    freshness: float = Field(default=0.25, ge=0)
    support: float = Field(default=0.15, ge=0)
    demand: float = Field(default=0.15, ge=0)
    fit: float = Field(default=0.1, ge=0)
    competition: float = Field(default=0.2, ge=0)
    urgency: float = Field(default=0.3, ge=0)

    @model_validator(mode="after")
    def _weighs_something(self) -> Weights:
        if not sum(self.model_dump().values()):
            raise ValueError("needs a weight above 0: all of them together make the score")
        return self


class Research(Section):
    """When and how much to read. `cron` has five fields; times are in `timezone`.

    The pages of a night are judged together: `settle_seconds` after the last one came, but not
    later than
    `settle_at_most_seconds` after the first. A story near an article that is `update_after_days`
    old may have it written again. An idea with a due date is begun `lead_days` before it.

    For each idea at most `questions` questions are looked for with [search], and at most `pages`
    pages are read, its own among them: `pages_per_host` of one host, none of `avoid_hosts`, rather
    those of `prefer_hosts` and of governments, universities and bodies that set standards. A page
    gives at most `notes_per_page` notes. An idea whose notes are fewer than
    `min_notes`, or come from fewer than `min_hosts` hosts, waits: nothing is written of it.
    """

    cron: CronText = "0 4 * * *"
    timezone: Zone = "UTC"
    entries_per_feed: int = Field(default=10, ge=1, le=200)
    pages_per_sitemap: int = Field(default=10, ge=1, le=200)
    min_score: float = Field(default=0.5, ge=0, le=1)
    weights: Weights = Weights()
    settle_seconds: float = Field(default=90, ge=0, le=86_400)
    settle_at_most_seconds: float = Field(default=1_800, ge=0, le=86_400)
    update_after_days: int = Field(default=90, ge=1, le=3_650)
    questions: int = Field(default=4, ge=1, le=12)
    pages: int = Field(default=6, ge=1, le=30)
    pages_per_host: int = Field(default=2, ge=1, le=30)
    notes_per_page: int = Field(default=12, ge=1, le=40)
    min_notes: int = Field(default=4, ge=0, le=100)
    min_hosts: int = Field(default=1, ge=0, le=30)
    avoid_hosts: list[str] = Field(default=[])
    prefer_hosts: list[str] = Field(default=[])

    @field_validator("avoid_hosts", "prefer_hosts")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", host):
                raise ValueError(f"“{host}” is no host: write it as in example.org")
        return [host.lower().removeprefix("www.") for host in value]

    lead_days: int = Field(default=3, ge=0, le=365)


class Google(Section):
    """How Google's APIs are asked: by a service account, whose key file nobody else may read.

    GOOGLE_APPLICATION_CREDENTIALS names it where `key_file` does not.
    """

    key_file: Path | None = None
    endpoint: HttpUrl = "https://searchconsole.googleapis.com"


class Embeddings(Section):
    """An endpoint of embeddings, as OpenAI serves them; `base_url` ends before /embeddings.

    The key is OPENAI_API_KEY; a server of one's own may need none. `same` is the likeness from
    which on two texts tell one story, `related` that from which on they are of one subject: each
    model has numbers of its own, which `bench/likeness.py --model` prints for labelled pairs.
    `usd_per_million_tokens` is for a model that the price list of genai-prices does not know,
    `prices` the provider in it.
    """

    model: str = Field(min_length=1)
    base_url: HttpUrl = "https://api.openai.com/v1"
    same: float = Field(default=0.75, gt=0, le=1)
    related: float = Field(default=0.3, ge=0, lt=1)
    usd_per_million_tokens: float | None = Field(default=None, ge=0)
    prices: str = "openai"

    @model_validator(mode="after")
    def _has_a_scale(self) -> Embeddings:
        if self.same <= self.related:
            raise ValueError(
                f"has same = {self.same:g}, which must be above related = {self.related:g}"
            )
        return self


class Memory(Section):
    """How the texts of a site are compared: by their words, names and numbers alone, each in its
    language, or by the vectors of a model.
    """

    embeddings: Embeddings | None = None


class Refresh(Section):
    """When published articles are looked at again, and how many of a site are written again each
    time.

    Those whose sources changed come first, then those whose clicks fell by the share `fallen` from
    one month to the next, where there were `min_clicks` at least.
    """

    cron: CronText = "30 5 * * 1"
    at_most: int = Field(default=3, ge=0, le=100)
    fallen: float = Field(default=0.4, gt=0, le=1)
    min_clicks: int = Field(default=20, ge=1)


class Keep(Section):
    """For how many days that is kept on which no article stands: texts, what the gates said, what
    pages once were.
    """

    days: float = Field(default=180, ge=1, le=365)


class MailTo(Section):
    """Email by an SMTP server. The password, if it needs one, is CONTENTSTUDIO_MAIL_PASSWORD."""

    host: str = Field(min_length=1)
    sender: str = Field(min_length=3)
    to: list[str] = Field(min_length=1)
    user: str | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    port: int | None = Field(default=None, ge=1, le=65_535)


class Alerts(Section):
    """Where alerts and the morning report go. The addresses are secrets, so they stand in the
    environment.

    `slack` takes CONTENTSTUDIO_SLACK_URL, an incoming webhook; with OVERNIGHT_SLACK_SIGNING_SECRET
    its messages have buttons (docs/console.md). `webhook` takes
    CONTENTSTUDIO_WEBHOOK_URL, and signs with CONTENTSTUDIO_WEBHOOK_SECRET; `apprise` takes
    CONTENTSTUDIO_APPRISE_URLS, with spaces between them; `mail` has a table of its own. With _FILE
    behind it, each variable names a file that holds the secret.

    What can wait keeps the `quiet` hours. `urgency` says of a kind of alert whether it wakes
    (`now`) or waits for the `morning`; `"KIND:PIPELINE"` and `"KIND:PIPELINE/STEP"` say so of a
    part of it. Sources that are gone or down wait: `urgency = {"dead_letter:source" = "now"}`
    changes that. `link` is where the console is reached.

    `heartbeat` is the URL of a monitor outside, a check of healthchecks.io or a push monitor of
    Uptime Kuma, which is called every `heartbeat_seconds` while all is well: where the calls stop,
    it raises the alarm. It may stand in CONTENTSTUDIO_HEARTBEAT_URL instead, for it is a secret.
    """

    channels: list[Literal["slack", "webhook", "mail", "apprise"]] = Field(default=[])
    quiet: tuple[TimeOfDay, TimeOfDay] | None = ("22:00", "07:00")
    urgency: dict[str, Literal["now", "morning"]] = Field(default={})
    link: HttpUrl | None = None
    heartbeat: SecretStr | None = None
    heartbeat_seconds: int = Field(default=300, ge=60, le=86_400)
    mail: MailTo | None = None

    @field_validator("urgency")
    @classmethod
    def _names_alerts(cls, value: dict[str, str]) -> dict[str, str]:
        from overnight.alerts.rules import RULES

        for kind in (what.partition(":")[0] for what in value):
            if kind not in RULES:
                raise ValueError(
                    "knows no alert "
                    f"“{kind}”{nearest(kind, list(RULES)) or among(kind, list(RULES))}"
                )
        return value

    @model_validator(mode="after")
    def _has_its_mail(self) -> Alerts:
        if "mail" in self.channels and self.mail is None:
            raise ValueError(
                'needs a table [alerts.mail] with host, sender and to for its channel "mail"'
            )
        return self


class Morning(Section):
    """When the morning report is sent, with what waited for it. `at` and the quiet hours are in
    `timezone`.
    """

    at: TimeOfDay = "07:30"
    timezone: Zone = "UTC"


DEFAULT_USD_PER_DAY = 5.0  # some dozens of articles by a model of the middle class


class Budget(Section):
    """What language models may cost in a day (UTC), over all sites; a modest sum where nothing is
    said.
    """

    usd_per_day: Dollars = DEFAULT_USD_PER_DAY

    @property
    def is_default(self) -> bool:
        """Whether the owner named no sum."""
        return "usd_per_day" not in self.model_fields_set
