"""The pictures that articles got: their bytes by hash, and which article has which."""

from __future__ import annotations

from collections.abc import Iterable

from contentstudio.model import Draft, Image
from contentstudio.pictures import Picture, Use
from contentstudio.store.sql import queries
from overnight.store.database import Database

RECENT = 100  # of a site's pictures that the next choice knows of


class Pictures:
    """The pictures of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, draft: Draft, job_id: str, picture: Picture) -> Image:
        """Keep the picture that a job chose for an article, and how its draft names it."""
        image = picture.image()
        params = {
            "site": draft.site,
            "slug": draft.slug,
            "job_id": job_id,
            "sha256": picture.sha256,
            "media_type": picture.media_type,
            "data": picture.data,
            "width": picture.width,
            "height": picture.height,
            "origin": picture.origin,
            "image": image.model_dump_json(),
        }
        await self._database.fetch(queries["picture_keep"], params)
        return image

    async def read(self, hashes: Iterable[str]) -> dict[str, bytes]:
        """The bytes of pictures by their hash; one that is not kept is missing from the answer."""
        rows = await self._database.fetch(queries["picture_read"], {"sha256": list(hashes)})
        return {row["sha256"]: bytes(row["data"]) for row in rows}

    async def used(self, site: str, slug: str) -> list[Use]:
        """The pictures that articles of a site got of late, and those that one article ever got,
        the latest first.
        """
        params = {"site": site, "slug": slug, "limit": RECENT}
        rows = await self._database.fetch(queries["pictures_used"], params)
        return [Use(row["slug"], row["origin"], Image.model_validate(row["image"])) for row in rows]
