"""Functions of the app beside this file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aws_fixtures import aws, client, queue, sqs
from local_lambda import Function

from overnight.store.database import Database

HERE = Path(__file__).parent
SECONDS = 30.0  # that an invocation may take, unless a test says otherwise


@pytest.fixture
def environment(aws: str, queue: str, database: Database, tmp_path: Path) -> dict[str, str]:
    """What Terraform gives to each function, with the database named outright."""
    return {
        **{
            "AWS_ENDPOINT_URL": aws,
            "OVERNIGHT_QUEUE_URL": queue,
            "OVERNIGHT_DATABASE_URL": database.url,
        },
        **{"FOLDER": str(tmp_path), "PYTHONPATH": str(HERE)},
    }


@pytest.fixture
def function(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Function]]:
    """Makes a function of a handler in lambda_app.py; `changes` go into its environment."""
    made: list[Function] = []

    def make(name: str, *, seconds: float = SECONDS, **changes: str) -> Function:
        kept = {name: value for name, value in {**environment, **changes}.items() if value}
        made.append(Function(f"lambda_app.{name}", kept, tmp_path, seconds=seconds))
        return made[-1]

    yield make
    for each in made:
        if os.environ.get("OVERNIGHT_SHOW_LOGS"):
            print(each.log.read_text("utf-8", "replace"))
        each.close()
