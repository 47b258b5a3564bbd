"""What the tests on Lambda share: a server that speaks SQS, a queue, and functions of the app beside this file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import local_lambda
import pytest
from local_lambda import Function

from overnight.database import Database

HERE = Path(__file__).parent
SECONDS = 30.0  # that an invocation may take, unless a test says otherwise


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of everything AWS."""
    with local_lambda.moto(tmp_path_factory.mktemp("moto") / "moto.log") as url:
        yield url


@pytest.fixture
def client(aws: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes a client of one of AWS's services."""
    for name, value in {**local_lambda.ACCOUNT, "AWS_ENDPOINT_URL": aws}.items():
        monkeypatch.setenv(name, value)
    return lambda service: boto3.client(service)


@pytest.fixture
def sqs(client: Callable[[str], Any]) -> Any:
    return client("sqs")


@pytest.fixture
def queue(sqs: Any) -> Iterator[str]:
    """The URL of an empty queue, with a dead-letter queue behind it after five receptions."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "5"}}'
    url = sqs.create_queue(QueueName="hints", Attributes={"VisibilityTimeout": "120", "RedrivePolicy": redrive})
    yield url["QueueUrl"]
    for name in (url["QueueUrl"], dead):
        sqs.delete_queue(QueueUrl=name)


@pytest.fixture
def environment(aws: str, queue: str, database: Database, tmp_path: Path) -> dict[str, str]:
    """What Terraform gives to each function, with the database named outright."""
    return {
        **{"AWS_ENDPOINT_URL": aws, "OVERNIGHT_QUEUE_URL": queue, "OVERNIGHT_DATABASE_URL": database.url},
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
