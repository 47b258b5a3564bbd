"""`contentstudio.toml`: one validated model. Secrets come from the environment, never from this file."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from overnight.errors import ConfigError

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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fetch(_Section):
    """How pages are read. A host is asked one thing at a time, with a pause of `pause_seconds` after it.

    `allow_loopback` is for trials: no other private address is ever read, and loopback is read without pauses. What
    `user_agent` begins with is the name by which robots.txt may call us.
    """

    allow_loopback: bool = False
    pause_seconds: float = Field(default=1.0, ge=0, le=60)
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    max_bytes: int = Field(default=5_000_000, ge=1_000)
    max_redirects: int = Field(default=5, ge=0, le=20)
    user_agent: str = "contentstudio/0.1"


class Research(_Section):
    """When and how much to read. `cron` has five fields; times are in `timezone`."""

    cron: str = "0 4 * * *"
    timezone: str = "UTC"
    entries_per_feed: int = Field(default=10, ge=1, le=200)
    pages_per_sitemap: int = Field(default=10, ge=1, le=200)
    min_score: float = Field(default=0.5, ge=0, le=1)


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
    """The queries of a property of Google's Search Console, over so many days. It keeps sixteen months."""

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
    """Dollars per million tokens, for a model that the price list does not know or the owner pays otherwise."""

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
    """Where Anthropic's API is: its own address, where none is set. The key is ANTHROPIC_API_KEY."""

    base_url: HttpUrl | None = None


class OpenAI(_Section):
    """Any endpoint of chat completions: OpenAI's own, or `base_url`, which ends before /chat/completions.

    The key is OPENAI_API_KEY; a server of one's own may need none. `json_as` is how it is asked for JSON: by `schema`,
    or where it knows none by its `object` mode, or in the words of the prompt alone (`text`). `prices` is the provider
    in the price list of genai-prices, such as groq or openrouter.
    """

    base_url: HttpUrl = "https://api.openai.com/v1"
    json_as: Literal["schema", "object", "text"] = "schema"
    prices: str = "openai"


class Writing(_Section):
    """Who writes. `auto` takes Anthropic where ANTHROPIC_API_KEY is set, and the offline writer where it is not.

    `fallback` is asked where `model` is overloaded, refuses, or has failed too often of late. Each step of the writing
    may have a model of its own. `deadline_seconds` is for one call of a model, `max_tokens` for one answer.
    `sections_at_once` are the calls under way for one article.

    `rewrites` is how often an article that fails a gate goes back to a model with the reasons, before a person sees it.
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
    prices: dict[str, Price] = {}

    @model_validator(mode="after")
    def _names_a_model(self) -> Writing:
        if self.writer == "openai" and "model" not in self.model_fields_set:
            raise ValueError("needs a model: openai serves none by the name that is the default")
        if self.fallback is not None and not self.fallback.model:
            raise ValueError("needs a model in its fallback")
        return self


SensitiveTopic = Literal["health", "money", "law"]


class Gates(_Section):
    """The thresholds of the quality gates of a site. What fails one waits for a person.

    Words are counted in the body. Flesch's reading ease and the grade (years of school) are made for English; a text in
    a language that a gate cannot measure passes that gate only with `allow_unmeasured`. Lengths of title and
    description are in characters, wide ones counted twice. `max_density` is the share of one word in all words,
    `max_repeated` that of runs of four words which stand more than once, `max_similarity` that of the runs of five
    words which two articles share, `max_copied` that of this article's runs which another one has.
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
    max_similarity: float = Field(default=0.2, gt=0, le=1)
    max_copied: float = Field(default=0.4, gt=0, le=1)
    per_day: int = Field(default=10, ge=0)
    banned: list[str] = []
    allow_topics: list[SensitiveTopic] = []
    allow_unmeasured: bool = False
    allow_unknown_links: bool = True

    @model_validator(mode="after")
    def _leaves_room(self) -> Gates:
        for what in ("words", "flesch", "grade", "title", "description"):
            least, most = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if least > most:
                raise ValueError(f"min_{what} is {least:g} and max_{what} {most:g}: no article could pass")
        return self


class Publishing(_Section):
    """Where finished articles go, and how long each waits for a person's last edit. Sites are folders in `dir`.

    An edit restarts the wait, but not beyond `debounce_at_most_seconds` from its begin.
    """

    debounce_seconds: float = Field(default=90, ge=0, le=86_400)
    debounce_at_most_seconds: float = Field(default=900, ge=0, le=604_800)
    dir: Path = Path("sites")


class Ping(_Section):
    """The endpoint that is told of new and changed pages: IndexNow's protocol, or none."""

    endpoint: HttpUrl | None = None
    key: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{8,128}$")

    @model_validator(mode="after")
    def _has_a_key(self) -> Ping:
        if self.endpoint and not self.key:
            raise ValueError("needs a key beside the endpoint: 8 to 128 letters, digits or hyphens of your choice")
        return self


Dollars = Annotated[float, Field(ge=0, le=1_000_000)]


class Budget(_Section):
    """What language models may cost in a day (UTC), over all sites. Without it there is no limit."""

    usd_per_day: Dollars | None = None


class Site(_Section):
    """One site: its public address, what it reads, and what it may cost in a day.

    A source that is a plain URL is a feed or a page, whichever comes.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: HttpUrl
    title: str = ""
    description: str = ""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    sources: list[Source] = Field(min_length=1)
    active: bool = True
    usd_per_day: Dollars | None = None
    gates: Gates = Gates()
    ping: Ping = Ping()

    @field_validator("url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")


class Config(_Section):
    """The whole file. Folders in it are beside it."""

    fetch: Fetch = Fetch()
    research: Research = Research()
    google: Google = Google()
    writing: Writing = Writing()
    publishing: Publishing = Publishing()
    budget: Budget = Budget()
    site: list[Site] = Field(min_length=1)
    _file: Path = PrivateAttr(default=Path(DEFAULT_FILE))

    @model_validator(mode="after")
    def _is_consistent(self) -> Config:
        names = [site.name for site in self.site]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two sites have the name {', '.join(sorted(twice))}")
        return self

    def find(self, name: str) -> Site:
        """The site of that name. Raises `ConfigError` for one that was taken out while its jobs were in flight."""
        for site in self.site:
            if site.name == name:
                return site
        raise ConfigError(f"there is no site “{name}”; there are: {', '.join(s.name for s in self.site)}")

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
        limits = {"all": self.budget.usd_per_day} | {f"key:{site.name}": site.usd_per_day for site in self.site}
        return {scope: usd for scope, usd in limits.items() if usd is not None}

    def folder(self, site: Site) -> Path:
        """Where a static site is published."""
        return (self._file.parent / self.publishing.dir / site.name).absolute()


def load(file: Path) -> Config:
    """Read and check the file. Whatever is wrong is one sentence that names the place and the mend."""
    try:
        data = tomllib.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"there is no {file}: `contentstudio init` writes one to begin with") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file} ({error.strerror}): name a file with --config") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is no valid TOML: {error}") from None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{file}: {_sentence(error)}") from None
    config._file = file.absolute()
    for site in config.site:
        for source in site.sources:
            if isinstance(source, KeywordsSource) and not config.beside(source.keywords).is_file():
                raise ConfigError(f"{file}: site {site.name} reads “{source.keywords}”, which is not beside it")
    return config


PLAINER = {
    "too_short": "needs at least one entry",
    "union_tag_not_found": f"is a URL or a table with one of: {', '.join(SOURCES)}",
    "string_pattern_mismatch": "has characters that it may not have, or is too short: see contentstudio/README.md",
}


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, with its place in the file: `site[1].url needs …`."""
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    place = ""
    for part in (part for part in first["loc"] if not str(part).startswith(TAG)):
        place += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if place else str(part)
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(_known_keys(first["loc"])))
        return f"unknown key “{place}”; known here: {known}"
    if first["type"] == "missing":
        return f"“{place}” is missing"
    if first["loc"] == ("site",) and first["type"] == "list_type":
        return "write [[site]], with two brackets: there may be several"
    message = PLAINER.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return f"“{place}” {message}" if place else message


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section of a location knows."""
    section: type[BaseModel] = Config
    for part in location[:-1]:
        if isinstance(part, str) and part.removeprefix(TAG) in SOURCES and part.startswith(TAG):
            section = SOURCES[part.removeprefix(TAG)]
        elif isinstance(part, str) and part in section.model_fields:
            annotation = section.model_fields[part].annotation
            inner = [t for t in (annotation, *get_args(annotation)) if isinstance(t, type) and issubclass(t, BaseModel)]
            section = inner[0] if inner else section
    return list(section.model_fields)


def api_key(provider: Provider = "anthropic") -> str | None:
    """The key of a provider of language models, from the environment."""
    return os.environ.get(f"{provider.upper()}_API_KEY") or None


def canary_key() -> str:
    """What the marks in prompts are made with. They need be no secret: who guesses one sends an article to a person."""
    return os.environ.get("CONTENTSTUDIO_CANARY_KEY", "contentstudio")
