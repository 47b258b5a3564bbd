"""Tags and categories of WordPress: found by what their name means, or made."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from contentstudio.publish import wordpress_fields
from contentstudio.publish.cms_client import CmsClient, Denied, uncached
from contentstudio.publish.port import Effect
from contentstudio.publish.wordpress_addresses import API, PER_PAGE
from overnight.errors import Permanent

TERM_PAGES = 20  # that are looked through for a name


class Terms:
    """The terms of a site, as an account may see and make them."""

    def __init__(self, client: CmsClient, user: str) -> None:
        self._client = client
        self._user = user

    async def number(self, kind: str, name: str, effect: Effect) -> int:
        """The id of a tag or a category, made where there is none: WordPress itself refuses a
        second one of a name.

        A category is looked for first: beside a nested one WordPress would make another.
        """

        async def call() -> int:
            term = await self._named(kind, name) if kind == "categories" else None
            if term is not None:
                return term
            answer = await self._client.ask(
                "POST", f"{API}/{kind}", json={"name": name}, allow=(400, 401, 403)
            )
            if answer.code == "term_exists":
                return int(answer.data["data"]["term_id"])
            if answer.status < 300:
                return int(answer.data["id"])
            term = await self._named(kind, name) if kind == "tags" else None
            if term is not None:
                return term
            raise Denied(
                f"{self._user} may not make the {kind} “{name}”: make it by hand, or "
                "give them more rights"
            )

        return int(await effect(f"term {kind}", content=name, call=call, repeatable=True))

    async def _named(self, kind: str, name: str) -> int | None:
        """The id of the term that a name means, or None. The search takes one word: WordPress
        stores `&` as `&amp;`.
        """
        params: dict[str, Any] = {
            "per_page": PER_PAGE,
            "_fields": "id,name,slug,parent",
            **uncached(),
        }
        words = re.findall(r"\w+", name)
        if words:
            params["search"] = max(words, key=len)
        terms: list[dict[str, Any]] = []
        for page in range(1, TERM_PAGES + 1):
            answer = await self._client.ask("GET", f"{API}/{kind}", params={**params, "page": page})
            terms += answer.data
            if len(answer.data) < PER_PAGE:
                break
        match = wordpress_fields.pick(terms, name)
        if len(match) > 1:
            slugs = ", ".join(
                sorted(unquote(term["slug"]) for term in terms if term["id"] in match)
            )
            raise Permanent(
                f"several {kind} are called “{name}”: name the slug of one instead, of {slugs}"
            )
        return match[0] if match else None
