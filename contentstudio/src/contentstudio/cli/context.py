"""What the commands share: the config and the app of one call, and how the program was called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from overnight.errors import UserError

if TYPE_CHECKING:
    from contentstudio.config import Config
    from overnight import App
    from overnight.console.extension import Console

DEFAULT_FILE = "contentstudio.toml"  # as in `config`, which would take its time to load


def use(file: Path) -> None:
    """Let the commands of this call read that config."""
    click.get_current_context().find_root().meta["file"] = file


def file() -> Path:
    """The config's file."""
    path: Path = click.get_current_context().find_root().meta["file"]
    return path


def config() -> Config:
    """The config, which is read once in a call. Raises `ConfigError`."""
    from contentstudio.config import load

    meta = click.get_current_context().find_root().meta
    if "config" not in meta:
        meta["config"] = load(meta["file"])
    loaded: Config = meta["config"]
    return loaded


def app() -> App:
    """The app of the config, which is built once in a call."""
    from contentstudio.app import build

    meta = click.get_current_context().find_root().meta
    if "app" not in meta:
        meta["app"] = build(config())
    built: App = meta["app"]
    return built


def console() -> Console:
    """What contentstudio adds to the console."""
    from contentstudio import console

    return console.build(config())


def program() -> str:
    """How the program is called for this call's config."""
    from contentstudio.config.file import program

    return program(file())


def write(file: Path, text: str) -> None:
    """Write a file that an option names. Raises `UserError`."""
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None
