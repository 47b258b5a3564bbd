"""Brave Search.

Protocol: https://api-dashboard.search.brave.com/api-reference/web/search/get (GET /web/search with
the header X-Subscription-Token; q of 400 characters and 50 words at most, count up to 20) and
https://api.search.brave.com/app/documentation/web-search/response-headers (X-RateLimit-Limit, …:
a number for each window, the shortest first; only successful requests are counted and billed).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from contentstudio.search import hits
from contentstudio.search.port import Hit
from contentstudio.search.web import Engine, Question, Refusal
from overnight.llm import wire

if TYPE_CHECKING:
    import httpx2

# https://api.search.brave.com/app/documentation/web-search/codes: the languages that are known by
# other codes than ours, and those that are known by the same. Another one is refused with 422.
CODES = {"ja": "jp", "no": "nb", "pt": "pt-br", "zh": "zh-hans"}
LANGUAGES = frozenset(
    """
    ar eu bn bg ca hr cs da nl en et fi fr gl de el gu he hi hu is it kn ko lv lt ms ml mr nb pl pa
    ro ru sr sk sl es sv ta te th tr uk vi
    """.split()  # noqa: SIM905
)
SPENT = ("quota", "usage_limit", "usage limit", "spend")  # in the code of an error that stays


class Brave(Engine):
    """`country` (two letters) is where the results come from; Brave's own default is US."""

    name = "brave"

    def __init__(self, base_url: str, key: str | None, country: str | None = None) -> None:
        super().__init__(base_url, key)
        self.parameters = {"country": country} if country else {}

    def request(self, client: httpx2.AsyncClient, question: Question) -> httpx2.Request:
        language = CODES.get(question.language, question.language)
        is_known = language in LANGUAGES or question.language in CODES
        params: dict[str, str | int] = {
            "q": question.query,
            "count": question.limit,
            "text_decorations": "false",
            "result_filter": "web",
            **({"search_lang": language} if is_known else {}),
            **self.parameters,
        }
        headers = {"accept": "application/json"}
        if self.key is not None:
            headers["x-subscription-token"] = self.key.get_secret_value()
        return client.build_request(
            "GET", f"{self.base_url}/web/search", params=params, headers=headers
        )

    def rows(self, answer: Mapping[str, Any]) -> Iterable[Hit | None]:
        if "web" not in answer and "query" in answer:  # how it says that it found nothing
            return []
        return (
            hits.hit(
                row.get("url"),
                _unescaped(row.get("title")),
                _unescaped(row.get("description")),
                row.get("page_age"),
            )
            for row in list(answer["web"]["results"])
            if isinstance(row, dict)
        )

    def refusal(self, status: int, answer: Mapping[str, Any], headers: httpx2.Headers) -> Refusal:
        refusal = super().refusal(status, answer, headers)
        if status != 429:
            return refusal
        if _is_spent(answer, headers):
            return Refusal(refusal.reason or "the quota of the plan is spent", "spend_cap")
        wait = refusal.retry_after if refusal.retry_after is not None else _reset(headers)
        return Refusal(refusal.reason, "rate_limit", wait, transient=True)


def _unescaped(value: object) -> object:
    """A text that Brave means for a page of HTML."""
    return html.unescape(value) if isinstance(value, str) else value


def _is_spent(answer: Mapping[str, Any], headers: httpx2.Headers) -> bool:
    """Whether a 429 is for the quota of the month, and not for the searches of this second."""
    code = str(wire.mapping(answer.get("error")).get("code", "")).lower()
    if any(word in code for word in SPENT):
        return True
    limits, left = _numbers(headers, "limit"), _numbers(headers, "remaining")
    # A limit of 0 is how a plan without a quota is told.
    return any(limit > 0 and rest <= 0 for limit, rest in list(zip(limits, left, strict=False))[1:])


def _reset(headers: httpx2.Headers) -> float | None:
    """Seconds until the shortest window begins anew."""
    numbers = _numbers(headers, "reset")
    return float(numbers[0]) if numbers else None


def _numbers(headers: httpx2.Headers, name: str) -> list[int]:
    values = headers.get(f"x-ratelimit-{name}", "").split(",")
    return [int(value) for value in map(str.strip, values) if value.isdecimal()]
