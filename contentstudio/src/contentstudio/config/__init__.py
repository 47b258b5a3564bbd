"""`contentstudio.toml`: one validated model. Secrets come from the environment, never from this
file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    SecretStr,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from overnight import logs
from overnight.errors import ConfigError, among, nearest

DEFAULT_FILE = "contentstudio.toml"


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        sound = whole and not re.search(r"\s", value)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("needs a whole URL that begins with http:// or https://")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]


def _script_url(value: str) -> str:
    """An address that may stand in a Content-Security-Policy, where blanks, commas and semicolons
    end it.
    """
    if not re.fullmatch(r"https://[\w.-]+(:\d+)?(/[\w./~%@+=&?-]*)?", value, re.ASCII):
        raise ValueError(
            "needs a whole URL that begins with https:// and has no blanks, quotes, "
            "commas or semicolons"
        )
    return value


ScriptUrl = Annotated[str, AfterValidator(_script_url)]


def _cron(value: str) -> str:
    from overnight.pipelines.triggers import Cron

    try:
        Cron(value)
    except ConfigError as error:
        hint = 'write minute, hour, day, month and weekday, such as "0 4 * * *"'
        raise ValueError(f"cannot be read: {error}; {hint}") from None
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = sorted(available_timezones())
        cities = {zone.rpartition("/")[2]: zone for zone in zones}
        near = nearest(value, zones) or nearest(
            cities.get(value.title().replace(" ", "_"), ""), zones
        )
        raise ValueError(f"is no time zone; they look like Europe/Belgrade{near}") from None
    return value


def _time_of_day(value: str) -> str:
    from overnight.alerts.rules import time_of_day

    try:
        time_of_day(value)
    except ConfigError as error:
        raise ValueError(f"cannot be read: {error}") from None
    return value


CronText = Annotated[str, AfterValidator(_cron)]
Zone = Annotated[str, AfterValidator(_zone)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]


class InvalidConfig(ConfigError):
    """The file can be read, and something in it is wrong. `problems` are all of it: the file or
    key, and a sentence.
    """

    def __init__(self, message: str, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.problems = list(problems)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fetch(_Section):
    """How pages are read. A host is asked one thing at a time, with a pause of `pause_seconds`
    after it.

    `allow_loopback` is for trials: no other private address is ever read, and loopback is read
    without pauses. What
    `user_agent` begins with is the name by which robots.txt may call us.
    """

    allow_loopback: bool = False
    pause_seconds: float = Field(default=1.0, ge=0, le=60)
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    max_bytes: int = Field(default=5_000_000, ge=1_000)
    max_redirects: int = Field(default=5, ge=0, le=20)
    user_agent: str = "contentstudio/0.1"


class Weights(_Section):
    """How much each factor of a topic's score counts beside the others: see
    `research/topics.py`.
    """

    substance: float = Field(default=0.15, ge=0)
    freshness: float = Field(default=0.25, ge=0)
    support: float = Field(default=0.15, ge=0)
    demand: float = Field(default=0.15, ge=0)
    fit: float = Field(default=0.1, ge=0)
    competition: float = Field(default=0.2, ge=0)

    @model_validator(mode="after")
    def _weighs_something(self) -> Weights:
        if not sum(self.model_dump().values()):
            raise ValueError("needs a weight above 0: all of them together make the score")
        return self


class Research(_Section):
    """When and how much to read. `cron` has five fields; times are in `timezone`.

    The pages of a night are judged together: `settle_seconds` after the last one came, but not
    later than
    `settle_at_most_seconds` after the first. A story near an article that is `update_after_days`
    old may have it written again.
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


class FeedSource(_Section):
    """A feed; what else comes is an error."""

    feed: HttpUrl


class PageSource(_Section):
    """A page; a feed that comes is not followed."""

    page: HttpUrl


class SitemapSource(_Section):
    """The pages of a sitemap whose path contains `match`, on its own host or one of `hosts`."""

    sitemap: HttpUrl
    match: str = ""
    hosts: list[str] = []


class KeywordsSource(_Section):
    """A file beside the config: what the site is to be found by."""

    keywords: Path

    @property
    def address(self) -> str:
        """Its name among the sources of demands."""
        return str(self.keywords)


class SearchConsoleSource(_Section):
    """The queries of a property of Google's Search Console, over so many days. It keeps sixteen
    months.
    """

    search_console: str = Field(pattern=r"^(sc-domain:[\w.-]+|https?://\S+/)$")
    days: int = Field(default=28, ge=1, le=480)

    @property
    def address(self) -> str:
        """Its name among the sources of demands."""
        return self.search_console


SOURCES: dict[str, type[BaseModel]] = {
    "feed": FeedSource,
    "page": PageSource,
    "sitemap": SitemapSource,
    "keywords": KeywordsSource,
    "search_console": SearchConsoleSource,
}
TAG = "="  # begins a part of an error's place that is ours and not the file's


def _kind_of(source: Any) -> str | None:
    """Which source it is: a plain URL, or a table with the key of its kind."""
    if isinstance(source, str):
        return TAG + "url"
    given = source if isinstance(source, dict) else getattr(source, "__dict__", {})
    kinds = [kind for kind in SOURCES if kind in given]
    return TAG + kinds[0] if len(kinds) == 1 else None


Source = Annotated[
    Annotated[HttpUrl, Tag(TAG + "url")]
    | Annotated[FeedSource, Tag(TAG + "feed")]
    | Annotated[PageSource, Tag(TAG + "page")]
    | Annotated[SitemapSource, Tag(TAG + "sitemap")]
    | Annotated[KeywordsSource, Tag(TAG + "keywords")]
    | Annotated[SearchConsoleSource, Tag(TAG + "search_console")],
    Discriminator(_kind_of),
]


class Google(_Section):
    """How Google's APIs are asked: by a service account, whose key file nobody else may read.

    GOOGLE_APPLICATION_CREDENTIALS names it where `key_file` does not.
    """

    key_file: Path | None = None
    endpoint: HttpUrl = "https://searchconsole.googleapis.com"


class Price(_Section):
    """Dollars per million tokens, for a model that the price list does not know or the owner pays
    otherwise.
    """

    input: float = Field(ge=0)
    output: float = Field(ge=0)


Provider = Literal["anthropic", "openai"]


class Model(_Section):
    """A model, and who serves it. What is left out is as in [writing]."""

    provider: Provider | None = None
    model: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _names_its_model(self) -> Model:
        if self.provider and not self.model:
            raise ValueError("needs a model beside its provider")
        return self


class Anthropic(_Section):
    """Where Anthropic's API is: its own address, where none is set. The key is
    ANTHROPIC_API_KEY.
    """

    base_url: HttpUrl | None = None


class OpenAI(_Section):
    """Any endpoint of chat completions: OpenAI's own, or `base_url`, which ends before
    /chat/completions.

    The key is OPENAI_API_KEY; a server of one's own may need none. `json_as` is how it is asked for
    JSON: by `schema`, or where it knows none by its `object` mode, or in the words of the prompt
    alone (`text`). `prices` is the provider in the price list of genai-prices, such as groq or
    openrouter.
    """

    base_url: HttpUrl = "https://api.openai.com/v1"
    json_as: Literal["schema", "object", "text"] = "schema"
    prices: str = "openai"


class Writing(_Section):
    """Who writes. `auto` takes Anthropic where ANTHROPIC_API_KEY is set, and the offline writer
    where it is not.

    `fallback` is asked where `model` is overloaded, refuses, or has failed too often of late. Each
    step of the writing may have a model of its own. `deadline_seconds` is for one call of a model,
    `max_tokens` for one answer.
    `sections_at_once` are the calls under way for one article.

    `rewrites` is how often an article that fails a gate goes back to a model with the reasons,
    before a person sees it.

    `offline_articles` says what becomes of articles of the offline writer: each waits for `review`,
    and has `noindex` when it was approved; or is published without a review, with `noindex` or
    (`publish`) like any other.
    """

    writer: Literal["auto", "anthropic", "openai", "offline"] = "auto"
    model: str = "claude-sonnet-5-5"
    fallback: Model | None = None
    outline: Model = Model()
    section: Model = Model()
    rewrite: Model = Model()
    anthropic: Anthropic = Anthropic()
    openai: OpenAI = OpenAI()
    max_tokens: int = Field(default=8_000, ge=256, le=64_000)
    temperature: float | None = Field(default=None, ge=0, le=1)
    deadline_seconds: float = Field(default=240, gt=0, le=3_600)
    sections_at_once: int = Field(default=3, ge=1, le=20)
    rewrites: int = Field(default=1, ge=0, le=3)
    offline_articles: Literal["review", "noindex", "publish"] = "review"
    prices: dict[str, Price] = {}

    @model_validator(mode="after")
    def _names_a_model(self) -> Writing:
        if self.writer == "openai" and "model" not in self.model_fields_set:
            raise ValueError("needs a model: openai serves none by the name that is the default")
        if self.fallback is not None and not self.fallback.model:
            raise ValueError("needs a model in its fallback")
        return self


class Embeddings(_Section):
    """An endpoint of embeddings, as OpenAI serves them; `base_url` ends before /embeddings.

    The key is OPENAI_API_KEY; a server of one's own may need none. `same` is the likeness from
    which on two texts tell one story, `related` that from which on they are of one subject: each
    model has numbers of its own, which are to be found by looking at `contentstudio topics`.
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


class Memory(_Section):
    """How the texts of a site are compared: by their words alone, or by the vectors of a model."""

    embeddings: Embeddings | None = None


class Refresh(_Section):
    """When published articles are looked at again, and how many of a site are written again each
    time.

    Those whose sources changed come first, then those whose clicks fell by the share `fallen` from
    one month to the next, where there were `min_clicks` at least.
    """

    cron: CronText = "30 5 * * 1"
    at_most: int = Field(default=3, ge=0, le=100)
    fallen: float = Field(default=0.4, gt=0, le=1)
    min_clicks: int = Field(default=20, ge=1)


SensitiveTopic = Literal["health", "money", "law"]


class Gates(_Section):
    """The thresholds of the quality gates of a site. What fails one waits for a person.

    Words are counted in the body. Reading ease (`flesch`) is measured by the formula for the
    language where there is one, the grade (years of school) in English alone; `check` says what is
    not measured. Lengths of title and description are in characters, wide ones counted twice.
    `max_density` is the share of one word in all words,
    `max_repeated` that of runs of four words which stand more than once, `max_similarity` that of
    the runs of five words which two articles share, `max_copied` that of this article's runs which
    another one has,
    `max_rivalry` that of the words which the titles of two pages of the site share. These three,
    and what the memory takes for the same story, are set by the tables of `bench/likeness.py`.
    """

    min_words: int = Field(default=120, ge=1)
    max_words: int = Field(default=2_500, ge=1)
    min_flesch: float = Field(default=40, ge=0, le=100)
    max_flesch: float = Field(default=122, ge=0, le=122)  # 121.22 is the formula's own maximum
    min_grade: float = Field(default=-4, ge=-4, le=30)  # -3.4 is the formula's least
    max_grade: float = Field(default=14, ge=-4, le=30)
    min_sourced: float = Field(default=0.5, ge=0, le=1)
    min_title: int = Field(default=5, ge=1)
    max_title: int = Field(default=80, ge=1)
    min_description: int = Field(default=50, ge=0)
    max_description: int = Field(default=170, ge=1)
    max_density: float = Field(default=0.08, gt=0, le=1)
    max_repeated: float = Field(default=0.15, ge=0, le=1)
    max_similarity: float = Field(default=0.15, gt=0, le=1)
    max_copied: float = Field(default=0.25, gt=0, le=1)
    max_rivalry: float = Field(default=0.6, gt=0, le=1)
    per_day: int = Field(default=10, ge=0)
    banned: list[str] = []
    allow_topics: list[SensitiveTopic] = []
    allow_unknown_links: bool = True

    @model_validator(mode="after")
    def _leaves_room(self) -> Gates:
        for what in ("words", "flesch", "grade", "title", "description"):
            least, most = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if least > most:
                raise ValueError(
                    f"min_{what} is {least:g} and max_{what} {most:g}: no article could pass"
                )
        return self


class Publishing(_Section):
    """Where finished articles go, and how long each waits for a person's last edit. Sites are
    folders in `dir`.

    An edit restarts the wait, but not beyond `debounce_at_most_seconds` from its begin. No CMS is
    begun to be written to more often than `articles_per_second`, by all workers together; each site
    has a count of its own. While a CMS is away, each article is tried again for `retry_hours` after
    its first failure.
    """

    debounce_seconds: float = Field(default=90, ge=0, le=86_400)
    debounce_at_most_seconds: float = Field(default=900, ge=0, le=604_800)
    articles_per_second: int = Field(default=5, ge=1, le=100)
    retry_hours: float = Field(default=24, gt=0, le=168)
    dir: Path = Path("sites")


class Static(_Section):
    """Plain files, in a folder of the site's own in `publishing.dir`."""

    to: Literal["static"] = "static"


class Remote(_Section):
    """A CMS that is written to over the network. Its secret is in the environment: see `secret`.

    `url` is where its API is, if not at the site's own address. `private` says that it may be at an
    address which nobody outside can reach, and be asked without https. `timeout_seconds` are for
    one request.
    """

    url: HttpUrl | None = None
    private: bool = False
    timeout_seconds: float = Field(default=30, gt=0, le=300)
    state: Literal["published", "draft"] = "published"


class WordPress(Remote):
    """WordPress by its REST API; the secret is an application password of `user`. `category` is for
    every article.
    """

    to: Literal["wordpress"]
    user: str = Field(min_length=1)
    category: str | None = Field(default=None, min_length=1)


class Ghost(Remote):
    """Ghost by its Admin API; the secret is the Admin API key of a custom integration."""

    to: Literal["ghost"]


class Git(_Section):
    """Markdown files in a Git repository, for a generator of static sites. Git itself knows how to
    log in.

    `layout` says where posts lie and how their front matter is written. `folder` and `page` are its
    own, where they are not given: the path of the posts in the repository, and of a post below the
    site's URL, with {slug} and {date}.
    """

    to: Literal["git"]
    repository: str = Field(min_length=1)
    branch: str = Field(default="main", pattern=r"^[\w][\w./-]*$")
    layout: Literal["hugo", "jekyll", "astro"] = "hugo"
    folder: str | None = Field(default=None, pattern=r"^[\w][\w./-]*$")
    page: str | None = Field(default=None, pattern=r"^/.*\{slug\}")
    author: str = Field(
        default="contentstudio <contentstudio@localhost>", pattern=r"^[^<>]+ <[^<> ]+>$"
    )
    timeout_seconds: float = Field(default=60, gt=0, le=300)
    state: Literal["published", "draft"] = "published"


CMS: dict[str, type[BaseModel]] = {
    "static": Static,
    "wordpress": WordPress,
    "ghost": Ghost,
    "git": Git,
}


def _cms_of(publish: Any) -> str | None:
    """Which CMS it is, by its `to`."""
    to = publish.get("to", "static") if isinstance(publish, dict) else getattr(publish, "to", None)
    return TAG + to if to in CMS else None


Publish = Annotated[
    Annotated[Static, Tag(TAG + "static")]
    | Annotated[WordPress, Tag(TAG + "wordpress")]
    | Annotated[Ghost, Tag(TAG + "ghost")]
    | Annotated[Git, Tag(TAG + "git")],
    Discriminator(
        _cms_of, custom_error_type="cms_unknown", custom_error_message="needs a CMS that we know"
    ),
]


class Ping(_Section):
    """The endpoint that is told of new and changed pages: IndexNow's protocol, or none.

    `key_url` is where the key's file is, if not at /KEY.txt of the site. Of one page it is told at
    most once in `apart_seconds`; ten minutes are what IndexNow asks for.
    """

    endpoint: HttpUrl | None = None
    key: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{8,128}$")
    key_url: HttpUrl | None = None
    apart_seconds: float = Field(default=600, ge=0, le=86_400)

    @model_validator(mode="after")
    def _has_a_key(self) -> Ping:
        if self.endpoint and not self.key:
            raise ValueError(
                "needs a key beside the endpoint: 8 to 128 letters, digits or hyphens of "
                "your choice"
            )
        return self


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
Hour = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class Window(_Section):
    """When a site publishes: on these days between these hours of `timezone`, and `minutes_apart`
    at least.

    Hours that end before they begin reach into the next day. What is ready at another time waits.
    What a person asks for by name, such as the version before, does not.
    """

    days: list[Day] = Field(default=list(DAYS), min_length=1)
    hours: tuple[Hour, Hour] = ("00:00", "24:00")
    timezone: Zone = "UTC"
    minutes_apart: float = Field(default=0, ge=0, le=10_080)

    @property
    def minutes(self) -> tuple[int, int]:
        """The hours as minutes of the day, up to 1,440."""
        first, last = (int(hour[:2]) * 60 + int(hour[3:]) for hour in self.hours)
        return first, last


class Property(_Section):
    """A property of Google's Search Console, to which the sitemap is submitted, and which is asked
    of pages.

    `sitemap` is the site's own where none is named. A property has 2,000 inspections a day.
    """

    name: str = Field(pattern=r"^(sc-domain:[\w.-]+|https?://\S+/)$")
    sitemap: HttpUrl | None = None
    inspections: int = Field(default=100, ge=0, le=2_000)


class Keep(_Section):
    """For how many days that is kept on which no article stands: texts, what the gates said, what
    pages once were.
    """

    days: float = Field(default=180, ge=1, le=365)


DEFAULT_USD_PER_DAY = 5.0  # some dozens of articles by a model of the middle class
Dollars = Annotated[float, Field(ge=0, le=1_000_000)]


class MailTo(_Section):
    """Email by an SMTP server. The password, where one is needed, is
    CONTENTSTUDIO_MAIL_PASSWORD.
    """

    host: str = Field(min_length=1)
    sender: str = Field(min_length=3)
    to: list[str] = Field(min_length=1)
    user: str | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    port: int | None = Field(default=None, ge=1, le=65_535)


class Alerts(_Section):
    """Where alerts and the morning report go. The addresses are secrets, so they stand in the
    environment.

    `slack` takes CONTENTSTUDIO_SLACK_URL, an incoming webhook; `webhook` takes
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

    channels: list[Literal["slack", "webhook", "mail", "apprise"]] = []
    quiet: tuple[TimeOfDay, TimeOfDay] | None = ("22:00", "07:00")
    urgency: dict[str, Literal["now", "morning"]] = {}
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


class Morning(_Section):
    """When the morning report is sent, with what waited for it. `at` and the quiet hours are in
    `timezone`.
    """

    at: TimeOfDay = "07:30"
    timezone: Zone = "UTC"


class Budget(_Section):
    """What language models may cost in a day (UTC), over all sites; a modest sum where nothing is
    said.
    """

    usd_per_day: Dollars = DEFAULT_USD_PER_DAY

    @property
    def is_default(self) -> bool:
        """Whether the owner named no sum."""
        return "usd_per_day" not in self.model_fields_set


class Plausible(_Section):
    """Plausible counts the readers; `domain` is the site's name there, its host where none is
    given.
    """

    kind: Literal["plausible"]
    domain: str | None = Field(default=None, pattern=r"^[\w.,/-]+$")
    script: ScriptUrl = "https://plausible.io/js/script.js"


class Matomo(_Section):
    """A Matomo of one's own, or of its cloud, counts the readers, without cookies; `url` is where
    its matomo.php is.
    """

    kind: Literal["matomo"]
    url: ScriptUrl
    site_id: int = Field(ge=1)

    @field_validator("url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")


class Script(_Section):
    """Any other script that counts readers, such as Umami's. `data` becomes its `data-` attributes.

    `hosts` are the addresses that it sends to, where they are not at the script's own host.
    """

    kind: Literal["script"]
    src: ScriptUrl
    data: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], str] = {}
    hosts: list[ScriptUrl] = []


ANALYTICS: dict[str, type[BaseModel]] = {"plausible": Plausible, "matomo": Matomo, "script": Script}


def _analytics_of(analytics: Any) -> str | None:
    """Which analytics it is, by its `kind`."""
    kind = (
        analytics.get("kind") if isinstance(analytics, dict) else getattr(analytics, "kind", None)
    )
    return TAG + kind if kind in ANALYTICS else None


Analytics = Annotated[
    Annotated[Plausible, Tag(TAG + "plausible")]
    | Annotated[Matomo, Tag(TAG + "matomo")]
    | Annotated[Script, Tag(TAG + "script")],
    Discriminator(
        _analytics_of, custom_error_type="analytics_unknown", custom_error_message="needs a kind"
    ),
]


class Site(_Section):
    """One site: its public address, what it reads, and what it may cost in a day.

    A source that is a plain URL is a feed or a page, whichever comes. `posts` is a sitemap of what
    the site has besides the articles from here: no article is written that is near one of its
    pages, and articles link to them.

    `tags` are the subjects of the site: an article has those of which it speaks most.

    Static sites alone have a `theme`, a folder beside the config with own templates, stylesheets
    and files, `analytics`, the one thing that may run scripts on their pages, a `color`, and own
    `pages`: a folder beside the config with Markdown files, such as `about.md`.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: HttpUrl
    title: str = ""
    description: str = ""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = []
    pages: Path | None = None
    sources: list[Source] = Field(min_length=1)
    posts: HttpUrl | None = None
    active: bool = True
    usd_per_day: Dollars | None = None
    gates: Gates = Gates()
    ping: Ping = Ping()
    search_console: Property | None = None
    window: Window = Window()
    publish: Publish = Static()
    theme: Path | None = None
    analytics: Analytics | None = None

    @property
    def sitemap(self) -> str:
        """Where the site's sitemap is; each CMS has a place of its own for it."""
        named = self.search_console.sitemap if self.search_console else None
        path = "wp-sitemap.xml" if isinstance(self.publish, WordPress) else "sitemap.xml"
        return named or f"{self.url}/{path}"

    @field_validator("url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_pages_of_its_own(self) -> Site:
        for name in ("theme", "analytics", "color", "pages"):
            if getattr(self, name) is not None and not isinstance(self.publish, Static):
                raise ValueError(
                    f"has “{name}”, which is for pages of ours, and is published to "
                    f"{self.publish.to}"
                )
        return self


class Config(_Section):
    """The whole file. Folders and files that it names are beside it, and so are those that a site's
    own file names.

    `sites` is a pattern of files of which each is one site, with the keys of [[site]] at its top.
    """

    fetch: Fetch = Fetch()
    research: Research = Research()
    memory: Memory = Memory()
    refresh: Refresh = Refresh()
    google: Google = Google()
    writing: Writing = Writing()
    publishing: Publishing = Publishing()
    budget: Budget = Budget()
    alerts: Alerts = Alerts()
    morning: Morning = Morning()
    keep: Keep = Keep()
    sites: str | None = Field(default=None, min_length=1)
    site: list[Site] = Field(min_length=1)
    _file: Path = PrivateAttr(default=Path(DEFAULT_FILE))
    _files: dict[str, Path] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Config:
        names = [site.name for site in self.site]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two sites have the name {', '.join(sorted(twice))}")
        return self

    def find(self, name: str) -> Site:
        """The site of that name. Raises `ConfigError` for one that was taken out while its jobs
        were in flight.
        """
        for site in self.site:
            if site.name == name:
                return site
        raise ConfigError(
            f"there is no site “{name}”{among(name, [site.name for site in self.site])}"
        )

    def file_of(self, site: Site) -> Path:
        """The file that a site is in."""
        return self._files.get(site.name, self._file)

    @property
    def file(self) -> Path:
        """The file that was read."""
        return self._file

    def beside(self, path: Path) -> Path:
        """A path of this file, which is meant from the folder that the file is in."""
        return (self._file.parent / path.expanduser()).absolute()

    def google_key_file(self) -> Path | None:
        """The key file of the service account, if one is named."""
        if self.google.key_file is not None:
            return self.beside(self.google.key_file)
        named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        return Path(named).absolute() if named else None

    def budgets(self) -> dict[str, float]:
        """Dollars a day by scope."""
        own = {
            f"key:{site.name}": site.usd_per_day
            for site in self.site
            if site.usd_per_day is not None
        }
        return {"all": self.budget.usd_per_day, **own}

    def folder(self, site: Site) -> Path:
        """Where a static site is published."""
        return (self._file.parent / self.publishing.dir / site.name).absolute()


def load(file: Path) -> Config:
    """Read and check the file. Whatever is wrong is one sentence that names the place
    and the mend.
    """
    data, _ = _read(file)
    here = data.get("site", [])
    own = _own_files(file, data.get("sites"))
    if own and isinstance(here, list):
        names = [site.get("name") for site in here if isinstance(site, dict)]
        for path in [path for path, site in own.items() if site.name in names]:
            raise ConfigError(_twice(path, own[path], file))
        data["site"] = [*here, *own.values()]
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise InvalidConfig(
            f"{file}: {_sentence(_first(error), Config)}", _problems(error, Config)
        ) from None
    config._file = file.absolute()
    config._files = {site.name: path for path, site in own.items()}
    for site in config.site:
        for source in site.sources:
            if isinstance(source, KeywordsSource) and not config.beside(source.keywords).is_file():
                raise _missing(
                    config,
                    site,
                    "sources",
                    f"reads “{source.keywords}”, which is not beside {file.name}",
                )
        for key, folder in (("theme", site.theme), ("pages", site.pages)):
            if folder is not None and not config.beside(folder).is_dir():
                raise _missing(
                    config,
                    site,
                    key,
                    f"has the {key} “{folder}”, which is no folder beside {file.name}",
                )
    themes = {
        site.name: config.beside(site.theme) for site in config.site if site.theme is not None
    }
    config.site[:] = [
        site.model_copy(update={"theme": themes.get(site.name)}) for site in config.site
    ]
    return config


def _missing(config: Config, site: Site, key: str, what: str) -> InvalidConfig:
    told = f"site {site.name} {what}"
    return InvalidConfig(f"{config.file_of(site)}: {told}", [(f"{key} of {site.name}", told)])


def _read(file: Path) -> tuple[dict[str, Any], str]:
    """A TOML file as data and as text."""
    try:
        text = file.read_text("utf-8-sig")
        return tomllib.loads(text), text
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {file}: `contentstudio init` writes one to begin with"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(
            f"cannot read {file} ({error.strerror}): name a file with --config"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is no valid TOML: {error}") from None


def _own_files(file: Path, pattern: Any) -> dict[Path, Site]:
    """The sites that have files of their own, in the order of the files' names."""
    if not isinstance(pattern, str) or not pattern:
        return {}
    try:
        files = sorted(path for path in file.parent.glob(pattern) if path.is_file())
    except (NotImplementedError, ValueError) as error:
        raise ConfigError(
            f"{file}: “sites” is a pattern of files beside this one, not “{pattern}”: {error}"
        ) from None
    if not files:
        raise ConfigError(f"{file}: no file fits “sites”, which is “{pattern}”")
    sites: dict[Path, Site] = {}
    for path in files:
        site = _site(path)
        if other := next(
            (there for there, known in sites.items() if known.name == site.name), None
        ):
            raise ConfigError(_twice(path, site, other))
        sites[path] = site
    return sites


def _twice(file: Path, site: Site, other: Path) -> str:
    return f"{file}: the site “{site.name}” is in {other} too: give one of them another name"


def _site(file: Path) -> Site:
    data, text = _read(file)
    if "site" in data:
        raise ConfigError(
            f"{file}: this file is one site, so write its keys at the top, without [[site]]"
        )
    try:
        return Site.model_validate(data)
    except ValidationError as error:
        line = _line(text, _place(error))
        where = f"{file}{f', line {line}' if line else ''}"
        problems = [(f"{path} in {file.name}", told) for path, told in _problems(error, Site)]
        raise InvalidConfig(f"{where}: {_sentence(_first(error), Site)}", problems) from None


def _line(text: str, place: Sequence[int | str]) -> int | None:
    """The line of a key in a file without arrays of tables, or of the nearest thing around it that
    is there.
    """
    names = [str(part) for part in place if not isinstance(part, int)]
    for depth in range(len(names), 0, -1):
        table, key = names[: depth - 1], names[depth - 1]
        header = ""
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.match(r"\s*\[([^\[\]]+)\]", line):
                header = found[1].replace(" ", "")
                if header == ".".join(names[:depth]):
                    return number
            elif header == ".".join(table) and re.match(
                rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line
            ):
                return number
    return None


PLAINER = {
    "too_short": "needs at least one entry",
    "analytics_unknown": f"is a table with kind = one of: {', '.join(ANALYTICS)}",
    "cms_unknown": f"is a table with to = one of: {', '.join(CMS)}",
    "union_tag_not_found": f"is a URL or a table with one of: {', '.join(SOURCES)}",
    "string_pattern_mismatch": "has characters that it may not have, or is too short: see "
    "contentstudio/README.md",
}


HINTS = {
    "search_console.name": "is a property such as sc-domain:example.com, or an address with its "
    "last "
    "slash",
    "name": "takes small letters, digits and hyphens, such as my-site",
    "language": "is a language in two small letters, such as en or de",
    "color": "is a colour as six hexadecimal digits, such as #23674a",
    "hours": 'takes two times of day, such as ["08:00", "18:00"]; the last one may be "24:00"',
    "key": "takes 8 to 128 letters, digits or hyphens",
    "search_console": "is a property such as sc-domain:example.com, or an address with its "
    "last "
    "slash",
}


def _first(error: ValidationError) -> ErrorDetails:
    """What is told of all that is wrong."""
    found = error.errors(include_url=False)
    return next((one for one in found if one["type"] == "extra_forbidden"), found[0])


def _place(error: ValidationError) -> list[int | str]:
    """Where that is in the file: the keys, and the numbers in lists from 0."""
    return _path(_first(error))


def _path(found: ErrorDetails) -> list[int | str]:
    return [part for part in found["loc"] if not str(part).startswith(TAG)]


def _written(path: Sequence[int | str]) -> str:
    """A place as people write it: `site[1].url`."""
    place = ""
    for part in path:
        place += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place


def _problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Everything that is wrong: the key, and a sentence."""
    found = error.errors(include_url=False)
    return [(_written(_path(one)) or "the file", _sentence(one, model)) for one in found]


def _sentence(found: ErrorDetails, model: type[BaseModel]) -> str:
    """One thing that is wrong, with its place in the file: `site[1].url needs …`."""
    place = _written(_path(found))
    if found["type"] == "extra_forbidden":
        known = sorted(_known_keys(model, found["loc"]))
        key = str(found["loc"][-1])
        return (
            f"unknown key “{place}”; known here: "
            f"{', '.join(known)}{_elsewhere(key) or nearest(key, known)}"
        )
    if found["type"] == "missing":
        return f"“{place}” is missing"
    if found["loc"] == ("sites",):
        return (
            '“sites” is a pattern of files, such as "sites/*.toml"; a site in this file '
            "begins with [[site]]"
        )
    if found["loc"] == ("site",) and found["type"] == "list_type":
        return "write [[site]], with two brackets: there may be several"
    message = (
        _hint(found)
        or PLAINER.get(found["type"])
        or found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    )
    return f"“{place}” {message}{_meant(found)}" if place else message


def _elsewhere(key: str) -> str:
    """The sections that know a key which stands in another one."""
    known = [
        f"[{name}]"
        for name in Config.model_fields
        if not name.startswith("site") and key in _known_keys(Config, (name, key))
    ]
    known += ["[[site]]"] * (key in Site.model_fields) + ["[site.gates]"] * (
        key in Gates.model_fields
    )
    return f"; it belongs into {' or '.join(known)}" if known else ""


def _hint(found: ErrorDetails) -> str | None:
    """What a key takes, where its pattern would tell a person nothing."""
    names = [part for part in found["loc"] if isinstance(part, str)]
    if found["type"] != "string_pattern_mismatch" or not names:
        return None
    return HINTS.get(".".join(names[-2:])) or HINTS.get(names[-1])


def _meant(found: ErrorDetails) -> str:
    """The value that was meant, where one of the few that there are is near."""
    given = found["input"]
    if found["type"] == "literal_error":
        return nearest(
            str(given), re.findall(r"'([^']*)'", str(found.get("ctx", {}).get("expected", "")))
        )
    if found["type"] == "analytics_unknown" and isinstance(given, dict):
        return nearest(str(given.get("kind")), list(ANALYTICS))
    if found["type"] == "cms_unknown" and isinstance(given, dict):
        return nearest(str(given.get("to")), list(CMS))
    if found["type"] == "union_tag_not_found" and isinstance(given, dict):
        return next((near for key in given if (near := nearest(key, list(SOURCES)))), "")
    return ""


TAGGED = SOURCES | CMS | ANALYTICS


def _known_keys(section: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section of a location knows."""
    for part in location[:-1]:
        if isinstance(part, str) and part.startswith(TAG) and part.removeprefix(TAG) in TAGGED:
            section = TAGGED[part.removeprefix(TAG)]
        elif isinstance(part, str) and part in section.model_fields:
            annotation = section.model_fields[part].annotation
            inner = [
                t
                for t in (annotation, *get_args(annotation))
                if isinstance(t, type) and issubclass(t, BaseModel)
            ]
            section = inner[0] if inner else section
    return list(section.model_fields)


def api_key(provider: Provider = "anthropic") -> str | None:
    """The key of a provider of language models, from the environment."""
    return os.environ.get(f"{provider.upper()}_API_KEY") or None


def secret_name(site: Site) -> str:
    """The variable of the environment that holds a site's secret."""
    return f"CONTENTSTUDIO_SECRET_{site.name.upper().replace('-', '_')}"


def secret(site: Site) -> str:
    """What a site's CMS knows us by, from the environment. Raises `ConfigError` where it is not
    there.
    """
    name = secret_name(site)
    found = os.environ.get(name)
    if not found:
        raise ConfigError(f"the site “{site.name}” is published with a secret: put it into {name}")
    logs.hide(found)
    return found


def canary_key() -> str:
    """What the marks in prompts are made with. They need be no secret: who guesses one sends an
    article to a person.
    """
    return os.environ.get("CONTENTSTUDIO_CANARY_KEY", "contentstudio")
