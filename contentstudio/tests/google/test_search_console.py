"""Search Console against a local server that speaks its API: a signed request for a token, pages of
rows, faults.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contentstudio.config import SearchConsoleSource
from contentstudio.google import analytics
from contentstudio.google.analytics import BadProperty, queries
from contentstudio.google.service_account import BadKeyFile, NoAccess
from contentstudio.model import Demand
from overnight import logs
from overnight.errors import Permanent, Transient

pytestmark = pytest.mark.contract

SOURCE = SearchConsoleSource(search_console="sc-domain:garden.example", days=7)
EMAIL = "reader@project.example"
DAY = date(2026, 11, 23)
KEY = rsa.generate_private_key(65_537, 2_048)


def pem(key: Any) -> str:
    text: str = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return text


class Api:
    """`rows` are what the property has; `faults` are answers given instead, by path, until they are
    used up.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.faults: dict[str, list[tuple[int, dict[str, str], bytes]]] = {"token": [], "query": []}
        self.tokens: list[dict[str, Any]] = []
        self.queries: list[dict[str, Any]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = api.answer(self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Api:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        faults = self.faults["token" if path == "/token" else "query"]
        if faults:
            return faults.pop(0)
        found = self._token(body) if path == "/token" else self._query(path, headers, body)
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def _token(self, body: bytes) -> dict[str, Any]:
        form = parse_qs(body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        signed, _, signature = form["assertion"][0].rpartition(".")
        KEY.public_key().verify(
            unbase64(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        head, claims = (json.loads(unbase64(part)) for part in signed.split("."))
        assert head == {"alg": "RS256", "typ": "JWT"}
        self.tokens.append(claims)
        return {"access_token": "the-token-1", "expires_in": 3_599, "token_type": "Bearer"}

    def _query(self, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        assert (
            unquote(path) == "/webmasters/v3/sites/sc-domain:garden.example/searchAnalytics/query"
        )
        assert "sc-domain%3Agarden.example" in path
        assert headers["Authorization"] == "Bearer the-token-1"
        asked = json.loads(body)
        self.queries.append(asked)
        rows = self.rows[asked["startRow"] : asked["startRow"] + asked["rowLimit"]]
        return {"rows": rows, "responseAggregationType": "byProperty"} if rows else {}


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def row(
    query: str, clicks: float = 1, impressions: float = 10, position: float = 3.14
) -> dict[str, Any]:
    return {
        "keys": [query],
        "clicks": clicks,
        "impressions": impressions,
        "ctr": 0.1,
        "position": position,
    }


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def key_file(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(logs, "hidden", set())
    return write(
        tmp_path,
        client_email=EMAIL,
        private_key=pem(KEY),
        token_uri=f"{api.url}/token",
        type="service_account",
    )


def write(folder: Path, **fields: Any) -> Path:
    file = folder / "key.json"
    file.write_text(json.dumps(fields), "utf-8")
    file.chmod(0o600)
    return file


async def ask(api: Api, key_file: Path | None) -> list[Demand]:
    return await queries(SOURCE, api.url + "/", key_file, DAY)


async def test_queries_become_demands(api: Api, key_file: Path) -> None:
    api.rows = [
        row("Compost  Heap", 3.0, 120.0),
        row("mulch\0"),
        row("compost heap", 9, 9),
        row("?"),
        row(""),
    ]
    assert await ask(api, key_file) == [
        Demand(
            query="compost heap",
            source="sc-domain:garden.example",
            impressions=120,
            clicks=3,
            position=3.1,
        ),
        Demand(
            query="mulch", source="sc-domain:garden.example", impressions=10, clicks=1, position=3.1
        ),
    ]
    assert api.queries == [
        {
            **{
                "startDate": "2026-11-14",
                "endDate": "2026-11-20",
                "dimensions": ["query"],
                "type": "web",
            },
            **{"dataState": "final", "rowLimit": 25_000, "startRow": 0},
        }
    ]
    (claims,) = api.tokens
    assert (claims["iss"], claims["aud"]) == (EMAIL, f"{api.url}/token")
    assert claims["scope"] == "https://www.googleapis.com/auth/webmasters.readonly"
    assert claims["exp"] - claims["iat"] == 3_600


async def test_a_property_without_searches_gives_nothing(api: Api, key_file: Path) -> None:
    assert await ask(api, key_file) == []


@pytest.mark.parametrize(
    ("count", "starts"), [(9, [0]), (10, [0, 10]), (15, [0, 10]), (99, [0, 10, 20])]
)
async def test_rows_come_page_by_page_up_to_the_limit(
    api: Api, key_file: Path, monkeypatch: pytest.MonkeyPatch, count: int, starts: list[int]
) -> None:
    monkeypatch.setattr(analytics, "PAGE_ROWS", 10)
    monkeypatch.setattr(analytics, "MAX_ROWS", 30)
    api.rows = [row(f"query {n}") for n in range(count)]
    assert len(await ask(api, key_file)) == min(count, 30)
    assert [asked["startRow"] for asked in api.queries] == starts


def told(message: str, reason: str = "") -> bytes:
    return json.dumps({"error": {"message": message, "errors": [{"reason": reason}]}}).encode()


@pytest.mark.parametrize(
    ("where", "status", "body", "kind", "says"),
    [
        (
            "query",
            401,
            told("Invalid credentials"),
            NoAccess,
            f"does not let {EMAIL} read sc-domain:garden.example",
        ),
        (
            "query",
            403,
            told("No permission", "forbidden"),
            NoAccess,
            "add that address to the property's users",
        ),
        ("query", 403, told("Quota", "quotaExceeded"), Transient, "asked too often"),
        ("query", 404, told("Not found"), BadProperty, "check search_console in the config"),
        ("query", 400, b"<html>", BadProperty, "400"),
        ("query", 429, b"", Transient, "429"),
        ("query", 500, told("Backend Error"), Transient, "Backend Error"),
        ("query", 503, b"<html>", Transient, "503"),
        ("query", 200, b"<html>", Transient, "something else than rows"),
        (
            "query",
            200,
            b'{"rows": [{"keys": [], "clicks": 1}]}',
            Transient,
            "something else than rows",
        ),
        (
            "token",
            400,
            b'{"error": "invalid_grant", "error_description": "Invalid JWT"}',
            NoAccess,
            "Invalid JWT",
        ),
        ("token", 401, b"", NoAccess, "check that the key was not deleted"),
        ("token", 500, b"", Transient, "500"),
        ("token", 200, b"[]", Transient, "without a token"),
    ],
)
async def test_a_fault_is_classed_and_says_what_to_do(
    api: Api, key_file: Path, where: str, status: int, body: bytes, kind: type[Exception], says: str
) -> None:
    api.faults[where] = [(status, {"Retry-After": "30"}, body)]
    with pytest.raises(kind, match=says) as caught:
        await ask(api, key_file)
    assert isinstance(caught.value, Permanent) is (kind is not Transient)
    if isinstance(caught.value, Transient) and status != 200:
        assert caught.value.retry_after == 30


async def test_a_quota_that_says_nothing_of_its_end_is_waited_for(api: Api, key_file: Path) -> None:
    api.faults["query"] = [(403, {}, told("Daily limit", "dailyLimitExceeded"))]
    with pytest.raises(Transient) as caught:
        await ask(api, key_file)
    assert caught.value.retry_after == 3_600


async def test_nobody_there_is_transient(api: Api, tmp_path: Path, key_file: Path) -> None:
    with pytest.raises(Transient, match="did not answer"):
        await queries(SOURCE, "http://127.0.0.1:1", key_file, DAY)
    deaf = write(
        tmp_path, client_email=EMAIL, private_key=pem(KEY), token_uri="http://127.0.0.1:1/token"
    )
    with pytest.raises(Transient, match="did not answer"):
        await ask(api, deaf)


async def test_a_key_file_that_cannot_be_used_says_what_to_do(
    api: Api, tmp_path: Path, key_file: Path
) -> None:
    async def failure(file: Path | None) -> str:
        with pytest.raises(BadKeyFile) as caught:
            await ask(api, file)
        assert "BEGIN" not in str(caught.value)
        return str(caught.value)

    assert "GOOGLE_APPLICATION_CREDENTIALS" in await failure(None)
    assert "No such file" in await failure(tmp_path / "none.json")
    key_file.chmod(0o640)
    assert "chmod 600" in await failure(key_file)
    good = {"client_email": EMAIL, "private_key": pem(KEY), "token_uri": f"{api.url}/token"}
    assert "its “private_key” is missing" in await failure(
        write(tmp_path, **{**good, "private_key": None})
    )
    assert "its “token_uri” is missing or wrong" in await failure(
        write(tmp_path, **{**good, "token_uri": "file:///x"})
    )
    password = BestAvailableEncryption(b"secret")
    for other in (
        "-----BEGIN nothing",
        pem(ec.generate_private_key(ec.SECP256R1())),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password).decode(),
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    ):
        assert "no RSA key" in await failure(write(tmp_path, **{**good, "private_key": other}))
    key_file.write_text("{", "utf-8")
    assert "it is not JSON" in await failure(key_file)


async def test_neither_the_key_nor_the_token_is_ever_shown(api: Api, key_file: Path) -> None:
    await ask(api, key_file)
    shown = logs.clean(f"{pem(KEY)} the-token-1 end")
    assert shown == f"{logs.MASK} {logs.MASK} end"
