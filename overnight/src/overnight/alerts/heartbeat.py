"""The heartbeat: a monitor outside is called while all is well, so that silence is the alarm when
no worker is left.

Two ways of calling are known. healthchecks.io (and what works like it) has a URL for success, and
adds `/start` and `/fail` to it; the body is shown to people. A push monitor of Uptime Kuma has one
URL with `?status=up` or `down`, and `msg`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from overnight.alerts.channel import ask, secret_url
from overnight.errors import ConfigError, Permanent, Transient

Signal = Literal["success", "start", "fail"]

EVERY = 300.0  # seconds between two calls
SHORTEST = 60.0  # seconds: a worker looks every half minute
PUSH = "/api/push/"  # in the path of a push monitor of Uptime Kuma
LINE_LIMIT = 300  # characters of what a person is told: it may stand in a URL
MEND = "mend the URL of the heartbeat, then: alerts test"


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it goes out."""

    method: str
    url: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A monitor outside, called every so many seconds (≥ 60). Its URL is a secret: whoever has it
    can say all is well.

    Give the monitor a grace of two or three times `every`.
    """

    url: str = field(repr=False)
    every: float = EVERY

    def __post_init__(self) -> None:
        secret_url(self.url, "the heartbeat")
        if self.every < SHORTEST:
            raise ConfigError(
                f"a heartbeat is called every {SHORTEST:.0f} seconds at most: make its "
                "interval longer"
            )

    @property
    def host(self) -> str:
        """What people may see of the address."""
        return urlsplit(self.url).hostname or ""

    def knows(self, signal: Signal) -> bool:
        """Whether the monitor has something for a signal."""
        return request_of(self.url, signal, "") is not None

    def send(self, signal: Signal, text: str = "") -> None:
        """Call it, in a thread; `text` is one line for a person. Raises `Transient` and
        `Permanent`.
        """
        request = request_of(self.url, signal, text)
        if request is None:
            return
        headers = {"content-type": "text/plain; charset=utf-8"} if request.body else {}
        answer = ask(request.method, request.url, request.body, headers, mend=MEND).lower()
        # By a UUID, healthchecks.io says 200 to everything; what it did stands in the body.
        if "not found" in answer:
            raise Permanent(f"it knows no monitor of this URL; {MEND}")
        if "rate limited" in answer:
            raise Transient("it was called too often")


def request_of(url: str, signal: Signal, text: str) -> Request | None:
    """What goes out for a signal; None where the monitor has nothing for it."""
    parts, line = urlsplit(url), " ".join(text.split())[:LINE_LIMIT]
    if PUSH in parts.path:
        if signal == "start":  # it would be read as: all is well
            return None
        params = {"status": "up" if signal == "success" else "down", "msg": line or "OK"}
        query = [
            (name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if name not in params
        ]
        return Request("GET", parts._replace(query=urlencode([*query, *params.items()])).geturl())
    suffix = "" if signal == "success" else f"/{signal}"
    return Request(
        "POST", parts._replace(path=parts.path.rstrip("/") + suffix).geturl(), line.encode()
    )
