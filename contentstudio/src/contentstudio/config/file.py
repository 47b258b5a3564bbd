"""The whole file, with the paths that it names."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from pydantic import Field, PrivateAttr, model_validator

from contentstudio.config.cms import Publishing
from contentstudio.config.fields import Section
from contentstudio.config.pictures import Pictures
from contentstudio.config.search import Search
from contentstudio.config.sections import (
    Alerts,
    Budget,
    Google,
    Keep,
    Memory,
    Morning,
    Refresh,
    Research,
)
from contentstudio.config.site import Site
from contentstudio.config.sources import Fetch
from contentstudio.config.verify import Verify
from contentstudio.config.writing import Writing
from overnight.errors import ConfigError
from overnight.names import among

DEFAULT_FILE = "contentstudio.toml"


def program(file: Path) -> str:
    """How the program is called for a config's file, for commands that a person can copy."""
    if file.absolute() == Path(DEFAULT_FILE).absolute():
        return "contentstudio"
    return f"contentstudio --config {shlex.quote(str(file))}"


class Config(Section):
    """The whole file. Folders and files that it names are beside it, and so are those that a site's
    own file names.

    `sites` is a pattern of files of which each is one site, with the keys of [[site]] at its top.
    """

    fetch: Fetch = Fetch()
    research: Research = Research()
    search: Search = Search()
    memory: Memory = Memory()
    refresh: Refresh = Refresh()
    google: Google = Google()
    writing: Writing = Writing()
    verify: Verify = Verify()
    pictures: Pictures = Pictures()
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

    def pictures_of(self, site: Site) -> Pictures:
        """Where the pictures of a site's articles come from."""
        return site.pictures or self.pictures

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
        path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        return Path(path).absolute() if path else None

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
