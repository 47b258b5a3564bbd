"""Secrets of AWS Secrets Manager: each is one JSON object, whose members become variables of the
environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from overnight import logs
from overnight.errors import ConfigError

SECRETS = "OVERNIGHT_SECRETS"  # ARNs or names, separated by spaces
TIMEOUT = 5  # seconds to connect, and to wait for an answer
# characters of a value that is masked in logs: a shorter one is a word or a number, and no secret
SHORTEST = 8
MEMBERS = TypeAdapter(dict[str, str])


def load() -> bool:
    """Read the secrets that the environment names and put them into it. Whether anything is other
    than it was.

    Raises `ConfigError` for what is no JSON object of strings, and what boto3 raises for a secret
    that cannot be read.
    """
    names = os.environ.get(SECRETS, "").split()
    if not names:
        return False
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "secretsmanager", config=Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT)
    )
    values: dict[str, str] = {}
    for name in names:
        values |= _members(name, client.get_secret_value(SecretId=name))
    logs.hide(
        *(value for value in values.values() if len(value) >= SHORTEST),
        *map(_password, values.values()),
    )
    changed = any(os.environ.get(name) != value for name, value in values.items())
    os.environ.update(values)
    return changed


def _members(name: str, answer: Mapping[str, Any]) -> dict[str, str]:
    try:
        return MEMBERS.validate_json(answer.get("SecretString") or "", strict=True)
    except ValidationError:  # whose message would show the value
        raise ConfigError(
            f"the secret {name} is not one JSON object whose values are strings"
        ) from None


def _password(value: str) -> str | None:
    """The password in a URL, which errors may tell without the rest of it."""
    try:
        return unquote(urlsplit(value).password or "") or None
    except ValueError:
        return None
