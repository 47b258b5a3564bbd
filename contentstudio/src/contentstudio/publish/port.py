"""The port through which an article leaves the house."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Literal, Protocol

from contentstudio.model import Draft, Model, Published


class Existing(Model):
    """What already stands under a slug.

    `sha256` is `content_sha256` of the draft that was published, or None where that is not known or where publishing
    it never came to its end. So a caller who finds another hash than its own, or none, publishes. `action` says how
    it came to stand as it does.
    """

    url: str
    sha256: str | None
    action: Literal["created", "updated"] = "created"
    path: str | None = None


class Publisher(Protocol):
    """A place for articles, with the slug as the key. The calls block; the engine runs them in a thread."""

    def find(self, slug: str) -> Existing | None:
        """What stands under the slug, without changing anything.

        Raises Permanent for a slug that cannot be one.
        """
        ...

    def publish(self, draft: Draft, *, published_at: datetime) -> Published:
        """Create the article, update it, or find it unchanged; doing it twice equals doing it once.

        `published_at` (aware) is the time of this publishing: the first one's stays as the date of the article, later
        ones count as updates only when the content is another. Raises Transient, Permanent or ConfigError.
        """
        ...


def content_sha256(draft: Draft) -> str:
    """The hash of everything the draft says: hexadecimal SHA-256 over its JSON with sorted keys and no spaces."""
    canonical = json.dumps(draft.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
