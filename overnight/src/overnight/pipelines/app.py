"""An app: pipelines, the resources of their steps, and how its errors are classed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from overnight.error_classes import ErrorRows, ErrorTable
from overnight.errors import ConfigError, NotFound
from overnight.pipelines.extensions import Extension, PeriodicWork
from overnight.pipelines.pipeline import Pipeline
from overnight.store.database import Database
from overnight.store.records import NewRun, Scope
from overnight.store.sql import SqlFolder

if TYPE_CHECKING:
    from overnight.pipelines.waits import Event
    from overnight.store.wait_records import NewEvent

E = TypeVar("E", bound=Extension)

Resources = Callable[[Database], AbstractAsyncContextManager[Any]]


def _nothing(_: Database) -> AbstractAsyncContextManager[Any]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an app: what its users call one, such as `site`, and which there are.

    Scopes are written and read with that word. With `all` a switch for a misspelt key is refused;
    without it any key is taken.
    """

    name: str = "key"
    all: Callable[[], list[str]] | None = None


class App:
    """What a worker runs.

    `resources` makes `ctx.deps` for as long as a worker lives; `errors` classes exceptions of the
    app's steps; `schema` holds the app's migrations. `extensions` are what the app has around the
    core, each kind at most once; see `overnight.standard`.
    """

    # kinds that an app has, by their defaults, where it names none; in the order of their tasks
    standard: ClassVar[Sequence[type[Extension]]] = ()

    def __init__(
        self,
        name: str,
        pipelines: Iterable[Pipeline],
        *,
        resources: Resources = _nothing,
        errors: ErrorRows = (),
        schema: SqlFolder | None = None,
        keys: Keys | None = None,
        extensions: Iterable[Extension] = (),
    ) -> None:
        self.name = name
        self.pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self.events: dict[str, Event] = {}
        for event in (each for p in self.pipelines.values() for each in p.events):
            if self.events.setdefault(event.name, event) != event:
                raise ConfigError(f"the event {event.name} is declared twice: use one object")
        self.resources = resources
        self.errors = ErrorTable(errors)
        self.schema = schema
        self._keys = keys or Keys()
        self.extensions = self._ordered(list(extensions))

    def _ordered(self, extensions: list[Extension]) -> list[Extension]:
        kinds = [type(each) for each in extensions]
        if twice := [kind for kind in kinds if kinds.count(kind) > 1]:
            raise ConfigError(f"the app has the extension {twice[0].__name__} twice")
        self.extensions = extensions
        standard = [self.extension(kind) for kind in self.standard]
        return [*standard, *(each for each in extensions if each not in standard)]

    def extension(self, kind: type[E]) -> E:
        """The app's extension of this kind, or the kind's default."""
        return next((each for each in self.extensions if isinstance(each, kind)), None) or kind()

    @property
    def key_name(self) -> str:
        """What the app's users call a key."""
        return self._keys.name

    def periodic_work(self, database: Database) -> PeriodicWork:
        """What a worker of this app does beside its steps; `overnight.standard` gives it more."""
        return PeriodicWork()

    def pipeline(self, pipeline: str | Pipeline) -> Pipeline:
        """The app's pipeline of that name. Raises `NotFound`."""
        name = pipeline if isinstance(pipeline, str) else pipeline.name
        if name not in self.pipelines:
            raise NotFound(
                f"there is no pipeline “{name}”; this app has: {', '.join(self.pipelines)}"
            )
        return self.pipelines[name]

    def keys(self) -> list[str] | None:
        """The keys there are, or None where only the data know."""
        return self._keys.all() if self._keys.all else None

    def scope(self) -> Scope:
        """What a worker of this app may claim."""
        guards = [
            guard
            for p in self.pipelines.values()
            for step in p.steps.values()
            for guard in step.guards
        ]
        return Scope([f"{pipeline}/{step}" for pipeline, step in self.steps()], self.keys(), guards)

    def steps(self) -> list[tuple[str, str]]:
        """Every (pipeline, step) that a worker of this app can run."""
        return [(p.name, step) for p in self.pipelines.values() for step in p.steps]

    def jobs_for(self, event: str, payload: Any) -> list[NewRun]:
        """The first runs of all pipelines that listen to an event."""
        return [
            job for pipeline in self.pipelines.values() for job in pipeline.jobs_for(event, payload)
        ]

    def stored(self, event: str, payload: Any) -> list[NewEvent]:
        """The event as it is kept for a step that waits for it; none that no pipeline declares."""
        return [self.events[event].new(payload)] if event in self.events else []
