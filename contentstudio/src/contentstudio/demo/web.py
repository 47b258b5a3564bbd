"""The demo's own small web: two blogs with feeds, the faults of a real night, and an IndexNow
endpoint.

Everything is served from memory on loopback, so a demo and a test meet the same pages every time.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

FEEDS = ("/potting-shed/feed.xml", "/clear-skies/feed.xml")
FLAKY = "/potting-shed/flaky-watering.html"  # 502 to the first request, fine afterwards
GONE = "/potting-shed/gone.html"  # 404, always
APP = "/clear-skies/app.html"  # 800 KB of JavaScript and no text
HARD = "/clear-skies/photometric-considerations.html"  # far too hard to read
INDEXNOW = "/indexnow"
KEYS = "/keys/"  # below it lies the key file of every site

APP_BYTES = 800_000
MAX_PING_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class _Blog:
    name: str
    title: str
    tagline: str
    accent: str
    feed: str
    feed_type: str


@dataclass(frozen=True, slots=True)
class _Post:
    """An article; each of `blocks` is a paragraph, or a heading behind `## `."""

    path: str
    title: str
    summary: str
    published: datetime
    blocks: tuple[str, ...] = ()


class _Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


BLOGS = (
    _Blog(
        "potting-shed",
        "Potting Shed",
        "Notes from a small garden.",
        "#3d7a4a",
        "rss.xml",
        "application/rss+xml",
    ),
    _Blog(
        "clear-skies",
        "Clear Skies",
        "The night sky for beginners.",
        "#4a5fa5",
        "atom.xml",
        "application/atom+xml",
    ),
)


class DemoWeb:
    """The server, its counters and what it was told.

    `requests` counts by path, `pings` holds the JSON bodies that reached `/indexnow`; both, and the
    faults, begin anew with every start. `today` (UTC) is the day from which the articles' dates go
    back; `port` 0 takes a free one.
    """

    def __init__(self, today: date, port: int = 0) -> None:
        self.today = today
        self.port = port
        self.requests: Counter[str] = Counter()
        self.pings: list[dict[str, Any]] = []
        self._answers: dict[str, _Answer] = {}
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`, without a slash at the end; known once the server runs."""
        if self._server is None:
            raise RuntimeError("the demo's web does not run")
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Listen on loopback. Raises OSError where the port is taken."""
        if self._server is not None:
            raise RuntimeError("the demo's web runs already")
        self.requests.clear()
        self.pings.clear()
        self._server = _Server(self)
        self._answers = dict(_all_pages(self.url, self.today))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="demo-web", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; a second time does nothing."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def _get(self, path: str) -> _Answer:
        with self._lock:
            self.requests[path] += 1
            first = self.requests[path] == 1
        if path == FLAKY and first:
            return _page(502, "Bad gateway")
        if path.startswith(KEYS):
            return _Answer(
                200,
                "text/plain; charset=utf-8",
                path.removeprefix(KEYS).removesuffix(".txt").encode(),
            )
        return self._answers.get(path) or _page(404, "Not found")

    def _post(self, path: str, body: bytes) -> _Answer:
        with self._lock:
            self.requests[path] += 1
        if path != INDEXNOW:
            return _page(404, "Not found")
        try:
            ping = json.loads(body)
        except ValueError:
            ping = None
        if not isinstance(ping, dict):
            return _Answer(422, "text/plain; charset=utf-8", b"a JSON object is needed\n")
        with self._lock:
            self.pings.append(ping)
        return _Answer(200, "text/plain; charset=utf-8", b"")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, web: DemoWeb) -> None:
        super().__init__(("127.0.0.1", web.port), _Handler)
        self.web = web

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is its own affair; anything else is a bug and is shown."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.0: a connection ends with its answer, so stopping leaves nothing open."""

    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        self._send(self.server.web._get(urlsplit(self.path).path))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else 0
        body = self.rfile.read(size) if size <= MAX_PING_BYTES else b""
        self._send(self.server.web._post(urlsplit(self.path).path, body))

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in the base class
        """The counters are the log."""


def _all_pages(url: str, today: date) -> Iterator[tuple[str, _Answer]]:
    yield APP, _Answer(200, "text/html; charset=utf-8", _app())
    for blog in BLOGS:
        posts = sorted(_posts(blog, today), key=lambda post: post.published, reverse=True)
        values = {"url": url, "blog": blog, "posts": posts}
        yield f"/{blog.name}/", _rendered("home.html", "text/html", values)
        yield f"/{blog.name}/feed.xml", _rendered(blog.feed, blog.feed_type, values)
        for post in posts:
            if post.path != APP:
                yield post.path, _rendered("article.html", "text/html", {**values, "post": post})


def _posts(blog: _Blog, today: date) -> Iterator[_Post]:
    folder = resources.files("contentstudio.demo") / "pages" / blog.name
    for file in folder.iterdir():
        head, _, body = file.read_text(encoding="utf-8").partition("\n\n")
        meta = dict(line.split(": ", 1) for line in head.splitlines())
        yield _Post(
            path=f"/{blog.name}/{file.name.removesuffix('.md')}.html",
            title=meta["title"],
            summary=meta["summary"],
            published=_morning(today, int(meta["days"])),
            blocks=tuple(body.strip().split("\n\n")),
        )
    if APP.startswith(f"/{blog.name}/"):
        yield _Post(APP, "The sky tonight, live", "A map of the sky above you.", _morning(today, 1))


def _morning(today: date, days_ago: int) -> datetime:
    return datetime.combine(today - timedelta(days=days_ago), time(7), UTC)


def _app() -> bytes:
    """A page such as a single-page application serves: one script, an empty element, nothing to
    read.
    """
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The sky tonight, '
        "live</title></head>"
    )
    lines: list[str] = []
    size = 0
    while size < APP_BYTES:
        number = len(lines)
        lines.append(
            f"function f{number}(a,b){{var c=a*{number}+b;return "
            f'c>b?f{number // 2}(c,"k{number}"):c}}'
        )
        size += len(lines[-1]) + 1
    script = "\n".join(lines)
    return f'{head}<body><div id="root"></div><script>{script}</script></body></html>'.encode()


def _page(status: int, title: str) -> _Answer:
    html = (
        "<!doctype html><html "
        f'lang="en"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>'
    )
    return _Answer(status, "text/html; charset=utf-8", html.encode())


def _rendered(template: str, content_type: str, values: dict[str, Any]) -> _Answer:
    text = _environment.get_template(template).render(values)
    return _Answer(200, f"{content_type}; charset=utf-8", text.encode())


_environment = Environment(
    loader=PackageLoader("contentstudio.demo", "pages/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["rfc822"] = format_datetime
