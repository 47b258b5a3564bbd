"""The server that counts a site's readers, with its key from the environment."""

from __future__ import annotations

from contentstudio.analytics.matomo import KEY as MATOMO_KEY
from contentstudio.analytics.matomo import Matomo
from contentstudio.analytics.plausible import KEY as PLAUSIBLE_KEY
from contentstudio.analytics.plausible import Plausible
from contentstudio.analytics.port import Analytics
from contentstudio.config import Matomo as MatomoConfig
from contentstudio.config import Plausible as PlausibleConfig
from contentstudio.config import Site
from overnight import logs, secrets


def variable(site: Site) -> str | None:
    """The variable of the environment that holds the key of a site's analytics; None where nothing
    can be read.
    """
    match site.analytics:
        case PlausibleConfig():
            return PLAUSIBLE_KEY
        case MatomoConfig():
            return MATOMO_KEY
    return None


def connect(site: Site) -> Analytics | None:
    """The analytics of a site; None without one that can be read, or without its key. Raises
    `ConfigError` for a file with the key that others can read.
    """
    name = variable(site)
    key = secrets.secret(name, "the key of analytics") if name else None
    if not key:
        return None
    logs.hide(key)
    match site.analytics:
        case PlausibleConfig(script=script, domain=domain):
            return Plausible(script, domain, site.url, key)
        case MatomoConfig(url=url, site_id=site_id):
            return Matomo(url, site_id, key)
    return None
