"""WordPress, by its REST API and an application password.

A slug is no key there: a second post gets a suffix, and a create that fails may have made a post. So: look, begin an
empty draft with the slug, keep its id, add pictures and terms, write everything with one update, and look again. Only
the beginning is a write that cannot be repeated; whoever finds such an empty draft knows that it is ours.
"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Self
from urllib.parse import unquote

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.model import Draft, Published
from contentstudio.publish import mark, seo_fields, wordpress_blocks
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
    not_well,
    plan,
    readable,
    sha256_of,
    untouched,
)
from contentstudio.publish.remote import Answer, Denied, Remote
from contentstudio.publish.wordpress_blocks import BEGUN
from contentstudio.publish.wordpress_pictures import Pictures
from overnight.errors import Permanent, Transient

API = "/wp-json/wp/v2"
PAUSES = (0.0, 2.0, 6.0, 12.0)  # seconds before each look for what a slow server may still be making
ORPHAN_SECONDS = 3_600  # an empty draft is left alone for so long: it may be another installation's
PER_PAGE = 100  # the most that WordPress gives
FIELDS = "id,slug,status,link,title,content,excerpt,date_gmt,modified_gmt,author,tags,categories,featured_media,meta"
STATUS: dict[State, str] = {"draft": "draft", "scheduled": "future", "published": "publish"}
STATES: dict[str, State] = {"publish": "published", "future": "scheduled"}
MARK = "contentstudio"  # stands in an empty draft of ours


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
        self, article: Article, effect: Effect, known: Existing | None = None, ours: Collection[str] = ()
    ) -> tuple[Published, Existing]:
        slug = article.draft.slug
        there = await self.find(slug, known)
        todo = plan(article, there, known, ours)
        if todo == "leave":
            assert there is not None
            return self._published(article, there, "unchanged"), there
        number = int(there.id) if there and there.id else await self._begin(slug, effect)
        fields = await self._fields(article, number, there, effect)
        content: list[Any] = [
            article.sha256,
            STATUS[article.state],
            str(article.at) if article.state == "scheduled" else "",
        ]
        content += [known.fingerprint if known else None, article.over]
        live = there is not None and there.state == "published"
        write = partial(self._write, number, _escaped(article.draft), fields, live, article.indexed)
        written = Existing.model_validate(await effect("publish", content=content, call=write, repeatable=True))
        await self._pictures.remove_twins(article, effect)
        return self._published(article, written, "created" if known is None else "updated"), written

    async def unpublish(self, slug: str, effect: Effect, known: Existing | None = None) -> Existing | None:
        there = await self.find(slug, known)
        if there is None or there.state == "draft":
            return there
        if not untouched(there, known):
            raise Conflict(f"{there.url} was changed by a person", there)

        async def call() -> Existing:
            answer = await self._remote.ask("POST", f"{API}/posts/{there.id}", json={"status": "draft"})
            return _existing(answer.data)

        content = ["draft", there.fingerprint, str(there.modified)]
        return Existing.model_validate(await effect("unpublish", content=content, call=call, repeatable=True))

    async def posts(self) -> AsyncIterator[OwnPost]:
        seen: set[str] = set()
        for page in count(1):
            answer = await self._page(page)
            if answer is None:
                return
            for post in readable(answer.data, _own_post):
                if post.url not in seen:  # a post that comes meanwhile moves another one to the next page
                    seen.add(post.url)
                    yield post
            pages = answer.headers.get("X-WP-TotalPages", "")
            if page >= (int(pages) if pages.isdecimal() else 1):
                return

    async def _page(self, page: int) -> Answer | None:
        """One page of the list of posts; None beyond its end, which comes nearer where a post is deleted meanwhile."""
        params = {"per_page": PER_PAGE, "page": page, "_fields": f"{FIELDS},date,modified", "orderby": "date"}
        answer = await self._remote.ask("GET", f"{API}/posts", params=params, allow=(400,) if page > 1 else ())
        if answer.status == 400:
            return None
        if not isinstance(answer.data, list):
            raise self._no_wordpress()
        return answer

    def _no_wordpress(self) -> Permanent:
        return Permanent(f"{self._remote.base} did not answer as WordPress does: is the REST API switched off?")

    async def check(self) -> list[Finding]:
        try:
            answer = await self._remote.ask("GET", f"{API}/users/me", params={"context": "edit"})
        except (Denied, Permanent, Transient) as error:
            mend = f"make an application password of {self._cms.user} in their profile, and put it into "
            return [not_well(f"the account {self._cms.user}", error, mend + settings.secret_name(self.site))]
        rights = answer.data.get("capabilities", {})
        found = [Finding(what=f"the account {self._cms.user} is known", ok=True)]
        for right, what in (("publish_posts", "publish"), ("upload_files", "upload pictures")):
            mend = "" if rights.get(right) else f"give {self._cms.user} the role of an author or an editor"
            found.append(Finding(what=f"it may {what}", ok=bool(rights.get(right)), mend=mend))
        return found

    async def sweep(self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]) -> list[str]:
        params = {"status": "draft", "context": "edit", "per_page": PER_PAGE, "search": MARK, "_fields": FIELDS}
        posts = (await self._remote.ask("GET", f"{API}/posts", params=params)).data
        slugs = set(await under_way())
        old = datetime.now(UTC) - timedelta(seconds=ORPHAN_SECONDS)
        lost = [p for p in posts if _begun(p) and (_first_moment(p, "modified_gmt") or old) < old]
        lost = [p for p in lost if _slug(p) not in slugs and re.sub(r"-\d+$", "", _slug(p)) not in slugs]
        for post in lost:
            await effect("remove", content=post["id"], call=partial(self._remove, post["id"]), repeatable=True)
        return [_slug(post) for post in lost]

    async def _look(self, slug: str, known: Existing | None = None) -> dict[str, Any] | None:
        """The post with the id that we kept, else what has the slug: of several the one that is not merely begun."""
        if known is not None and known.id is not None:
            params = {"context": "edit", "_fields": FIELDS}
            answer = await self._remote.ask("GET", f"{API}/posts/{known.id}", params=params, allow=(404,))
            if answer.status == 200 and answer.data["status"] not in ("trash", "auto-draft"):
                found: dict[str, Any] = answer.data
                return found
        posts = await self._with_slug(slug)
        return min(posts, key=lambda post: (_begun(post), post["id"]), default=None)

    async def _with_slug(self, slug: str) -> list[dict[str, Any]]:
        """What has exactly this slug, in any status but the trash. Without `any` only live posts are told."""
        params = {"slug": slug, "status": "any", "context": "edit", "per_page": PER_PAGE, "_fields": FIELDS}
        answer = await self._remote.ask("GET", f"{API}/posts", params=params, allow=(400,))
        if answer.status == 400:
            raise Denied(f"{self._remote.base} shows no drafts to {self._cms.user}: the password or the role is wrong")
        if not isinstance(answer.data, list):
            raise self._no_wordpress()
        return [post for post in answer.data if _slug(post) == slug]

    async def _begin(self, slug: str, effect: Effect) -> int:
        """An empty draft with the slug, once; its id. A `-2` that we are given instead is never kept."""

        async def call() -> dict[str, Any]:
            begun = {"slug": slug, "status": "draft", "content": BEGUN}
            post = (await self._remote.ask("POST", f"{API}/posts", json=begun)).data
            if _slug(post) == slug:
                return {"id": post["id"]}
            await self._remove(post["id"])
            there = await self.find(slug)
            if there is not None:
                raise Conflict(f"{there.url} was not written by us", there)
            raise Permanent(
                f"WordPress made “{_slug(post)}” of the slug “{slug}”, so it keeps that for itself, or a post which "
                f"{self._cms.user} may not see has it. The empty draft was removed; give the article another slug."
            )

        async def probe() -> dict[str, Any] | None:
            post = await self._look(slug)
            return {"id": post["id"]} if post and _begun(post) else None

        begun = await effect("begin", content=slug, call=call, probe=probe, pauses=PAUSES)
        return int(begun["id"])

    async def _remove(self, number: int) -> None:
        """Delete a draft of ours for good, if it is still as we made it."""
        path = f"{API}/posts/{number}"
        answer = await self._remote.ask("GET", path, params={"context": "edit", "_fields": FIELDS}, allow=(404,))
        if answer.status == 200 and _begun(answer.data):
            await self._remote.ask("DELETE", path, params={"force": "true"}, allow=(404, 410))

    async def _fields(self, article: Article, number: int, there: Existing | None, effect: Effect) -> dict[str, Any]:
        """Everything that is written, in one update. What is live is not taken back to a draft."""
        draft = _escaped(article.draft)
        pictures = {
            image.src: await self._pictures.uploaded(article, image, number, effect, PAUSES)
            for image in draft.images
            if image.src in article.pictures
        }
        fields: dict[str, Any] = {"title": draft.title, "slug": draft.slug, "excerpt": draft.description}
        fields["content"] = wordpress_blocks.content(draft, article.sha256, pictures)
        if draft.tags:
            fields["tags"] = [await self._term("tags", name, effect) for name in draft.tags]
        if self._cms.category:
            fields["categories"] = [await self._term("categories", self._cms.category, effect)]
        featured = wordpress_blocks.featured(draft, pictures)
        if featured:
            fields["featured_media"] = featured.id
        if not (article.state == "draft" and there and there.state == "published"):
            fields["status"] = STATUS[article.state]
        if article.state == "scheduled" or article.backdated:
            fields["date_gmt"] = article.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return fields

    async def _term(self, kind: str, name: str, effect: Effect) -> int:
        """The id of a tag or a category, made where there is none: WordPress itself refuses a second one."""

        async def call() -> int:
            answer = await self._remote.ask("POST", f"{API}/{kind}", json={"name": name}, allow=(400, 401, 403))
            if answer.code == "term_exists":
                return int(answer.data["data"]["term_id"])
            if answer.status < 300:
                return int(answer.data["id"])
            found = await self._remote.ask("GET", f"{API}/{kind}", params={"search": name, "per_page": PER_PAGE})
            for term in found.data:
                if html.unescape(term["name"]).casefold() == name.casefold():
                    return int(term["id"])
            raise Denied(
                f"{self._cms.user} may not make the {kind} “{name}”: make it by hand, or give them more rights"
            )

        return int(await effect(f"term {kind}", content=name, call=call, repeatable=True))

    async def _write(self, number: int, draft: Draft, fields: dict[str, Any], live: bool, indexed: bool) -> Existing:
        """Write, and read back what WordPress made of it: it drops in silence what it does not know.

        A twin that a slow server makes in this moment takes the slug from us, so we take it back, or else step back.
        """
        path, slug = f"{API}/posts/{number}", draft.slug
        for _ in range(2):
            own = await self._alone(number, slug)
            seo = seo_fields.wanted(own and own["meta"], self.site, draft, indexed=indexed)
            seo = await self._update(path, fields, seo)
            post = (await self._remote.ask("GET", path, params={"context": "edit", "_fields": FIELDS})).data
            if _slug(post) == slug:
                break
        else:
            if not live:
                await self._remote.ask("POST", path, json={"status": "draft"})
            raise Permanent(f"WordPress made “{_slug(post)}” of the slug “{slug}” of {post['link']}: look what has it")
        await self._alone(number, slug)
        lost: list[str] = [
            name for name in ("tags", "categories", "featured_media") if name in fields and _lost(fields, post, name)
        ]
        lost += [name for name in ("title", "excerpt") if mark.words(post[name]["raw"]) != mark.words(fields[name])]
        lost += ["content"] if _existing(post).sha256 is None else []
        lost += [key for key in seo if mark.words(str(post["meta"].get(key))) != mark.words(seo[key])]
        if lost:
            raise Permanent(f"{post['link']} was written, but WordPress did not take its {', '.join(lost)} as given")
        wanted = fields.get("status", post["status"])
        if post["status"] != wanted and not (wanted == "future" and post["status"] == "publish"):
            raise Denied(f"{post['link']} stayed “{post['status']}”: {self._cms.user} may not make it “{wanted}”")
        return _existing(post)

    async def _update(self, path: str, fields: dict[str, Any], seo: dict[str, str]) -> dict[str, str]:
        """Write all at once, but for the SEO fields that are refused: a field may be there to be read alone.

        Returns those that were written. WordPress writes the rest before it refuses one, so writing it again is right.
        """
        try:
            await self._remote.ask("POST", path, json={**fields, "meta": seo} if seo else fields)
        except Denied as denied:
            if denied.field not in seo:
                raise
            return await self._update(path, fields, {key: text for key, text in seo.items() if key != denied.field})
        return seo

    async def _alone(self, number: int, slug: str) -> dict[str, Any] | None:
        """Our post, where it has the slug. A late twin that is merely begun goes; any other is for a person."""
        own = None
        for post in await self._with_slug(slug):
            if post["id"] == number:
                own = post
                continue
            if not _begun(post):
                raise Permanent(
                    f"two posts have the slug “{slug}”: {number} is ours, {post['id']} is not; look at both"
                )
            await self._remove(post["id"])
        return own

    def _published(self, article: Article, there: Existing, action: Any) -> Published:
        return Published(url=there.url, action=action, sha256=article.sha256)


def _existing(post: dict[str, Any]) -> Existing:
    raw = post["content"]["raw"]
    body = wordpress_blocks.canonical(raw)
    written = [post["title"]["raw"], body, post["excerpt"]["raw"], post["slug"], post["featured_media"]]
    seo = seo_fields.filled(post.get("meta"))
    return Existing(
        url=post["link"],
        sha256=wordpress_blocks.sha256(raw),
        id=str(post["id"]),
        state=STATES.get(post["status"], "draft"),
        fingerprint=sha256_of([*written, sorted(post["tags"]), sorted(post["categories"]), *([seo] if seo else [])]),
        modified=_first_moment(post, "modified_gmt"),
        begun=_begun(post),
    )


def _escaped(draft: Draft) -> Draft:
    """The draft with its title and its description as WordPress and its SEO plugins store them."""
    words = {name: wordpress_blocks.plain(getattr(draft, name)) for name in ("title", "description")}
    return draft.model_copy(update=words)


def _slug(post: dict[str, Any]) -> str:
    """The slug as people write it: WordPress keeps one of another script than Latin percent-encoded."""
    return unquote(post["slug"])


def _begun(post: dict[str, Any]) -> bool:
    return bool(post["status"] == "draft" and post["content"]["raw"].strip() == BEGUN)


def _lost(fields: dict[str, Any], post: dict[str, Any], name: str) -> bool:
    given, there = fields[name], post[name]
    same: bool = sorted(given) == sorted(there) if isinstance(given, list) else given == there
    return not same


def _own_post(post: dict[str, Any]) -> OwnPost:
    """A post as readers see it. One that an importer left without its times in GMT has those of the site, or others."""
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
    """The first of these times that is one: WordPress tells of none as null, or as one in the year 0."""
    for name in names:
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(str(post.get(name)))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
