"""overnight runs pipelines that nobody watches, on Postgres, so that they fail safely.

The public names, and no others. They are imported when first used, so that a command line starts at
once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overnight.alerts import Alerts
    from overnight.engine.context import Context
    from overnight.engine.worker import Worker
    from overnight.errors import (
        ConfigError,
        IdConflict,
        OvernightError,
        Permanent,
        SwitchedOff,
        Transient,
        UserError,
    )
    from overnight.identity import hash_id, job_id
    from overnight.operations.decisions import Approve, Edit, Reject
    from overnight.pipelines.app import App
    from overnight.pipelines.outcomes import Cancel, NoWork, Review, Snooze
    from overnight.pipelines.pipeline import Pipeline
    from overnight.pipelines.policies import Keep, Limit, Retry
    from overnight.pipelines.triggers import Cron, Debounce, On
    from overnight.store.database import Database
    from overnight.store.records import Filter, Status

_HOMES = {
    "Database": "store.database",
    "Filter": "store.records",
    "Reject": "operations.decisions",
    "Edit": "operations.decisions",
    "Approve": "operations.decisions",
    "Alerts": "alerts",
    "App": "pipelines.app",
    "Cancel": "pipelines.outcomes",
    "ConfigError": "errors",
    "Context": "engine.context",
    "Cron": "pipelines.triggers",
    "Debounce": "pipelines.triggers",
    "IdConflict": "errors",
    "Keep": "pipelines.policies",
    "Limit": "pipelines.policies",
    "NoWork": "pipelines.outcomes",
    "On": "pipelines.triggers",
    "OvernightError": "errors",
    "Permanent": "errors",
    "Pipeline": "pipelines.pipeline",
    "Retry": "pipelines.policies",
    "Review": "pipelines.outcomes",
    "Snooze": "pipelines.outcomes",
    "Status": "store.records",
    "SwitchedOff": "errors",
    "Transient": "errors",
    "UserError": "errors",
    "Worker": "engine.worker",
    "hash_id": "identity",
    "job_id": "identity",
}

__all__ = [
    "Alerts",
    "App",
    "Approve",
    "Cancel",
    "ConfigError",
    "Context",
    "Cron",
    "Database",
    "Debounce",
    "Edit",
    "Filter",
    "IdConflict",
    "Keep",
    "Limit",
    "NoWork",
    "On",
    "OvernightError",
    "Permanent",
    "Pipeline",
    "Reject",
    "Retry",
    "Review",
    "Snooze",
    "Status",
    "SwitchedOff",
    "Transient",
    "UserError",
    "Worker",
    "hash_id",
    "job_id",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'overnight' has no attribute {name!r}")
    return getattr(import_module(f"overnight.{_HOMES[name]}"), name)
