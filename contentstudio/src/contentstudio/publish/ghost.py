"""Ghost, by its Admin API and the key of a custom integration.

It refuses an update that does not name the version which it replaces, so nothing of a person's is
lost between our look and our write. A slug is no key there either: a second post gets a suffix, and
one of another script than Latin is rewritten, so it is given in ASCII. No newsletter is ever sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import time
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.model import Existing, Image, Published, State
from contentstudio.publish import captions, diagnosis, fingerprint, render
from contentstudio.publish.cms_client import Answer, CmsClient
from contentstudio.publish.port import (
    UNDATED,
    Article,
    Capabilities,
    Conflict,
    Effect,
    Finding,
    OwnPost,
    as_known,
    not_well,
    plan,
    published,
    readable,
    sha256_of,
    untouched,
)
from contentstudio.publish.slug_drafts import PICTURE_TYPES, Post, SlugDraftCms, picture_kind
from contentstudio.text.slugs import in_ascii
from overnight.errors import ConfigError, Permanent, Transient

API = "/ghost/api/admin"
VERSION = "v5.0"
TOKEN_SECONDS = 240  # Ghost takes no token for more than five minutes
PER_PAGE = 100
STATES: dict[str, State] = {"published": "published", "scheduled": "scheduled"}
# what stands in it, Ghost leaves as it is
CARD = "<!--kg-card-begin: html-->\n{}\n<!--kg-card-end: html-->"
BEGUN = CARD.format("<!--contentstudio:begun-->")
_OURS = re.compile(r"<!--contentstudio:([0-9a-f.]+)-->\n(.*)", re.DOTALL)


class Ghost(SlugDraftCms):
    """A site of Ghost."""

    can = Capabilities(frozenset({"draft", "scheduled", "published"}), media=True, tags=True)

    def __init__(self, site: Site, cms: settings.Ghost) -> None:
        self._key = settings.secret(site)
        if not re.fullmatch(r"[0-9a-f]+:(?:[0-9a-f]{2})+", self._key):
            raise ConfigError(
                f"the secret of “{site.name}” is no Admin API key of Ghost: an id, a "
                "colon, and a secret"
            )
        super().__init__(site, CmsClient(cms.url or site.url, cms, None))

    async def publish(
        self,
        article: Article,
        effect: Effect,
        known: Existing | None = None,
        ours: Collection[str] = (),
    ) -> tuple[Published, Existing]:
        there = await self.find(article.draft.slug, known)
        if plan(article, there, known, ours) == "leave":
            assert there is not None and known is not None
            same = as_known(there, known)
            return published(article, same, "unchanged"), same
        number = there.id if there and there.id else await self._begun(article, effect)
        fields = await self._fields(article, there, effect)

        async def call() -> Existing:
            post = await self._look(article.draft.slug, Existing(url="", sha256=None, id=number))
            if post is None:
                raise Conflict(f"the post {number} was taken away by a person", None)
            plan(article, _existing(post), known, ours)
            return await self._write(
                number, {**fields, "updated_at": post["updated_at"]}, article.sha256
            )

        content: list[Any] = [
            article.sha256,
            article.state,
            known and known.fingerprint,
            article.over,
        ]
        written = Existing.model_validate(
            await effect("publish", content=content, call=call, repeatable=True)
        )
        return published(article, written, "created" if known is None else "updated"), written

    async def _withdraw(self, slug: str, there: Existing, known: Existing) -> Existing:
        post = await self._look(slug, there)
        if post is None:
            raise Conflict(f"{there.url} was taken away by a person", None, url=there.url)
        if not untouched(_existing(post), known):
            raise Conflict(f"{there.url} was changed by a person", _existing(post))
        fields = {"status": "draft", "updated_at": post["updated_at"]}
        return _existing(await self._put(str(there.id), fields))

    async def _drafts(self) -> list[Post]:
        params = {"filter": "status:draft", "limit": PER_PAGE, "formats": "html"}
        posts: list[Post] = (await self._ask("GET", "/posts/", params=params)).data["posts"]
        return posts

    async def posts(self) -> AsyncIterator[OwnPost]:
        page: int | None = 1
        while page is not None:
            params = {
                "filter": "status:published",
                "limit": PER_PAGE,
                "page": page,
                "formats": "html",
            }
            data = (
                await self._ask("GET", "/posts/", params={**params, "order": "published_at desc"})
            ).data
            for post in readable(data["posts"], _own_post):
                yield post
            page = data["meta"]["pagination"]["next"]

    async def check(self) -> list[Finding]:
        try:
            answer = await self._client.look(
                "GET", f"{API}/posts/", params={"limit": 1}, headers=self._headers()
            )
        except Transient as error:
            return [not_well("the Admin API", error, "")]
        if (
            answer.status == 200
            and answer.clean
            and isinstance(answer.data, dict)
            and "posts" in answer.data
        ):
            return [Finding(what="the Admin API knows our key", ok=True)]
        return [diagnosis.finding(answer, settings.secret_name(self.site))]

    async def _look(self, slug: str, known: Existing | None = None) -> Post | None:
        paths = [f"/posts/{known.id}/"] if known is not None and known.id is not None else []
        for path in [*paths, f"/posts/slug/{in_ascii(slug)}/"]:
            answer = await self._ask("GET", path, params={"formats": "html"}, allow=(404,))
            if answer.status == 200:
                post: Post = answer.data["posts"][0]
                return post
        return None

    async def _begun(self, article: Article, effect: Effect) -> str:
        """The id of an empty draft with the slug of the article."""
        slug = in_ascii(article.draft.slug)
        return str(await self._begin(slug, slug, effect))

    async def _create(self, slug: str) -> Post:
        draft = {"title": slug, "slug": slug, "status": "draft", "html": BEGUN}
        options = {"params": {"source": "html"}, "json": {"posts": [draft]}}
        post: Post = (await self._ask("POST", "/posts/", **options)).data["posts"][0]
        return post

    def _slug_refused(self, slug: str, other: str) -> Permanent:
        return Permanent(f"Ghost made “{other}” of the slug “{slug}”: give the article another one")

    @staticmethod
    def _existing(post: Post) -> Existing:
        return _existing(post)

    @staticmethod
    def _is_begun(post: Post) -> bool:
        return _is_begun(post)

    @staticmethod
    def _changed_at(post: Post) -> datetime | None:
        return _moment(post["updated_at"])

    @staticmethod
    def _cms_slug(slug: str) -> str:
        return in_ascii(slug)

    async def _remove(self, number: Any) -> None:
        answer = await self._ask(
            "GET", f"/posts/{number}/", params={"formats": "html"}, allow=(404,)
        )
        if answer.status == 200 and _is_begun(answer.data["posts"][0]):
            await self._ask("DELETE", f"/posts/{number}/", allow=(404,))

    async def _fields(
        self, article: Article, there: Existing | None, effect: Effect
    ) -> dict[str, Any]:
        draft = article.draft
        pictures = [image for image in draft.images if image.src in article.pictures]
        post = await self._look(draft.slug, there) if there and pictures else None
        urls = [await self._picture(article, image, post, effect) for image in pictures]
        draft = draft.with_addresses(
            {image.src: url for image, url in zip(pictures, urls, strict=True)}
        )
        uploaded = [image for image in draft.images if image.src in urls]
        placed = draft.placed()
        feature = next((i for i in uploaded if i.src not in placed), next(iter(uploaded), None))
        body = render.body(draft, cms=True, featured=feature)
        fields: dict[str, Any] = {"title": draft.title, "slug": in_ascii(draft.slug)}
        fields |= {
            "custom_excerpt": draft.description[:300],
            "tags": [{"name": name} for name in draft.tags],
        }
        if feature:
            fields |= {
                "feature_image": feature.src,
                "feature_image_alt": feature.alt[:125],
                "feature_image_caption": captions.html(feature),
            }
        mark = fingerprint.mark(article.sha256, body, _marked_fields(fields))
        marked = f"<!--contentstudio:{mark}-->\n{body.strip()}"
        fields["html"] = CARD.format(marked)
        if not (article.state == "draft" and there and there.state == "published"):
            fields["status"] = article.state
        if not article.indexed:
            fields["codeinjection_head"] = '<meta name="robots" content="noindex">'
        if article.state == "scheduled" or article.backdated:
            fields["published_at"] = article.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return fields

    async def _picture(
        self, article: Article, image: Image, post: Post | None, effect: Effect
    ) -> str:
        """The address of a picture at the site. Ghost cannot be asked for one, so it is looked for
        in the post as it stands; a second upload harms nobody.
        """
        data, kind = article.pictures[image.src], picture_kind(image.src)
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{kind}"

        async def call() -> str:
            if post is not None and (there := _address_in(post, name)):
                return there
            files = {
                "file": (name, data, PICTURE_TYPES[kind]),
                "purpose": (None, "image"),
                "ref": (None, name),
            }
            return str(
                (await self._ask("POST", "/images/upload/", files=files)).data["images"][0]["url"]
            )

        return str(await effect("picture", content=name, call=call, repeatable=True))

    async def _write(self, number: str, fields: dict[str, Any], sha256: str) -> Existing:
        """Write, and compare what Ghost made of it."""
        post = await self._put(number, fields)
        return _existing(post).model_copy(
            update={"sha256": sha256, "differs": tuple(_differences(fields, post))}
        )

    async def _put(self, number: str, fields: dict[str, Any]) -> Post:
        params = {"source": "html", "formats": "html"}
        answer = await self._ask(
            "PUT", f"/posts/{number}/", params=params, json={"posts": [fields]}, allow=(409,)
        )
        if answer.status == 409:
            raise Transient(
                f"somebody changed the post {number} in this moment: it is looked at again"
            )
        post: Post = answer.data["posts"][0]
        if "slug" in fields and post["slug"] != fields["slug"]:
            raise Permanent(
                f"Ghost made “{post['slug']}” of the slug “{fields['slug']}”: look what has it"
            )
        return post

    async def _ask(
        self, method: Literal["GET", "POST", "PUT", "DELETE"], path: str, **options: Any
    ) -> Answer:
        return await self._client.ask(method, API + path, headers=self._headers(), **options)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Ghost {token(self._key, int(time.time()))}",
            "Accept-Version": VERSION,
        }


def token(key: str, now: int) -> str:
    """A JSON Web Token (HS256) of an Admin API key, as Ghost's documentation asks for it."""
    name, secret = key.split(":")
    head = {"alg": "HS256", "typ": "JWT", "kid": name}
    parts = [
        _base64(json.dumps(part).encode())
        for part in (head, {"iat": now, "exp": now + TOKEN_SECONDS, "aud": "/admin/"})
    ]
    signature = hmac.new(bytes.fromhex(secret), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(signature)])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _existing(post: Post) -> Existing:
    body = _inside(post)
    ours = _OURS.fullmatch(body)
    tags = sorted(tag["name"] for tag in post.get("tags", []))
    fields = [
        _marked_fields({**post, "feature_image": image})
        for image in (post.get("feature_image"), None)
    ]
    written = [
        post["title"],
        body,
        post.get("custom_excerpt"),
        post["slug"],
        post.get("feature_image"),
        tags,
        *filter(None, [post.get("feature_image_caption")]),
    ]
    return Existing(
        url=post["url"],
        sha256=fingerprint.read(ours[1], ours[2], *fields) if ours else None,
        id=str(post["id"]),
        state=STATES.get(post["status"], "draft"),
        fingerprint=sha256_of(written),
        modified=_moment(post["updated_at"]),
        begun=_is_begun(post),
    )


def _inside(post: Post) -> str:
    """The body without the marks of the card, which Ghost may leave out."""
    return re.sub(r"<!--kg-card-(?:begin|end): html-->", "", post.get("html") or "").strip()


def _is_begun(post: Post) -> bool:
    """Whether it is an empty draft of ours; one into which a person wrote is none any more."""
    added = [post.get(name) for name in ("custom_excerpt", "tags", "feature_image")]
    empty = (
        _inside(post) == "<!--contentstudio:begun-->"
        and post["slug"].startswith(post["title"])
        and not any(added)
    )
    return bool(post["status"] == "draft" and empty)


def _address_in(post: Post, name: str) -> str | None:
    """The address at which a post shows a file of that name, which Ghost may have numbered."""
    stem, _, kind = name.rpartition(".")
    shown = f'"{post.get("feature_image") or ""}" {post.get("html") or ""}'
    match = re.search(rf'"([^"\s]*/{stem}(?:-\d+)?\.{kind})"', shown)
    return html.unescape(match[1]) if match else None


def _marked_fields(fields: dict[str, Any]) -> list[Any]:
    """What our mark holds besides the text. Ghost takes a tag that it has for one that differs in
    case alone.
    """
    words = [fingerprint.words(fields.get(name) or "") for name in ("title", "custom_excerpt")]
    return [
        *words,
        sorted({tag["name"].casefold() for tag in fields.get("tags", [])}),
        fields.get("feature_image"),
    ]


def _differences(fields: dict[str, Any], post: Post) -> Iterator[str]:
    """What Ghost made otherwise than it was sent, in sentences."""
    there = _marked_fields(
        {**post, "feature_image": post.get("feature_image") if "feature_image" in fields else None}
    )
    for name, one, other in zip(
        ("title", "excerpt", "tags", "featured picture"), _marked_fields(fields), there, strict=True
    ):
        if one != other:
            yield f"Ghost did not take the {name} as it was sent"
    if fingerprint.words_sha(_inside(fields)) != fingerprint.words_sha(_inside(post)):
        yield "Ghost changed the text"


def _own_post(post: Post) -> OwnPost:
    """A post as readers see it; one that was imported may have no times and no text."""
    published, modified = _moment(post.get("published_at")), _moment(post.get("updated_at"))
    slug = str(post.get("slug") or post.get("id") or "")
    return OwnPost(
        url=post["url"],
        slug=slug,
        title=post.get("title") or slug,
        html=post.get("html") or "",
        published_at=published or modified or UNDATED,
        modified=modified or published or UNDATED,
    )


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
