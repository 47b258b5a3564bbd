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
import html
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from itertools import count
from typing import Any, Self, TypeVar, cast
from urllib.parse import unquote, urlsplit

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.model import Draft, Published
from contentstudio.publish import (
    fingerprint,
    readers,
    seo_fields,
    wordpress_blocks,
    wordpress_fields,
)
from contentstudio.publish.cms_client import Answer, Denied, Remote
from contentstudio.publish.port import (
    UNDATED,
    Article,
    Capabilities,
    Conflict,
    Effect,
    Existing,
    Finding,
    OwnPost,
    State,
    plan,
    readable,
    sha256_of,
    untouched,
)
from contentstudio.publish.wordpress_blocks import BEGUN
from contentstudio.publish.wordpress_pictures import Pictures
from overnight.errors import Permanent, Transient

T = TypeVar("T")
Look = TypeVar("Look", bound=Callable[..., Awaitable[Any]])
API = "/wp-json/wp/v2"
PAUSES = (
    0.0,
    2.0,
    6.0,
    12.0,
)  # seconds before each look for what a slow server may still be making
ORPHAN_SECONDS = 3_600  # an empty draft is left alone for so long: it may be another installation's
PER_PAGE = 100  # the most that WordPress gives
FIELDS = (
    "id,slug,status,link,title,content,excerpt,date_gmt,modified_gmt,author,"
    "tags,categories,featured_media,meta"
)
STATUS: dict[State, str] = {"draft": "draft", "scheduled": "future", "published": "publish"}
STATES: dict[str, State] = {"publish": "published", "future": "scheduled"}
MARK = "contentstudio"  # stands in an empty draft of ours
REREADS = 3  # of a post after a write, where a cache answers with what stood there before
TERM_PAGES = 20  # that are looked through for a name
INNER = re.compile(
    r"post|nav_menu_item|wp_.*"
)  # types that no reader gets at an address of their own, and posts
UNSEEN = (
    400,
    401,
    403,
    404,
)  # the answers where our account may not see something, or it is not there
TYPES_AT_MOST = 8  # other types of posts that are asked for a slug


def _explained(look: Look) -> Look:
    """A refusal of the first look is told with the cause that `check` finds: one answer alone may
    not say it.
    """

    @wraps(look)
    async def explained(self: WordPress, *arguments: Any, **options: Any) -> Any:
        from contentstudio.publish import wordpress_doctor

        try:
            return await look(self, *arguments, **options)
        except Permanent as error:
            with suppress(Transient):
                found = await wordpress_doctor.fault(self._remote, self.site, self._cms)
                if found is not None and found.what not in str(error):
                    raise Denied(f"{found.what}: {found.mend} ({error})") from error
            raise

    return cast(Look, explained)


class WordPress:
    """A site of WordPress."""

    can = Capabilities(frozenset(STATUS), media=True, tags=True, category=True)

    def __init__(self, site: Site, cms: settings.WordPress) -> None:
        self.site = site
        self._cms = cms
        self._remote = Remote(cms.url or site.url, cms, (cms.user, settings.secret(site)))
        self._pictures = Pictures(self._remote)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._remote)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def find(self, slug: str, known: Existing | None = None) -> Existing | None:
        post = await self._look(slug, known)
        return None if post is None else _existing(post)

    async def publish(
        self,
        article: Article,
        effect: Effect,
        known: Existing | None = None,
        ours: Collection[str] = (),
    ) -> tuple[Published, Existing]:
        slug = article.draft.slug
        post = await self._look(slug, known)
        there = None if post is None else _existing(post)
        todo = plan(article, there, known, ours)
        if todo == "leave":
            assert there is not None and known is not None
            left = there.model_copy(update={"sha256": known.sha256, "differs": known.differs})
            return self._published(article, left, "unchanged"), left
        live = there is not None and there.state == "published"
        if not live and article.over is None:
            await self._address_is_free(slug, there)
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
        return self._published(article, written, "created" if known is None else "updated"), written

    async def unpublish(
        self, slug: str, effect: Effect, known: Existing | None = None
    ) -> Existing | None:
        there = await self.find(slug, known)
        if there is None or known is None:
            return there
        if there.state == "draft":  # what a person wrote there since is no version of ours
            return known.model_copy(update={"state": "draft", "url": there.url})
        if not untouched(there, known):
            raise Conflict(f"{there.url} was changed by a person", there)

        async def call() -> Existing | None:
            now = await self.find(slug, known)
            if now is None or now.state == "draft":
                return now
            if not untouched(now, known):
                raise Conflict(f"{now.url} was changed by a person", now)
            answer = await self._remote.ask(
                "POST", f"{API}/posts/{now.id}", json={"status": "draft"}
            )
            if _existing(answer.data).state != "draft":
                raise Denied(
                    f"{now.url} stayed “{answer.data['status']}”: {self._cms.user} may "
                    "not make it a draft"
                )
            return _existing(answer.data)

        content = ["draft", there.fingerprint, str(there.modified)]
        found = await effect("unpublish", content=content, call=call, repeatable=True)
        if found is None:
            return None
        return Existing.model_validate(found).model_copy(
            update={"sha256": known.sha256, "differs": known.differs}
        )

    async def posts(self) -> AsyncIterator[OwnPost]:
        seen: set[str] = set()
        for page in count(1):
            answer = await self._page(page)
            if answer is None:
                return
            for post in readable(answer.data, _own_post):
                if (
                    post.url not in seen
                ):  # a post that comes meanwhile moves another one to the next page
                    seen.add(post.url)
                    yield post
            pages = answer.headers.get("X-WP-TotalPages", "")
            if page >= (int(pages) if pages.isdecimal() else 1):
                return

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
        answer = await self._remote.ask(
            "GET", f"{API}/posts", params=params, allow=(400,) if page > 1 else ()
        )
        if answer.status == 400:
            return None
        if not isinstance(answer.data, list):
            raise self._no_wordpress()
        return answer

    def _no_wordpress(self) -> Permanent:
        return Permanent(
            f"{self._remote.base} did not answer as WordPress does: is the REST API switched off?"
        )

    async def check(self) -> list[Finding]:
        from contentstudio.publish import wordpress_doctor

        return await wordpress_doctor.check(self._remote, self.site, self._cms)

    async def sweep(
        self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]
    ) -> list[str]:
        params = {
            "status": "draft",
            "context": "edit",
            "per_page": PER_PAGE,
            "search": MARK,
            "_fields": FIELDS,
        }
        posts = (await self._remote.ask("GET", f"{API}/posts", params=params)).data
        slugs = set(await under_way())
        old = datetime.now(UTC) - timedelta(seconds=ORPHAN_SECONDS)
        lost = [p for p in posts if _begun(p) and (_first_moment(p, "modified_gmt") or old) < old]
        lost = [
            p for p in lost if _slug(p) not in slugs and re.sub(r"-\d+$", "", _slug(p)) not in slugs
        ]
        for post in lost:
            await effect(
                "remove",
                content=post["id"],
                call=partial(self._remove, post["id"]),
                repeatable=True,
            )
        return [_slug(post) for post in lost]

    @_explained
    async def _look(self, slug: str, known: Existing | None = None) -> dict[str, Any] | None:
        """The post with the id that we kept, else what has the slug: of several the one that is not
        merely begun.
        """
        if known is not None and known.id is not None:
            found = await self._post(known.id)
            if found is not None:
                return found
        posts = await self._with_slug(slug)
        return min(posts, key=lambda post: (_begun(post), post["id"]), default=None)

    async def _post(self, number: int | str) -> dict[str, Any] | None:
        """The post with an id, as it stands now; None where it is in the trash or gone."""
        params = {"context": "edit", "_fields": FIELDS, **_now()}
        answer = await self._remote.ask(
            "GET", f"{API}/posts/{number}", params=params, allow=(404, 410)
        )
        if answer.status != 200 or answer.data["status"] in ("trash", "auto-draft"):
            return None
        found: dict[str, Any] = answer.data
        return found

    async def _with_slug(self, slug: str) -> list[dict[str, Any]]:
        """What has exactly this slug, in any status but the trash. Without `any` only live posts
        are told.
        """
        params = {
            "slug": slug,
            "status": "any",
            "context": "edit",
            "per_page": PER_PAGE,
            "_fields": FIELDS,
            **_now(),
        }
        answer = await self._remote.ask("GET", f"{API}/posts", params=params, allow=(400,))
        if answer.status == 400:
            raise Denied(
                f"{self._remote.base} shows no drafts to {self._cms.user}: the password "
                "or the role is wrong"
            )
        if not isinstance(answer.data, list):
            raise self._no_wordpress()
        return [post for post in answer.data if _slug(post) == slug]

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
        if post is not None and not _begun(post):
            if todo != "compare":
                return int(post["id"]), wordpress_fields.parts(post)
            if known is not None and known.id == str(post["id"]):
                return int(post["id"]), known.parts
        begun = await self._begin(article, post, effect)
        if post is not None and (begun["id"] != post["id"] or "parts" not in begun):
            begun = _empty(
                post
            )  # the one that we began is gone, or an older version of ours began it
        parts = begun.get("parts", {})
        if not parts and post is not None and _stands_whole(post, article):
            parts = wordpress_fields.parts(post)
        return int(begun["id"]), parts

    async def _begin(
        self, article: Article, there: dict[str, Any] | None, effect: Effect
    ) -> dict[str, Any]:
        """An empty draft with the slug, once; its id and how it stands. A `-2` that we are given
        instead is never kept.

        Where it is there already, because its answer was lost or another job began it, that one is
        told.
        """
        slug = article.draft.slug

        async def call() -> dict[str, Any]:
            if there is not None:
                return _empty(there)
            begun = {"slug": slug, "status": "draft", "content": BEGUN}
            post = (await self._remote.ask("POST", f"{API}/posts", json=begun)).data
            if _slug(post) == slug:
                return {"id": post["id"], "parts": wordpress_fields.parts(post)}
            await self._remove(post["id"])
            found = await self.find(slug)
            if found is not None:
                raise Conflict(f"{found.url} was not written by us", found)
            raise Permanent(
                f"WordPress made “{_slug(post)}” of the slug “{slug}”, so it keeps that "
                "for itself, or a post which "
                f"{self._cms.user} may not see has it. The empty draft was removed; give "
                "the article another slug."
            )

        async def probe() -> dict[str, Any] | None:
            post = there or await self._look(slug)
            return _empty(post) if post and (there or _begun(post)) else None

        content = slug if article.over is None else [slug, article.over]
        begun: dict[str, Any] = await effect(
            "begin", content=content, call=call, probe=probe, pauses=PAUSES
        )
        return begun

    async def _address_is_free(self, slug: str, there: Existing | None) -> None:
        """Raises `Conflict` where readers would get something else at the address, such as a page
        with the slug.
        """
        holder = await self._holder(slug)
        if holder is not None:
            raise Conflict(_held(holder, slug), there, url=_address(holder))

    async def _holder(self, slug: str) -> dict[str, Any] | None:
        """What has the slug that is no post, and the address of a post with it: a page, a picture,
        or another type.
        """
        found: list[dict[str, Any]] = []
        for base in await self._other_types():
            found += [
                one
                for one in await self._of_type(base, slug)
                if _slug(one) == slug and isinstance(one["link"], str)
            ]
        if not found:
            return None
        params = {
            "per_page": 1,
            "status": "any",
            "context": "edit",
            "_fields": "permalink_template",
        }
        answer = await self._remote.ask("GET", f"{API}/posts", params=params, allow=UNSEEN)
        known = answer.status == 200 and answer.data
        template = answer.data[0].get("permalink_template", "") if known else "/%postname%/"
        fits = (
            one for one in found if wordpress_fields.same_address(_address(one), template, slug)
        )
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
                answer = await self._remote.ask(
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
        answer = await self._remote.ask("GET", f"{API}/types", allow=UNSEEN)
        types = answer.data if answer.status == 200 and isinstance(answer.data, dict) else {}
        shown = [
            str(one.get("rest_base") or one["slug"])
            for one in types.values()
            if not INNER.fullmatch(one["slug"]) and one.get("rest_namespace", "wp/v2") == "wp/v2"
        ]
        return sorted({*shown, "pages"}, key=lambda base: (base != "pages", base))[:TYPES_AT_MOST]

    async def _remove(self, number: int) -> None:
        """Delete a draft of ours for good, if it is still as we made it."""
        post = await self._post(number)
        if post is not None and _begun(post):
            await self._remote.ask(
                "DELETE", f"{API}/posts/{number}", params={"force": "true"}, allow=(404, 410)
            )

    async def _fields(
        self, article: Article, number: int, there: Existing | None, effect: Effect
    ) -> dict[str, Any]:
        """Everything that is written, in one update. What is live is not taken back to a draft."""
        draft = _escaped(article.draft)
        pictures = {
            image.src: await self._pictures.uploaded(article, image, number, effect, PAUSES)
            for image in draft.images
            if image.src in article.pictures
        }
        fields: dict[str, Any] = {
            "title": draft.title,
            "slug": draft.slug,
            "excerpt": draft.description,
        }
        if draft.tags:
            fields["tags"] = [await self._term("tags", name, effect) for name in draft.tags]
        if self._cms.category:
            fields["categories"] = [await self._term("categories", self._cms.category, effect)]
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

    async def _term(self, kind: str, name: str, effect: Effect) -> int:
        """The id of a tag or a category, made where there is none: WordPress itself refuses a
        second one of a name.

        A category is looked for first: beside a nested one WordPress would make another.
        """

        async def call() -> int:
            found = await self._named(kind, name) if kind == "categories" else None
            if found is not None:
                return found
            answer = await self._remote.ask(
                "POST", f"{API}/{kind}", json={"name": name}, allow=(400, 401, 403)
            )
            if answer.code == "term_exists":
                return int(answer.data["data"]["term_id"])
            if answer.status < 300:
                return int(answer.data["id"])
            found = await self._named(kind, name) if kind == "tags" else None
            if found is not None:
                return found
            raise Denied(
                f"{self._cms.user} may not make the {kind} “{name}”: make it by hand, or "
                "give them more rights"
            )

        return int(await effect(f"term {kind}", content=name, call=call, repeatable=True))

    async def _named(self, kind: str, name: str) -> int | None:
        """The id of the term that a name means, or None. The search takes one word: WordPress
        stores `&` as `&amp;`.
        """
        params: dict[str, Any] = {"per_page": PER_PAGE, "_fields": "id,name,slug,parent", **_now()}
        words = re.findall(r"\w+", name)
        if words:
            params["search"] = max(words, key=len)
        terms: list[dict[str, Any]] = []
        for page in range(1, TERM_PAGES + 1):
            answer = await self._remote.ask("GET", f"{API}/{kind}", params={**params, "page": page})
            terms += answer.data
            if len(answer.data) < PER_PAGE:
                break
        found = wordpress_fields.pick(terms, name)
        if len(found) > 1:
            slugs = ", ".join(
                sorted(unquote(term["slug"]) for term in terms if term["id"] in found)
            )
            raise Permanent(
                f"several {kind} are called “{name}”: name the slug of one instead, of {slugs}"
            )
        return found[0] if found else None

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
                post["meta"], self.site, _escaped(article.draft), indexed=article.indexed
            )
            ours = wordpress_fields.sent(fields, seo, post["meta"])
            _undisturbed(post, before, ours)
            if wordpress_fields.arrived(wordpress_fields.parts(post), ours) and seo_fields.arrived(
                post["meta"], seo
            ):
                break
            post, seo = await self._update(f"{API}/posts/{number}", fields, seo)
            notes = await _told(
                partial(self._read_back, number, post), "whether it stands as it was answered"
            )
            if _slug(post) == slug:
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
        wanted = fields.get("status", post["status"])
        if wanted not in (post["status"], "draft") and (wanted, post["status"]) != (
            "future",
            "publish",
        ):
            raise Denied(
                f"{post['link']} stayed “{post['status']}”: {self._cms.user} may not "
                f"make it “{wanted}”"
            )
        names = dict(zip(fields.get("tags", ()), article.draft.tags, strict=False))
        names |= dict.fromkeys(fields.get("categories", ()), self._cms.category or "")
        differs = [*wordpress_fields.differences(fields, seo, post, names), *notes]
        differs += await self._shown(article, post, first, live)
        return _existing(post).model_copy(
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
            f"{self._remote.base}{API} keeps older posts"
        ]

    async def _shown(
        self, article: Article, post: dict[str, Any], first: dict[str, Any], live: bool
    ) -> list[str]:
        """What readers get instead of a post that is published, in sentences. One that was not live
        before is taken back where something else has its address for certain.
        """
        if post["status"] != "publish":
            return []
        hosts = frozenset(str(urlsplit(url).hostname) for url in (self._remote.base, self.site.url))
        sentences = [sentence.text for sentence in article.draft.sentences()]
        private = hosts if self._cms.private else frozenset[str]()
        wrong = await readers.look(post["link"], sentences, str(post["id"]), private)
        holder = None
        if wrong:
            with suppress(
                Permanent, Transient
            ):  # the article is live, so a look that fails ends nothing
                holder = await _repeated(partial(self._holder, _slug(post)))
        if holder is None:
            return [wrong] if wrong else []
        if not live and article.over is None:
            there = await self._put_back(first, post, live)
            raise Conflict(_held(holder, _slug(post)), there, url=_address(holder))
        return [_held(holder, _slug(post))]

    async def _put_back(self, first: dict[str, Any], now: dict[str, Any], live: bool) -> Existing:
        """Make a post as it was before we wrote, where readers had not got it then; it stands so
        afterwards.
        """
        if live or wordpress_fields.parts(first) == wordpress_fields.parts(now):
            return _existing(now)
        fields = {name: first[name]["raw"] for name in wordpress_fields.TEXTS}
        fields |= {
            name: first[name] for name in ("status", "slug", "tags", "categories", "featured_media")
        }
        return _existing(
            (await self._remote.ask("POST", f"{API}/posts/{first['id']}", json=fields)).data
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
                await self._remote.ask(
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
            elif _begun(post):
                await self._remove(post["id"])
            else:
                twin = int(post["id"])
        own = own or await self._post(number)
        if own is None:
            where = f"{self._remote.base}/?p={number}"
            raise Conflict(
                f"{where}, with the slug “{slug}”, was taken away by a person", None, url=where
            )
        return own, twin

    def _published(self, article: Article, there: Existing, action: Any) -> Published:
        return Published(url=there.url, action=action, sha256=article.sha256, differs=there.differs)


def _existing(post: dict[str, Any]) -> Existing:
    raw = post["content"]["raw"]
    body = wordpress_blocks.canonical(raw)
    written = [
        post["title"]["raw"],
        body,
        post["excerpt"]["raw"],
        post["slug"],
        post["featured_media"],
    ]
    seo = seo_fields.filled(post.get("meta"))
    return Existing(
        url=post["link"],
        sha256=wordpress_blocks.sha256(raw, *wordpress_fields.could_be_said(post)),
        id=str(post["id"]),
        state=STATES.get(post["status"], "draft"),
        fingerprint=sha256_of(
            [*written, sorted(post["tags"]), sorted(post["categories"]), *([seo] if seo else [])]
        ),
        modified=_first_moment(post, "modified_gmt"),
        begun=_begun(post),
        marked=fingerprint.named(raw),
        parts=wordpress_fields.parts(post),
    )


def _escaped(draft: Draft) -> Draft:
    """The draft with its title and its description as WordPress and its SEO plugins store them."""
    words = {
        name: wordpress_blocks.plain(getattr(draft, name)) for name in ("title", "description")
    }
    return draft.model_copy(update=words)


def _slug(post: dict[str, Any]) -> str:
    """The slug as people write it: WordPress keeps one of another script than Latin
    percent-encoded.
    """
    return unquote(post["slug"])


def _begun(post: dict[str, Any]) -> bool:
    """Whether it is an empty draft of ours; one into which a person wrote is none any more."""
    words = [post[name]["raw"].strip() for name in ("title", "content", "excerpt")]
    return bool(post["status"] == "draft" and words == ["", BEGUN, ""])


async def _repeated(look: Callable[[], Awaitable[T]]) -> T:
    """A look after a write that was answered. To fail now would be to forget what WordPress
    answered, and to take what it made of our words for a person's; so the look is repeated here.
    Raises the last error.
    """
    error: Transient | None = None
    for pause in PAUSES[:2]:  # the time of a step is short
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


def _stands_whole(post: dict[str, Any], article: Article) -> bool:
    """Whether all that we know of this article stands there, such as an older version of ours left
    it that was never told that it had arrived.
    """
    there, draft = _existing(post), _escaped(article.draft)
    texts = ((post["title"]["raw"], draft.title), (post["excerpt"]["raw"], draft.description))
    same = all(fingerprint.words(stands) == fingerprint.words(sent) for stands, sent in texts)
    return same and (there.sha256, there.state) == (article.sha256, article.state)


def _empty(post: dict[str, Any]) -> dict[str, Any]:
    """A post that was begun, and how it stood then: without terms and picture, which a person may
    have added since.
    """
    if not _begun(post):
        return {"id": post["id"], "parts": {}}
    return {
        "id": post["id"],
        "parts": {**wordpress_fields.parts(post), "tags": "", "featured_media": "0"},
    }


def _undisturbed(
    post: dict[str, Any], before: wordpress_fields.Parts, ours: wordpress_fields.Parts
) -> None:
    """Raises `Conflict` where a field stands neither as it was found nor as we send it."""
    names = wordpress_fields.disturbed(wordpress_fields.parts(post), before, ours)
    if names:
        there = _existing(post)
        raise Conflict(
            f"{there.url} was changed by a person: {wordpress_fields.listed(names)}", there
        )


def _address(holder: dict[str, Any]) -> str:
    """Where a page or the like is, or would be: a draft has another link, and its own address as a
    template.
    """
    if holder.get("status", "publish") in ("publish", "inherit"):
        return str(holder.get("link") or "")
    template = str(holder.get("permalink_template") or "")
    return re.sub("%(?:pagename|postname)%", lambda _: _slug(holder), template)


def _held(holder: dict[str, Any], slug: str) -> str:
    field, status = holder.get("title"), holder.get("status", "publish")
    raw = (
        field.get("raw") if isinstance(field, dict) else None
    )  # what is shown says “Private: ” before it
    title = html.unescape(raw or _rendered(field)).strip() or slug
    what = (
        f"the {holder.get('type', 'page')} "
        f"“{title}”{f' ({status})' if status not in ('publish', 'inherit') else ''}"
    )
    where = _address(holder)
    return (
        f"{what} has the slug “{slug}”, so readers do not get the article at {where}: give "
        "one of the two another slug"
    )


def _now() -> dict[str, str]:
    """A parameter by which no cache takes a request for an earlier one."""
    return {"_": secrets.token_hex(6)}


def _own_post(post: dict[str, Any]) -> OwnPost:
    """A post as readers see it. One that an importer left without its times in GMT has those of the
    site, or others.
    """
    published = _first_moment(post, "date_gmt", "date")
    modified = _first_moment(post, "modified_gmt", "modified")
    slug = unquote(str(post.get("slug") or post.get("id") or ""))
    return OwnPost(
        url=post["link"],
        slug=slug,
        title=html.unescape(_rendered(post.get("title"))).strip() or slug,
        html=_rendered(post.get("content")),
        published_at=published or modified or UNDATED,
        modified=modified or published or UNDATED,
    )


def _rendered(field: Any) -> str:
    """What readers see of a title or a text; plugins leave them out, or give them as plain text."""
    shown = field.get("rendered") if isinstance(field, dict) else field
    return shown if isinstance(shown, str) else ""


def _first_moment(post: dict[str, Any], *names: str) -> datetime | None:
    """The first of these times that is one: WordPress tells of none as null, or as one in the year
    0.
    """
    for name in names:
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(str(post.get(name)))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
