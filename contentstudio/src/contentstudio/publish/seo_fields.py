"""What plugins of WordPress keep with a post for search engines, as far as a site lets it be
written: the title and the description of SEO plugins, and the structured data that our own plugin
prints (deploy/wordpress).

That is where a field is registered with show_in_rest, be it by the plugin or by some lines of the
owner's. WordPress drops any other without a word; a post tells which there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from contentstudio.config import Site
from contentstudio.model import Draft
from contentstudio.publish import render
from contentstudio.publish.port import UNDATED

STRUCTURED_DATA = "contentstudio_structured_data"  # the fields of our own plugin
NOINDEX = "contentstudio_noindex"
PRINTED = (
    "Article",
    "BlogPosting",
    "NewsArticle",
    "TechArticle",
    "FAQPage",
)  # the types that our plugin takes
# What the plugin says of the post as it stands, which a person may have changed.
OF_THE_POST = (
    "headline",
    "description",
    "datePublished",
    "dateModified",
    "mainEntityOfPage",
    "image",
)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin and the keys of its two fields; `routes` is what the names of its own REST routes
    begin with.

    `article` says whether it prints structured data of an article by itself; our own plugin knows
    the same.
    """

    name: str
    routes: str
    title: str
    description: str
    noindex: tuple[str, str] | None = (
        None  # the key and the value by which search engines are asked not to list it
    )
    article: bool = True


PLUGINS = (
    Plugin(
        "Yoast SEO",
        "yoast",
        "_yoast_wpseo_title",
        "_yoast_wpseo_metadesc",
        ("_yoast_wpseo_meta-robots-noindex", "1"),
    ),
    Plugin("Rank Math", "rankmath", "rank_math_title", "rank_math_description"),
    Plugin(
        "SEOPress",
        "seopress",
        "_seopress_titles_title",
        "_seopress_titles_desc",
        ("_seopress_robots_index", "yes"),
        article=False,  # SEOPress Pro does
    ),
    Plugin("All in One SEO", "aioseo", "_aioseo_title", "_aioseo_description"),
)


def wanted(meta: Any, site: Site, draft: Draft, *, indexed: bool = True) -> dict[str, str]:
    """What a draft says in those of the fields that a post has; `meta` is as REST tells it, an
    empty one as a list.
    """
    there = meta if isinstance(meta, dict) else {}
    titles = {plugin.title: draft.title for plugin in PLUGINS}
    titles |= {plugin.description: draft.description for plugin in PLUGINS}
    titles |= {STRUCTURED_DATA: _structured(site, draft), NOINDEX: "" if indexed else "1"}
    if not indexed:
        titles |= dict(plugin.noindex for plugin in PLUGINS if plugin.noindex)
    return {key: value for key, value in titles.items() if isinstance(there.get(key), str)}


def arrived(meta: Any, fields: dict[str, str]) -> bool:
    """Whether the fields stand as they were sent: WordPress writes them after the rest
    of a post.
    """
    there = meta if isinstance(meta, dict) else {}
    return all(str(there.get(key) or "").split() == value.split() for key, value in fields.items())


def _structured(site: Site, draft: Draft) -> str:
    """The structured data but for what the plugin takes from the post, as JSON."""
    objects = render.structured_data(site, draft, published_at=UNDATED, updated_at=UNDATED)
    own = [
        {name: value for name, value in one.items() if name not in OF_THE_POST}
        for one in objects
        if one.get("@type") in PRINTED
    ]
    return json.dumps(own, ensure_ascii=False)


def filled(meta: Any) -> dict[str, str]:
    """What stands in a title or a description. A field that was registered meanwhile and is empty
    is no change.

    The fields of our own plugin are left out: nobody writes them by hand.
    """
    there = meta if isinstance(meta, dict) else {}
    keys = [key for plugin in PLUGINS for key in (plugin.title, plugin.description)]
    return {key: there[key] for key in keys if there.get(key) and isinstance(there[key], str)}
