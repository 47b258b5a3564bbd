"""The other sides of alerts, real servers on loopback: one that speaks Slack's protocol, and one
that takes mail.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Post:
    """A request as it came, and whether it was taken."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes, answer: str) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.answer = answer

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class SlackServer(ThreadingHTTPServer):
    """Answers as `answer` says: ok, 429, 500, 404, redirect, hang, reset, or `lost`, which takes it
    and hangs up.

    With `unknown` and `limited` it answers as healthchecks.io does to what it does not take.

    `at_post` is called for each request, in the thread of the server.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = "ok"
        self.posts: list[Post] = []
        self.released = threading.Event()
        self.at_post: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/T000/B000/verysecrettoken"

    @property
    def taken(self) -> list[Post]:
        return [post for post in self.posts if post.answer in ("ok", "lost")]

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: SlackServer
    ANSWERS = {  # noqa: RUF012
        "ok": (200, "ok", {}),
        "429": (429, "rate_limited", {"Retry-After": "120"}),
        "500": (500, "internal_error", {}),
        "404": (404, "no_service", {}),
        "redirect": (302, "", {"Location": "/elsewhere"}),
        "unknown": (200, "OK (not found)", {}),
        "limited": (200, "OK (rate limited)", {}),
    }

    def do_POST(self) -> None:
        server, answer = self.server, self.server.answer
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        server.posts.append(
            Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body, answer)
        )
        server.at_post()
        if answer == "hang":
            server.released.wait(60)
            return
        if answer in ("reset", "lost"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        status, text, headers = self.ANSWERS[answer]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST  # noqa: N815

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with SlackServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a client of ours needs. `refuse` is what it answers to a message (554
    …, 421 …), or None.

    With a `context` it offers STARTTLS; `login` is what it let in.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, context: Any = None) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.context = context
        self.refuse: str | None = None
        self.mails: list[
            tuple[str, list[str], bytes, bool]
        ] = []  # from, to, the message, encrypted
        self.logins: list[str] = []

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class _MailHandler(socketserver.BaseRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.file = self.request.makefile("rwb")
        self.encrypted, self.sender, self.to = False, "", []
        self.say("220 loopback")
        while line := self.file.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            if not getattr(self, f"do_{verb.lower()}")(rest):
                return

    def finish(self) -> None:
        with suppress(OSError):
            self.file.close()
        self.request.close()

    def say(self, *lines: str) -> bool:
        self.file.write("".join(f"{line}\r\n" for line in lines).encode())
        self.file.flush()
        return True

    def do_ehlo(self, _: str) -> bool:
        offers = ["AUTH PLAIN"] if self.encrypted or self.server.context is None else ["STARTTLS"]
        return self.say("250-loopback", *(f"250-{offer}" for offer in offers), "250 SIZE")

    def do_starttls(self, _: str) -> bool:
        if self.server.context is None:
            return self.say("502 not here")
        self.say("220 go on")
        with suppress(OSError):
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
            self.file = self.request.makefile("rwb")
            self.encrypted = True
        return True

    def do_auth(self, rest: str) -> bool:
        self.server.logins.append(rest)
        return self.say("235 welcome")

    def do_mail(self, rest: str) -> bool:
        self.sender = rest.partition("<")[2].partition(">")[0]
        return self.say("250 ok")

    def do_rcpt(self, rest: str) -> bool:
        self.to.append(rest.partition("<")[2].partition(">")[0])
        return self.say("250 ok")

    def do_data(self, _: str) -> bool:
        self.say("354 go on")
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        if self.server.refuse:
            return self.say(self.server.refuse)
        self.server.mails.append((self.sender, self.to, b"".join(lines), self.encrypted))
        return self.say("250 taken")

    def do_rset(self, _: str) -> bool:
        return self.say("250 ok")

    def do_quit(self, _: str) -> bool:
        self.say("221 bye")
        return False


@pytest.fixture
def mail_server() -> Iterator[Callable[..., MailServer]]:
    """Makes servers, which end with the test."""
    made: list[MailServer] = []

    def make(context: Any = None) -> MailServer:
        server = MailServer(context)
        made.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    yield make
    for server in made:
        server.shutdown()
        server.server_close()
