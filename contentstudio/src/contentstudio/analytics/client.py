"""One question to a server that counts readers, and one kind of errors for its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from contentstudio.web.fetch import waiting
from overnight.errors import Permanent, Transient, first_fault

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
TIMEOUT_SECONDS = 60.0  # for one answer; a report of many pages takes some seconds


class NotAllowed(Permanent):
    """The server does not let the key read the site, or does not know the site."""


async def ask(name: str, variable: str, url: str, adapter: TypeAdapter[T], **request: Any) -> T:
    """The answer of the server `name` to a POST. `variable` is that of its key.

    Raises NotAllowed, which says what to do, or `Transient` where a later try may work.
    """
    import httpx2

    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            answer = await client.post(url, **request)
        except httpx2.TransportError as error:
            raise Transient(f"{name} did not answer: {error or type(error).__name__}.") from None
    _check(name, variable, answer)
    try:
        return adapter.validate_json(answer.content)
    except ValidationError as error:
        raise Transient(
            f"{name} answered {answer.status_code} with something else than figures: "
            f"{first_fault(error)}."
        ) from None


def _check(name: str, variable: str, answer: httpx2.Response) -> None:
    status, why = answer.status_code, message(answer)
    if status == 429 or status >= 500:
        raise Transient(
            f"{name} is not available now ({status}{why}).", retry_after=waiting(answer.headers)
        )
    if status in (401, 403, 404):
        raise NotAllowed(
            f"{name} does not give the figures of the site ({status}{why}): check the key in "
            f"{variable}, and analytics in the config."
        )
    if status != 200:
        raise NotAllowed(f"{name} refuses the question ({status}{why}): check analytics.")


def message(answer: httpx2.Response) -> str:
    """What an answer says of its fault, as `: …`; nothing where that cannot be read."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    text = (body.get("error") or body.get("message")) if isinstance(body, Mapping) else None
    return f": {str(text)[:300]}" if text else ""
