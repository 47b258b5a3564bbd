"""Hints by SQS, for workers that live only while there is a message, such as Lambda functions.

A hint is a message of its own kind, `{"due": {…}}`; any other message is one for the intake, and
begins jobs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic_core import from_json, to_json

from overnight.aws.hints import Hint
from overnight.error_classes import describe
from overnight.logs import log

MOST_DELAY = (
    900  # seconds; SQS holds a message back no longer. What is due later is left to the sweep
)
BATCH = 10  # messages in one call, the most that SQS takes
TRIES = 3  # of one call, and of what it gave back
TIMEOUT = 5  # seconds to connect, and to wait for an answer
LONGEST = 43_200  # seconds that a message can be out of sight


@dataclass(frozen=True, slots=True)
class Waiting:
    """About how many messages a queue holds that somebody may take now, and that are held back for
    their time.
    """

    now: int = 0
    later: int = 0


class Queue:
    """A standard queue by its URL. Credentials, region and endpoint come from the environment, as
    for all of AWS.
    """

    def __init__(self, url: str) -> None:
        import boto3
        from botocore.config import Config

        retries: Any = {"mode": "standard", "total_max_attempts": TRIES}
        self._url = url
        self._client = boto3.client(
            "sqs", config=Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries=retries)
        )

    async def send(self, hints: Sequence[Hint]) -> None:
        """One message for each hint that SQS can hold back long enough."""
        near = [hint for hint in hints if hint.delay <= MOST_DELAY]
        await asyncio.gather(*(asyncio.to_thread(self._send, batch) for batch in _batches(near)))

    async def waiting(self) -> Waiting:
        """What the queue holds; nothing where it does not answer: a hint too many is better than
        one too few.
        """
        return await asyncio.to_thread(self._waiting)

    async def put_off(self, receipt: str, seconds: float) -> None:
        """Let a message that was received be seen again so many seconds from now."""
        await asyncio.to_thread(self._put_off, receipt, min(math.ceil(seconds), LONGEST))

    def _send(self, hints: Sequence[Hint]) -> None:
        entries = [
            {"Id": str(n), "MessageBody": body(hint), "DelaySeconds": max(0, math.ceil(hint.delay))}
            for n, hint in enumerate(hints)
        ]
        try:
            for _ in range(TRIES):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
                refused = {failed["Id"]: failed.get("Code") for failed in answer.get("Failed", [])}
                entries = [entry for entry in entries if entry["Id"] in refused]
                if not entries:
                    return
            log.warning(
                "hints not sent",
                count=len(entries),
                error=", ".join(sorted(map(str, refused.values()))),
            )
        except Exception as error:  # whatever AWS answers: the sweep is behind it
            log.warning("hints not sent", count=len(entries), error=describe(error))

    def _waiting(self) -> Waiting:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
        try:
            told = self._client.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=list(names)
            )["Attributes"]
            return Waiting(*(int(told[name]) for name in names))
        except Exception as error:
            log.warning("queue not asked", error=describe(error))
            return Waiting()

    def _put_off(self, receipt: str, seconds: int) -> None:
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
        except Exception as error:  # it comes again all the same, at the queue's own time
            log.warning("message not put off", error=describe(error))


def body(hint: Hint) -> str:
    """The message of a hint."""
    return to_json(
        {"due": {name: value for name, value in asdict(hint).items() if value and name != "delay"}}
    ).decode()


def is_hint(text: str) -> bool:
    """Whether a message is a hint, and says nothing that would have to be kept."""
    try:
        value = from_json(text)
    except ValueError:
        return False
    return isinstance(value, dict) and value.keys() == {"due"}


def _batches(hints: Sequence[Hint]) -> Iterator[Sequence[Hint]]:
    return (hints[start : start + BATCH] for start in range(0, len(hints), BATCH))
