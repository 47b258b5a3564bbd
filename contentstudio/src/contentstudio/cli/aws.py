"""The plan of a deployment to AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from contentstudio.cli import context
from overnight import formatting
from overnight.cli.runner import json_option, tell
from overnight.errors import UserError


@click.group()
def deploy() -> None:
    """Other places to run the studio."""


@deploy.command("aws")
@click.option(
    "--plan",
    "planned",
    is_flag=True,
    help="Tell what it takes, and write the variables for Terraform.",
)
@click.option(
    "--articles",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0),
    help="A day, of each site.",
)
@click.option(
    "--name",
    default="contentstudio",
    show_default=True,
    help="Begins the name of everything in AWS.",
)
@click.option("--region", default="eu-central-1", show_default=True, help="Near the database.")
@click.option(
    "--arch",
    default="x86_64",
    show_default=True,
    type=click.Choice(["x86_64", "arm64"]),
    help="Processors.",
)
@click.option(
    "--connections",
    "postgres_connections",
    default=100,
    show_default=True,
    type=click.IntRange(1),
    help="max_connections of the Postgres.",
)
@click.option(
    "--workers",
    "wanted",
    type=click.IntRange(2),
    help="At once; as many as there are connections for, at most 10.",
)
@click.option("--rds", is_flag=True, help="Make a Postgres, too, in a private network.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("deploy/aws"),
    show_default=True,
    help="The folder of the Terraform module.",
)
@json_option
@click.pass_context
def deploy_aws(
    current: click.Context, /, planned: bool, folder: Path, as_json: bool, **options: Any
) -> None:
    """EventBridge, SQS and Lambda: what works, what to do, what it costs.

    Nothing is asked of AWS: it reads the config, and writes terraform.tfvars.json. Exit code 1:
    fix the config first.
    """
    from contentstudio.aws import plan as deploy

    if not planned:
        raise UserError("Terraform makes what is made in AWS: see what it takes with --plan")
    plan = deploy.plan(context.config(), **options)
    stops = any(finding.stops for finding in plan.findings)
    if not folder.is_dir():
        raise UserError(
            f"there is no folder {folder}: run this in a checkout of the repository, or "
            "name it with --to"
        )
    file = None if stops else folder / "terraform.tfvars.json"
    if file is not None:
        context.write(file, formatting.as_json(plan.variables) + "\n")
    tell(as_json, deploy.as_data(plan, file), lambda: deploy.render(plan, file))
    if stops:
        current.exit(1)


COMMANDS = (deploy,)
