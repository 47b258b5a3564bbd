"""A stand-in for a shop's API on loopback, for data_sync.py: pages of items with a cursor, and
marks (ETag).

python shop_api.py [PORT]
"""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 2  # items


class Shop(ThreadingHTTPServer):
    """Sells `items`. The next `broken` requests are answered with 502; `answers` are the statuses
    so far.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        names = ("roses", "tulips", "beans", "peas", "sage")
        self.items = [
            {"id": f"i{place}", "name": name, "price": 2.5} for place, name in enumerate(names)
        ]
        self.broken = 0
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        shop = self.server
        start = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        more = start + PAGE < len(shop.items)
        page = {
            "items": shop.items[start : start + PAGE],
            "next": str(start + PAGE) if more else None,
        }
        body = json.dumps(page).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if shop.broken:
            shop.broken -= 1
            self.answer(502, b"Bad Gateway", "")
        elif self.headers["If-None-Match"] == etag:
            self.answer(304, b"", etag)
        else:
            self.answer(200, body, etag)

    def answer(self, status: int, body: bytes, etag: str) -> None:
        self.server.answers.append(status)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as in the base class
        """Silent: the worker's log says enough."""


if __name__ == "__main__":
    with Shop(int(sys.argv[1]) if len(sys.argv) > 1 else 8402) as shop:
        sys.stdout.write(f"the shop is open at {shop.url}\n")
        sys.stdout.flush()
        shop.serve_forever()
