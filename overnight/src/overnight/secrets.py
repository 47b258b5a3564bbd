"""Secrets come from the environment, or from a file that the environment names: never from a config
or the ledger.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from overnight.errors import ConfigError

SECRETS_FILE = (
    "OVERNIGHT_SECRETS_FILE"  # one JSON object of variables, as AWS Secrets Manager keeps them
)
# characters of a value that is masked in logs: a shorter one is a word or a number, and no secret
SHORTEST = 8


def load_file() -> None:
    """Put the members of the file that OVERNIGHT_SECRETS_FILE names into the environment; what is
    set there stays.

    Raises `ConfigError` for a file that others can read, that cannot be read, or is no JSON object
    of strings.
    """
    path = os.environ.get(SECRETS_FILE)
    if not path:
        return
    try:
        values = json.loads(_private(Path(path), "the secrets"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {SECRETS_FILE}: {error}") from None
    except ValueError:  # whose message could show a value
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ConfigError(f"{path} is not one JSON object whose values are strings")
    from overnight import logs

    logs.hide(*(value for value in values.values() if len(value) >= SHORTEST))
    for name, value in values.items():
        os.environ.setdefault(name, value)


def secret(variable: str, what: str) -> str | None:
    """What `variable` holds, or the file that `variable_FILE` names and its owner alone may read;
    None without both.

    `what` says in an error what it is. Raises `ConfigError` for a file that others can read, or
    that cannot be read.
    """
    if value := os.environ.get(variable):
        return value.strip()
    path = os.environ.get(f"{variable}_FILE")
    if not path:
        return None
    try:
        return _private(Path(path), what).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {variable}_FILE: {error}") from None


def _private(file: Path, what: str) -> str:
    """The text of a file that nobody else may read. systemd lets a service read its credentials as
    a group would.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    others = 0o007 if credentials and file.is_relative_to(credentials) else 0o077
    if file.stat().st_mode & others:
        raise ConfigError(f"others can read {what}: chmod 600 {file}")
    return file.read_text("utf-8")
