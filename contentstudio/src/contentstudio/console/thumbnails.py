"""Small pictures of articles, in the page itself: a console asks no site for a file."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from contentstudio.config import Config
from contentstudio.pictures import cards, raster
from contentstudio.pictures.port import sha256_in
from contentstudio.store.pictures import Pictures
from overnight.errors import ConfigError
from overnight.store.database import Database, Row

KEPT = 256  # of the latest, in memory: about 5 kB each
_stored: dict[str, str] = {}  # by the hash of the picture


async def of(config: Config, database: Database, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows, each with its `picture` as an address that holds it: what the article has, else
    its card.
    """
    hashes = {sha for row in rows if (sha := _hash(row)) and sha not in _stored}
    data = await Pictures(database).read(hashes) if hashes else {}
    return await asyncio.to_thread(_with_pictures, config, rows, data)


def _with_pictures(
    config: Config, rows: Sequence[Row], data: dict[str, bytes]
) -> list[dict[str, Any]]:
    for sha, picture in data.items():
        if len(_stored) >= KEPT:
            _stored.pop(next(iter(_stored)))
        _stored[sha] = _address(picture)
    return [
        {**row, "picture": _stored.get(_hash(row) or "") or _card(*_names(config, row))}
        for row in rows
    ]


def _hash(row: Row) -> str | None:
    return sha256_in(row["image"]["src"]) if row["image"] else None


def _names(config: Config, row: Row) -> tuple[str, str, str | None]:
    """What the card of an article says, and its colour."""
    try:
        site = config.find(row["site"])
    except ConfigError:  # a site that the config had once
        return row["title"], row["site"], None
    return row["title"], site.title or site.name, site.color


@lru_cache(maxsize=KEPT)
def _card(title: str, name: str, color: str | None) -> str:
    return _address(cards.featured(title, name, color))


def _address(picture: bytes) -> str:
    try:
        small = raster.thumbnail(picture)
    except raster.Unusable:
        return ""
    return f"data:{raster.MEDIA_TYPE};base64,{b64encode(small).decode()}"
