"""What an app adds to the console: pages, buttons, and how its jobs are called and shown.

The console has two parts. *Operations* is what every app has: runs, failed jobs, schedules,
metrics, limits, alerts. *Desk* is what an app adds for those who live with its results. An app
without a desk has Operations alone. A page of an app at a path of Operations replaces that one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from overnight.operations.actors import Role
from overnight.standard import App
from overnight.store.database import Database, Row

Values = Mapping[str, str]  # what an address says: the parts of its path, and its query
Part = Literal["desk", "operations"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a page and a button work with; `own` is what the app adds."""

    app: App
    database: Database
    own: Console


class SeeOther(Exception):
    """What was asked for is on another page."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Page:
    """An address, its template, and what reads for it.

    A page with a `title` stands in the menu, in its `part`, with its `icon` (a name in
    `static/icons.svg`). `key` is the letter that goes there after `g`. A page with `under`, the
    path of a page of the menu, is a tab of that page instead of an entry.
    """

    path: str
    template: str
    read: Callable[[Context, Values], Awaitable[dict[str, Any]]]
    title: str = ""  # none: it is reached from another page
    key: str = ""
    part: Part = "operations"
    icon: str = ""
    under: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """A button of the app, which is an action of the API, too: a sentence, and the model of the
    command that it takes.

    `act` gets the command and who pressed the button, and returns one sentence on what it did; it
    raises `UserError`. Where `fits` is true of what waits for review, the button stands there by
    its `label`; it is given job, seen and reason. `role` is what it needs: `edit` for words, ideas
    and reviews, `operate` for all else.
    """

    act: Callable[[Context, Any, str], Awaitable[str]]
    says: str
    takes: type[BaseModel]
    label: str = ""
    fits: Callable[[Row], bool] = lambda row: False
    role: Role = "operate"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A form that is answered with a page, or with a part of one, in the place of going back to
    where it was: what somebody wrote is never lost.

    `read` gets the form and who sent it, and gives what the template shows; `SeeOther` leads
    elsewhere, when all is done. It has the guard of a button, and `role` is what it needs.
    """

    template: str
    read: Callable[[Context, Values, str], Awaitable[dict[str, Any]]]
    role: Literal["edit", "operate"] = "operate"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search shows: where it leads, what it is, and a line about it."""

    path: str
    title: str
    kind: str  # such as “article” or “job”
    line: str = ""


@dataclass(frozen=True, slots=True)
class Console:
    """What an app adds to the console: pages of its own, where their templates are, and how its
    review items look.

    `verbs` are its buttons by their names. `fragments` are forms by their names, which a page posts
    to `/fragment/NAME`. `badges` says for paths of the menu how much waits
    there. `search` finds what the app has for a text, the best first. `static` is a folder of
    scripts and styles, served at `/static/app/`; a template names them in its block `head`.

    `preview` gives what waits for review as a whole page of HTML, which is shown in a frame that
    may do nothing; None: the job is shown as any other. `edited` makes the input of a step of the
    words that a person wrote; it raises `UserError`. `job` reads for `job_own.html`, which the page
    of a job includes; None: it has none.
    """

    pages: tuple[Page, ...] = ()
    templates: tuple[Path, ...] = ()
    preview: Callable[[Database, str], Awaitable[str | None]] | None = None
    job: Callable[[Database, str], Awaitable[dict[str, Any] | None]] | None = None
    edited: Callable[[Database, str, str], Awaitable[Any]] | None = None
    verbs: Mapping[str, Verb] = field(default_factory=dict)
    fragments: Mapping[str, Fragment] = field(default_factory=dict)
    static: Path | None = None
    badges: Callable[[Database], Awaitable[Mapping[str, int]]] | None = None
    search: Callable[[Database, str], Awaitable[Sequence[Found]]] | None = None
