"""`contentstudio`: the command line of the content machine."""

from __future__ import annotations

from pathlib import Path

import click

from contentstudio.cli import (
    articles,
    aws,
    check,
    context,
    ideas,
    night,
    notes,
    results,
    review,
    search,
    site,
    up,
)
from overnight.cli import commands, runner
from overnight.cli.runner import Session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    envvar="CONTENTSTUDIO_CONFIG",
    default=Path(context.DEFAULT_FILE),
    show_default=True,
    help="The sites and their sources.",
)
@click.version_option(package_name="contentstudio", message="%(prog)s %(version)s")
@click.pass_context
def cli(current: click.Context, file: Path) -> None:
    """Researches, writes, checks and publishes articles across many sites while its
    owner sleeps.
    """
    from overnight.postgres.open import home_folder

    context.use(file)
    current.obj = Session(home_folder(file.absolute().parent), context.app)


commands.add_to(cli, key_name="site", console=context.console)
for module in (articles, aws, check, ideas, night, notes, results, review, search, site, up):
    for command in module.COMMANDS:
        cli.add_command(command)


def main() -> None:
    runner.main(cli, "contentstudio")


if __name__ == "__main__":
    main()
