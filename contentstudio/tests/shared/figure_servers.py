"""Servers on loopback that speak the APIs of sources of figures: Search Console, Plausible, Matomo.

Each checks what its real server checks, has `pages` as its figures, and gives `faults` instead of
answers until they are used up.
"""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Answer = tuple[int, dict[str, str], bytes]
PageDay = tuple[str, date, dict[str, float]]  # URL, day, and the numbers of that day


class Server:
    """`requests` are the bodies of what was asked, tokens apart."""

    def __init__(self) -> None:
        self.pages: list[PageDay] = []
        self.faults: list[Answer] = []
        self.requests: list[Any] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, answer = server.answer(self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_any  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.faults and path != "/token":
            return self.faults.pop(0)
        return json_answer(self.found(path, headers, body))

    def found(self, path: str, headers: dict[str, str], body: bytes) -> Any:
        raise NotImplementedError


def json_answer(value: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(65_537, 2_048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class SearchConsole(Server):
    """`queries` are rows of a query, the URL it showed, and how often."""

    def __init__(self, name: str = "sc-domain:garden.example") -> None:
        super().__init__()
        self.name = name
        self.queries: list[tuple[str, str, int]] = []

    def key_file(self, folder: Path) -> Path:
        """The key file of a service account that this server lets in."""
        file = folder / "key.json"
        file.write_text(
            json.dumps(
                {
                    "client_email": "reader@project.example",
                    "private_key": _private_key(),
                    "token_uri": f"{self.url}/token",
                }
            ),
            "utf-8",
        )
        file.chmod(0o600)
        return file

    def found(self, path: str, headers: dict[str, str], body: bytes) -> Any:
        if path == "/token":
            return {"access_token": "the-token-3"}
        assert headers["Authorization"] == "Bearer the-token-3"
        assert unquote(path) == f"/webmasters/v3/sites/{self.name}/searchAnalytics/query"
        asked = json.loads(body)
        self.requests.append(asked)
        rows = self._days(asked) if asked["dimensions"] == ["date", "page"] else self._queries()
        start = asked["startRow"]
        return {"rows": rows[start : start + asked["rowLimit"]]}

    def _days(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = (date.fromisoformat(asked[name]) for name in ("startDate", "endDate"))
        return [
            {"keys": [str(day), url], "ctr": 0.1, **numbers}
            for url, day, numbers in self.pages
            if first <= day <= last
        ]

    def _queries(self) -> list[dict[str, Any]]:
        return [
            {"keys": [query, url], "clicks": 1, "impressions": count, "ctr": 0.1, "position": 4.0}
            for query, url, count in self.queries
        ]


class PlausibleServer(Server):
    """Plausible's Stats API for `garden.example`; the key is `plausible-key`."""

    max_rows = 10_000

    def found(self, path: str, headers: dict[str, str], body: bytes) -> Any:
        asked = json.loads(body)
        self.requests.append(asked)
        assert path == "/api/v2/query"
        assert asked["metrics"] == ["visits"]
        assert asked["dimensions"] == ["event:page", "time:day"]
        first, last = map(date.fromisoformat, asked["date_range"])
        rows = [
            {"dimensions": [urlsplit(url).path, str(day)], "metrics": [int(numbers["visits"])]}
            for url, day, numbers in self.pages
            if first <= day <= last
        ]
        limit, offset = asked["pagination"]["limit"], asked["pagination"]["offset"]
        assert limit <= self.max_rows
        return {"results": rows[offset : offset + limit], "meta": {}, "query": asked}

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        wrong_key = headers.get("Authorization") != "Bearer plausible-key"
        if wrong_key or json.loads(body)["site_id"] != "garden.example":
            return json_answer({"error": "Invalid API key or site ID."}, 401)
        return super().answer(path, headers, body)


class MatomoServer(Server):
    """Matomo's Reporting API for its site 3; the token is `matomo-token`."""

    def found(self, path: str, headers: dict[str, str], body: bytes) -> Any:
        asked = dict(parse_qsl(body.decode()))
        token = asked.pop("token_auth")
        self.requests.append(asked)
        assert path == "/stats/index.php"  # a token in the address would be in the server's log
        if token != "matomo-token" or asked["idSite"] != "3":
            return {"result": "error", "message": "You can't access this resource"}
        assert (asked["method"], asked["period"], asked["flat"], asked["filter_limit"]) == (
            "Actions.getPageUrls",
            "day",
            "1",
            "-1",
        )
        first, last = map(date.fromisoformat, asked["date"].split(","))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return {str(day): self._rows(day) for day in days} if self.pages else []

    def _rows(self, day: date) -> list[dict[str, Any]]:
        rows = [
            {"label": url, "nb_visits": int(numbers["visits"]), "nb_hits": 9, "url": url}
            for url, on, numbers in self.pages
            if on == day
        ]
        return [*rows, {"label": "Others", "nb_visits": 5, "nb_hits": 7}]
