"""Lambda on this machine: AWS's own runtime client in processes of its own, against a Runtime API
of ours.

A sandbox is a process. It is stopped (SIGSTOP) between two invocations, as Lambda freezes it, and
killed at its time limit. What Lambda does beside that and cannot be had here: throttling, scaling,
IAM.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REGION = "eu-central-1"
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}
INIT_SECONDS = 30.0  # that a cold start may take here; Lambda gives ten


class Failed(Exception):
    """The function raised, ran into its time limit, or its process died."""


@dataclass(frozen=True, slots=True)
class Invocation:
    id: str
    event: Any
    deadline_ms: int


class _RuntimeApi:
    """What one process talks to: `/next` blocks until there is an invocation, and answers are put
    into `answers`.
    """

    def __init__(self) -> None:
        self.invocations: queue.Queue[Invocation] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.is_idle = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api.is_idle.set()
                given = api.invocations.get()
                api.is_idle.clear()
                body = json.dumps(given.event).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", given.id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(given.deadline_ms))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local")
                self.send_header(
                    "Lambda-Runtime-Trace-Id", f"Root=1-{given.id[:8]}-{given.id[:8]};Sampled=1"
                )
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kind = "error" if self.path.endswith("/error") else "response"
                try:
                    answer = json.loads(body or b"null")
                except ValueError:
                    kind, answer = "error", body.decode("utf-8", "replace")
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.answers.put((kind, answer))

            def log_message(self, *_: Any) -> None: ...

        return Handler


class Sandbox:
    """One process of a function. It handles one invocation at a time."""

    def __init__(
        self, handler: str, environment: Mapping[str, str], log: Path, root: Path | None
    ) -> None:
        self._api = _RuntimeApi()
        own = {
            **{
                "AWS_LAMBDA_RUNTIME_API": self._api.address,
                "_HANDLER": handler,
                "PYTHONUNBUFFERED": "1",
            },
            **{"AWS_LAMBDA_FUNCTION_NAME": handler, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"},
            **{
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "LAMBDA_TASK_ROOT": str(root or Path.cwd()),
            },
            **ACCOUNT,
            **({"PYTHONPATH": str(root)} if root else {}),
        }
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", handler],
                env={**kept, **own, **environment},
                stdout=out,
                stderr=out,
            )

    def invoke(self, event: Any, seconds: float) -> Any:
        """The answer of an invocation that may take so long. Raises `Failed`."""
        self._await_idle()
        self._signal(signal.SIGCONT)
        self._api.invocations.put(
            Invocation(str(uuid.uuid4()), event, int((time.time() + seconds) * 1000))
        )
        kind, answer = self._await_answer(time.monotonic() + seconds)
        if kind == "error":
            raise Failed(answer)
        self._await_idle()
        self._signal(signal.SIGSTOP)
        return answer

    def kill(self) -> None:
        """As the host's failure, or its out-of-memory killer, would."""
        self._signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)

    def stall(self) -> None:
        """Let it do nothing any more, until its time limit."""
        self._signal(signal.SIGSTOP)

    def close(self) -> None:
        self.kill()
        self._api.close()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def _await_idle(self) -> None:
        end = time.monotonic() + INIT_SECONDS
        while not self._api.is_idle.wait(0.02):
            if not self.is_alive or time.monotonic() > end:
                self.kill()
                raise Failed("the process did not begin")

    def _await_answer(self, end: float) -> tuple[str, Any]:
        while True:
            with suppress(queue.Empty):
                return self._api.answers.get(timeout=0.02)
            if not self.is_alive:
                raise Failed("the process died")
            if time.monotonic() > end:
                self.kill()
                raise Failed("the time limit")

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Function:
    """A function with as many sandboxes as are asked for at once; an idle one is taken before a new
    one is made.

    `root` is an unpacked zip; without one the handler is that of the source tree.
    """

    def __init__(
        self,
        handler: str,
        environment: Mapping[str, str],
        folder: Path,
        *,
        seconds: float,
        root: Path | None = None,
    ) -> None:
        self.handler = handler
        self.seconds = seconds
        self.environment = dict(environment)
        self.log = folder / f"{handler}.log"
        self.log.touch()
        self._root = root
        self._idle: list[Sandbox] = []
        self._busy: list[Sandbox] = []
        self._lock = threading.Lock()

    def invoke(self, event: Any) -> Any:
        """Raises `Failed`; its sandbox is gone then, for Lambda begins anew after a failure of the
        process.
        """
        sandbox = self._take()
        try:
            answer = sandbox.invoke(event, self.seconds)
        except Failed:
            with self._lock:
                self._busy.remove(sandbox)
                if sandbox.is_alive:  # it raised, and goes on
                    self._idle.append(sandbox)
            if not sandbox.is_alive:
                sandbox.close()
            raise
        with self._lock:
            self._busy.remove(sandbox)
            self._idle.append(sandbox)
        return answer

    def busy(self) -> Sequence[Sandbox]:
        """Those that are at work now."""
        with self._lock:
            return list(self._busy)

    def sandboxes(self) -> Sequence[Sandbox]:
        with self._lock:
            return [*self._busy, *self._idle]

    def lines(self) -> list[dict[str, Any]]:
        """The log, as far as it is JSON."""
        found = []
        for line in self.log.read_text("utf-8", "replace").splitlines():
            with suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict):
                    found.append(value)
        return found

    def close(self) -> None:
        for sandbox in self.sandboxes():
            sandbox.close()

    def _take(self) -> Sandbox:
        with self._lock:
            idle = self._idle.pop() if self._idle else None
            sandbox = idle or Sandbox(self.handler, self.environment, self.log, self._root)
            self._busy.append(sandbox)
            return sandbox


class EventSource:
    """The event source mapping: pollers that take batches from a queue and give them to a function,
    by AWS's rules.

    With `rng` it uses the freedom that the rules leave: a batch comes in any order, and some of
    them twice.
    """

    def __init__(
        self,
        sqs: Any,
        url: str,
        function: Function,
        *,
        pollers: int = 2,
        batch: int = 10,
        rng: random.Random | None = None,
    ) -> None:
        self._sqs, self._url, self._function, self._batch, self._rng = (
            sqs,
            url,
            function,
            batch,
            rng,
        )
        self._stop = threading.Event()
        self._empty = [0] * pollers  # how often each has found nothing, since it found something
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._poll, args=(n,), daemon=True) for n in range(pollers)
        ]

    def __enter__(self) -> EventSource:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def is_quiet(self) -> bool:
        """Whether nobody works, and nothing waits that could be taken now. It takes up to a second
        to know.
        """
        before = list(self._empty)
        name = "ApproximateNumberOfMessages"
        told = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])[
            "Attributes"
        ]
        end = time.monotonic() + 1.0
        while told[name] == "0" and time.monotonic() < end:
            # The second time each poller has looked since, it had begun after we did.
            if all(now >= then + 2 for now, then in zip(self._empty, before, strict=True)):
                return True
            time.sleep(0.01)
        return False

    def _poll(self, number: int) -> None:
        while not self._stop.is_set():
            try:
                if self._take(number):
                    continue
                self._empty[number] += 1
                self._stop.wait(0.05)
            except Exception as error:  # the queue is away
                self.failures.append(repr(error))
                self._stop.wait(0.2)

    def _take(self, number: int) -> bool:
        received = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._batch,
            AttributeNames=["ApproximateReceiveCount"],
        ).get("Messages", [])
        if not received:
            return False
        self._empty[number] = 0
        event = {"Records": [_record(message) for message in received]}
        try:
            if self._rng is not None:
                self._rng.shuffle(event["Records"])
                if self._rng.random() < 0.3:
                    self._function.invoke(event)
            answer = self._function.invoke(event)
        except Failed as failure:
            self.failures.append(str(failure))
            return True
        failed = failed_of(answer, [message["MessageId"] for message in received])
        for message in received:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return True


def failed_of(answer: Any, ids: Sequence[str]) -> set[str]:
    """Which messages come again: none for an empty answer, all for one that cannot be read or names
    a stranger.
    """
    if not answer:
        return set()
    try:
        named = {item["itemIdentifier"] for item in answer.get("batchItemFailures") or []}
    except (AttributeError, KeyError, TypeError):
        return set(ids)
    return named if named <= set(ids) else set(ids)


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "eventSource": "aws:sqs",
    }


@contextmanager
def moto(log: Path) -> Iterator[str]:
    """The URL of a server that speaks SQS and Secrets Manager."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("ab") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=out,
            stderr=out,
        )
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
