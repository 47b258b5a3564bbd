"""All of it together: from a draft to the draft that is judged and published, with a list of what
was changed. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from contentstudio.config import Site
from contentstudio.model import Draft, InternalLink, Model
from contentstudio.seo.description import description_of
from contentstudio.seo.structure import faq_of, images_of, links_of, sections_of
from contentstudio.seo.tags import tags_of
from contentstudio.seo.title import title_of
from contentstudio.text.slugs import in_url, is_slug, slug_of


class Change(Model):
    """One thing that optimizing changed; `before` or `after` is empty where there was nothing, or
    is nothing left.
    """

    what: str
    before: str
    after: str


class Optimized(Model):
    """A draft as it is to be judged, and what was changed for it."""

    draft: Draft
    changes: tuple[Change, ...] = ()


def optimize(
    draft: Draft, site: Site, links: Sequence[InternalLink], descriptions: Collection[str] = ()
) -> Optimized:
    """The draft in shape. `links` are those that it may have, its own among them: each has a place
    in the prose.
    `descriptions` are those of other articles of the site.

    The words of its sentences stay as they are. Optimizing twice equals optimizing once.
    """
    slug = _slug(draft)
    sections = sections_of(draft.sections)
    changes = {
        "slug": slug,
        "title": title_of(draft.title, site.title or site.name),
        "description": description_of(draft.description, draft.running_text(), descriptions),
        "sections": sections,
        "faq": faq_of(draft.faq, sections),
        "links": links_of(links, f"{site.url}/{in_url(slug)}/"),
        "images": images_of(draft.images),
        "tags": tags_of(draft, site.tags),
        "author": draft.author or _author(slug, site),
        "disclosure": draft.disclosure or site.profile.disclosure,
    }
    after = draft.model_copy(update=changes)
    return Optimized(draft=after, changes=tuple(_changes(draft, after)))


def _author(slug: str, site: Site) -> str:
    author = site.profile.author_of(slug)
    return author.name if author else ""


def _slug(draft: Draft) -> str:
    """The topic's own, which was made of its title when it was found: an address that readers have
    never changes.

    Only one that can be no address is made anew.
    """
    return draft.slug if is_slug(draft.slug) else slug_of(draft.slug or draft.title)


def _changes(before: Draft, after: Draft) -> Iterator[Change]:
    for what in ("slug", "title", "description", "author", "disclosure"):
        if getattr(before, what) != getattr(after, what):
            yield Change(what=what, before=getattr(before, what), after=getattr(after, what))
    lists = {
        "heading": ([s.heading for s in before.sections], [s.heading for s in after.sections]),
        "question": ([q.question for q in before.faq], [q.question for q in after.faq]),
        "link": (_shown(before.links), _shown(after.links)),
        "tag": (before.tags, after.tags),
        "alternative text": ([i.alt for i in before.images], [i.alt for i in after.images]),
    }
    for what, (old, new) in lists.items():
        gone, come = (
            [(one, "") for one in old if one not in new],
            [("", one) for one in new if one not in old],
        )
        pairs = list(zip(old, new, strict=True)) if len(old) == len(new) else [*gone, *come]
        yield from (
            Change(what=what, before=one, after=other) for one, other in pairs if one != other
        )


def _shown(links: Sequence[InternalLink]) -> list[str]:
    return [f"{link.anchor} → {link.url}" for link in links]
