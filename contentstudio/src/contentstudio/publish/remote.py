"""Requests to one CMS, at its own address alone: each with a deadline, and with failures told as the engine's errors.

An error after a write was sent says nothing of whether it was carried out; the effect ledger knows what to do then.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from contentstudio.config import Remote as Settings
from overnight.errors import ConfigError, Permanent, Transient
from overnight.http_headers import retry_after

if TYPE_CHECKING:
    import httpx2

MAX_BYTES = 20_000_000  # of one answer: a hundred posts with their texts are far below it
MAX_RETRY_AFTER = 3_600.0  # seconds
BUSY = (408, 425, 429)


class NotAnswered(Transient):
    """The CMS did not answer, or not wholly."""


class Denied(Permanent):
    """The CMS does not let us do this. `field` is what it named as the reason, if it named one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the JSON, and the headers."""

    status: int
    data: Any
    headers: httpx2.Headers

    @property
    def code(self) -> str:
        """The CMS's own name of an error."""
        return str(self.data.get("code") or "") if isinstance(self.data, dict) else ""


class Remote:
    """The CMS at `base`. No redirect is followed: a password would go along. A private address must be allowed."""

    def __init__(self, base: str, settings: Settings, auth: httpx2.Auth | tuple[str, str] | None) -> None:
        import httpcore2
        import httpx2

        from contentstudio.research.transport import GuardedBackend, GuardedTransport

        self.base = base.rstrip("/")
        self._seconds = settings.timeout_seconds
        if not settings.private and not self.base.startswith("https://"):
            raise ConfigError(f"{self.base} would be sent the password in clear: use https, or say private = true")
        network: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(network if settings.private else GuardedBackend(network, False), MAX_BYTES),
            auth=auth,
            headers={"User-Agent": "contentstudio", "Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # one deadline over the whole request, below
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def ask(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        *,
        json: Any = None,
        params: dict[str, Any] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        files: Any = None,
        allow: tuple[int, ...] = (),
    ) -> Answer:
        """One request; its answer where that is a success, or its status is in `allow`.

        Raises `NotAnswered`, `Transient` where the CMS is busy or broken, `Denied`, or `Permanent`.
        """
        import httpcore2
        import httpx2

        from contentstudio.research.guard import BlockedAddress

        what = f"{method} {self.base}{path}"
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.request(
                    method, self.base + path, json=json, params=params, content=content, headers=headers, files=files
                )
        except TimeoutError:
            raise NotAnswered(f"{what} was not answered within {self._seconds:g} s") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, httpx2.HTTPError) as error:
            raise NotAnswered(f"{what} was not answered: {error or type(error).__name__}") from error
        except BlockedAddress as refusal:
            raise ConfigError(f"{refusal}: if that is where the CMS is, say private = true in its publish") from None
        return _judged(what, response, allow)


def _judged(what: str, response: httpx2.Response, allow: tuple[int, ...]) -> Answer:
    status = response.status_code
    try:
        data = response.json()
    except ValueError:
        if status < 300:
            raise NotAnswered(f"{what} was answered {status}, but not with whole JSON") from None
        data = None
    answer = Answer(status, data, response.headers)
    if status < 300 or status in allow:
        return answer
    told = _told(data)
    if status >= 500 or status in BUSY:
        waiting = retry_after(response.headers, datetime.now(UTC), at_most=MAX_RETRY_AFTER)
        raise Transient(f"{what} was answered {status}{told}", retry_after=waiting)
    if status < 400:
        raise Permanent(f"{what} leads elsewhere, to {response.headers.get('Location')}: put that into the config")
    sentence = f"{what} was answered {status}{told}"
    raise Denied(sentence, field=_field(data)) if status in (401, 403) else Permanent(sentence)


def _told(data: Any) -> str:
    """What the CMS says of an error: WordPress as `code` and `message`, Ghost as a list of `errors`."""
    if isinstance(data, dict) and isinstance(data.get("errors"), list) and data["errors"]:
        data = data["errors"][0]
    if not isinstance(data, dict):
        return ""
    told = [str(data[name]) for name in ("code", "message", "context") if data.get(name)]
    return f": {' – '.join(told)[:300]}" if told else ""


def _field(data: Any) -> str | None:
    """The field that an error of WordPress is about."""
    about = data.get("data") if isinstance(data, dict) else None
    return str(about["key"]) if isinstance(about, dict) and about.get("key") else None
