"""Whom a site writes for and how: what each prompt tells a model, and who signs the articles."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from contentstudio.config.fields import HttpUrl, Section
from overnight.errors import ConfigError

MAX_CHARACTERS = 8_000  # of the texts that each prompt has: about 2,000 tokens in every call
MAX_EXAMPLES = 3
MAX_EXAMPLE = 1_500  # characters of an example that a prompt has: enough to show a voice
MAX_BYTES = 200_000  # of a file
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


def _text(value: str) -> str:
    """Text that a prompt, a page and Postgres can hold."""
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in value if one not in "\t\r\n"):
        raise ValueError("has control characters, which are no text")
    return value.strip()


def _line(value: str) -> str:
    return " ".join(_text(value).split())


def _item(value: str) -> str:
    if not (line := _line(value)):
        raise ValueError("is empty")
    return line


Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, AfterValidator(_line)]
Item = Annotated[str, AfterValidator(_item)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Author(Section):
    """A person who signs articles: in the byline, on the about page, and as a Person for search
    engines.

    `url` is a page about this person; without it, the byline of a static site leads to the site's
    about page. `links` are the person's pages elsewhere.
    """

    name: Item
    role: Line = ""
    bio: Line = ""
    url: HttpUrl | None = None
    links: list[HttpUrl] = Field(default=[])


class Profile(Section):
    """What the owner says of a site, as a table or as a Markdown file (see `parsed`).

    Each prompt has all of it but the authors and the disclosure, which code puts on the page; so
    its texts have at most 8,000 characters together. `voice` says how the site speaks, `style` are
    rules, `use` and `avoid` are words; the gate `banned` looks for those of `avoid`. `pillars` are
    the subjects that the site wants to be known for, `countries` where its readers are.

    `examples` are articles that show the voice: files beside the config, of which a prompt has the
    beginning, or URLs, of which it has the address alone.

    Readers of a static site see the purpose, the expertise, the authors and the disclosure on its
    about page, unless it has a page about.md of its own.
    """

    audience: Line = ""
    purpose: Line = ""
    voice: Text = ""
    style: list[Item] = Field(default=[])
    use: list[Item] = Field(default=[])
    avoid: list[Item] = Field(default=[])
    expertise: list[Item] = Field(default=[])
    pillars: list[Item] = Field(default=[])
    countries: list[Country] = Field(default=[])
    examples: list[Item] = Field(default=[], max_length=MAX_EXAMPLES)
    calls_to_action: list[Item] = Field(default=[])
    disclosure: Line = ""
    authors: list[Author] = Field(default=[])
    _file: Path | None = PrivateAttr(default=None)
    _texts: dict[Path, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Profile:
        names = [author.name for author in self.authors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"has two authors with the name {', '.join(twice)}")
        size = sum(len(text) + len("\n- ") for text in self._prompted() if text)
        if size > MAX_CHARACTERS:
            raise ValueError(
                f"has {size:,} characters that each prompt would have, {MAX_CHARACTERS:,} at most: "
                "shorten voice, style or the lists of words"
            )
        return self

    def _prompted(self) -> list[str]:
        lists = (self.style, self.use, self.avoid, self.expertise, self.pillars)
        items = [item for each in (*lists, self.examples, self.calls_to_action) for item in each]
        return [self.audience, self.purpose, self.voice, *self.countries, *items]

    @property
    def files(self) -> list[Path]:
        """The files that the profile was read from: its own, and those of its examples."""
        return [*([self._file] if self._file else []), *self._texts]

    @property
    def example_texts(self) -> list[str]:
        """The beginnings of the examples that are files."""
        return list(self._texts.values())

    @property
    def example_urls(self) -> list[str]:
        """The examples that are addresses."""
        return [example for example in self.examples if _is_url(example)]

    @property
    def example_files(self) -> list[Path]:
        """The examples that are files, as the config names them."""
        return [Path(example) for example in self.examples if not _is_url(example)]

    def author_of(self, slug: str) -> Author | None:
        """Who signs the article of a slug; None where the site names nobody.

        It is the author with the greatest hash of both, so a new author takes a share of the
        articles, and changes nothing between the others.
        """

        def rank(author: Author) -> bytes:
            return hashlib.sha256(f"{slug}\0{author.name}".encode()).digest()

        return max(self.authors, key=rank, default=None)

    def author(self, name: str) -> Author | None:
        """The author of that name, if the site has one."""
        return next((author for author in self.authors if author.name == name), None)

    def read_examples(self, paths: list[Path]) -> None:
        """Read the examples at these paths. Raises `ConfigError` for one that is no text."""
        self._texts = {path: _beginning(_content(path, "example")) for path in paths}


def parsed(path: Path) -> dict[str, Any]:
    """The keys of a Markdown file as `Profile` takes them.

    The front matter, YAML between two lines `---`, has the keys; the text below it is `voice`. Each
    value is read as text, so that the country NO is not false. Raises `ConfigError` with the file.
    """
    text = _content(path, "profile").lstrip()
    match = _FRONT.match(text)
    if match is None and re.match(r"---[ \t]*\r?$", text, re.MULTILINE):
        raise ConfigError(f"{path}: the front matter that begins with --- has no line --- below it")
    values = _yaml(path, match[1]) if match else {}
    voice = (text[match.end() :] if match else text).strip()
    if voice and "voice" in values:
        raise ConfigError(
            f"{path}: the text below the front matter is the voice, and so is its key “voice”: "
            "keep one of them"
        )
    return values | ({"voice": voice} if voice else {})


def _yaml(path: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        # BaseLoader makes nothing but texts, lists and tables.
        values = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 2}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(f"{path}{line}: the front matter is no YAML: {why}") from None
    if not isinstance(values, dict | None | str) or (isinstance(values, str) and values):
        raise ConfigError(
            f"{path}: the front matter has keys, such as “audience: beginners”, not a "
            f"{'list' if isinstance(values, list) else 'text'}"
        )
    return {key: value for key, value in (values or {}).items() if value != ""}


def _content(path: Path, what: str) -> str:
    """The text of a file. Raises `ConfigError`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"the {what} {path} has more than {MAX_BYTES:,} bytes: name a short text"
            )
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"the {what} {path} is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"the {what} {path} cannot be read: {error.strerror}") from None


def _beginning(text: str) -> str:
    """The first characters of an example, cut between words, without what is no text."""
    text = "".join(one for one in text if one in "\t\n" or unicodedata.category(one) != "Cc")
    text = text.strip()
    return text if len(text) <= MAX_EXAMPLE else text[:MAX_EXAMPLE].rsplit(maxsplit=1)[0]


def _is_url(example: str) -> bool:
    return example.startswith(("http://", "https://"))
