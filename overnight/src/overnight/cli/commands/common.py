"""What several commands share: how operations are carried out, and how rows and payloads are
printed.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from overnight.cli import output
from overnight.cli.runner import Session, tell
from overnight.errors import UserError

if TYPE_CHECKING:
    from overnight.operations.commands import Done


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `work`: pipeline and step in one."""
    return [{**row, "work": f"{row['pipeline']}/{row['step']}"} for row in rows]


def with_title(row: dict[str, Any], text: str | None) -> str:
    """A text beneath the title of its job, where there is one."""
    return f"{row['title']}\n{text or ''}".strip() if row.get("title") else text or ""


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


def perform(session: Session, operation: str, as_json: bool, /, **values: Any) -> None:
    """Carry out an operation, and print its result."""
    done = result_of(session, operation, **values)
    tell(as_json, done.data, lambda: output.echo(done.text))


def result_of(session: Session, operation: str, /, **values: Any) -> Done:
    """The result of an operation; options that are None are not given. Raises `UserError`."""
    from overnight.operations.actors import whoami
    from overnight.operations.commands import OPERATIONS, Operator, parse

    app = session.app()
    given_values = {name: value for name, value in values.items() if value is not None}
    command = parse(OPERATIONS[operation], given_values)
    return session.run(lambda database: command.do(Operator(app, database, whoami())))


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
