"""Whatever is wrong in a file, as one sentence that names the key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from contentstudio.config.cms import CMS
from contentstudio.config.file import Config
from contentstudio.config.profile import Profile
from contentstudio.config.site import ANALYTICS, Gates, Site
from contentstudio.config.sources import SOURCES
from overnight.errors import ConfigError
from overnight.names import nearest

Path = list[int | str]  # keys, and the numbers in lists from 0
CONTAINERS = (list, tuple, dict)
CHOICES = {  # what a table chooses by one of its keys: the key, and its values
    "analytics_unknown": ("kind", ANALYTICS),
    "cms_unknown": ("to", CMS),
}
PLAINER = {
    "too_short": "needs at least one entry",
    "union_tag_not_found": f"is a URL or a table with one of: {', '.join(SOURCES)}",
    "string_pattern_mismatch": "has characters that are not allowed, or is too short: see "
    "contentstudio/README.md",
} | {
    kind: f"is a table with {key} = one of: {', '.join(values)}"
    for kind, (key, values) in CHOICES.items()
}
PROPERTY = "is a property such as sc-domain:example.com, or an address with its last slash"
HINTS = {
    "search_console.name": PROPERTY,
    "name": "takes lower-case letters, digits and hyphens, such as my-site",
    "language": "is a language in two lower-case letters, such as en or de",
    "countries": "is a country in two capital letters, such as DE or US",
    "color": "is a colour as six hexadecimal digits, such as #23674a",
    "hours": 'takes two times of day, such as ["08:00", "18:00"]; the last one may be "24:00"',
    "size": "is width and height in pixels, such as 1536x1024, or auto",
    "key": "takes 8 to 128 letters, digits or hyphens",
    "search_console": PROPERTY,
    "country": "takes two capital letters, such as US or DE",
}


class InvalidConfig(ConfigError):
    """The file can be read, and something in it is wrong. `problems` lists all of it: the file or
    key, and a sentence.
    """

    def __init__(self, message: str, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.problems = list(problems)


def first(error: ValidationError, model: type[BaseModel]) -> str:
    """The one sentence that tells of an error of that model."""
    return _sentence(_most_telling(error), model)


def problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Everything that is wrong: the key, and a sentence."""
    return [
        (_written(_path(model, fault["loc"])) or "the file", _sentence(fault, model))
        for fault in error.errors(include_url=False)
    ]


def line(text: str, error: ValidationError, model: type[BaseModel]) -> int | None:
    """The line that `first` speaks of, in a file without arrays of tables.

    Where the key is not in the file, it is the line of the nearest table around it.
    """
    path = _path(model, _most_telling(error)["loc"])
    names = [part for part in path if isinstance(part, str)]
    lines = (_line_of(text, names[:depth]) for depth in range(len(names), 0, -1))
    return next((number for number in lines if number), None)


def _line_of(text: str, names: list[str]) -> int | None:
    *table, key = names
    header = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[([^\[\]]+)\]", line):
            header = match[1].replace(" ", "")
            if header == ".".join(names):
                return number
        elif header == ".".join(table) and re.match(
            rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line
        ):
            return number
    return None


def _most_telling(error: ValidationError) -> ErrorDetails:
    """An unknown key if there is one, for it is often why another one is missing."""
    faults = error.errors(include_url=False)
    return next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])


def _written(path: Sequence[int | str]) -> str:
    """A path as people write it: `site[1].url`."""
    written = ""
    for part in path:
        written += (
            f"[{part + 1}]" if isinstance(part, int) else f".{part}" if written else str(part)
        )
    return written


def _sentence(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """One thing that is wrong, with its place in the file: `site[1].url needs …`."""
    path = _path(model, fault["loc"])
    if fault["type"] == "extra_forbidden":
        return _unknown_key(_written(path), str(path[-1]), _keys(model, fault["loc"][:-1]))
    if fault["type"] == "missing":
        return f"“{_written(path)}” is missing"
    if path == ["sites"]:
        return (
            '“sites” is a pattern of files, such as "sites/*.toml"; a site in this file '
            "begins with [[site]]"
        )
    if path == ["site"] and fault["type"] == "list_type":
        return "write [[site]], with two brackets: there may be several"
    message = (
        _hint(fault, path)
        or PLAINER.get(fault["type"])
        or fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    )
    return f"“{_written(path)}” {message}{_nearest_value(fault)}" if path else message


def _unknown_key(written: str, key: str, keys: Sequence[str]) -> str:
    hint = _other_sections(key) or nearest(key, keys)
    return f"unknown key “{written}”; known here: {', '.join(sorted(keys))}{hint}"


def _other_sections(key: str) -> str:
    """The sections that have a key which stands in another one."""
    sections = [
        f"[{name}]"
        for name in Config.model_fields
        if not name.startswith("site") and key in _keys(Config, (name,))
    ]
    sections += ["[[site]]"] * (key in Site.model_fields)
    sections += ["[site.gates]"] * (key in Gates.model_fields)
    sections += ["[site.profile]"] * (key in Profile.model_fields)
    return f"; it belongs into {' or '.join(sections)}" if sections else ""


def _hint(fault: ErrorDetails, path: Path) -> str | None:
    """What a key takes, where its pattern would tell a person nothing."""
    names = [part for part in path if isinstance(part, str)]
    if fault["type"] != "string_pattern_mismatch" or not names:
        return None
    return HINTS.get(".".join(names[-2:])) or HINTS.get(names[-1])


def _nearest_value(fault: ErrorDetails) -> str:
    """The value that was probably meant, where one of a few is near."""
    value = fault["input"]
    if fault["type"] == "literal_error":
        expected = str(fault.get("ctx", {}).get("expected", ""))
        return nearest(str(value), re.findall(r"'([^']*)'", expected))
    if not isinstance(value, dict):
        return ""
    if fault["type"] in CHOICES:
        key, values = CHOICES[fault["type"]]
        return nearest(str(value.get(key)), list(values))
    if fault["type"] == "union_tag_not_found":
        return next((hint for key in value if (hint := nearest(key, list(SOURCES)))), "")
    return ""


def _path(model: type[BaseModel], location: Sequence[int | str]) -> Path:
    """The keys of the file in the location of an error, which has the tags of unions too."""
    path, _ = _walk(model, location)
    return path


def _keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The keys that the section of a location has."""
    _, annotation = _walk(model, location)
    section = next((each for each in _flat(annotation) if _is_section(each)), None)
    return list(section.model_fields) if section else []


def _walk(model: type[BaseModel], location: Sequence[int | str]) -> tuple[Path, Any]:
    """Follow a location from type to type: its keys, and the type of what stands at its end."""
    path: Path = []
    annotation: Any = model
    for part in location:
        arms = _arms(annotation)
        if part in arms:
            annotation = arms[part]
        else:
            path.append(part)
            annotation = _inner(annotation, part)
    return path, annotation


def _inner(annotation: Any, part: int | str) -> Any:
    """The type behind a key of a section, or of an entry of a list or table."""
    for each in _flat(annotation):
        if _is_section(each) and part in each.model_fields:
            return each.model_fields[str(part)].annotation
        if get_origin(each) in CONTAINERS:
            return get_args(each)[-1]
    return None


def _flat(annotation: Any) -> list[Any]:
    """The types of a union, or the one that an annotation stands for."""
    if get_origin(annotation) is Annotated:
        return _flat(get_args(annotation)[0])
    if isinstance(annotation, type) or get_origin(annotation) in CONTAINERS:
        return [annotation]
    return [each for inner in get_args(annotation) for each in _flat(inner)]


def _arms(annotation: Any) -> dict[int | str, Any]:
    """The types of a tagged union by their tags."""
    arms: dict[int | str, Any] = {}
    if get_origin(annotation) in CONTAINERS:
        return arms
    for inner in get_args(annotation):
        tags = [tag.tag for tag in getattr(inner, "__metadata__", ()) if isinstance(tag, Tag)]
        arms |= dict.fromkeys(tags, inner) or _arms(inner)
    return arms


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
