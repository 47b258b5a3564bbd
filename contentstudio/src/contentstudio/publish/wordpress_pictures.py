"""Pictures in WordPress's media library: each is uploaded once, and what a slow server made too
late goes again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

from contentstudio.model import Image
from contentstudio.publish import captions
from contentstudio.publish.cms_client import CmsClient
from contentstudio.publish.port import Article, Effect, sha256_of
from contentstudio.publish.slug_drafts import PICTURE_TYPES, picture_kind
from contentstudio.publish.wordpress_addresses import API, PER_PAGE
from contentstudio.publish.wordpress_blocks import Picture
from contentstudio.text.slugs import in_ascii
from overnight import logs
from overnight.errors import Permanent


class Pictures:
    """The media library of a site."""

    def __init__(self, client: CmsClient) -> None:
        self._client = client

    async def uploaded(
        self, article: Article, image: Image, number: int, effect: Effect, pauses: tuple[float, ...]
    ) -> Picture:
        """The picture of the post with this number, uploaded where it is not there yet.

        Its name holds a hash of its bytes, so that it can be asked for.
        """
        name, kind = _name(article, image)

        async def probe() -> dict[str, Any] | None:
            there = await self._named(name)
            return (
                _picture(min(there, key=lambda item: (item["post"] != number, item["id"])))
                if there
                else None
            )

        async def call() -> dict[str, Any]:
            there = await probe()
            if there is not None:
                return there
            headers = {
                "Content-Type": PICTURE_TYPES[kind],
                "Content-Disposition": f'attachment; filename="{name}.{kind}"',
            }
            # Without a title WordPress takes the one that a camera or a program wrote into the
            # file.
            answer = await self._client.ask(
                *("POST", f"{API}/media"),
                params={"title": name},
                content=article.pictures[image.src],
                headers=headers,
            )
            return _picture(answer.data)

        below = captions.html(image)
        result = await effect("picture", content=name, call=call, probe=probe, pauses=pauses)

        async def describe() -> str:
            path = f"{API}/media/{result['id']}"
            there = (await self._client.ask("GET", path, params={"context": "edit"})).data
            # WordPress takes away what looks like an element.
            fields = {"alt_text": image.alt.replace("<", "&lt;"), "post": number}
            fields |= {"caption": below} if below else {}
            missing = {
                name: value for name, value in fields.items() if not _raw(there.get(name))
            }  # else it is a person's
            if missing:
                await self._client.ask("POST", path, json=missing)
            return image.alt

        content = [name, image.alt, *filter(None, [below])]
        await effect("alt text", content=content, call=describe, repeatable=True)
        return Picture(result["id"], result["url"], result.get("size", "full"))

    async def remove_twins(self, article: Article, effect: Effect) -> None:
        """Remove what a slow server made of an upload that we had given up, where nobody has
        touched or used it. The article is published by then, so a twin that we may not remove
        stays.
        """
        try:
            await self._remove_twins(article, effect)
        except Permanent as error:
            logs.log.warning("picture_twin_kept", reason=str(error))

    async def _remove_twins(self, article: Article, effect: Effect) -> None:
        for src in dict.fromkeys(
            image.src for image in article.draft.images if image.src in article.pictures
        ):
            name, _ = _name(article, Image(src=src, alt=""))
            there = await self._named(name)
            authors = {item["author"] for item in there if item["post"]}
            for twin in there:
                if (
                    twin["author"] in authors
                    and _untouched(twin, name)
                    and not await self._is_used(twin)
                ):
                    number = twin["id"]
                    await effect(
                        "remove picture",
                        content=number,
                        call=partial(self._remove, number),
                        repeatable=True,
                    )

    async def _named(self, name: str) -> list[dict[str, Any]]:
        """Our uploads of this name. WordPress adds a number to it where a file of that name lies
        about.
        """
        params = {"search": name, "context": "edit", "per_page": PER_PAGE}
        answer = await self._client.ask("GET", f"{API}/media", params=params)
        return [
            item
            for item in answer.data
            if unquote(item["source_url"]).rsplit("/", 1)[-1].startswith(name)
        ]

    async def _is_used(self, item: dict[str, Any]) -> bool:
        """Whether a post or a page that was saved since shows it, as far as our account can see."""
        since = (datetime.fromisoformat(item["date"]) - timedelta(minutes=1)).isoformat()
        params = {
            "modified_after": since,
            "per_page": PER_PAGE,
            "_fields": "featured_media,content",
        }
        stem = item["source_url"].rsplit(".", 1)[0]
        for kind, status in (("posts", "any"), ("pages", "publish")):
            posts = (
                await self._client.ask("GET", f"{API}/{kind}", params=params | {"status": status})
            ).data
            if len(posts) >= PER_PAGE or any(_shows(post, item["id"], stem) for post in posts):
                return True
        return False

    async def _remove(self, number: int) -> None:
        path = f"{API}/media/{number}"
        await self._client.ask("DELETE", path, params={"force": "true"}, allow=(404, 410))


def _name(article: Article, image: Image) -> tuple[str, str]:
    """The name of a picture's file, and its kind. Raises Permanent where WordPress would not take
    it.
    """
    kind = picture_kind(image.src)
    data = article.pictures[image.src]
    return (
        f"{in_ascii(article.draft.slug)[:100]}-{sha256_of(data.hex())[:12]}",
        kind,
    )  # a header takes nothing else


def _picture(item: dict[str, Any]) -> dict[str, Any]:
    """What the text needs: of a picture wider or higher than 1,024 px the size `large`, so that no
    page loads more.
    """
    details = item.get("media_details")
    sizes = details.get("sizes") if isinstance(details, dict) else None
    large = sizes.get("large") if isinstance(sizes, dict) else None
    if isinstance(large, dict) and large.get("source_url"):
        return {"id": item["id"], "url": large["source_url"], "size": "large"}
    return {"id": item["id"], "url": item["source_url"], "size": "full"}


def _raw(value: Any) -> Any:
    """A field as it was written; WordPress answers some beside the words that it shows."""
    return value.get("raw") if isinstance(value, dict) else value


def _untouched(item: dict[str, Any], name: str) -> bool:
    """Whether it is as an upload of ours left it: we describe and attach the one that we use."""
    title = item["title"]["raw"] if isinstance(item.get("title"), dict) else ""
    return (
        title == name
        and not item["post"]
        and not item["alt_text"]
        and item["modified_gmt"] == item["date_gmt"]
    )


def _shows(post: dict[str, Any], number: int, stem: str) -> bool:
    text = str(post["content"].get("rendered", ""))
    return post["featured_media"] == number or f"wp-image-{number}" in text or stem in text
