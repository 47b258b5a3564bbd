"""Reads the file and those that it names, and checks them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contentstudio.config import explain, profile
from contentstudio.config.explain import InvalidConfig
from contentstudio.config.file import Config
from contentstudio.config.profile import Profile
from contentstudio.config.site import Site
from contentstudio.config.sources import KeywordsSource
from overnight.errors import ConfigError


def load(file: Path) -> Config:
    """Read and check the file. Raises `ConfigError` with the place and the fix."""
    data, _ = _read(file)
    own = _own_files(file, data.get("sites"))
    config = _config(file, _with_own_sites(file, _with_profiles(file, data), own))
    config._file = file.absolute()
    config._files = {site.name: path for path, site in own.items()}
    for site in config.site:
        _check_paths(config, site)
        site.profile.read_examples([*map(config.beside, site.profile.example_files)])
    config.site[:] = [_with_theme(config, site) for site in config.site]
    return config


def _config(file: Path, data: dict[str, Any]) -> Config:
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        sentence = f"{file}: {explain.first(error, Config)}"
        raise InvalidConfig(sentence, explain.problems(error, Config)) from None


def _with_own_sites(file: Path, data: dict[str, Any], own: dict[Path, Site]) -> dict[str, Any]:
    sites = data.get("site", [])
    if not own or not isinstance(sites, list):
        return data
    names = [site.get("name") for site in sites if isinstance(site, dict)]
    for path, site in own.items():
        if site.name in names:
            raise ConfigError(_twice(path, site, file))
    return {**data, "site": [*sites, *own.values()]}


def _with_profiles(file: Path, data: dict[str, Any]) -> dict[str, Any]:
    """The file with the profiles that it names as files."""
    sites = data.get("site")
    if not isinstance(sites, list):
        return data
    return {**data, "site": [_with_profile(file, file, site) for site in sites]}


def _with_profile(file: Path, own_file: Path, site: Any) -> Any:
    """The keys of a site with its profile, where they name one as a file. `file` is the config that
    it is beside, `own_file` the one that the keys are in.
    """
    name = site.get("profile") if isinstance(site, dict) else None
    if not isinstance(name, str):
        return site
    path = (file.parent / Path(name).expanduser()).absolute()
    if not path.is_file():
        who = site.get("name", "without a name")
        message = f"site {who} has the profile “{name}”, which is no file beside {file.name}"
        raise InvalidConfig(f"{own_file}: {message}", [(f"profile of {who}", message)])
    return {**site, "profile": _profile(path)}


def _profile(path: Path) -> Profile:
    try:
        validated = Profile.model_validate(profile.parsed(path))
    except ValidationError as error:
        problems = explain.problems(error, Profile)
        problems = [(f"{key} in {path.name}", what) for key, what in problems]
        raise InvalidConfig(f"{path}: {explain.first(error, Profile)}", problems) from None
    validated._file = path
    return validated


def _check_paths(config: Config, site: Site) -> None:
    """Raises `InvalidConfig` with the first file or folder of a site that is not there."""
    for key, sentence in _missing_paths(config, site):
        message = f"site {site.name} {sentence}"
        raise InvalidConfig(
            f"{config.file_of(site)}: {message}", [(f"{key} of {site.name}", message)]
        )


def _missing_paths(config: Config, site: Site) -> Iterator[tuple[str, str]]:
    name = config.file.name
    for source in site.sources:
        if isinstance(source, KeywordsSource) and not config.beside(source.keywords).is_file():
            yield "sources", f"reads “{source.keywords}”, which is not beside {name}"
    for example in site.profile.example_files:
        if not config.beside(example).is_file():
            yield "profile", f"has the example “{example}”, which is no file beside {name}"
    for key, folder in (("theme", site.theme), ("pages", site.pages)):
        if folder is not None and not config.beside(folder).is_dir():
            yield key, f"has the {key} “{folder}”, which is no folder beside {name}"


def _with_theme(config: Config, site: Site) -> Site:
    theme = None if site.theme is None else config.beside(site.theme)
    return site.model_copy(update={"theme": theme})


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
    sites: dict[Path, Site] = {}
    for path in _matching(file, pattern):
        site = _site(file, path)
        for other, earlier in sites.items():
            if earlier.name == site.name:
                raise ConfigError(_twice(path, site, other))
        sites[path] = site
    return sites


def _matching(file: Path, pattern: str) -> list[Path]:
    try:
        files = sorted(path for path in file.parent.glob(pattern) if path.is_file())
    except (NotImplementedError, ValueError) as error:
        raise ConfigError(
            f"{file}: “sites” is a pattern of files beside this one, not “{pattern}”: {error}"
        ) from None
    if not files:
        raise ConfigError(f"{file}: no file fits “sites”, which is “{pattern}”")
    return files


def _twice(file: Path, site: Site, other: Path) -> str:
    return f"{file}: the site “{site.name}” is in {other} too: give one of them another name"


def _site(config_file: Path, file: Path) -> Site:
    data, text = _read(file)
    if "site" in data:
        raise ConfigError(
            f"{file}: this file is one site, so write its keys at the top, without [[site]]"
        )
    try:
        return Site.model_validate(_with_profile(config_file, file, data))
    except ValidationError as error:
        line = explain.line(text, error, Site)
        where = f"{file}{f', line {line}' if line else ''}"
        problems = [(f"{key} in {file.name}", what) for key, what in explain.problems(error, Site)]
        raise InvalidConfig(f"{where}: {explain.first(error, Site)}", problems) from None
