"""Vectors from an endpoint of embeddings, as OpenAI serves them: cached, priced and booked like all
calls of models.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from contentstudio.config import Embeddings
from contentstudio.memory.embeddings import Scale, Vector, unit
from overnight import ConfigError, Context
from overnight.llm import PermanentCall, Price, Reply, Request, TransientCall, Usage, wire
from overnight.llm.client import LLM
from overnight.llm.openai import OPENAI_URL
from overnight.store.database import Database

DEADLINE = 60.0  # seconds for one call
CHARACTERS = 16_000  # of a text that are sent: below the 8,191 tokens that OpenAI's models take
DIGITS = 7  # of each number, which is what a real of Postgres holds


class EmbeddingsApi:
    """The adapter. Close it with `aclose`. Raises `ConfigError` where OpenAI is to be asked without
    a key.
    """

    def __init__(self, settings: Embeddings, key: str | None, database: Database) -> None:
        if key is None and settings.base_url.rstrip("/") == OPENAI_URL:
            raise ConfigError(
                "[memory.embeddings] asks OpenAI, which needs OPENAI_API_KEY in the environment"
            )
        self.name = f"{settings.prices}/{settings.model}"
        self.scale = Scale(settings.same, settings.related)
        self._model = settings.model
        self._endpoint = Endpoint(settings.base_url, key, settings.prices)
        price = settings.usd_per_million_tokens
        prices = (
            None
            if price is None
            else {settings.model: Price.model_validate({"input": price, "output": 0})}
        )
        self._llm = LLM(
            self._endpoint, database, deadline=DEADLINE, prices=prices, keep_prompts=False
        )  # the texts are documents, which are stored

    async def embed(self, ctx: Context[Any], texts: Sequence[str]) -> list[Vector]:
        """One call for all texts. Raises what `LLM.ask` raises."""
        request = Request(
            model=self._model,
            prompt=json.dumps([text[:CHARACTERS] for text in texts]),
            max_tokens=0,
        )
        vectors = await self._llm.ask(ctx, request, list[Vector])
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
            raise PermanentCall(
                f"{self.name} gave {len(vectors)} vectors for {len(texts)} texts, or uneven ones."
            )
        return [unit(vector) for vector in vectors]

    async def aclose(self) -> None:
        await self._endpoint.aclose()


class Endpoint:
    """A provider whose question is a JSON list of texts, and whose answer is a JSON list of
    vectors.
    """

    def __init__(self, base_url: str, key: str | None, name: str) -> None:
        wire.check_url(base_url, name)
        self.name = name
        self._url = base_url.rstrip("/") + "/embeddings"
        self._key = wire.checked_key(key, name) if key is not None else None
        self._client: Any = None

    async def complete(self, request: Request, *, deadline: float, on_usage: Any = None) -> Reply:
        """The vectors in the order of the texts. Raises `CallFailed`."""
        body = {
            "model": request.model,
            "input": json.loads(request.prompt),
            "encoding_format": "float",
        }
        try:
            async with asyncio.timeout(deadline):
                response = await (await self._connection()).post(self._url, json=body)
            return self._reply(request, response)
        except Exception as error:
            if (failure := wire.explain(error, None, self.name, deadline)) is None:
                raise
            raise wire.told(failure, self._key) from None

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _connection(self) -> Any:
        import httpx2

        if self._client is None:
            headers = (
                {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
            )
            self._client = httpx2.AsyncClient(headers=headers, timeout=DEADLINE)
        return self._client

    def _reply(self, request: Request, response: Any) -> Reply:
        status, answer = response.status_code, _decoded(response.content)
        if status != 200:
            reason = wire.mapping(answer.get("error")).get("message") or "no reason"
            message, kind = f"{self.name} answered {status}: {reason}", wire.TRANSIENT.get(status)
            if kind or status >= 500:
                raise TransientCall(
                    message, kind=kind or "server", retry_after=wire.waiting(response.headers)
                )
            raise PermanentCall(message, kind=wire.PERMANENT.get(status, "unknown"))
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            vectors = [[round(float(value), DIGITS) for value in row["embedding"]] for row in rows]
        except (LookupError, TypeError, ValueError):
            message = f"The answer of {self.name} holds no vectors."
            raise TransientCall(message, kind="malformed", usage=wire.most(request)) from None
        tokens = wire.mapping(answer.get("usage")).get("prompt_tokens")
        usage = (
            Usage(input_tokens=tokens, output_tokens=0)
            if isinstance(tokens, int)
            else wire.most(request)
        )
        return Reply(text=json.dumps(vectors), stop_reason="stop", usage=usage, model=request.model)


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        return wire.mapping(json.loads(body))
    except ValueError:
        return {}
