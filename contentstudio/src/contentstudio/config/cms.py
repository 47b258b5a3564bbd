"""Where a site is published: plain files, a CMS, or a Git repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from contentstudio.config.fields import HttpUrl, Section


class Publishing(Section):
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


class Static(Section):
    """Plain files, in a folder of the site's own in `publishing.dir`."""

    to: Literal["static"] = "static"


class RemoteCms(Section):
    """A CMS that is written to over the network. Its secret is in the environment: see `secret`.

    `url` is where its API is, if not at the site's own address. `private` says that it may be at an
    address which nobody outside can reach, and be asked without https. `timeout_seconds` are for
    one request.
    """

    url: HttpUrl | None = None
    private: bool = False
    timeout_seconds: float = Field(default=30, gt=0, le=300)
    state: Literal["published", "draft"] = "published"


class WordPress(RemoteCms):
    """WordPress by its REST API; the secret is an application password of `user`. `category` is for
    every article.
    """

    to: Literal["wordpress"]
    user: str = Field(min_length=1)
    category: str | None = Field(default=None, min_length=1)


class Ghost(RemoteCms):
    """Ghost by its Admin API; the secret is the Admin API key of a custom integration."""

    to: Literal["ghost"]


class Git(Section):
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
    return to if to in CMS else None


Publish = Annotated[
    Annotated[Static, Tag("static")]
    | Annotated[WordPress, Tag("wordpress")]
    | Annotated[Ghost, Tag("ghost")]
    | Annotated[Git, Tag("git")],
    Discriminator(
        _cms_of, custom_error_type="cms_unknown", custom_error_message="needs a CMS that we know"
    ),
]
