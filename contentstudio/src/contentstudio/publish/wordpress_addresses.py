"""What else has a slug at a site of WordPress: a page, a picture, or another type of post.

Readers get that at the address of the article.
"""

from __future__ import annotations

import html
import re
from typing import Any

from contentstudio.model import Existing
from contentstudio.publish import wordpress_fields
from contentstudio.publish.cms_client import CmsClient
from contentstudio.publish.port import Conflict
from contentstudio.publish.wordpress_posts import rendered, slug_of
from overnight.errors import Permanent, Transient

API = "/wp-json/wp/v2"
PER_PAGE = 100  # the most that WordPress gives
INNER = re.compile(  # types that no reader gets at an address of their own, and posts
    r"post|nav_menu_item|wp_.*"
)
UNSEEN = (400, 401, 403, 404)  # where our account may not see something, or it is not there
TYPES_AT_MOST = 8  # other types of posts that are asked for a slug


class Addresses:
    """Who has an address of a site."""

    def __init__(self, client: CmsClient) -> None:
        self._client = client

    async def check_free(self, slug: str, there: Existing | None) -> None:
        """Raises `Conflict` where readers would get something else at the address, such as a page
        with the slug.
        """
        holder = await self.holder(slug)
        if holder is not None:
            raise Conflict(held_by(holder, slug), there, url=address(holder))

    async def holder(self, slug: str) -> dict[str, Any] | None:
        """What has the slug that is no post, and the address of a post with it: a page, a picture,
        or another type.
        """
        pages: list[dict[str, Any]] = []
        for base in await self._other_types():
            pages += [
                one
                for one in await self._of_type(base, slug)
                if slug_of(one) == slug and isinstance(one["link"], str)
            ]
        if not pages:
            return None
        params = {
            "per_page": 1,
            "status": "any",
            "context": "edit",
            "_fields": "permalink_template",
        }
        answer = await self._client.ask("GET", f"{API}/posts", params=params, allow=UNSEEN)
        known = answer.status == 200 and answer.data
        template = answer.data[0].get("permalink_template", "") if known else "/%postname%/"
        fits = (one for one in pages if wordpress_fields.same_address(address(one), template, slug))
        return next(fits, None)

    async def _of_type(self, base: str, slug: str) -> list[dict[str, Any]]:
        """What a type of posts has with a slug: also what is a draft or private, where our account
        may see such.
        """
        params = {
            "slug": slug,
            "per_page": PER_PAGE,
            "_fields": "id,link,type,slug,status,title,permalink_template",
        }
        try:
            for more in ({"status": "any", "context": "edit"}, {}):
                answer = await self._client.ask(
                    "GET", f"{API}/{base}", params={**params, **more}, allow=UNSEEN
                )
                if answer.status == 200 and isinstance(answer.data, list):
                    return [
                        one
                        for one in answer.data
                        if isinstance(one, dict) and {"slug", "link"} <= one.keys()
                    ]
        except (Permanent, Transient):
            if base == "pages":
                raise
        return []  # a plugin's type that cannot be read keeps nobody from publishing

    async def _other_types(self) -> list[str]:
        """The names, in addresses of the REST API, of the types of posts that are none; pages
        first.
        """
        answer = await self._client.ask("GET", f"{API}/types", allow=UNSEEN)
        types = answer.data if answer.status == 200 and isinstance(answer.data, dict) else {}
        names = [
            str(one.get("rest_base") or one["slug"])
            for one in types.values()
            if not INNER.fullmatch(one["slug"]) and one.get("rest_namespace", "wp/v2") == "wp/v2"
        ]
        return sorted({*names, "pages"}, key=lambda base: (base != "pages", base))[:TYPES_AT_MOST]


def address(holder: dict[str, Any]) -> str:
    """Where a page or the like is, or would be: a draft has another link, and its own address as a
    template.
    """
    if holder.get("status", "publish") in ("publish", "inherit"):
        return str(holder.get("link") or "")
    template = str(holder.get("permalink_template") or "")
    return re.sub("%(?:pagename|postname)%", lambda _: slug_of(holder), template)


def held_by(holder: dict[str, Any], slug: str) -> str:
    field, status = holder.get("title"), holder.get("status", "publish")
    raw = (
        field.get("raw") if isinstance(field, dict) else None
    )  # what is shown says “Private: ” before it
    title = html.unescape(raw or rendered(field)).strip() or slug
    what = (
        f"the {holder.get('type', 'page')} "
        f"“{title}”{f' ({status})' if status not in ('publish', 'inherit') else ''}"
    )
    where = address(holder)
    return (
        f"{what} has the slug “{slug}”, so readers do not get the article at {where}: give "
        "one of the two another slug"
    )
