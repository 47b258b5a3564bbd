"""The title and the description that SEO plugins of WordPress keep with a post, as far as a site lets them be written.

That is where a field is registered with show_in_rest, be it by the plugin or by some lines of the owner's. WordPress
drops any other without a word; a post tells which there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contentstudio.model import Draft


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin and the keys of its two fields; `routes` is what the names of its own REST routes begin with."""

    name: str
    routes: str
    title: str
    description: str
    noindex: tuple[str, str] | None = None  # the key and the value by which search engines are asked not to list it


PLUGINS = (
    Plugin(
        "Yoast SEO", "yoast", "_yoast_wpseo_title", "_yoast_wpseo_metadesc", ("_yoast_wpseo_meta-robots-noindex", "1")
    ),
    Plugin("Rank Math", "rankmath", "rank_math_title", "rank_math_description"),
    Plugin(
        "SEOPress", "seopress", "_seopress_titles_title", "_seopress_titles_desc", ("_seopress_robots_index", "yes")
    ),
    Plugin("All in One SEO", "aioseo", "_aioseo_title", "_aioseo_description"),
)


def wanted(meta: Any, draft: Draft, *, indexed: bool = True) -> dict[str, str]:
    """What a draft says in those of the fields that a post has; `meta` is as REST tells it, an empty one as a list."""
    there = meta if isinstance(meta, dict) else {}
    said = {plugin.title: draft.title for plugin in PLUGINS}
    said |= {plugin.description: draft.description for plugin in PLUGINS}
    if not indexed:
        said |= dict(plugin.noindex for plugin in PLUGINS if plugin.noindex)
    return {key: value for key, value in said.items() if isinstance(there.get(key), str)}


def filled(meta: Any) -> dict[str, str]:
    """Those of the fields in which something stands. One that was registered meanwhile and is empty is no change."""
    there = meta if isinstance(meta, dict) else {}
    keys = [key for plugin in PLUGINS for key in (plugin.title, plugin.description)]
    return {key: there[key] for key in keys if there.get(key)}
