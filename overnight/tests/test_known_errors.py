"""What libraries raise, each by itself against a server on loopback, and what follows from it."""

from __future__ import annotations

import asyncio
import errno
import json
import random
import socket
import ssl
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from overnight import App, Context, Pipeline, known_errors
from overnight.engine.decide import decide
from overnight.error_classes import ErrorTable
from overnight.operations import runs
from overnight.pipelines.policies import Retry
from overnight.store.database import Database
from overnight.store.records import Transition
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

Fault = Callable[[socket.socket], None]
PATIENCE = 30.0  # seconds that a client waits where the server does answer


def after(error: BaseException) -> Transition:
    return decide(error, failures=0, retry=Retry(), errors=ErrorTable(), rng=random.Random(1))


def answer(status: str, *headers: str, body: str = "", length: int | None = None) -> Fault:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {size}", "Connection: close"]
    data = "\r\n".join([*lines, "", body]).encode()
    return lambda connection: connection.sendall(data)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closes(connection: socket.socket) -> None:
    """It ends the connection without an answer."""


def stalls(connection: socket.socket) -> None:
    connection.settimeout(PATIENCE)
    connection.recv(1)  # until the client has given up


ASKS_7 = "Retry-After: 7"
JSON = "Content-Type: application/json"
FAULTS: dict[str, tuple[Fault | None, str, float | None]] = {  # class, seconds asked for
    "503": (answer("503 Service Unavailable"), "transient", None),
    "502 and a time": (answer("502 Bad Gateway", ASKS_7), "transient", 7),
    "429": (answer("429 Too Many Requests", ASKS_7), "transient", 7),
    "404": (answer("404 Not Found"), "permanent", None),
    "401": (answer("401 Unauthorized"), "permanent", None),
    "403 and a time": (answer("403 Forbidden", ASKS_7), "transient", 7),
    "reset": (reset, "transient", None),
    "closes": (closes, "transient", None),
    "cut": (answer("200 OK", JSON, body='{"a', length=1000), "transient", None),
    "stalls": (stalls, "transient", None),
    "refused": (None, "transient", None),
}
ANSWERS = [name for name in FAULTS if name[0].isdigit()]
BROKEN = [name for name in FAULTS if name not in ANSWERS]


@contextmanager
def serving(fault: Fault | None, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server with one fault; of none that listens where it has none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if fault is not None:
            thread = threading.Thread(target=_serve, args=(listener, fault, context), daemon=True)
            thread.start()
            try:
                yield port
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()
    if fault is None:
        yield port


def _serve(listener: socket.socket, fault: Fault, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with ExitStack() as stack:
            stack.enter_context(connection)
            try:
                if context is not None:
                    connection = stack.enter_context(
                        context.wrap_socket(connection, server_side=True)
                    )
                connection.recv(65_536)
                fault(connection)
            except OSError:
                continue


def library(name: str) -> ModuleType:
    return pytest.importorskip(name, reason=f"{name} is not installed: pip install {name}")


def httpx(url: str, timeout: float) -> None:
    library("httpx").get(url, timeout=timeout).raise_for_status()


def httpx2(url: str, timeout: float) -> None:
    library("httpx2").get(url, timeout=timeout).raise_for_status()


def requests(url: str, timeout: float) -> None:
    library("requests").get(url, timeout=timeout).raise_for_status()


def urllib_(url: str, timeout: float) -> None:
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            response.read()
    except urllib.error.HTTPError as error:
        error.close()
        raise


def urllib3(url: str, timeout: float) -> None:
    with library("urllib3").PoolManager(retries=False) as pool:
        pool.request("GET", url, timeout=timeout)


def urllib3_retrying(url: str, timeout: float) -> None:
    with library("urllib3").PoolManager(retries=1) as pool:
        pool.request("GET", url, timeout=timeout)


def requests_retrying(url: str, timeout: float) -> None:
    retry = library("urllib3").Retry(1, status_forcelist=[503])
    with library("requests").Session() as session:
        session.mount("http://", library("requests").adapters.HTTPAdapter(max_retries=retry))
        session.get(url, timeout=timeout)


def aiohttp(url: str, timeout: float) -> None:
    module = library("aiohttp")

    async def get() -> None:
        limit = module.ClientTimeout(timeout)
        async with (
            module.ClientSession(timeout=limit, raise_for_status=True) as session,
            session.get(url) as response,
        ):
            await response.read()

    asyncio.run(get())


def aws(url: str, timeout: float, service: str = "s3") -> Any:
    config = library("botocore.config").Config(
        connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1}
    )
    return library("boto3").client(
        service,
        endpoint_url=url,
        config=config,
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )


def boto3(url: str, timeout: float) -> None:
    with closing(aws(url, timeout)) as client:
        client.get_object(Bucket="bucket", Key="key")["Body"].read()


def anthropic(url: str, timeout: float, stream: bool = False) -> None:
    with library("anthropic").Anthropic(
        base_url=url, api_key="key", max_retries=0, timeout=timeout
    ) as client:
        question = {"role": "user", "content": "?"}
        list(client.messages.create(model="m", max_tokens=1, messages=[question], stream=stream))


def openai(url: str, timeout: float, stream: bool = False) -> None:
    with library("openai").OpenAI(
        base_url=url, api_key="key", max_retries=0, timeout=timeout
    ) as client:
        question = {"role": "user", "content": "?"}
        list(client.chat.completions.create(model="m", messages=[question], stream=stream))


CLIENTS = [httpx, httpx2, requests, urllib_, aiohttp, boto3, anthropic, openai]
Client = Callable[[str, float], None]


def raised(
    client: Client,
    fault: Fault | None,
    timeout: float = PATIENCE,
    context: ssl.SSLContext | None = None,
) -> Exception:
    scheme = "http" if context is None else "https"
    with serving(fault, context) as port, pytest.raises(Exception) as caught:
        client(f"{scheme}://127.0.0.1:{port}/", timeout)
    return caught.value


def class_of(client: Client, fault: Fault | None) -> str | None:
    return after(raised(client, fault)).error_class


def name_of(value: Any) -> str:
    return value if isinstance(value, str) else value.__name__.strip("_")


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("client", CLIENTS, ids=name_of)
def test_a_library_s_error_is_classed_by_what_it_tells(client: Client, name: str) -> None:
    fault, class_, seconds = FAULTS[name]
    error = raised(client, fault, 0.1 if name == "stalls" else PATIENCE)
    transition = after(error)
    assert (transition.error_class, transition.status) == (
        class_,
        "queued" if class_ == "transient" else "dead",
    ), repr(error)
    assert (transition.delay == 7) is (seconds == 7), repr(error)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("client", [urllib3, urllib3_retrying], ids=name_of)
def test_what_breaks_below_a_library_is_transient_too(client: Client, name: str) -> None:
    error = raised(client, FAULTS[name][0], 0.1 if name == "stalls" else PATIENCE)
    assert after(error).error_class == "transient", repr(error)


@pytest.mark.parametrize(
    ("client", "fault"),
    [
        (requests_retrying, FAULTS["503"][0]),
        (urllib_, lambda connection: connection.sendall(b"220 mail.example\r\n\r\n")),
        (httpx, lambda connection: connection.sendall(b"220 mail.example\r\n\r\n")),
    ],
    ids=name_of,
)
def test_a_library_s_last_retry_and_nonsense_are_transient(client: Client, fault: Fault) -> None:
    assert class_of(client, fault) == "transient"


@pytest.mark.parametrize("client", CLIENTS, ids=name_of)
def test_a_certificate_that_nobody_trusts_is_permanent(client: Client, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    error = raised(client, FAULTS["503"][0], context=context)
    assert after(error).error_class == "permanent", repr(error)


@pytest.mark.parametrize("client", CLIENTS, ids=name_of)
def test_what_failed_before_says_nothing_of_a_second_call(client: Client) -> None:
    def second(url: str, timeout: float) -> None:
        try:
            raise ssl.SSLCertVerificationError("another server")
        except ssl.SSLError:
            client(url, timeout)

    assert class_of(second, FAULTS["refused"][0]) == "transient"


@pytest.mark.parametrize("client", CLIENTS, ids=name_of)
def test_a_handshake_that_breaks_off_is_transient(client: Client) -> None:
    with serving(closes) as port, pytest.raises(Exception) as caught:
        client(f"https://127.0.0.1:{port}/", PATIENCE)
    assert after(caught.value).error_class == "transient", repr(caught.value)


@pytest.mark.parametrize("client", CLIENTS, ids=name_of)
def test_a_name_that_is_not_resolved_is_transient(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", away)
    with pytest.raises(Exception) as caught:
        client("http://api.example/", PATIENCE)
    assert after(caught.value).error_class == "transient", repr(caught.value)


@pytest.mark.parametrize("client", [httpx, requests, urllib_, anthropic], ids=name_of)
def test_a_retry_after_may_be_a_date(client: Client) -> None:
    now = datetime(2026, 11, 9, 4, 0, tzinfo=UTC)
    dates = [format_datetime(moment, usegmt=True) for moment in (now, now + timedelta(minutes=5))]
    headers = f"Date: {dates[0]}", f"Retry-After: {dates[1]}"
    assert after(raised(client, answer("503 Busy", *headers))).delay == 300


def of_aws(code: str, status: str = "400 Bad Request") -> Fault:
    return answer(status, JSON, body=json.dumps({"__type": f"com.amazonaws#{code}"}))


def dynamodb(url: str, timeout: float) -> None:
    with closing(aws(url, timeout, "dynamodb")) as client:
        client.list_tables()


def upload(url: str, timeout: float) -> None:
    with closing(aws(url, timeout)) as client:
        client.upload_file(__file__, "bucket", "key")


@pytest.mark.parametrize(
    ("code", "class_"),
    [
        ("ThrottlingException", "transient"),
        ("ProvisionedThroughputExceededException", "transient"),
        ("ValidationException", "permanent"),
        ("AccessDeniedException", "permanent"),
        ("ResourceNotFoundException", "permanent"),
    ],
)
def test_the_code_of_aws_says_more_than_its_400(code: str, class_: str) -> None:
    assert class_of(dynamodb, of_aws(code)) == class_


def test_a_transfer_is_classed_by_what_ended_it() -> None:
    assert class_of(upload, FAULTS["503"][0]) == "transient"
    assert class_of(upload, answer("403 Forbidden")) == "permanent"


def with_error(status: str, kind: str) -> Fault:
    return answer(status, JSON, body=json.dumps({"error": {"type": kind, "message": "no"}}))


def streamed(kind: str) -> Fault:
    data = json.dumps({"type": "error", "error": {"type": kind, "message": "no"}})
    return answer(
        "200 OK", "Content-Type: text/event-stream", body=f"event: error\ndata: {data}\n\n"
    )


@pytest.mark.parametrize(
    ("client", "fault", "class_"),
    [
        (anthropic, with_error("529 Overloaded", "overloaded_error"), "transient"),
        (anthropic, with_error("409 Conflict", "conflict_error"), "transient"),
        (anthropic, with_error("400 Bad Request", "invalid_request_error"), "permanent"),
        (openai, with_error("409 Conflict", "conflict"), "transient"),
        (openai, with_error("429 Too Many Requests", "rate_limit_exceeded"), "transient"),
        (openai, with_error("429 Too Many Requests", "insufficient_quota"), "permanent"),
        (openai, with_error("400 Bad Request", "invalid_request_error"), "permanent"),
    ],
)
def test_what_the_api_of_a_model_says(client: Client, fault: Fault, class_: str) -> None:
    assert class_of(client, fault) == class_


@pytest.mark.parametrize(
    ("client", "kind", "class_"),
    [
        (anthropic, "overloaded_error", "transient"),
        (anthropic, "invalid_request_error", "unknown"),
        (openai, "server_error", "transient"),
        (openai, "content_filter", "unknown"),
    ],
)
def test_an_error_in_mid_stream_is_classed_by_its_type(
    client: Callable[..., None], kind: str, class_: str
) -> None:
    def streaming(url: str, timeout: float) -> None:
        client(url, timeout, stream=True)

    assert class_of(streaming, streamed(kind)) == class_


@pytest.mark.parametrize(
    ("client", "url", "class_"),
    [
        (httpx, "ftp://127.0.0.1/", "permanent"),
        (httpx2, "ftp://127.0.0.1/", "permanent"),
        (requests, "127.0.0.1/", "unknown"),
        (urllib_, "gopher://127.0.0.1/", "unknown"),
        (urllib_, "file:///no/such/file", "unknown"),
        (aiohttp, "nothing", "unknown"),
    ],
)
def test_a_wrong_address_is_not_retried(client: Client, url: str, class_: str) -> None:
    with pytest.raises(Exception) as caught:
        client(url, PATIENCE)
    assert after(caught.value).error_class == class_


@pytest.mark.parametrize("headers", [["Location: /"], ["Location: /", ASKS_7]])
def test_a_redirect_that_is_not_followed_is_unknown(headers: list[str]) -> None:
    assert class_of(httpx, answer("302 Found", *headers)) == "unknown"


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN])
def test_a_network_that_is_down_is_transient(number: int) -> None:
    for error in (OSError(number, "unreachable"), urllib.error.URLError(OSError(number, "x"))):
        assert after(error).error_class == "transient"


@pytest.mark.parametrize("error", [FileNotFoundError(2, "x"), PermissionError(13, "x"), OSError()])
def test_other_errors_of_the_system_stay_unknown(error: OSError) -> None:
    assert after(error).error_class == "unknown"


def test_an_error_that_lacks_what_its_class_promises_is_unknown() -> None:
    incomplete = [
        library("requests").HTTPError("without an answer"),
        library("botocore.exceptions").ClientError({}, "GetObject"),
        library("aiohttp").ClientResponseError(None, (), status=0),
        urllib.error.URLError("a text"),
    ]
    assert [after(error).error_class for error in incomplete] == ["unknown"] * 4


def test_a_subclass_of_one_s_own_is_what_its_base_is() -> None:
    class ShopAway(library("httpx").ConnectError): ...

    class Other(Exception): ...

    assert after(ShopAway("down")).error_class == "transient"
    assert after(Other("down")).error_class == "unknown"


def test_no_library_is_imported_to_know_its_errors() -> None:
    code = (
        "import sys; from overnight import known_errors; known_errors.classify(ValueError()); "
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    packages = {name.partition(".")[0] for name in (*known_errors.CLASSES, *known_errors.ANSWERS)}
    standard = {"builtins", "http", "socket", "ssl", "urllib"}
    assert "overnight.known_errors" in loaded
    assert not (packages - standard).intersection(loaded)


MODULES = {"http": "http.client", "urllib": "urllib.error"} | {
    name: f"{name}.exceptions" for name in ("boto3", "botocore", "requests", "urllib3")
}


@pytest.mark.parametrize(
    "name", [*known_errors.CLASSES, *known_errors.ANSWERS, *known_errors.RULES]
)
def test_each_row_is_the_name_of_a_class_that_exists(name: str) -> None:
    package, _, class_ = name.partition(".")
    type_ = getattr(library(MODULES.get(package, package)), class_)
    assert issubclass(type_, Exception)
    assert name == f"{type_.__module__.partition('.')[0]}.{type_.__name__}"


async def test_a_503_in_a_step_is_retried_when_the_server_asks(
    database: Database, clock: Clock
) -> None:
    p, begun = Pipeline("p"), list[datetime]()

    @p.step
    async def fetch(ctx: Context[Any], value: int) -> int:
        begun.append(await clock.now())
        if ctx.attempt == 1:
            raise raised(urllib_, answer("503 Busy", "Retry-After: 600"))
        return value

    app = App("app", [p])
    await runs.start(app, database, "p", 1)
    endings = await run_until_idle(app, database, clock=clock)
    assert [ending.transition.outcome for ending in endings] == ["retry", "done"]
    assert begun[1] - begun[0] >= timedelta(minutes=10)
