"""What a post of WordPress says, as its REST API answers it in the context `edit`. Pure."""

from __future__ import annotations

import html
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from contentstudio.model import Draft, Existing, State
from contentstudio.publish import fingerprint, seo_fields, wordpress_blocks, wordpress_fields
from contentstudio.publish.port import UNDATED, Article, Conflict, OwnPost, sha256_of
from contentstudio.publish.wordpress_blocks import BEGUN

FIELDS = (
    "id,slug,status,link,title,content,excerpt,date_gmt,modified_gmt,author,"
    "tags,categories,featured_media,meta"
)
STATES: dict[str, State] = {"publish": "published", "future": "scheduled"}


def existing(post: dict[str, Any]) -> Existing:
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
        modified=first_moment(post, "modified_gmt"),
        begun=is_begun(post),
        marked=fingerprint.named(raw),
        parts=wordpress_fields.parts(post),
    )


def escaped(draft: Draft) -> Draft:
    """The draft with its title and its description as WordPress and its SEO plugins store them."""
    words = {
        name: wordpress_blocks.plain(getattr(draft, name)) for name in ("title", "description")
    }
    return draft.model_copy(update=words)


def slug_of(post: dict[str, Any]) -> str:
    """The slug as people write it: WordPress keeps one of another script than Latin
    percent-encoded.
    """
    return unquote(post["slug"])


def is_begun(post: dict[str, Any]) -> bool:
    """Whether it is an empty draft of ours; one into which a person wrote is none any more."""
    words = [post[name]["raw"].strip() for name in ("title", "content", "excerpt")]
    return bool(post["status"] == "draft" and words == ["", BEGUN, ""])


def stands_whole(post: dict[str, Any], article: Article) -> bool:
    """Whether all that we know of this article stands there, such as an older version of ours left
    it that was never told that it had arrived.
    """
    there, draft = existing(post), escaped(article.draft)
    texts = ((post["title"]["raw"], draft.title), (post["excerpt"]["raw"], draft.description))
    same = all(fingerprint.words(stands) == fingerprint.words(sent) for stands, sent in texts)
    return same and (there.sha256, there.state) == (article.sha256, article.state)


def as_begun(post: dict[str, Any]) -> dict[str, Any]:
    """A post that was begun, and how it stood then: without terms and picture, which a person may
    have added since.
    """
    if not is_begun(post):
        return {"id": post["id"], "parts": {}}
    return {
        "id": post["id"],
        "parts": {**wordpress_fields.parts(post), "tags": "", "featured_media": "0"},
    }


def refuse_disturbed(
    post: dict[str, Any], before: wordpress_fields.Parts, ours: wordpress_fields.Parts
) -> None:
    """Raises `Conflict` where a field stands neither as it was found nor as we send it."""
    names = wordpress_fields.disturbed(wordpress_fields.parts(post), before, ours)
    if names:
        there = existing(post)
        raise Conflict(
            f"{there.url} was changed by a person: {wordpress_fields.listed(names)}", there
        )


def own_post(post: dict[str, Any]) -> OwnPost:
    """A post as readers see it. One that an importer left without its times in GMT has those of the
    site, or others.
    """
    published = first_moment(post, "date_gmt", "date")
    modified = first_moment(post, "modified_gmt", "modified")
    slug = unquote(str(post.get("slug") or post.get("id") or ""))
    return OwnPost(
        url=post["link"],
        slug=slug,
        title=html.unescape(rendered(post.get("title"))).strip() or slug,
        html=rendered(post.get("content")),
        published_at=published or modified or UNDATED,
        modified=modified or published or UNDATED,
    )


def rendered(field: Any) -> str:
    """What readers see of a title or a text; plugins leave them out, or give them as plain text."""
    text = field.get("rendered") if isinstance(field, dict) else field
    return text if isinstance(text, str) else ""


def first_moment(post: dict[str, Any], *names: str) -> datetime | None:
    """The first of these times that is one: WordPress tells of none as null, or as one in the year
    0.
    """
    for name in names:
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(str(post.get(name)))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
