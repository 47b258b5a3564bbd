"""The app as `overnight.App`: the core's, with what every app has around it."""

from __future__ import annotations

import importlib

from overnight.alerts.extension import Alerts
from overnight.engine.maintenance import Maintenance
from overnight.errors import ConfigError
from overnight.llm.budgets import Budgets
from overnight.observability.ending_log import Log
from overnight.observability.opentelemetry import OpenTelemetry
from overnight.observability.rollup import Rollup
from overnight.observability.watch import Watch
from overnight.operations.retention import Retention
from overnight.pipelines import app
from overnight.store.database import Database
from overnight.store.ledger import Ledger


class App(app.App):
    __doc__ = app.App.__doc__

    # The watch goes before the alerts, so that what it finds is sent in the same tick.
    standard = (Budgets, Watch, Alerts, Retention, Rollup, Log, OpenTelemetry)

    def periodic_work(self, database: Database) -> Maintenance:
        return Maintenance(self, Ledger(database))


def load_app(reference: str) -> App:
    """The app that `module:name` names; a function of that name is called to make it."""
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"“{reference}” does not name an app: write it as module:name")
    try:
        value = getattr(importlib.import_module(module_name), attribute)
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
    app = value() if callable(value) and not isinstance(value, App) else value
    if not isinstance(app, App):
        raise ConfigError(f"{reference} is a {type(app).__name__}, not an overnight.App")
    return app
