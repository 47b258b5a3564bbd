"""`contentstudio.toml`: one validated model. Secrets come from the environment, never from this file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT_FILE = "contentstudio.toml"


def _http_url(value: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
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
    user_agent: str = "contentstudio (+https://github.com/contentstudio)"


class Research(_Section):
    """When and how much to read. `cron` has five fields; times are in `timezone`."""

    cron: str = "0 4 * * *"
    timezone: str = "UTC"
    entries_per_feed: int = Field(default=10, ge=1, le=200)
    min_score: float = Field(default=0.5, ge=0, le=1)


class Writing(_Section):
    """Who writes. `auto` takes Anthropic where ANTHROPIC_API_KEY is set, and the offline writer where it is not."""

    writer: Literal["auto", "anthropic", "offline"] = "auto"
    model: str = "claude-sonnet-4-5"
    base_url: HttpUrl | None = None
    max_tokens: int = Field(default=8_000, ge=256, le=64_000)
    temperature: float | None = Field(default=None, ge=0, le=1)
    deadline_seconds: float = Field(default=240, gt=0, le=3_600)


class Gates(_Section):
    """The thresholds of the quality gate. Words are counted in the body; Flesch is made for English."""

    min_words: int = Field(default=120, ge=1)
    max_words: int = Field(default=2_500, ge=1)
    min_flesch: float = Field(default=40, ge=0, le=100)
    min_sourced: float = Field(default=0.5, ge=0, le=1)


class Publishing(_Section):
    """Where finished articles go. The wait gives a person time for a last edit."""

    debounce_seconds: float = Field(default=90, ge=0)
    dir: Path | None = None


class Ping(_Section):
    """The endpoint that is told of new and changed pages: IndexNow's protocol, or none."""

    endpoint: HttpUrl | None = None
    key: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{8,128}$")


class Site(_Section):
    """One site: its public address, and the feeds and pages it reads."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: HttpUrl
    title: str = ""
    description: str = ""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    sources: list[HttpUrl] = Field(min_length=1)
    active: bool = True
    gates: Gates = Gates()
    publishing: Publishing = Publishing()
    ping: Ping = Ping()

    @field_validator("url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")


class Config(_Section):
    """The whole file."""

    fetch: Fetch = Fetch()
    research: Research = Research()
    writing: Writing = Writing()
    site: list[Site] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Config:
        names = [s.name for s in self.site]
        if len(set(names)) != len(names):
            raise ValueError("two sites have the same name")
        return self
