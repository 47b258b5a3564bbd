"""What an owner puts around our pages: own templates and files from a folder, and the scripts that
count readers.

Every page is closed by a Content-Security-Policy that names exactly what the config asks for. It is
put into the head of whatever a template brings, so that no template can forget it.
"""

from __future__ import annotations

import html
import json
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    TemplateError,
)
from jinja2.exceptions import TemplateNotFound, TemplateRuntimeError
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner
from markupsafe import Markup

from contentstudio.config import Matomo, Plausible, Script, Site
from overnight.errors import ConfigError, InvalidPayload

GENERATOR = '<meta name="generator" content="contentstudio">'
ASSETS = "assets"
ANALYTICS = f"{ASSETS}/analytics.js"
STYLES = ("style.css", "extra.css")  # the one replaces ours, the other adds to it
TEMPLATES = (".html", ".xml")
OURS = ("body.html",)  # its markup is what the gates judge
ICONS = (".svg", ".png", ".ico")
PLAIN = (
    str,
    bytes,
    int,
    float,
    dict,
    list,
    tuple,
    set,
    frozenset,
    date,
    timedelta,
    LoopContext,
    Cycler,
    Joiner,
)
FRAGMENTS = ("body.html", "foot.html")
ACTIVE = (
    ".htm",
    ".html",
    ".shtml",
    ".xht",
    ".xhtml",
    ".xml",
    ".xsl",
    ".xslt",
    ".mht",
    ".mhtml",
)  # may run scripts
_HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.I)
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)
_BEFORE_HEAD = re.compile(
    r"""\s*(?:<!doctype\b[^<>]*>)?\s*(?:<html(?:\s+(?:lang|dir|class|id|prefix)=(?:"[^"<>]*"|'[^'<>]*'))*\s*>)?\s*""",
    re.I,
)
_RUNS = re.compile(rb"<script|\bon\w+\s*=|javascript:|<foreignobject|<!entity", re.I)


class ThemeError(ConfigError):
    """A template or file of a theme that cannot be used. It is one sentence with the file, and the
    line if known.
    """


@dataclass(frozen=True, slots=True)
class Tag:
    """A script of a page, and what the browser must be allowed for it beside the script itself."""

    src: str
    data: Mapping[str, str] = field(default_factory=dict)
    connect: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template of a site: the theme's own, where it has one."""

    site: Site
    environment: Environment
    name: str

    def render(self, **values: Any) -> str:
        """The text. Raises `ThemeError` where a template of the theme is at fault; nothing half is
        given.
        """
        with self._explained():
            text = self.environment.get_template(self.name).render(**_common(self.site), **values)
        if not self.name.endswith(".html") or self.name in FRAGMENTS:
            return text
        return closed(text, self.site, self.name)

    def read(self) -> None:
        """Raises `ThemeError` for what is no template."""
        with self._explained():
            self.environment.get_template(self.name)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except InvalidPayload:
            raise
        except Exception as error:
            if self.site.theme is None:
                raise
            raise ThemeError(
                f"the theme of {self.site.name}: {told(error, self.site.theme, self.name)}"
            ) from error


class Sandbox(ImmutableSandboxedEnvironment):
    """What an owner's templates run in: they read what they are given, and call nothing but Jinja's
    own and `asset`.

    The site, a draft and a path have methods that read and write files, and old ones of Pydantic's
    load pickles.
    """

    def is_safe_callable(self, obj: Any) -> bool:
        owner = getattr(
            getattr(obj, "__wrapped__", obj), "__self__", None
        )  # Jinja wraps `format` of a text
        plain = isinstance(owner, PLAIN) and not isinstance(owner, type)
        is_ours = (
            isinstance(obj, (Macro, BlockReference)) or getattr(obj, "of_themes", False) is True
        )
        is_global = any(obj is one for one in self.globals.values())
        return (plain or is_ours or is_global) and super().is_safe_callable(obj)


class _Folder(FileSystemLoader):
    """The templates of a folder; no link leads out of it."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        source, file, fresh = super().get_source(environment, template)
        if not _is_inside(Path(self.searchpath[0]), Path(file)):
            raise TemplateRuntimeError(
                f"{template} is a link out of the theme: put the file itself there"
            )
        return source, file, fresh


def _is_inside(folder: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def loader(theme: Path | None) -> BaseLoader:
    """Where templates are: the theme's own first, then ours, which `default/` names whatever the
    theme has.
    """
    ours = PackageLoader("contentstudio.publish")
    own = [_Folder(theme)] if theme is not None else []
    return ChoiceLoader([*own, ours, PrefixLoader({"default": ours})])


def stamp(theme: Path) -> Stamp:
    """What tells whether a template came, went or changed, which an owner may do while we run."""
    own = (path for path in sorted(theme.rglob("*")) if path.suffix in TEMPLATES and path.is_file())
    stats = ((path, path.stat()) for path in own)
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def _common(site: Site) -> dict[str, Any]:
    """What every template is given."""
    styles = [name for name in STYLES if site.theme is not None and (site.theme / name).is_file()]

    def asset(name: str) -> str:
        if site.theme is None or not (site.theme / name).is_file():
            raise TemplateRuntimeError(f"the theme has no file “{name}”")
        return asset_url(site, name)

    asset.of_themes = True  # type: ignore[attr-defined]
    return {
        "asset": asset,
        "own_style": "style.css" not in styles,
        "stylesheets": [asset_url(site, name) for name in styles],
    }


def asset_url(site: Site, name: str) -> str:
    """Where a file of the theme is seen: a path from the host's root, so that it holds on pages of
    any depth.
    """
    folder = "" if _is_favicon(Path(name)) else f"{ASSETS}/"
    return f"{urlsplit(site.url).path}/{folder}{quote(name)}"


def files(site: Site) -> dict[str, bytes]:
    """The files that come along with the pages: of the theme all but its templates, and our own
    script.
    """
    paths = {}
    for path in sorted(site.theme.rglob("*")) if site.theme is not None else ():
        below = path.relative_to(site.theme) if site.theme is not None else path
        if (
            path.is_file()
            and below.suffix not in TEMPLATES
            and not any(part.startswith(".") for part in below.parts)
        ):
            _refuse(site, path, below)
            paths[below.as_posix() if _is_favicon(below) else f"{ASSETS}/{below.as_posix()}"] = (
                path.read_bytes()
            )
    if isinstance(site.analytics, Matomo):
        paths[ANALYTICS] = _matomo(site.analytics).encode()
    return paths


def _refuse(site: Site, path: Path, below: Path) -> None:
    """Raises `ThemeError` for a file that must not be published: one from elsewhere, or one that
    would run scripts at an address of the site, where no policy is.
    """
    assert site.theme is not None
    where = f"the theme of {site.name}: {below.as_posix()}"
    if not _is_inside(site.theme, path):
        raise ThemeError(f"{where} is a link out of the theme: put the file itself there")
    if below.suffix.lower() in ACTIVE or (
        below.suffix.lower() == ".svg" and _RUNS.search(path.read_bytes())
    ):
        raise ThemeError(
            f"{where} is a page that may run scripts of its own: take it away, or its scripts out"
        )


def icon(site: Site) -> str | None:
    """The name of the theme's own icon, if it has one: the one that browsers show best."""
    names = [f"favicon{extension}" for extension in ICONS]
    return next(
        (name for name in names if site.theme is not None and (site.theme / name).is_file()), None
    )


def _is_favicon(below: Path) -> bool:
    return len(below.parts) == 1 and below.stem == "favicon"


def _matomo(analytics: Matomo) -> str:
    """What is told to Matomo's own script: to count the page, and to set no cookies."""
    calls = [
        ["disableCookies"],
        ["setTrackerUrl", f"{analytics.url}/matomo.php"],
        ["setSiteId", str(analytics.site_id)],
        ["trackPageView"],
        ["enableLinkTracking"],
    ]
    return f"window._paq = {json.dumps(calls)};\n"


def tags(site: Site) -> list[Tag]:
    """The scripts that count readers, and whom they tell."""
    match site.analytics:
        case Plausible() as plausible:
            domain = plausible.domain or urlsplit(site.url).hostname or ""
            return [Tag(plausible.script, {"domain": domain}, connect=(_origin(plausible.script),))]
        case Matomo() as matomo:
            tracker = (f"{matomo.url}/matomo.php",)
            return [
                Tag(f"{site.url}/{ANALYTICS}"),
                Tag(f"{matomo.url}/matomo.js", {}, tracker, tracker),
            ]
        case Script() as script:
            hosts = tuple(map(_origin, script.hosts or [script.src]))
            return [Tag(script.src, script.data, hosts, hosts)]
        case None:
            return []


def policy(site: Site) -> str:
    """The Content-Security-Policy of the site's pages: scripts run only where the config names
    them.
    """
    theme, scripts = site.theme is not None, tags(site)
    sources = {
        "default-src": ["'none'"],
        "style-src": ["'self'"] * theme + ["'unsafe-inline'"],
        "img-src": ["'self'", "data:", *(url for tag in scripts for url in tag.images)],
        "font-src": ["'self'"] * theme,
        "script-src": [tag.src.partition("?")[0] for tag in scripts],
        "connect-src": [url for tag in scripts for url in tag.connect],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(
        f"{name} {' '.join(dict.fromkeys(hosts))}" for name, hosts in sources.items() if hosts
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def closed(page: str, site: Site, name: str) -> str:
    """A page with the policy and our mark at the top of its head, and the scripts at its end."""
    text = _COMMENT.sub(
        lambda comment: " " * len(comment[0]), page
    )  # what stands in a comment is no head
    match = _HEAD.search(text)
    end = text.find("</head>")
    if match is not None and not _BEFORE_HEAD.fullmatch(text[: match.start()]):
        raise ThemeError(
            f"the theme of {site.name}: before <head> a page of {name} may have nothing "
            "but a doctype and "
            "<html lang dir class>"
        )
    if match is None or end < match.end():
        raise ThemeError(
            f"the theme of {site.name}: a page of {name} has no <head> and </head>, which it needs"
        )
    scripts = "".join(f"{_script(tag)}\n" for tag in tags(site))
    meta = (
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{html.escape(policy(site), quote=False)}">'
    )
    top = f'\n<meta charset="utf-8">\n{meta}\n{GENERATOR}'
    return f"{page[: match.end()]}{top}{page[match.end() : end]}{scripts}{page[end:]}"


def _script(tag: Tag) -> Markup:
    data = Markup("").join(
        Markup(' data-{}="{}"').format(name, value) for name, value in tag.data.items()
    )
    return Markup('<script defer src="{}"{}></script>').format(tag.src, data)


def told(error: Exception, theme: Path, template: str) -> str:
    """What is wrong with a theme, with the file and the line where they are known."""
    name, line = getattr(error, "name", None), getattr(error, "lineno", None)
    if line is None:
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename.endswith(TEMPLATES):
                path = Path(frame.filename)
                name = (
                    path.relative_to(theme).as_posix()
                    if path.is_relative_to(theme)
                    else f"default/{path.name}"
                )
                line = frame.lineno
                break
    what = f"there is no template “{error}”" if isinstance(error, TemplateNotFound) else str(error)
    what = what if isinstance(error, TemplateError) else f"{type(error).__name__}: {what}"
    place = template if line is None else f"{name}, line {line}"
    return " ".join(f"{place}: {what}".split()).rstrip(".")
