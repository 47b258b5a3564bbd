"""An app: pipelines, what their steps lean on, and how its errors are classed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from overnight.alerts.rules import Alerts
from overnight.error_classes import ErrorClass, ErrorTable
from overnight.errors import ConfigError, NotFound
from overnight.operations.decisions import Decision
from overnight.pipelines.pipeline import Pipeline
from overnight.pipelines.policies import Keep
from overnight.store.database import Database, Row
from overnight.store.records import NewRun, Scope
from overnight.store.sql import SqlFolder

Open = Callable[[Database], AbstractAsyncContextManager[Any]]
Decided = Callable[[Database, Decision, Row], Awaitable[None]]


def _nothing(_: Database) -> AbstractAsyncContextManager[Any]:
    return nullcontext()


class Prune(Protocol):
    """Retention of an app's own tables, which goes on beside the engine's."""

    async def batch(self, database: Database, size: int) -> int:
        """Let about so many rows of each kind go that are past their time; how many went. 0 where
        none is left.
        """
        ...

    async def count(self, database: Database) -> int:
        """How many rows are past their time. Changes nothing."""
        ...


class App:
    """What a worker runs. `open` makes `ctx.deps` for as long as a worker lives; `schema` holds the
    app's migrations.

    `key_name` is what the app's users call a key, such as `site`; scopes are written and read with
    that word.
    `keys` lists the keys there are, so that a switch for a misspelt one is refused; without it any
    key is taken.
    `preview` shows a person what waits for their review, from the stored output.
    `decided` is told of each decision of a person, with the run, right after it was written.
    `budgets` are dollars a day (UTC) by scope, such as `{"all": 20, "key:garden": 2}`; see
    `budgets`.
    `keep` says for how long ended jobs are kept, `alerts` where alerts go, and when.
    `prune` is the retention of the app's own tables. `traces` says whether workers send
    OpenTelemetry traces; None: where the environment names a collector
    (OTEL_EXPORTER_OTLP_ENDPOINT).
    """

    def __init__(
        self,
        name: str,
        pipelines: Iterable[Pipeline],
        *,
        open: Open = _nothing,
        errors: Iterable[tuple[type[BaseException], ErrorClass]] = (),
        schema: SqlFolder | None = None,
        key_name: str = "key",
        keys: Callable[[], list[str]] | None = None,
        preview: Callable[[Any], str] | None = None,
        decided: Decided | None = None,
        budgets: Mapping[str, float] | None = None,
        keep: Keep | None = None,
        alerts: Alerts | None = None,
        prune: Prune | None = None,
        traces: bool | None = None,
    ) -> None:
        self.name = name
        self.pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self.open = open
        self.errors = ErrorTable(errors)
        self.schema = schema
        self.key_name = key_name
        self.preview = preview
        self.decided = decided
        self.budgets = dict(budgets or {})
        self.keep = keep or Keep()
        self.alerts = alerts or Alerts()
        self.prune = prune
        self.traces = traces
        self._keys = keys

    def pipeline(self, name: str) -> Pipeline:
        """The pipeline of that name. Raises `NotFound`."""
        if name not in self.pipelines:
            raise NotFound(
                f"there is no pipeline “{name}”; this app has: {', '.join(self.pipelines)}"
            )
        return self.pipelines[name]

    def keys(self) -> list[str] | None:
        """The keys there are, or None where only the data know."""
        return self._keys() if self._keys else None

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

    def behind(self, breaker: str) -> list[str]:
        """The steps (`pipeline/step`) that wait while a breaker is open."""
        named = [
            (f"{p.name}/{name}", step.breaker)
            for p in self.pipelines.values()
            for name, step in p.steps.items()
        ]
        return [
            step for step, template in named if template is not None and _names(template, breaker)
        ]

    def jobs_for(self, event: str, payload: Any) -> list[NewRun]:
        """The first runs of all pipelines that listen to an event."""
        return [
            job for pipeline in self.pipelines.values() for job in pipeline.jobs_for(event, payload)
        ]

    def debounces(self, event: str) -> float:
        """For how many seconds a job of this event may wait in which a later event takes its place;
        0 for none.
        """
        waits = [
            wait
            for pipeline in self.pipelines.values()
            if (wait := pipeline.debounce(event)) is not None
        ]
        return max((wait.seconds for wait in waits), default=0.0)


def _names(template: str, breaker: str) -> bool:
    """Whether a breaker is the one that a step names, with some key put in."""
    return (
        re.fullmatch(re.escape(template).replace(re.escape("{key}"), ".*"), breaker, re.DOTALL)
        is not None
    )


def load_app(reference: str) -> App:
    """The app that `module:name` names; a function of that name is called to make it."""
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"“{reference}” does not name an app: write it as module:name")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"cannot import {error.name}: is it installed, or in this folder?"
        ) from None
    except AttributeError:
        raise ConfigError(f"{module_name} has no “{attribute}”") from None
    except Exception as error:
        raise ConfigError(
            f"{module_name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    app = found() if callable(found) and not isinstance(found, App) else found
    if not isinstance(app, App):
        raise ConfigError(f"{reference} is a {type(app).__name__}, not an overnight.App")
    return app
