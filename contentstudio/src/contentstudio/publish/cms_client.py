"""Requests to one CMS, at its own address alone: each with a deadline, and with failures told as
the engine's errors.

An error after a write was sent says nothing of whether it was carried out; the effect ledger knows
what to do then.
"""

from __future__ import annotations

import asyncio
import secrets
from codecs import BOM_UTF8
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from contentstudio.config import RemoteCms
from contentstudio.publish import diagnosis
from contentstudio.web.fetch import waiting
from overnight.errors import ConfigError, Permanent, Transient

if TYPE_CHECKING:
    import httpx2

MAX_BYTES = 20_000_000  # of one answer: a hundred posts with their texts are far below it
BUSY = (408, 425, 429)
NO_CACHE = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
}  # what stands there, and not what stood there
Method = Literal["GET", "POST", "PUT", "DELETE"]


class NotAnswered(Transient):
    """The CMS did not answer, or not wholly."""


class Denied(Permanent):
    """The CMS does not let us do this. `field` is what it named as the reason, if it named one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Answer:
    """What came back from `base` + `path`: the status, the JSON, and the headers.

    `page` is what is no JSON: all of a page for people, or what stands around the JSON.
    """

    status: int
    data: Any
    headers: httpx2.Headers
    base: str = ""
    path: str = ""
    page: str = ""

    @property
    def url(self) -> str:
        return self.base + self.path

    @property
    def code(self) -> str:
        """The CMS's own name of an error."""
        error = self._error
        return str(error.get("code") or (error.get("type") if error is not self.data else "") or "")

    @property
    def said(self) -> str:
        """What it says of an error, or shows to people: one line."""
        parts = [
            str(self._error[name])
            for name in ("code", "message", "context")
            if self._error.get(name)
        ]
        return diagnosis.page_text(" – ".join(parts) if self.data is not None else self.page)

    @property
    def clean(self) -> bool:
        """Whether it is the CMS's own: what is printed before the JSON may have taken its status
        and headers.
        """
        if self.data is None:
            return self.status == 204
        return not self.page or "json" in self.headers.get("Content-Type", "")

    @property
    def is_page(self) -> bool:
        """Whether it is for people. What is left of JSON is none."""
        return self.data is None and self.page.lstrip()[:1] not in ("", "{", "[")

    @property
    def _error(self) -> dict[str, Any]:
        """WordPress tells of an error as `code` and `message`, Ghost as a list of `errors`."""
        data = self.data if isinstance(self.data, dict) else {}
        errors = data.get("errors")
        return (
            errors[0]
            if isinstance(errors, list) and errors and isinstance(errors[0], dict)
            else data
        )


class CmsClient:
    """The CMS at `base`. No redirect is followed: a password would go along. A private address must
    be allowed.
    """

    def __init__(
        self, base: str, settings: RemoteCms, auth: httpx2.Auth | tuple[str, str] | None
    ) -> None:
        import httpcore2
        import httpx2

        from contentstudio.web.client import GuardedBackend, GuardedTransport

        self.base = base.rstrip("/")
        self._seconds = settings.timeout_seconds
        if not settings.private and not self.base.startswith("https://"):
            raise ConfigError(
                f"{self.base} would be sent the password in clear: use https, or say private = true"
            )
        network: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(
                network if settings.private else GuardedBackend(network, False), MAX_BYTES
            ),
            auth=auth,
            headers={"User-Agent": "contentstudio", "Accept": "application/json", **NO_CACHE},
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # one deadline over the whole request, below
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def ask(
        self, method: Method, path: str, *, allow: tuple[int, ...] = (), **request: Any
    ) -> Answer:
        """One request, as `look`; its answer where that is a success, or its status is in `allow`.

        Raises `NotAnswered`, `Transient` where the CMS is busy or broken, `Denied`, or `Permanent`.
        """
        return _judged(method, await self.look(method, path, **request), allow)

    async def look(
        self,
        method: Method,
        path: str,
        *,
        json: Any = None,
        params: dict[str, Any] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        files: Any = None,
        guest: bool = False,
    ) -> Answer:
        """One request; whatever is answered. A `guest` does not say who asks. Raises
        `NotAnswered`.
        """
        import httpcore2
        import httpx2

        from contentstudio.web.guard import BlockedAddress

        what = f"{method} {self.base}{path}"
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.request(
                    method,
                    self.base + path,
                    json=json,
                    params=params,
                    content=content,
                    headers=headers,
                    files=files,
                    auth=None if guest else httpx2.USE_CLIENT_DEFAULT,
                )
        except TimeoutError:
            raise NotAnswered(f"{what} was not answered within {self._seconds:g} s") from None
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            httpx2.HTTPError,
        ) as error:
            raise NotAnswered(
                f"{what} was not answered: {error or type(error).__name__}"
            ) from error
        except BlockedAddress as refusal:
            raise ConfigError(
                f"{refusal}: if that is where the CMS is, say private = true in its publish"
            ) from None
        return _answer(response, self.base, path)


def uncached() -> dict[str, str]:
    """A parameter by which no cache takes a request for an earlier one."""
    return {"_": secrets.token_hex(6)}


def _answer(response: httpx2.Response, base: str, path: str) -> Answer:
    data, page = _read(response)
    return Answer(response.status_code, data, response.headers, base, path, page)


def _read(response: httpx2.Response) -> tuple[Any, str]:
    """The JSON of an answer, and what in it is no JSON."""
    if not response.content.startswith(BOM_UTF8):
        with suppress(ValueError, RecursionError):
            return response.json(), ""
    text = response.content.decode("utf-8", "replace")
    return diagnosis.parsed(text) or (None, text)


def _judged(method: Method, answer: Answer, allow: tuple[int, ...]) -> Answer:
    status = answer.status
    if (status < 300 and answer.clean) or (status in allow and not answer.is_page):
        return answer
    cause = diagnosis.of(answer)
    reply = f" (“{answer.said}”)" if answer.said else ""
    details = f"{cause.what}{reply}; {cause.mend}" if cause else answer.said or "it gave no reason"
    sentence = f"{method} {answer.url} was answered {status}: {details}"
    if status < 300 and cause is None:
        raise NotAnswered(
            f"{method} {answer.url} was answered {status}, but not with whole JSON{reply}"
        )
    if status < 300 and (method != "GET" or (cause and cause.transient)):
        raise NotAnswered(sentence)
    if status >= 500 or status in BUSY:
        raise Transient(sentence, retry_after=waiting(answer.headers))
    raise (
        Denied(sentence, field=_field(answer.data)) if status in (401, 403) else Permanent(sentence)
    )


def _field(data: Any) -> str | None:
    """The field that an error of WordPress is about."""
    about = data.get("data") if isinstance(data, dict) else None
    return str(about["key"]) if isinstance(about, dict) and about.get("key") else None
