"""An article gets its picture: chosen once, when it was optimized, and found again when it is
published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from contentstudio.config import Config, Site, Static
from contentstudio.model import Draft, Image
from contentstudio.pictures import NoPicture, Picture, Use, cards
from contentstudio.pictures.port import sha256_in
from contentstudio.pipelines.deps import Deps
from contentstudio.pipelines.work import Ctx
from contentstudio.seo import Change, Optimized
from overnight.errors import LedgerUnavailable, Permanent, Transient
from overnight.llm.fallback import AllResting

CHANGE = "picture"  # what the list of changes calls it
TRIES = 3  # of a source that is away; the article goes on with its card after that


async def with_picture(ctx: Ctx, site: Site, work: Optimized) -> Optimized:
    """The article with a picture, unless it has one. What came of it is told among the changes.

    Raises what holds a call of a model (a budget, a switch), and `Transient` while the source may
    be tried again.
    """
    draft, kind = work.draft, ctx.deps.config.pictures_of(site).kind
    if draft.images or kind == "none":
        return work
    source = ctx.deps.picture_sources.get(site.name)
    image, reason = _card(site, draft), ""
    if source is not None:
        try:
            image = await _found(ctx, site, draft, kind)
        except NoPicture as why:
            reason = str(why)
    if image is None and not reason:
        return work
    what = "its card" if image is None or image.src == cards.SRC else image.alt
    change = Change(what=CHANGE, before=reason, after=what)
    images = [] if image is None else [image]
    return Optimized(
        draft=draft.model_copy(update={"images": images}), changes=(*work.changes, change)
    )


async def _found(ctx: Ctx, site: Site, draft: Draft, kind: str) -> Image:
    """The picture that the site's source gives. Raises `NoPicture`."""
    pictures, source = ctx.deps.pictures, ctx.deps.picture_sources[site.name]
    used = await pictures.used(site.name, draft.slug)
    if kind == "openai" and (paid := _paid_before(used, draft.slug)):
        return paid
    try:
        picture: Picture = await source.find(ctx, site, draft, used)
    except (AllResting, LedgerUnavailable) as error:
        if isinstance(error, AllResting):
            raise NoPicture(str(error)) from error
        raise
    except Transient as error:
        if ctx.run.failures + 1 < TRIES:
            raise
        raise NoPicture(f"{error} (tried {TRIES} times)") from error
    return await pictures.keep(draft, ctx.job_id, picture)


def _paid_before(used: Sequence[Use], slug: str) -> Image | None:
    """The picture that a model made for the article when it was written before."""
    return next(
        (use.image for use in used if use.slug == slug and use.origin.startswith("openai:")), None
    )


def _card(site: Site, draft: Draft) -> Image | None:
    """The card of an article in a CMS. A static site makes its cards itself, for networks alone."""
    if isinstance(site.publish, Static):
        return None
    return Image(src=cards.SRC, alt=draft.title, width=cards.WIDTH, height=cards.HEIGHT)


def retitled(draft: Draft) -> Draft:
    """The draft with its card's words as its title is now. Pure."""
    images = [
        image.model_copy(update={"alt": draft.title}) if image.src == cards.SRC else image
        for image in draft.images
    ]
    return draft if images == draft.images else draft.model_copy(update={"images": images})


async def bytes_of(deps: Deps, site: Site, draft: Draft) -> dict[str, bytes]:
    """The bytes of a draft's pictures by their `src`: its card, stored ones, and those that lie
    beside the config. Raises `Permanent` for one that is gone.
    """
    hashes = {image.src: sha for image in draft.images if (sha := sha256_in(image.src))}
    stored = await deps.pictures.read(hashes.values()) if hashes else {}
    lost = [src for src, sha in hashes.items() if sha not in stored]
    if lost:
        raise Permanent(
            f"the picture {lost[0]} is not kept any more: write the article again with refresh"
        )
    by_src = {src: stored[sha] for src, sha in hashes.items()}
    return by_src | await asyncio.to_thread(_local, deps.config, site, draft, set(by_src))


def _local(config: Config, site: Site, draft: Draft, stored_srcs: set[str]) -> dict[str, bytes]:
    pictures = {}
    for image in draft.images:
        if image.src == cards.SRC:
            pictures[image.src] = cards.featured(draft.title, site.title or site.name, site.color)
        elif image.src not in stored_srcs and not urlsplit(image.src).scheme:
            pictures[image.src] = _beside(config, image.src)
    return pictures


def _beside(config: Config, src: str) -> bytes:
    try:
        return config.beside(Path(src)).read_bytes()
    except OSError as error:
        raise Permanent(f"the picture {src} cannot be read: {error.strerror}") from None
