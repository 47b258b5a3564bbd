"""What a call costs, in US dollars. Prices come from the `genai-prices` package, offline, or from
the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from overnight.errors import ConfigError
from overnight.llm.port import Usage

if TYPE_CHECKING:
    from genai_prices.types import AbstractUsage

_MILLION = Decimal(1_000_000)
_THOUSAND = Decimal(1_000)
_STORED = Decimal("0.000001")  # the ledger keeps millionths of a dollar
# Who writes to the prompt cache only what a request marks. Others do as they please, and bill it
# where the price list has a price for it.
ON_REQUEST = {"anthropic"}

Dollars = Annotated[Decimal, Field(ge=0)]


class UnpricedModel(ConfigError):
    """The model has no price."""


class Price(BaseModel):
    """The owner's price of a model: US dollars per million tokens, and per thousand web searches.

    Without a price of their own, tokens read from or written to the prompt cache cost as much as
    other input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    cache_write: Dollars | None = None
    web_search: Dollars | None = None


def cost_usd(
    provider: str, model: str, usage: Usage, overrides: Mapping[str, Price] | None = None
) -> Decimal:
    """What `usage` costs, in US dollars. `overrides` has the owner's prices by model and goes
    before the price list.

    Raises `UnpricedModel` for a model that neither of them knows: what has no price must never
    count as free.
    """
    if overrides and (price := overrides.get(model)):
        return _by_override(model, usage, price)
    return _by_list(provider, model, _as_listed(provider, usage))


def most_usd(
    provider: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    overrides: Mapping[str, Price] | None = None,
    *,
    cached_tokens: int = 0,
) -> Decimal:
    """The most that up to so many tokens can cost, in US dollars, rounded up to what the ledger
    stores.

    A bill is linear in how its input is split into fresh, read from and written to the prompt
    cache, and the tier of its prices rises with the whole of the input. So no bill is higher than
    the dearest of those whose input is of one kind. Up to `cached_tokens` of it may be written to
    the cache, for the five minutes that a `Request` can ask for: of a provider that caches
    `ON_REQUEST`; of others it may be all. A `Request` cannot ask for web searches. Raises
    `UnpricedModel`.
    """
    written = min(cached_tokens, input_tokens) if provider in ON_REQUEST else input_tokens
    most = max(
        cost_usd(provider, model, usage, overrides)
        for usage in _dearest(input_tokens, output_tokens, written)
    )
    return most.quantize(_STORED, ROUND_UP)


def _dearest(input_tokens: int, output_tokens: int, written: int) -> list[Usage]:
    """The splits of an input of which one has the highest bill."""
    splits = [(0, 0), (input_tokens, 0), (0, written), (input_tokens - written, written)]
    return [
        Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=read,
            cache_write_tokens=writes,
        )
        for read, writes in dict.fromkeys(splits)
    ]


def _by_override(model: str, usage: Usage, price: Price) -> Decimal:
    if usage.web_searches and price.web_search is None:
        raise UnpricedModel(
            f'The price of the model "{model}" lacks web_search, and web searches were made.'
        )
    cache_read = price.input if price.cache_read is None else price.cache_read
    cache_write = price.input if price.cache_write is None else price.cache_write
    fresh = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    tokens = (
        fresh * price.input
        + usage.cache_read_tokens * cache_read
        + usage.cache_write_tokens * cache_write
        + usage.output_tokens * price.output
    )
    return tokens / _MILLION + usage.web_searches * (price.web_search or Decimal(0)) / _THOUSAND


def _by_list(provider: str, model: str, usage: AbstractUsage) -> Decimal:
    from genai_prices import calc_price  # 0.2 s to import, and only workers need it

    try:
        return calc_price(usage, model, provider_id=provider).total_price
    except LookupError:
        raise UnpricedModel(
            f'There is no price for the model "{model}" of {provider}; set its price in '
            "the configuration."
        ) from None


def _as_listed(provider: str, usage: Usage) -> AbstractUsage:
    """The provider's own account where there is one: it tells apart cache writes of different
    prices.
    """
    import genai_prices

    if usage.raw:
        return genai_prices.extract_usage({"usage": usage.raw}, provider_id=provider).usage
    return genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        web_searches=usage.web_searches,
    )
