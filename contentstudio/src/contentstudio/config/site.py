"""One site: its address and sources, the thresholds of its gates, and when it publishes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from contentstudio.config.cms import Publish, Static, WordPress
from contentstudio.config.fields import Dollars, HttpUrl, ScriptUrl, Section, Zone
from contentstudio.config.pictures import Pictures
from contentstudio.config.profile import Profile
from contentstudio.config.sources import SearchConsoleSource, Source

ABOUT = "about"  # the slug of a static site's page on itself and its authors
SensitiveTopic = Literal["health", "money", "law"]
Autonomy = Literal["full", "review", "brief"]


class Gates(Section):
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

    `max_verbatim` is the share of the article, quotes apart, that may be in the words of its
    sources, `max_verbatim_words` the most words in a row; `max_one_host` the share of the citations
    that may rest on one host where there are several.
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
    max_verbatim: float = Field(default=0.33, ge=0, le=1)
    max_verbatim_words: int = Field(default=13, ge=4)
    max_one_host: float = Field(default=0.9, gt=0, le=1)
    per_day: int = Field(default=10, ge=0)
    banned: list[str] = Field(default=[])
    allow_topics: list[SensitiveTopic] = Field(default=[])
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


class Ping(Section):
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


class Window(Section):
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


class Property(Section):
    """A property of Google's Search Console, to which the sitemap is submitted, and which is asked
    of pages.

    `sitemap` is the site's own where none is named. A property has 2,000 inspections a day.
    """

    name: str = Field(pattern=r"^(sc-domain:[\w.-]+|https?://\S+/)$")
    sitemap: HttpUrl | None = None
    inspections: int = Field(default=100, ge=0, le=2_000)


class Plausible(Section):
    """Plausible counts the readers; `domain` is the site's name there, its host where none is
    given.
    """

    kind: Literal["plausible"]
    domain: str | None = Field(default=None, pattern=r"^[\w.,/-]+$")
    script: ScriptUrl = "https://plausible.io/js/script.js"


class Matomo(Section):
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


class Script(Section):
    """Any other script that counts readers, such as Umami's. `data` becomes its `data-` attributes.

    `hosts` are the addresses that it sends to, where they are not at the script's own host.
    """

    kind: Literal["script"]
    src: ScriptUrl
    data: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], str] = Field(default={})
    hosts: list[ScriptUrl] = Field(default=[])


ANALYTICS: dict[str, type[BaseModel]] = {"plausible": Plausible, "matomo": Matomo, "script": Script}


def _analytics_of(analytics: Any) -> str | None:
    """Which analytics it is, by its `kind`."""
    kind = (
        analytics.get("kind") if isinstance(analytics, dict) else getattr(analytics, "kind", None)
    )
    return kind if kind in ANALYTICS else None


Analytics = Annotated[
    Annotated[Plausible, Tag("plausible")]
    | Annotated[Matomo, Tag("matomo")]
    | Annotated[Script, Tag("script")],
    Discriminator(
        _analytics_of, custom_error_type="analytics_unknown", custom_error_message="needs a kind"
    ),
]


class Site(Section):
    """One site: its public address, what it reads, and what it may cost in a day.

    A source that is a plain URL is a feed or a page, whichever comes. `posts` is a sitemap of what
    the site has besides the articles from here: no article is written that is near one of its
    pages, and articles link to them.

    `tags` are the subjects of the site: an article has those of which it speaks most. `pictures`
    replaces the section [pictures] for the site.

    `color` is that of cards, and of links and the icon on pages of ours. Static sites alone have a
    `theme`, a folder beside the config with own templates, stylesheets and files, and own `pages`:
    a folder beside the config with Markdown files, such as `about.md`.

    `analytics` counts the readers. On static sites its script stands in the pages, the one thing
    that may run scripts there. Of Plausible and Matomo the visits are read every night, where the
    key is in PLAUSIBLE_API_KEY or MATOMO_TOKEN.

    `profile` says whom the site writes for and how: a table, or the name of a Markdown file beside
    the config, which `load` reads.

    `autonomy` says what waits for a person: in `full` an article that passes its gates is
    published, in `review` each article waits, in `brief` each brief waits before its article is
    written.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: HttpUrl
    title: str = ""
    description: str = ""
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(default=[])
    pages: Path | None = None
    profile: Profile = Profile()
    sources: list[Source] = Field(min_length=1)
    posts: HttpUrl | None = None
    active: bool = True
    autonomy: Autonomy = "full"
    usd_per_day: Dollars | None = None
    gates: Gates = Gates()
    ping: Ping = Ping()
    search_console: Property | None = None
    window: Window = Window()
    publish: Publish = Static()
    pictures: Pictures | None = None
    theme: Path | None = None
    analytics: Analytics | None = None

    @property
    def subjects(self) -> list[str]:
        """What the site is about: its tags and the pillars of its profile, each once."""
        return list(dict.fromkeys([*self.tags, *self.profile.pillars]))

    def byline_url(self, name: str) -> str | None:
        """Where the byline of an author leads: to the page that the profile names, or on a static
        site to its about page. None for a person whom the profile does not have.
        """
        author = self.profile.author(name)
        if author is None or author.url:
            return author.url if author else None
        return f"{self.url}/{ABOUT}/" if isinstance(self.publish, Static) else None

    @property
    def property_name(self) -> str | None:
        """The property of Search Console that the site has, be it for its pages or its queries."""
        if self.search_console is not None:
            return self.search_console.name
        names = [s.search_console for s in self.sources if isinstance(s, SearchConsoleSource)]
        return names[0] if names else None

    @property
    def sitemap(self) -> str:
        """Where the site's sitemap is; each CMS has a place of its own for it."""
        address = self.search_console.sitemap if self.search_console else None
        path = "wp-sitemap.xml" if isinstance(self.publish, WordPress) else "sitemap.xml"
        return address or f"{self.url}/{path}"

    @field_validator("url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("profile", mode="before")
    @classmethod
    def _is_a_table(cls, value: Any) -> Any:
        if isinstance(value, dict | Profile):
            return value
        raise ValueError(
            "is a table [site.profile] with keys such as audience and voice, or the name of a "
            "Markdown file beside the config"
        )

    @model_validator(mode="after")
    def _has_pages_of_its_own(self) -> Site:
        own = [name for name in ("theme", "pages") if getattr(self, name) is not None]
        if isinstance(self.analytics, Script):
            own.append("analytics")
        if own and not isinstance(self.publish, Static):
            raise ValueError(
                f"has “{own[0]}”, which is for pages of ours, and is published to {self.publish.to}"
            )
        return self
