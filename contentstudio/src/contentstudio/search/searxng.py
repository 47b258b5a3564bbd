"""SearXNG, a search engine of one's own that asks others.

Protocol: https://docs.searxng.org/dev/search_api (GET /search with q, language, format; an output
format that the settings do not name is refused with 403) and
https://docs.searxng.org/admin/settings/settings_search.html (search.formats).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from contentstudio.search import hits
from contentstudio.search.port import Hit
from contentstudio.search.web import Engine, Question, Refusal
from overnight.llm import TransientCall

if TYPE_CHECKING:
    import httpx2

NO_JSON = "it does not give JSON: add json to search.formats in its settings.yml"


class SearXNG(Engine):
    """It gives all results of its first page, and has no parameter for their number."""

    name = "searxng"

    def request(self, client: httpx2.AsyncClient, question: Question) -> httpx2.Request:
        params = {"q": question.query, "language": question.language, "format": "json"}
        return client.build_request("GET", f"{self.base_url}/search", params=params)

    def rows(self, answer: Mapping[str, Any]) -> Iterable[Hit | None]:
        results, unresponsive = list(answer["results"]), answer.get("unresponsive_engines")
        if not results and unresponsive:
            message = f"The engines of {self.name} did not answer: {_named(unresponsive)}."
            raise TransientCall(message, kind="overloaded")
        return (
            hits.hit(row.get("url"), row.get("title"), row.get("content"), row.get("publishedDate"))
            for row in results
            if isinstance(row, dict)
        )

    def refusal(self, status: int, answer: Mapping[str, Any], headers: httpx2.Headers) -> Refusal:
        refusal = super().refusal(status, answer, headers)
        return Refusal(NO_JSON, refusal.kind) if status == 403 else refusal


def _named(unresponsive: object) -> str:
    """Pairs of an engine and its fault."""
    pairs = unresponsive if isinstance(unresponsive, list) else []
    return ", ".join(" ".join(map(str, pair)) for pair in pairs if isinstance(pair, list)) or "none"
