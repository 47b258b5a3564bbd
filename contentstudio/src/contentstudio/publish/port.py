"""The port through which an article leaves the house: what every CMS can do, and the rule that
nothing of a person's is
written over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from pydantic import field_validator

from contentstudio.model import Draft, Existing, Model, Published, State
from overnight import logs
from overnight.errors import Permanent, Transient

GONE = "gone"  # the fingerprint of what a person took away
SLUG_RULE = "it takes small letters, digits and '-', at most 200 of them in an address"
UNDATED = datetime.fromtimestamp(0, UTC)  # when a post was published that does not say so


class OwnPost(Model):
    """A post that the owner's site has, whoever wrote it. `html` is its body; `url` leads to the
    web.
    """

    url: str
    slug: str
    title: str
    html: str
    published_at: datetime
    modified: datetime

    @field_validator("url", "slug", "title", "html", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """The text as Postgres can hold it, which takes no NUL and no half of a character."""
        return logs.clean(value) if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _of_the_web(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("a post needs an address")
        return url


class Finding(Model):
    """The result of a check of a CMS: `mend` says what to do where it is not `ok`. What is
    transient may pass by itself.
    """

    what: str
    ok: bool
    mend: str = ""
    transient: bool = False


def not_well(what: str, error: Exception, mend: str) -> Finding:
    """A check that an error ended. `mend` is for a refusal; a server that does not answer needs no
    new password.
    """
    if isinstance(error, Transient):
        mend = (
            "start the server, or wait for it; where it is at another address, name it as "
            "url in the site's publish"
        )
    return Finding(
        what=f"{what}: {error}", ok=False, mend=mend, transient=isinstance(error, Transient)
    )


@dataclass(frozen=True)
class Capabilities:
    """What differs between CMSs, so that nobody has to try: the states a post may have, and what
    goes with it.
    """

    states: frozenset[State]
    media: bool = False
    tags: bool = False
    category: bool = False


@dataclass(frozen=True)
class Article:
    """A draft on its way out. `at` (aware) is the time of this publishing, or when a scheduled one
    is to be seen.

    `pictures` are the bytes of the draft's images by their `src`. `over` is the fingerprint of a
    person's version that may be written over, because a person said so. `indexed` says whether
    search engines may list it, `backdated` that `at` is the date of its sources.
    """

    draft: Draft
    at: datetime
    state: State = "published"
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    over: str | None = None
    indexed: bool = True
    backdated: bool = False

    @property
    def sha256(self) -> str:
        return content_sha256(self.draft)


class Conflict(Permanent):
    """A person changed what stands there, so a person decides. `there` is what stands now, None
    where it is gone; `url` is where to look, if not at that.
    """

    def __init__(self, message: str, there: Existing | None, url: str = "") -> None:
        super().__init__(message)
        self.there = there
        self.url = url


class Effect(Protocol):
    """One write outside under the effect ledger's rules: `Context.effect` of the engine."""

    async def __call__(
        self,
        name: str,
        *,
        content: Any,
        call: Callable[[], Awaitable[Any]],
        probe: Callable[[], Awaitable[Any | None]] | None = None,
        repeatable: bool = False,
        pauses: Sequence[float] = ...,
    ) -> Any: ...


class Publisher(Protocol):
    """A place for articles, with the slug as the key.

    Raises Transient where it may work later, Permanent or ConfigError where a person has to mend
    something.
    """

    can: Capabilities

    async def find(self, slug: str, known: Existing | None = None) -> Existing | None:
        """What stands under the slug, or else what `known` has become. Nothing is changed."""
        ...

    async def publish(
        self,
        article: Article,
        effect: Effect,
        known: Existing | None = None,
        ours: Collection[str] = (),
    ) -> tuple[Published, Existing]:
        """Create the article, update it, or find it unchanged, and look at it again; doing it twice
        equals once.

        `known` is what stood there when we last published, `ours` the hashes of drafts that we may
        have begun to write since. Raises `Conflict` instead of writing over what a person made.
        """
        ...

    async def unpublish(
        self, slug: str, effect: Effect, known: Existing | None = None
    ) -> Existing | None:
        """Take the article from readers, and what stands there then; None where nothing does.

        Raises `Conflict` where it is not as we left it.
        """
        ...

    async def sweep(
        self, effect: Effect, under_way: Callable[[], Awaitable[Collection[str]]]
    ) -> list[str]:
        """Remove what was begun and never went on, such as what a slow server made after we had
        given up; the slugs.

        `under_way` tells the slugs that jobs are at; it is asked after the site was.
        """
        ...

    def posts(self) -> AsyncIterator[OwnPost]:
        """What readers can see of the site's posts, ours and others', the newest first."""
        ...

    async def check(self) -> list[Finding]:
        """Whether we could publish now. Nothing is changed."""
        ...


def readable(posts: Iterable[Any], read: Callable[[Any], OwnPost]) -> Iterator[OwnPost]:
    """The posts that can be read of those that a CMS lists. Each other one, such as one without an
    address, is logged and left out: it spoils no listing.
    """
    for post in posts:
        try:
            yield read(post)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            which = logs.clean(
                str(post.get("slug") or post.get("id")) if isinstance(post, dict) else repr(post)
            )
            logs.log.warning(
                "post_skipped",
                post=which[:100],
                error=logs.clean(f"{type(error).__name__}: {error}"),
            )


def plan(
    article: Article, there: Existing | None, known: Existing | None, ours: Collection[str] = ()
) -> Literal["create", "write", "compare", "leave"]:
    """What is to be done under a slug; raises `Conflict` where that would undo what a person did.

    `compare` says that a write of this very draft may have arrived of which we never heard, wholly
    or in part: before it is written again, each field is to be compared with what we send.
    """
    if there is None:
        if known is None or known.state == "draft" or article.over == GONE:
            return "create"
        raise Conflict(f"{known.url} was taken away by a person", None)
    if known is not None and untouched(there, known):
        same = known.sha256 == article.sha256 and there.state in (article.state, "published")
        return "leave" if same else "write"
    if there.begun or there.fingerprint == article.over:
        return "write"
    if there.marked == article.sha256:
        return "compare"
    if there.sha256 in (article.sha256, *ours) and there.state in (article.state, "published"):
        return "write"
    raise Conflict(
        f"{there.url} was {'not written by us' if known is None else 'changed by a person'}", there
    )


def published(
    article: Article, there: Existing, action: Literal["created", "updated", "unchanged"]
) -> Published:
    """What publishing did, of an article that stands there now."""
    return Published(
        url=there.url,
        action=action,
        path=there.path,
        sha256=article.sha256,
        differs=there.differs,
    )


def as_known(there: Existing, known: Existing) -> Existing:
    """What stands there, with the hash and the differences of the write that brought it."""
    return there.model_copy(update={"sha256": known.sha256, "differs": known.differs})


def untouched(there: Existing, known: Existing | None) -> bool:
    """Whether it stands as we left it. A scheduled one that has come out since does; one taken back
    does not.
    """
    if known is None or (there.id, there.fingerprint) != (known.id, known.fingerprint):
        return False
    return there.state == "published" or there.state == known.state


def content_sha256(draft: Draft) -> str:
    """The hash of everything the draft says: hexadecimal SHA-256 over its JSON with sorted keys and
    no spaces.
    """
    return sha256_of(draft.model_dump(mode="json"))


def sha256_of(value: Any) -> str:
    """Hexadecimal SHA-256 over a value's JSON."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
