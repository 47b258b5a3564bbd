"""The port: an article's picture, with its words for those who do not see it, and whose it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contentstudio.config import Site
from contentstudio.model import Draft, Image
from overnight import Context
from overnight.errors import OvernightError


class NoPicture(OvernightError):
    """There is no picture for this article. The message says why; the article goes on with its
    card.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as it is stored and published.

    `width` and `height` are in pixels. `alt` says what it shows. `credit` names who made it,
    `licence` on which terms it may be shown, and `licence_url` where these stand. `origin` says
    where it is from: `folder:NAME` or `openai:MODEL`.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    alt: str
    origin: str
    caption: str = ""
    credit: str = ""
    licence: str = ""
    licence_url: str | None = None

    @property
    def sha256(self) -> str:
        """The hexadecimal hash of its bytes, by which it is stored."""
        return hashlib.sha256(self.data).hexdigest()

    def image(self) -> Image:
        """The picture as a draft names it."""
        return Image(
            src=src_of(self.sha256),
            alt=self.alt,
            caption=self.caption,
            credit=self.credit,
            licence=self.licence,
            licence_url=self.licence_url,
            width=self.width,
            height=self.height,
        )


@dataclass(frozen=True, slots=True)
class Use:
    """A picture that an article of the site got, with the image as its draft named it."""

    slug: str
    origin: str
    image: Image


class Pictures(Protocol):
    """A source of pictures."""

    async def find(
        self, ctx: Context[Any], site: Site, draft: Draft, used: Sequence[Use]
    ) -> Picture:
        """The picture of an article. `used` are those that articles of the site got, the latest
        first.

        Raises `NoPicture` where there is none. A source that is paid raises what `LLM.ask` raises.
        """
        ...


STORED = "picture-"  # what the name of a picture in the database begins with


def src_of(sha256: str) -> str:
    """The address of a stored picture in a draft: its name beside the page that shows it."""
    return f"{STORED}{sha256}.webp"


def sha256_in(src: str) -> str | None:
    """The hash in the address of a stored picture; None for any other address."""
    name = src.removeprefix(STORED).removesuffix(".webp")
    is_hash = len(name) == 64 and set(name) <= set("0123456789abcdef")
    return name if is_hash and src == src_of(name) else None
