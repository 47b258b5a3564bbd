"""A small web on loopback whose answers a test writes down, for research that keeps its records in
the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


class SmallWeb:
    """`answers` maps a path to a body (an HTML page), an answer, or a function of the request's
    headers.

    What is not there is 404. `asked` are the paths in the order in which they were asked, `headers`
    what came with each, `most` is how many requests were under way at once.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Answer | Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.most = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> SmallWeb:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        with self._lock:
            self.asked.append(path)
            self.headers.append(headers)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            found = self.answers.get(path, (404, {}, b""))
            if isinstance(found, bytes):
                return 200, {"Content-Type": "text/html"}, found
            return found(headers) if callable(found) else found
        finally:
            with self._lock:
                self._under_way -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = web.answer(
                    self.path, {k.lower(): v for k, v in self.headers.items()}
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                with suppress(ConnectionError):  # who has read enough hangs up
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        return Handler
