"""SQL lives in `.sql` files: migrations, by number, in `schema/`; one query a file in the folders
beside it, each of which has the name of the room that asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable


class SqlFolder:
    """The `sql` folder of a package: `queries["claim"]` is the text of `claim.sql`, in whatever
    folder it is, for names are unique in a package.

    The ledger notes each migration under the name of its package: a folder may move, the name of
    its package must stay.
    """

    def __init__(self, package: str, folder: str = "sql") -> None:
        self.package = package
        self._folder = folder
        self._texts: dict[str, str] = {}

    def __getitem__(self, verb: str) -> str:
        if verb not in self._texts:
            self._texts[verb] = self._files[verb].read_text("utf-8")
        return self._texts[verb]

    def verbs(self) -> list[str]:
        """The names of all queries."""
        return sorted(self._files)

    def migrations(self) -> Iterator[tuple[int, str, str]]:
        """(number, name, text) of each file in `schema/`, in order."""
        for file in sorted((self._root / "schema").iterdir(), key=lambda p: p.name):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            yield int(number), name, file.read_text("utf-8")

    @cached_property
    def _files(self) -> dict[str, Traversable]:
        """The file of each query."""
        folders = [p for p in self._root.iterdir() if p.is_dir() and p.name != "schema"]
        paths = [p for folder in folders for p in folder.iterdir() if p.name.endswith(".sql")]
        by_name = {file.name.removesuffix(".sql"): file for file in paths}
        if len(by_name) < len(paths):
            raise ValueError(f"two queries of {self.package} have one name")
        return by_name

    @cached_property
    def _root(self) -> Traversable:
        return files(self.package).joinpath(self._folder)


@lru_cache(maxsize=512)
def positional(sql: str) -> tuple[str, tuple[str, ...]]:
    """A query with `$n` for `%(name)s`, as Postgres takes it, and the name of each number."""
    names = tuple(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    text = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", sql)
    return text.replace("%%", "%"), names


queries = SqlFolder("overnight", "store/sql")
