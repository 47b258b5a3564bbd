"""Tavily.

Protocol: https://docs.tavily.com/api-reference/endpoint/search (POST /search with a Bearer key;
query, max_results up to 20, search_depth) and
https://help.tavily.com/articles/8645538886-understanding-http-errors (401, 429; 432: the limit of
the plan, 433: the limit of what is paid as you go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from contentstudio.search import hits
from contentstudio.search.port import Hit
from contentstudio.search.web import Engine, Question, Refusal

if TYPE_CHECKING:
    import httpx2

SPENT = (432, 433)


class Tavily(Engine):
    """`depth` is basic or advanced; an advanced search costs two credits."""

    name = "tavily"

    def __init__(self, base_url: str, key: str | None, depth: str = "basic") -> None:
        super().__init__(base_url, key)
        self.parameters = {"search_depth": depth}

    def request(self, client: httpx2.AsyncClient, question: Question) -> httpx2.Request:
        body = {
            "query": question.query,
            "max_results": question.limit,
            **self.parameters,
        }
        bearer = {"authorization": f"Bearer {self.key.get_secret_value()}"} if self.key else {}
        return client.build_request("POST", f"{self.base_url}/search", json=body, headers=bearer)

    def rows(self, answer: Mapping[str, Any]) -> Iterable[Hit | None]:
        return (
            hits.hit(
                row.get("url"), row.get("title"), row.get("content"), row.get("published_date")
            )
            for row in list(answer["results"])
            if isinstance(row, dict)
        )

    def refusal(self, status: int, answer: Mapping[str, Any], headers: httpx2.Headers) -> Refusal:
        refusal = super().refusal(status, answer, headers)
        return Refusal(refusal.reason, "spend_cap") if status in SPENT else refusal
