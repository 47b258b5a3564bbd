"""`contentstudio.toml`: one validated model. Secrets come from the environment, never from this file."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
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
    """How pages are read. `allow_loopback` is for trials: no other private address is ever read."""

    allow_loopback: bool = False
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    max_bytes: int = Field(default=5_000_000, ge=1_000)
    max_redirects: int = Field(default=5, ge=0, le=20)
    user_agent: str = "contentstudio/0.1"


class Research(_Section):
    """When and how much to read. `cron` has five fields; times are in `timezone`."""

    cron: str = "0 4 * * *"
    timezone: str = "UTC"
    entries_per_feed: int = Field(default=10, ge=1, le=200)
    min_score: float = Field(default=0.5, ge=0, le=1)


class Price(_Section):
    """Dollars per million tokens, for a model that the price list does not know or the owner pays otherwise."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Writing(_Section):
    """Who writes. `auto` takes Anthropic where ANTHROPIC_API_KEY is set, and the offline writer where it is not."""

    writer: Literal["auto", "anthropic", "offline"] = "auto"
    model: str = "claude-sonnet-5-5"
    base_url: HttpUrl | None = None
    max_tokens: int = Field(default=8_000, ge=256, le=64_000)
    temperature: float | None = Field(default=None, ge=0, le=1)
    deadline_seconds: float = Field(default=240, gt=0, le=3_600)
    prices: dict[str, Price] = {}


class Gates(_Section):
    """The thresholds of the quality gate. Words are counted in the body; Flesch is made for English."""

    min_words: int = Field(default=120, ge=1)
    max_words: int = Field(default=2_500, ge=1)
    min_flesch: float = Field(default=40, ge=0, le=100)
    min_sourced: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _leaves_room(self) -> Gates:
        if self.min_words > self.max_words:
            raise ValueError(f"min_words is {self.min_words} and max_words {self.max_words}: no article could pass")
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
    """One site: its public address, the feeds and pages it reads, and what it may cost in a day."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: HttpUrl
    title: str = ""
    description: str = ""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    sources: list[HttpUrl] = Field(min_length=1)
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
    return config


PLAINER = {
    "too_short": "needs at least one entry",
    "string_pattern_mismatch": "has characters that it may not have, or is too short: see contentstudio/README.md",
}


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, with its place in the file: `site[1].url needs …`."""
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    place = ""
    for part in first["loc"]:
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
        if isinstance(part, str) and part in section.model_fields:
            annotation = section.model_fields[part].annotation
            inner = [t for t in (annotation, *get_args(annotation)) if isinstance(t, type) and issubclass(t, BaseModel)]
            section = inner[0] if inner else section
    return list(section.model_fields)


def api_key() -> str | None:
    """The key of the language model, from the environment."""
    return os.environ.get("ANTHROPIC_API_KEY") or None
