"""Secrets come from the environment, or from a file that the environment names: never from a config or the ledger."""

from __future__ import annotations

import os
from pathlib import Path

from overnight.errors import ConfigError


def secret(variable: str, what: str) -> str | None:
    """What `variable` holds, or the file that `variable_FILE` names and its owner alone may read; None without both.

    `what` says in an error what it is. Raises `ConfigError` for a file that others can read, or that cannot be read.
    """
    if value := os.environ.get(variable):
        return value.strip()
    named = os.environ.get(f"{variable}_FILE")
    if not named:
        return None
    file = Path(named)
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError(f"others can read {what}: chmod 600 {file}")
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {variable}_FILE: {error}") from None
