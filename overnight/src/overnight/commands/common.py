"""What several commands share: how rows and payloads are written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from overnight.errors import UserError


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `work`: pipeline and step in one."""
    return [{**row, "work": f"{row['pipeline']}/{row['step']}"} for row in rows]


def shortened(value: Any, limit: int = 600) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters; --json shows all)"


def given(text: str) -> bytes:
    """What an option gives: itself, or the content of the file that `@` names."""
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return Path(text[1:]).expanduser().read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {text[1:] or 'a file without a name'}: {error.strerror}") from None


def given_json(text: str) -> Any:
    """The value of JSON, as an option gives it."""
    try:
        return json.loads(given(text))
    except ValueError as error:
        raise UserError(f"the input is no JSON: {error}") from None


def called() -> str:
    """How this program was called, for commands that a person can copy."""
    root = click.get_current_context().find_root()
    words = [root.info_name or ""]
    for parameter in root.command.params:
        if parameter.name and root.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            words += [parameter.opts[0], str(root.params[parameter.name])]
    return shlex.join(words)
