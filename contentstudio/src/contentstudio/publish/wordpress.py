"""WordPress, by its REST API and an application password.

A slug is no key there: a second post gets a suffix, and a create that fails may have made a post.
So: look, begin an empty draft with the slug, keep its id, add pictures and terms, write everything
with one update, and look again. Only the beginning is a write that cannot be repeated; whoever
finds such an empty draft knows that it is ours.

Right before each write the post is read once more: what stands there neither as it was found nor as
we send it is a person's, and then nothing is written. What arrived counts as published, also where
WordPress made some of it otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial, wraps
from itertools import count
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.model import Existing, Published, State
from contentstudio.publish import (
    readers,
    seo_fields,
    slug_drafts,
    wordpress_blocks,
    wordpress_fields,
)
from contentstudio.publish.cms_client import Answer, CmsClient, Denied, uncached
from contentstudio.publish.port import (
    Article,
    Capabilities,
    Conflict,
    Effect,
    Finding,
    OwnPost,
    as_known,
    plan,
    published,
    readable,
    untouched,
)
from contentstudio.publish.slug_drafts import Post, SlugDraftCms
from contentstudio.publish.wordpress_addresses import API, PER_PAGE, Addresses, address, held_by
from contentstudio.publish.wordpress_blocks import BEGUN
from contentstudio.publish.wordpress_pictures import Pictures
from contentstudio.publish.wordpress_posts import (
    FIELDS,
    as_begun,
    escaped,
    existing,
    first_moment,
    is_begun,
    own_post,
    refuse_disturbed,
    slug_of,
    stands_whole,
)
from contentstudio.publish.wordpress_terms import Terms
from overnight.errors import Permanent, Transient

T = TypeVar("T")
Look = TypeVar("Look", bound=Callable[..., Awaitable[Any]])
STATUS: dict[State, str] = {"draft": "draft", "scheduled": "future", "published": "publish"}
MARK = "contentstudio"  # stands in an empty draft of ours
REREADS = 3  # of a post after a write, where a cache answers with what stood there before


def _explained(look: Look) -> Look:
    """A refusal of the first look names the cause that `check` finds: one answer alone may
    not say it.
    """

    @wraps(look)
    async def explained(self: WordPress, *arguments: Any, **options: Any) -> Any:
        from contentstudio.publish import wordpress_check

        try:
            return await look(self, *arguments, **options)
        except Permanent as error:
            with suppress(Transient):
                fault = await wordpress_check.fault(self._client, self.site, self._cms)
                if fault is not None and fault.what not in str(error):
                    raise Denied(f"{fault.what}: {fault.mend} ({error})") from error
            raise

    return cast(Look, explained)


class WordPress(SlugDraftCms):
    """A site of WordPress."""

    can = Capabilities(frozenset(STATUS), media=True, tags=True, category=True)
    _existing = staticmethod(existing)
    _is_begun = staticmethod(is_begun)
    _slug = staticmethod(slug_of)

    def __init__(self, site: Site, cms: settings.WordPress) -> None:
        client = CmsClient(cms.url or site.url, cms, (cms.user, settings.secret(site)))
        super().__init__(site, client)
        self._cms = cms
        self._pictures = Pictures(client)
        self._addresses = Addresses(client)
        self._terms = Terms(client, cms.user)

    async def publish(
        self,
        article: Article,
        effect: Effect,
        known: Existing | None = None,
        ours: Collection[str] = (),
    ) -> tuple[Published, Existing]:
        slug = article.draft.slug
        post = await self._look(slug, known)
        there = None if post is None else existing(post)
        todo = plan(article, there, known, ours)
        if todo == "leave":
            assert there is not None and known is not None
            same = as_known(there, known)
            return published(article, same, "unchanged"), same
        live = there is not None and there.state == "published"
        if not live and article.over is None:
            await self._addresses.check_free(slug, there)
        number, before = await self._begun(article, todo, post, known, effect)
        fields = await self._fields(article, number, there, effect)
        content: list[Any] = [
            article.sha256,
            STATUS[article.state],
            str(article.at) if article.state == "scheduled" else "",
        ]
        content += [known.fingerprint if known else None, article.over]
        write = partial(self._write, number, article, fields, before, live)
        written = Existing.model_validate(
            await effect("publish", content=content, call=write, repeatable=True)
        )
        await self._pictures.remove_twins(article, effect)
        return published(article, written, "created" if known is None else "updated"), written

    async def posts(self) -> AsyncIterator[OwnPost]:
        ids: set[str] = set()
        for page in count(1):
            answer = await self._page(page)
            if answer is None:
                return
            for post in readable(answer.data, own_post):
                if (
                    post.url not in ids
                ):  # a post that comes meanwhile moves another one to the next page
                    ids.add(post.url)
                    yield post
            pages = answer.headers.get("X-WP-TotalPages", "")
            if page >= (int(pages) if pages.isdecimal() else 1):
                return

    async def _create(self, slug: str) -> Post:
        draft = {"slug": slug, "status": "draft", "content": BEGUN}
        post: Post = (await self._client.ask("POST", f"{API}/posts", json=draft)).data
        return post

    def _recorded(self, post: Post, *, created: bool) -> Any:
        """The id, and how it stands."""
        if created:
            return {"id": post["id"], "parts": wordpress_fields.parts(post)}
        return as_begun(post)

    def _slug_refused(self, slug: str, other: str) -> Permanent:
        return Permanent(
            f"WordPress made “{other}” of the slug “{slug}”, so it keeps that for itself, or a "
            f"post which {self._cms.user} may not see has it. The empty draft was removed; give "
            "the article another slug."
        )

    async def _withdraw(self, slug: str, there: Existing, known: Existing) -> Existing | None:
        now = await self.find(slug, known)
        if now is None or now.state == "draft":
            return now
        if not untouched(now, known):
            raise Conflict(f"{now.url} was changed by a person", now)
        answer = await self._client.ask("POST", f"{API}/posts/{now.id}", json={"status": "draft"})
        if existing(answer.data).state != "draft":
            raise Denied(
                f"{now.url} stayed “{answer.data['status']}”: {self._cms.user} may "
                "not make it a draft"
            )
        return existing(answer.data)

    async def _drafts(self) -> list[Post]:
        params = {
            "status": "draft",
            "context": "edit",
            "per_page": PER_PAGE,
            "search": MARK,
            "_fields": FIELDS,
        }
        posts: list[Post] = (await self._client.ask("GET", f"{API}/posts", params=params)).data
        return posts

    @staticmethod
    def _changed_at(post: Post) -> datetime | None:
        return first_moment(post, "modified_gmt")

    async def _page(self, page: int) -> Answer | None:
        """One page of the list of posts; None beyond its end, which comes nearer where a post is
        deleted meanwhile.
        """
        params = {
            "per_page": PER_PAGE,
            "page": page,
            "_fields": f"{FIELDS},date,modified",
            "orderby": "date",
        }
        answer = await self._client.ask(
            "GET", f"{API}/posts", params=params, allow=(400,) if page > 1 else ()
        )
        if answer.status == 400:
            return None
        if not isinstance(answer.data, list):
            raise self._no_wordpress()
        return answer

    def _no_wordpress(self) -> Permanent:
        return Permanent(
            f"{self._client.base} did not answer as WordPress does: is the REST API switched off?"
        )

    async def check(self) -> list[Finding]:
        from contentstudio.publish import wordpress_check

        return await wordpress_check.check(self._client, self.site, self._cms)

    @_explained
    async def _look(self, slug: str, known: Existing | None = None) -> dict[str, Any] | None:
        """The post with the id that we kept, else what has the slug: of several the one that is not
        merely begun.
        """
        if known is not None and known.id is not None:
            post_by_id = await self._post(known.id)
            if post_by_id is not None:
                return post_by_id
        posts = await self._with_slug(slug)
        return min(posts, key=lambda post: (is_begun(post), post["id"]), default=None)

    async def _post(self, number: int | str) -> dict[str, Any] | None:
        """The post with an id, as it stands now; None where it is in the trash or gone."""
        params = {"context": "edit", "_fields": FIELDS, **uncached()}
        answer = await self._client.ask(
            "GET", f"{API}/posts/{number}", params=params, allow=(404, 410)
        )
        if answer.status != 200 or answer.data["status"] in ("trash", "auto-draft"):
            return None
        post: dict[str, Any] = answer.data
        return post

    async def _with_slug(self, slug: str) -> list[dict[str, Any]]:
        """What has exactly this slug, in any status but the trash. Without `any` only live posts
        are listed.
        """
        params = {
            "slug": slug,
            "status": "any",
            "context": "edit",
            "per_page": PER_PAGE,
            "_fields": FIELDS,
            **uncached(),
        }
        answer = await self._client.ask("GET", f"{API}/posts", params=params, allow=(400,))
        if answer.status == 400:
            raise Denied(
                f"{self._client.base} shows no drafts to {self._cms.user}: the password "
                "or the role is wrong"
            )
        if not isinstance(answer.data, list):
            raise self._no_wordpress()
        return [post for post in answer.data if slug_of(post) == slug]

    async def _begun(
        self,
        article: Article,
        todo: str,
        post: dict[str, Any] | None,
        known: Existing | None,
        effect: Effect,
    ) -> tuple[int, wordpress_fields.Parts]:
        """The post to be written, and how it stood before we write, as far as that is known.

        Where a write of ours may have arrived already, that is how we left it, or the empty draft
        that we began.
        """
        slug = article.draft.slug
        if post is not None and not is_begun(post):
            if todo != "compare":
                return int(post["id"]), wordpress_fields.parts(post)
            if known is not None and known.id == str(post["id"]):
                return int(post["id"]), known.parts
        content = slug if article.over is None else [slug, article.over]
        begun = await self._begin(slug, content, effect, post)
        if post is not None and (begun["id"] != post["id"] or "parts" not in begun):
            # The one that we began is gone, or an older version of ours began it.
            begun = as_begun(post)
        parts = begun.get("parts", {})
        if not parts and post is not None and stands_whole(post, article):
            parts = wordpress_fields.parts(post)
        return int(begun["id"]), parts

    async def _remove(self, number: Any) -> None:
        """Delete a draft of ours for good, if it is still as we made it."""
        post = await self._post(number)
        if post is not None and is_begun(post):
            await self._client.ask(
                "DELETE", f"{API}/posts/{number}", params={"force": "true"}, allow=(404, 410)
            )

    async def _fields(
        self, article: Article, number: int, there: Existing | None, effect: Effect
    ) -> dict[str, Any]:
        """Everything that is written, in one update. What is live is not taken back to a draft."""
        draft = escaped(article.draft)
        pictures = {
            image.src: await self._pictures.uploaded(
                article, image, number, effect, slug_drafts.PAUSES
            )
            for image in draft.images
            if image.src in article.pictures
        }
        fields: dict[str, Any] = {
            "title": draft.title,
            "slug": draft.slug,
            "excerpt": draft.description,
        }
        if draft.tags:
            fields["tags"] = [await self._terms.number("tags", name, effect) for name in draft.tags]
        if self._cms.category:
            fields["categories"] = [
                await self._terms.number("categories", self._cms.category, effect)
            ]
        featured = wordpress_blocks.featured(draft, pictures)
        if featured:
            fields["featured_media"] = featured.id
        fields["content"] = wordpress_blocks.content(
            draft, article.sha256, pictures, wordpress_fields.said(fields)
        )
        if not (article.state == "draft" and there and there.state == "published"):
            fields["status"] = STATUS[article.state]
        if article.state == "scheduled" or article.backdated:
            fields["date_gmt"] = article.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return fields

    async def _write(
        self,
        number: int,
        article: Article,
        fields: dict[str, Any],
        before: wordpress_fields.Parts,
        live: bool,
    ) -> Existing:
        """Write, unless it stands there already, and read back what WordPress made of it.

        A twin that a slow server makes in this moment takes the slug from us, so we take it back,
        or else step back.
        """
        slug, seo, notes = article.draft.slug, dict[str, str](), list[str]()
        first, twin = await self._alone(number, slug)
        post = first
        for _ in range(2):
            if twin is not None:
                break
            seo = seo_fields.wanted(
                post["meta"], self.site, escaped(article.draft), indexed=article.indexed
            )
            ours = wordpress_fields.sent(fields, seo, post["meta"])
            refuse_disturbed(post, before, ours)
            if wordpress_fields.arrived(wordpress_fields.parts(post), ours) and seo_fields.arrived(
                post["meta"], seo
            ):
                break
            post, seo = await self._update(f"{API}/posts/{number}", fields, seo)
            notes = await _told(
                partial(self._read_back, number, post), "whether it stands as it was answered"
            )
            if slug_of(post) == slug:
                break
            before = wordpress_fields.parts(post)
            post, twin = await self._alone(number, slug)
        now = post
        with suppress(Transient):  # what comes later than this is seen by the next version
            now, twin = await _repeated(partial(self._alone, number, slug))
        if twin is not None:
            await self._put_back(first, now, live)
            raise Permanent(
                f"two posts have the slug “{slug}”: {number} is ours, {twin} is not; look at both"
            )
        status = fields.get("status", post["status"])
        if status not in (post["status"], "draft") and (status, post["status"]) != (
            "future",
            "publish",
        ):
            raise Denied(
                f"{post['link']} stayed “{post['status']}”: {self._cms.user} may not "
                f"make it “{status}”"
            )
        names = dict(zip(fields.get("tags", ()), article.draft.tags, strict=False))
        names |= dict.fromkeys(fields.get("categories", ()), self._cms.category or "")
        differs = [*wordpress_fields.differences(fields, seo, post, names), *notes]
        differs += await self._shown(article, post, first, live)
        return existing(post).model_copy(
            update={"sha256": article.sha256, "differs": tuple(differs)}
        )

    async def _read_back(self, number: int, answer: dict[str, Any]) -> list[str]:
        """Look at a post after a write that was answered so. What stands there otherwise is no
        version of ours: only the answer is what WordPress made of it.
        """
        for _ in range(REREADS):
            post = await self._post(number)
            if post is None:
                raise Conflict(
                    f"{answer['link']} was taken away by a person", None, url=answer["link"]
                )
            changed = wordpress_fields.disturbed(
                wordpress_fields.parts(post), wordpress_fields.parts(answer), {}
            )
            if not changed:
                return []
        return [
            f"WordPress shows otherwise than it answered: {wordpress_fields.listed(changed)}. "
            "A person or a plugin changed it since, or a cache in front of "
            f"{self._client.base}{API} keeps older posts"
        ]

    async def _shown(
        self, article: Article, post: dict[str, Any], first: dict[str, Any], live: bool
    ) -> list[str]:
        """What readers get instead of a post that is published, in sentences. One that was not live
        before is taken back where something else has its address for certain.
        """
        if post["status"] != "publish":
            return []
        hosts = frozenset(str(urlsplit(url).hostname) for url in (self._client.base, self.site.url))
        sentences = [sentence.text for sentence in article.draft.sentences()]
        private = hosts if self._cms.private else frozenset[str]()
        wrong = await readers.look(post["link"], sentences, str(post["id"]), private)
        holder = None
        if wrong:
            with suppress(
                Permanent, Transient
            ):  # the article is live, so a look that fails ends nothing
                holder = await _repeated(partial(self._addresses.holder, slug_of(post)))
        if holder is None:
            return [wrong] if wrong else []
        if not live and article.over is None:
            there = await self._put_back(first, post, live)
            raise Conflict(held_by(holder, slug_of(post)), there, url=address(holder))
        return [held_by(holder, slug_of(post))]

    async def _put_back(self, first: dict[str, Any], now: dict[str, Any], live: bool) -> Existing:
        """Make a post as it was before we wrote, where readers had not got it then; it stands so
        afterwards.
        """
        if live or wordpress_fields.parts(first) == wordpress_fields.parts(now):
            return existing(now)
        fields = {name: first[name]["raw"] for name in wordpress_fields.TEXTS}
        fields |= {
            name: first[name] for name in ("status", "slug", "tags", "categories", "featured_media")
        }
        return existing(
            (await self._client.ask("POST", f"{API}/posts/{first['id']}", json=fields)).data
        )

    async def _update(
        self, path: str, fields: dict[str, Any], seo: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Write all at once, but for the SEO fields that are refused: a field may be there to be
        read alone.

        Returns the answer and the SEO fields that were written. WordPress writes the rest before it
        refuses one, so writing it again is right.
        """
        try:
            return (
                await self._client.ask(
                    "POST", path, json={**fields, "meta": seo} if seo else fields
                )
            ).data, seo
        except Denied as denied:
            if denied.field not in seo:
                raise
            return await self._update(
                path, fields, {key: text for key, text in seo.items() if key != denied.field}
            )

    async def _alone(self, number: int, slug: str) -> tuple[dict[str, Any], int | None]:
        """Our post as it stands, and the id of another one with the slug. A late twin that is
        merely begun goes.
        """
        own, twin = None, None
        for post in await self._with_slug(slug):
            if post["id"] == number:
                own = post
            elif is_begun(post):
                await self._remove(post["id"])
            else:
                twin = int(post["id"])
        own = own or await self._post(number)
        if own is None:
            where = f"{self._client.base}/?p={number}"
            raise Conflict(
                f"{where}, with the slug “{slug}”, was taken away by a person", None, url=where
            )
        return own, twin


async def _repeated(look: Callable[[], Awaitable[T]]) -> T:
    """A look after a write that was answered. To fail now would be to forget what WordPress
    answered, and to take what it made of our words for a person's; so the look is repeated here.
    Raises the last error.
    """
    error: Transient | None = None
    for pause in slug_drafts.PAUSES[:2]:  # the time of a step is short
        await asyncio.sleep(pause)
        try:
            return await look()
        except Transient as failed:
            error = failed
    assert error is not None
    raise error


async def _told(look: Callable[[], Awaitable[list[str]]], what: str) -> list[str]:
    """What such a look found, in sentences; one that failed to the end is told in one."""
    try:
        return await _repeated(look)
    except Transient as error:
        return [f"{what} could not be looked at: {error}"]
