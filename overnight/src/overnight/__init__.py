"""overnight runs pipelines that nobody watches, on Postgres, so that they fail safely.

The public names, and no others. They are imported when first used, so that a command line starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overnight.alerts import Alerts
    from overnight.app import App
    from overnight.context import Context
    from overnight.database import Database
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
    from overnight.model import Approve, Cancel, Edit, Filter, NoWork, Reject, Review, Snooze, Status
    from overnight.pipeline import Pipeline
    from overnight.policy import Keep, Limit, Retry
    from overnight.triggers import Cron, Debounce, On
    from overnight.worker import Worker

_HOMES = {
    "Database": "database",
    "Filter": "model",
    "Reject": "model",
    "Edit": "model",
    "Approve": "model",
    "Alerts": "alerts",
    "App": "app",
    "Cancel": "model",
    "ConfigError": "errors",
    "Context": "context",
    "Cron": "triggers",
    "Debounce": "triggers",
    "IdConflict": "errors",
    "Keep": "policy",
    "Limit": "policy",
    "NoWork": "model",
    "On": "triggers",
    "OvernightError": "errors",
    "Permanent": "errors",
    "Pipeline": "pipeline",
    "Retry": "policy",
    "Review": "model",
    "Snooze": "model",
    "Status": "model",
    "SwitchedOff": "errors",
    "Transient": "errors",
    "UserError": "errors",
    "Worker": "worker",
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
