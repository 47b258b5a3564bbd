"""A proxy that breaks what a test says, between us and a server on loopback."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = (
    "502 before",
    "502 after",
    "reset before",
    "reset after",
    "half an answer",
    "hang before",
    "hang after",
)


class Proxy:
    """Stands between us and a site, and breaks what a test says.

    `fault(name, method, path)` holds for the next `times` requests whose method is that and whose
    path contains `path`. Faults `before` never reach the site; those `after` were carried out. A
    number is the status of the answer, which has `headers`. `told` is every request in its order.
    `watch` is called before and after each one. `front` may answer instead of the site, with a
    status, headers and a body, to a method, a path and the number of bytes that were sent.
    """

    def __init__(self, port: int) -> None:
        self.told: list[str] = []
        self.headers: dict[str, str] = {}
        self.watch: Callable[[int, str], None] = lambda number, when: None
        self.front: Callable[[str, str, int], tuple[int, dict[str, str], bytes] | None] = (
            lambda *_: None
        )
        self.released = threading.Event()
        self._port = port
        self._faults: list[list[Any]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fault(self, name: str, method: str, path: str, times: int = 1) -> None:
        self._faults.append([name, method, path, times])

    def heal(self) -> None:
        self._faults.clear()

    def _next(self, method: str, path: str) -> tuple[int, str]:
        """The number of a request, and its fault."""
        with self._lock:
            self.told.append(f"{method} {path}")
            for fault in self._faults:
                if fault[1] == method and fault[2] in f"{path}?" and fault[3] > 0:
                    fault[3] -= 1
                    return len(self.told), str(fault[0])
            return len(self.told), ""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                number, fault = proxy._next(self.command, self.path)
                proxy.watch(number, "before")
                if said := proxy.front(self.command, self.path, len(body)):
                    return self.said(*said)
                if fault == "hang before":
                    proxy.released.wait()
                if fault.endswith("before"):
                    return self.broken(fault)
                with suppress(OSError, http.client.HTTPException):
                    status, headers, answer = self.asked(body)
                    proxy.watch(number, "after")
                    if fault == "hang after":
                        proxy.released.wait()
                    if fault.endswith("after"):
                        return self.broken(fault)
                    self.send_response(status)
                    for name, value in headers:
                        if name.lower() not in (
                            "connection",
                            "transfer-encoding",
                            "content-length",
                            "host",
                        ):
                            self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(
                        answer[: len(answer) // 2] if fault == "half an answer" else answer
                    )
                return None

            def asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                upstream = http.client.HTTPConnection("127.0.0.1", proxy._port, timeout=30)
                try:
                    headers = {
                        k: v
                        for k, v in self.headers.items()
                        if k.lower() not in ("connection", "host")
                    }
                    upstream.request(
                        self.command, self.path, body or None, {**headers, "Connection": "close"}
                    )
                    response = upstream.getresponse()
                    return response.status, response.getheaders(), response.read()
                finally:
                    upstream.close()

            def said(self, status: int, headers: dict[str, str], answer: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def broken(self, fault: str) -> None:
                if fault[0].isdecimal():
                    with suppress(OSError):
                        self.send_response(int(fault.split()[0]))
                        for name, value in proxy.headers.items():
                            self.send_header(name, value)
                        self.end_headers()
                        self.wfile.write(b"<h1>Bad Gateway</h1>")
                    return
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.close_connection = True

            do_GET = do_POST = do_DELETE = do_PUT = do_any  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        return Handler
