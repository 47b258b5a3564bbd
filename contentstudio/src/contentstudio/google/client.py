"""Google's Search Console as a service account: one token, one time limit, one kind of errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from contentstudio.google import service_account
from contentstudio.google.service_account import Account, NoAccess, body_of
from contentstudio.web.fetch import waiting
from overnight.errors import Permanent, Transient, first_fault

if TYPE_CHECKING:
    import httpx2

M = TypeVar("M", bound=BaseModel)

TIMEOUT_SECONDS = 60.0  # for one answer; an inspection takes some seconds
QUOTA_WAIT = 3_600.0  # seconds, where a quota is used up and nobody says when it is refilled
_TOO_OFTEN = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
)


class BadProperty(Permanent):
    """Search Console does not know the property, or not the request."""


class Client:
    """One property, with a token for an hour."""

    def __init__(
        self, http: httpx2.AsyncClient, endpoint: str, account: Account, property_name: str
    ) -> None:
        self._http = http
        self._endpoint = endpoint.rstrip("/")
        self._account = account
        self.property_name = property_name
        self.path = f"/webmasters/v3/sites/{quoted(property_name)}"

    async def ask(
        self, method: Literal["GET", "PUT", "POST"], path: str, body: Any = None
    ) -> httpx2.Response:
        """One request. Raises NoAccess, BadProperty, or `Transient` where a later try may work."""
        import httpx2

        try:
            answer = await self._http.request(method, self._endpoint + path, json=body)
        except httpx2.TransportError as error:
            raise Transient(
                f"Search Console did not answer: {error or type(error).__name__}."
            ) from None
        if answer.status_code not in (200, 204):
            raise _failure(answer, self.property_name, self._account)
        return answer

    async def read(self, model: type[M], what: str, path: str, body: Any) -> M:
        """The answer to a question, which must be `what`. Raises as `ask` does."""
        answer = await self.ask("POST", path, body)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise Transient(
                f"Search Console answered {answer.status_code} with something else than {what}: "
                f"{first_fault(error)}."
            ) from None


@asynccontextmanager
async def opened(
    endpoint: str, key_file: Path | None, scope: str, property_name: str
) -> AsyncIterator[Client]:
    """A client with a token. Raises NoAccess, BadKeyFile, or `Transient`."""
    import httpx2

    account = await asyncio.to_thread(service_account.load, key_file)
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        token = await service_account.token(account, scope, http)
        http.headers["Authorization"] = f"Bearer {token}"
        yield Client(http, endpoint, account, property_name)


def quoted(text: str) -> str:
    """A part of a path, such as an address in it."""
    return quote(text, safe="")


def _failure(answer: httpx2.Response, name: str, account: Account) -> Permanent | Transient:
    """What an answer that is no success means for the property of that name."""
    status = answer.status_code
    details = body_of(answer).get("error")
    details = details if isinstance(details, dict) else {}
    why = f"{status}: {str(details.get('message') or answer.reason_phrase)[:300]}"
    if status == 429 or status >= 500:
        return Transient(
            f"Search Console is not available now ({why}).", retry_after=waiting(answer.headers)
        )
    if status == 403 and _reasons(details) & _TOO_OFTEN:
        return Transient(
            f"Search Console was asked too often ({why}).",
            retry_after=waiting(answer.headers) or QUOTA_WAIT,
        )
    if status in (401, 403):
        return NoAccess(
            f"Search Console does not let {account.client_email} read {name} ({why}): "
            "add that address to the property's users, and switch on the Search Console API in its "
            "project."
        )
    return BadProperty(
        f"Search Console refuses the question for {name} ({why}): check search_console "
        "in the config."
    )


def _reasons(details: dict[Any, Any]) -> set[str]:
    errors = details.get("errors")
    if not isinstance(errors, list):
        return set()
    return {str(each.get("reason")) for each in errors if isinstance(each, dict)}
