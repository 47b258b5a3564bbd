"""Language models: one port, one adapter per provider, one table of prices.

Importing this package is cheap. A provider's SDK and the price list are loaded when they are first
used.
"""

from overnight.llm.anthropic import Anthropic
from overnight.llm.openai import JsonMode, OpenAI
from overnight.llm.port import (
    CallFailed,
    Kind,
    PermanentCall,
    Provider,
    Reply,
    Request,
    TransientCall,
    Usage,
    parse,
    strict_schema,
)
from overnight.llm.prices import Price, UnpricedModel, cost_usd

__all__ = [
    "Anthropic",
    "CallFailed",
    "JsonMode",
    "Kind",
    "OpenAI",
    "PermanentCall",
    "Price",
    "Provider",
    "Reply",
    "Request",
    "TransientCall",
    "UnpricedModel",
    "Usage",
    "cost_usd",
    "parse",
    "strict_schema",
]
