"""The port of a channel, and the one way in which messages are posted over HTTP."""

from __future__ import annotations

import http.client
import urllib.request
from typing import IO, Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from overnight import logs
from overnight.alerts.message import Message
from overnight.errors import ConfigError, Permanent, Transient
from overnight.http_headers import retry_after

TIMEOUT = 10.0  # seconds that the other side may be silent
HEARD = 200  # characters of a refusal that are kept
MAX_RETRY_AFTER = 3_600.0  # seconds; a channel that asks for a week is tried again within the hour
TOKEN = 8  # characters from which on a part of a URL may be its secret


class Channel(Protocol):
    """A way to a person. The ledger and the logs know it by its name alone: addresses
    are secrets.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def send(self, message: Message, message_id: str, /) -> None:
        """Send it, in a thread. The same `message_id` again is the same message, which may have
        arrived already.

        Raises `Transient` where it may arrive later, and `Permanent` where somebody must mend the
        channel first.
        """


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like another: a message goes where its owner said, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(NoRedirects)


def secret_url(url: str, what: str) -> str:
    """The URL, which no log line shows from now on. Raises `ConfigError` where it is none."""
    logs.hide(url)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or any(letter.isspace() for letter in url):
        raise ConfigError(f"the URL of {what} must be whole and begin with https:// or http://")
    tokens = [part for part in parts.path.split("/") if not part.isalpha() or not part.islower()]
    logs.hide(
        *(part for part in (parts.path.strip("/"), parts.query, *tokens) if len(part) >= TOKEN)
    )
    return url


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST JSON, and take any answer of 2xx as received. Raises `Transient` and `Permanent`;
    redirects are refused.
    """
    ask(
        "POST",
        url,
        body,
        {"content-type": "application/json", **headers},
        mend="mend the channel, then: alerts send",
    )


def ask(method: str, url: str, body: bytes | None, headers: dict[str, str], *, mend: str) -> str:
    """The begin of an answer of 2xx. Raises `Transient`, and `Permanent` with what it takes to
    `mend` it.
    """
    all_headers = {"user-agent": "overnight", **headers}
    request = urllib.request.Request(url, body, all_headers, method=method)  # noqa: S310  secret_url has seen it
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            return _begin(answer)
    except HTTPError as refusal:
        with refusal:
            raise _refused(refusal, mend) from None
    except TimeoutError:
        raise Transient(f"no answer within {TIMEOUT:.0f} s") from None
    except URLError as error:
        raise Transient(f"cannot be reached: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Transient(f"the connection broke off: {type(error).__name__}") from None


def _refused(refusal: HTTPError, mend: str) -> Transient | Permanent:
    try:
        text = _begin(refusal)
    except (OSError, http.client.HTTPException):
        text = ""
    status, why = refusal.code, f"it answered {refusal.code}{f', {text}' if text else ''}"
    if status == 429 or status >= 500 or status == 408:
        from datetime import UTC, datetime

        return Transient(
            why,
            retry_after=retry_after(refusal.headers, datetime.now(UTC), at_most=MAX_RETRY_AFTER),
        )
    return Permanent(f"{why}; {mend}")


def _begin(answer: IO[bytes]) -> str:
    return " ".join(answer.read(HEARD).decode("utf-8", "replace").split())
