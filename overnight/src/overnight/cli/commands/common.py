"""What several commands share: how rows and payloads are written."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.pipelines.app import App


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `work`: pipeline and step in one."""
    return [{**row, "work": f"{row['pipeline']}/{row['step']}"} for row in rows]


def shortened(value: Any) -> str:
    """A stored value as JSON, the beginning of it."""
    return beginning(json.dumps(value, ensure_ascii=False))


def beginning(text: str, limit: int = 600) -> str:
    return (
        text
        if len(text) <= limit
        else f"{text[:limit]}… ({len(text)} characters; --json shows all)"
    )


def given(text: str) -> bytes:
    """What an option gives: itself, or the content of the file that `@` names."""
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return Path(text[1:]).expanduser().read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot read {text[1:] or 'a file without a name'}: {error.strerror}"
        ) from None


def given_json(text: str) -> Any:
    """The value of JSON, as an option gives it."""
    try:
        return json.loads(given(text))
    except ValueError as error:
        raise UserError(f"the input is no JSON: {error}") from None


def scope(text: str | None, stored: Iterable[str], app: App | None) -> str:
    """A scope as stored. One that is there can be named also where the app knows its pipeline or
    key no more.
    """
    from overnight.operations import scopes

    there = {scopes.text(each, app): each for each in stored}
    return there.get(text or "all") or scopes.parse(text, app)


def called() -> str:
    """How this program was called, for commands that a person can copy."""
    root = click.get_current_context().find_root()
    words = [root.info_name or ""]
    for parameter in root.command.params:
        if (
            parameter.name
            and root.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
        ):
            words += [parameter.opts[0], str(root.params[parameter.name])]
    return shlex.join(words)
