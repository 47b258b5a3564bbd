"""What all tests on Lambda share: a server that speaks SQS, and a queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import local_lambda
import pytest


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
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    redrive = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "5"}}'
    url = sqs.create_queue(
        QueueName="hints", Attributes={"VisibilityTimeout": "120", "RedrivePolicy": redrive}
    )
    yield url["QueueUrl"]
    for name in (url["QueueUrl"], dead):
        sqs.delete_queue(QueueUrl=name)
