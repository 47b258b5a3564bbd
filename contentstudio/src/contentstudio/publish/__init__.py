"""Publishing: one port, and an adapter a file."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from contentstudio import config as settings
from contentstudio.config import Config, Site
from contentstudio.model import Existing
from contentstudio.publish import own_pages
from contentstudio.publish.port import Publisher, content_sha256
from contentstudio.publish.static import StaticPublisher
from contentstudio.publish.static_site import StaticSite

__all__ = ["Existing", "Publisher", "StaticSite", "content_sha256", "opened"]


def opened(config: Config, site: Site) -> AbstractAsyncContextManager[Publisher]:
    """The publisher of a site, for as long as it is open. Raises `ConfigError` where its secret is
    not known.
    """
    match site.publish:
        case settings.WordPress() as cms:
            from contentstudio.publish.wordpress import WordPress

            return WordPress(site, cms)
        case settings.Ghost() as cms:
            from contentstudio.publish.ghost import Ghost

            return Ghost(site, cms)
        case settings.Git() as repository:
            from contentstudio.publish.git import Git

            return Git(site, repository)
        case settings.Static():
            own = own_pages.read(config.beside(site.pages)) if site.pages else []
            return StaticPublisher(StaticSite(site, config.folder(site), own))
