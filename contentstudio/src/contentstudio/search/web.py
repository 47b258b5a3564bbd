"""A search engine of the web behind the port: one HTTP call for each query and day, cached, priced
and booked like all calls of models.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contentstudio.search import hits
from contentstudio.search.port import Hit
from overnight import Context
from overnight.llm import (
    CallFailed,
    Kind,
    PermanentCall,
    Price,
    Reply,
    Request,
    TransientCall,
    Usage,
    fallback,
    wire,
)
from overnight.llm.client import LLM
from overnight.llm.fallback import Choice
from overnight.store.database import Database

if TYPE_CHECKING:
    import httpx2

MAX_BYTES = 2_000_000  # of an answer, unpacked; one of 20 hits has some 100,000
MAX_QUERY = 400  # characters and
MAX_WORDS = 50  # words, which Brave and Tavily take
MAX_RESULTS = 20  # that Brave and Tavily give
SHORT_WAIT = 3.0  # seconds; a plan of one search a second is asked again in the same call
REPEATS = 2
ONE = Usage(input_tokens=0, output_tokens=1)  # one search, as it is booked
MAYBE_ONE = Usage(input_tokens=0, output_tokens=1, assumed=True)
PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the query, the language (two letters) and how many hits."""

    query: str
    language: str
    limit: int


class Engine(ABC):
    """The protocol of a search engine, and its connection: a provider of `LLM` whose prompt is a
    question in JSON, and whose answer is a JSON list of hits. Close it with `aclose`.

    A search is booked as one token of output, for the ledger counts in tokens.
    """

    name: str
    parameters: Mapping[str, str] = {}  # what else a search depends on

    def __init__(self, base_url: str, key: str | None = None) -> None:
        wire.check_url(base_url, self.name)
        self.base_url = base_url.rstrip("/")
        self.key = wire.checked_key(key, self.name) if key is not None else None
        self._client: httpx2.AsyncClient | None = None

    @abstractmethod
    def request(self, client: httpx2.AsyncClient, question: Question) -> httpx2.Request:
        """The request that asks this."""

    @abstractmethod
    def rows(self, answer: Mapping[str, Any]) -> Iterable[Hit | None]:
        """The hits of an answer of status 200. Raises `LookupError`, `TypeError` and `ValueError`
        for an answer of another form, and `CallFailed`.
        """

    def refusal(self, status: int, answer: Mapping[str, Any], headers: httpx2.Headers) -> Refusal:
        """What an answer of another status than 200 means."""
        reason = answer.get("error") or answer.get("detail") or answer.get("message")
        kind: Kind | None = wire.TRANSIENT.get(status)
        if kind or status >= 500:
            return Refusal(reason, kind or "server", wire.waiting(headers), transient=True)
        return Refusal(reason, wire.PERMANENT.get(status, "unknown"))

    async def complete(self, request: Request, *, deadline: float, on_usage: Any = None) -> Reply:
        """The hits of a question. Raises `CallFailed`."""
        values = json.loads(request.prompt)
        question = Question(values["query"], values["language"], values["limit"])
        usage: Usage | None = None
        try:
            async with asyncio.timeout(deadline):
                client = await self._connection(deadline)
                usage = MAYBE_ONE  # from here on the other side may have counted it
                status, headers, body = await self._answer(client, question)
            if status != 200:
                usage = None  # none of the engines counts a search that it refuses
                raise self._failure(status, wire.mapping(wire.decoded(body)), headers)
            hits = self._hits(body, question.limit)
        except Exception as error:
            if (failure := wire.explain(error, usage, self.name, deadline)) is None:
                raise
            if _is_unsent(error):
                failure.usage = None
            raise wire.told(failure, self.key) from None
        text = json.dumps([each.model_dump(mode="json", exclude_defaults=True) for each in hits])
        return Reply(text=text, stop_reason="stop", usage=ONE, model=request.model)

    async def aclose(self) -> None:
        """Close the connection. A later call opens another one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _connection(self, deadline: float) -> httpx2.AsyncClient:
        import httpx2

        if self._client is None:
            timeout = httpx2.Timeout(deadline, connect=min(wire.CONNECT_TIMEOUT, deadline))
            self._client = httpx2.AsyncClient(timeout=timeout)
        return self._client

    async def _answer(
        self, client: httpx2.AsyncClient, question: Question
    ) -> tuple[int, httpx2.Headers, bytes]:
        """Status, headers and body of the answer."""
        response = await client.send(self.request(client, question), stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    message = f"{self.name} answered with more than {MAX_BYTES // 1_000_000} MB."
                    raise PermanentCall(message, kind="too_large")
            return response.status_code, response.headers, bytes(body)
        finally:
            await response.aclose()

    def _failure(
        self, status: int, answer: Mapping[str, Any], headers: httpx2.Headers
    ) -> CallFailed:
        refusal = self.refusal(status, answer, headers)
        message = f"{self.name} answered {status}: {_words(refusal.reason) or 'no reason'}"
        if refusal.transient:
            return TransientCall(message, kind=refusal.kind, retry_after=refusal.retry_after)
        return PermanentCall(message, kind=refusal.kind)

    def _hits(self, body: bytes, limit: int) -> list[Hit]:
        try:
            answer = wire.decoded(body)
            if not isinstance(answer, dict):
                raise TypeError("no object")
            return hits.distinct(self.rows(answer), limit)
        except (LookupError, TypeError, ValueError, AttributeError):
            message = f"The answer of {self.name} is no list of results."
            raise TransientCall(message, kind="malformed") from None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an engine did not search: its own words, the kind, and for how many seconds to wait."""

    reason: object
    kind: Kind
    retry_after: float | None = None
    transient: bool = False


@dataclass(frozen=True, slots=True)
class EngineChoice(Choice):
    """An engine, with a breaker of its own."""

    @property
    def name(self) -> str:
        return self.llm.provider

    @property
    def breaker(self) -> str:
        return f"search {self.llm.provider}"


class WebSearch:
    """`Search` by an engine. `usd` is the price of one search, `deadline` in seconds for one call.

    `day` gives the day on which a run was made. The same query is paid for once a day, and never
    twice by one run, whatever crashes.
    """

    def __init__(
        self,
        engine: Engine,
        usd: float,
        database: Database,
        *,
        deadline: float,
        day: Callable[[Context[Any]], Awaitable[date]],
    ) -> None:
        self.name = engine.name
        price = Price(input=Decimal(0), output=Decimal(str(usd)) * PER_MILLION)
        llm = LLM(engine, database, deadline=deadline, prices={engine.name: price})
        self._choice = EngineChoice(llm, engine.name)
        self._parameters = engine.parameters
        self._day = day

    async def find(
        self, ctx: Context[Any], site: str, query: str, *, language: str, limit: int = 10
    ) -> Sequence[Hit]:
        """See `Search.find`. Raises also `AllResting` while the engine's breaker is open."""
        words = " ".join(query.split()[:MAX_WORDS])[:MAX_QUERY].rstrip()
        if not words:
            return []
        prompt = {
            "query": words,
            "language": language,
            "limit": min(limit, MAX_RESULTS),
            "day": str(await self._day(ctx)),
            **self._parameters,
        }
        request = Request(model=self.name, prompt=json.dumps(prompt), max_tokens=1)
        known = [request.hash(self.name)]
        for _ in range(REPEATS):
            try:
                return (await fallback.call(ctx, self._choice, request, list[Hit], known)).value
            except TransientCall as error:
                wait = error.retry_after
                if error.kind != "rate_limit" or wait is None or wait > SHORT_WAIT:
                    raise
                await asyncio.sleep(wait)
        return (await fallback.call(ctx, self._choice, request, list[Hit], known)).value


def _is_unsent(error: Exception) -> bool:
    """Whether the question never reached the engine."""
    import httpx2

    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)


def _words(reason: object) -> str:
    """The words of a refusal: some write them as a text, others as an object with a detail."""
    if isinstance(reason, dict):
        values = (reason.get(name) for name in ("detail", "message", "error"))
        return next((value for value in values if isinstance(value, str) and value), "")
    return reason if isinstance(reason, str) else ""
