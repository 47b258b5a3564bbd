"""Pictures from an endpoint of the shape of OpenAI's images API: cached, priced and booked like all
calls of models.

The protocol (platform.openai.com/docs/api-reference/images/create): POST /images/generations with
`model`, `prompt`, `n` and `size`; the answer has `data`, whose entry holds the picture in
`b64_json` (GPT image models always) or its address in `url` (which OpenAI serves for an hour).
`response_format` is not sent, for GPT image models refuse it. A refusal by moderation is a 400 with
the code `moderation_blocked` or `content_policy_violation`, or an answer without a picture.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from contentstudio import config as settings
from contentstudio.config import Fetch, Site
from contentstudio.model import Draft
from contentstudio.pictures import raster
from contentstudio.pictures.port import NoPicture, Picture, Use
from contentstudio.pictures.raster import Raster, Unusable
from contentstudio.web.fetch import ANY_TYPE, Fetcher
from overnight import Context
from overnight.errors import Permanent
from overnight.llm import PermanentCall, Price, Reply, Request, TransientCall, Usage, fallback, wire
from overnight.llm.client import LLM
from overnight.llm.fallback import Choice
from overnight.llm.openai import OPENAI_URL
from overnight.store.database import Database

NAME = "images"  # of the provider in bookings
MAX_ANSWER = 40_000_000  # bytes: a PNG of 1536 x 1024 in base64 has about 5 MB
MODERATION = frozenset({"moderation_blocked", "content_policy_violation"})
ONE = Usage(input_tokens=0, output_tokens=1)  # a picture is booked as one token of output
PERHAPS = Usage(input_tokens=0, output_tokens=0, partial=True)  # of a call that broke off
NO_WORDS = "No text, no letters, no numbers, no logo, no watermark, no frame."


class Drawn(BaseModel):
    """What is stored of an answer: the picture as WebP in base64, or the address where it lies."""

    webp: str = ""
    url: str = ""


class ImagesApi:
    """The adapter. Close it with `aclose`."""

    def __init__(
        self, chosen: settings.Pictures, key: str | None, database: Database, limits: Fetch
    ) -> None:
        self._chosen = chosen
        self._has_key = key is not None
        self._endpoint = Endpoint(chosen.base_url, key, limits)
        usd = chosen.usd_per_picture or 0
        prices = {str(chosen.model): Price.model_validate({"input": 0, "output": usd * 1_000_000})}
        self._choice = Choice(
            LLM(self._endpoint, database, deadline=chosen.deadline_seconds, prices=prices),
            str(chosen.model),
        )

    async def find(
        self, ctx: Context[Any], site: Site, draft: Draft, used: Sequence[Use]
    ) -> Picture:
        """One call, whose answer is stored. Raises `NoPicture`, and what `fallback.ask` raises."""
        for what, todo in faults(self._chosen, self._has_key):
            raise NoPicture(f"[pictures]: {what}: {todo}")
        request = Request(
            model=self._choice.model,
            prompt=json.dumps(
                {"prompt": prompt(draft, self._chosen.style), "size": self._chosen.size}
            ),
            max_tokens=1,
        )
        try:
            drawn, _ = await fallback.ask(ctx, [self._choice], request, Drawn, guarded=True)
        except PermanentCall as refused:
            raise NoPicture(f"the model gave no picture: {refused}") from refused
        return self._picture(draft, await self._raster(drawn))

    async def _raster(self, drawn: Drawn) -> Raster:
        data = base64.b64decode(drawn.webp)
        if data:
            return await asyncio.to_thread(raster.stored, data)
        try:
            data = await self._endpoint.download(drawn.url, self._chosen.deadline_seconds)
            return await asyncio.to_thread(raster.tidy, data)
        except Permanent as error:
            raise NoPicture(f"the picture of the model cannot be read: {error}") from error
        except Unusable as error:
            raise NoPicture(f"the picture of the model {error}") from error

    def _picture(self, draft: Draft, drawn: Raster) -> Picture:
        return Picture(
            data=drawn.data,
            media_type=raster.MEDIA_TYPE,
            width=drawn.width,
            height=drawn.height,
            alt=draft.title,
            origin=f"openai:{self._choice.model}",
            credit=self._chosen.credit,
        )

    async def aclose(self) -> None:
        await self._endpoint.aclose()


def faults(chosen: settings.Pictures, has_key: bool) -> list[tuple[str, str]]:
    """What keeps a model from being asked for pictures: what it is, and what to do."""
    wrong = []
    if not has_key and chosen.base_url.rstrip("/") == OPENAI_URL:
        wrong.append(("the model needs a key", "put OPENAI_API_KEY into the environment"))
    if chosen.usd_per_picture is None:
        wrong.append((f"the price of a picture of “{chosen.model}” is not known", SET_PRICE))
    return wrong


SET_PRICE = "set usd_per_picture in [pictures], 0 for a server of your own"


def prompt(draft: Draft, style: str) -> str:
    """What is asked for: the article's subject in the style of the site. At most 1,000 characters,
    which every model of this shape takes.
    """
    subject = f"{draft.title[:200]}. {draft.description[:250]}"
    return f"{style} A picture for an article about: {subject}\n{NO_WORDS}"


class Endpoint:
    """A provider whose question is a JSON object with `prompt` and `size`, and whose answer is the
    JSON of `Drawn`.

    A picture in base64 is made smaller before the answer is stored: a tenth of what came.
    """

    name = NAME

    def __init__(self, base_url: str, key: str | None, limits: Fetch) -> None:
        wire.check_url(base_url, NAME)
        self._base_url = base_url.rstrip("/")
        self._key = wire.checked_key(key, NAME) if key is not None else None
        self._limits = limits
        self._client: Any = None

    async def complete(
        self,
        request: Request,
        *,
        deadline: float,
        on_usage: Callable[[Usage], None] = lambda usage: None,
    ) -> Reply:
        """One picture. Raises `CallFailed`."""
        body = {"model": request.model, "n": 1, **json.loads(request.prompt)}
        on_usage(PERHAPS)
        async with self._explained(deadline, PERHAPS):
            drawn = await asyncio.to_thread(_drawn, await self._post(body))
        return Reply(
            text=drawn.model_dump_json(), stop_reason="stop", usage=ONE, model=request.model
        )

    async def download(self, url: str, deadline: float) -> bytes:
        """The bytes at an address that the endpoint gave. Its own host is trusted; any other one is
        read as a page of the web is. Raises `CallFailed`, and what `Fetcher.get` raises.
        """
        if urlsplit(url)[:2] == urlsplit(self._base_url)[:2]:
            async with self._explained(deadline, None):
                return await self._read("GET", url)
        fetcher = Fetcher(self._limits.model_copy(update={"max_bytes": MAX_ANSWER}))
        try:
            return (await fetcher.get(url, types=ANY_TYPE)).body
        finally:
            await fetcher.aclose()

    @asynccontextmanager
    async def _explained(self, deadline: float, usage: Usage | None) -> AsyncIterator[None]:
        """Raises `CallFailed` for what goes wrong within, with what the call may have used up."""
        try:
            async with asyncio.timeout(deadline):
                yield
        except Exception as error:
            if (failure := wire.explain(error, usage, NAME, deadline)) is None:
                raise
            raise wire.told(failure, self._key) from None

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await self._read("POST", f"{self._base_url}/images/generations", body)
        return wire.mapping(wire.decoded(answer))

    async def _read(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> bytes:
        """The body of an answer. Raises `CallFailed` for a refusal and for one that does not
        end.
        """
        client = await self._connection()
        async with client.stream(method, url, json=body) as response:
            answer = bytearray()
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    message = f"{NAME} gave an answer of more than {MAX_ANSWER // 1_000_000} MB"
                    raise PermanentCall(message, kind="too_large", usage=ONE)
        if response.status_code != 200:
            raise _failure(response, wire.mapping(wire.decoded(bytes(answer))))
        return bytes(answer)

    async def _connection(self) -> Any:
        import httpx2

        if self._client is None:
            headers = (
                {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
            )
            self._client = httpx2.AsyncClient(headers=headers, timeout=None)
        return self._client


def _failure(response: Any, answer: Mapping[str, Any]) -> TransientCall | PermanentCall:
    """What a status means. A refusal costs nothing."""
    status, error = response.status_code, wire.mapping(answer.get("error"))
    message = f"{NAME} answered {status}: {error.get('message') or 'no reason'}"
    nothing = Usage(input_tokens=0, output_tokens=0)
    kind = wire.TRANSIENT.get(status)
    if kind or status >= 500:
        retry_after = wire.waiting(response.headers)
        return TransientCall(message, kind=kind or "server", usage=nothing, retry_after=retry_after)
    refused = error.get("code") in MODERATION
    permanent = "refused" if refused else wire.PERMANENT.get(status, "unknown")
    return PermanentCall(message, kind=permanent, usage=nothing)


def _drawn(answer: Mapping[str, Any]) -> Drawn:
    """The picture of an answer. What is none was paid all the same, and would be again: so it is
    permanent.
    """
    entries = answer.get("data")
    if not isinstance(entries, list):
        raise PermanentCall(f"the answer of {NAME} has no data", kind="malformed", usage=ONE)
    entry = wire.mapping(entries[0]) if entries else {}
    encoded, url = entry.get("b64_json"), entry.get("url")
    if isinstance(encoded, str) and encoded:
        return Drawn(webp=_smaller(encoded))
    if isinstance(url, str) and url:
        return Drawn(url=url)
    message = f"{NAME} gave no picture, as where its moderation refuses one"
    raise PermanentCall(message, kind="refused", usage=ONE)


def _smaller(encoded: str) -> str:
    try:
        drawn = raster.tidy(base64.b64decode(encoded, validate=True))
    except ValueError:
        raise PermanentCall(
            f"the answer of {NAME} is no base64", kind="malformed", usage=ONE
        ) from None
    except Unusable as error:
        message = f"the picture of {NAME} {error}"
        raise PermanentCall(message, kind="malformed", usage=ONE) from None
    return base64.b64encode(drawn.data).decode()
