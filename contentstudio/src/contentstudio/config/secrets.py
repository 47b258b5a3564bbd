"""What stands in the environment and never in the file: keys and secrets."""

from __future__ import annotations

import os

from contentstudio.config.search import Engine
from contentstudio.config.site import Site
from contentstudio.config.writing import Provider
from overnight import logs, secrets
from overnight.errors import ConfigError


def api_key(provider: Provider = "anthropic") -> str | None:
    """The key of a provider of language models, from the environment."""
    return os.environ.get(f"{provider.upper()}_API_KEY") or None


def search_key(engine: Engine) -> str | None:
    """The key of a search engine, from the environment or the file that it names. Raises
    `ConfigError` for a file that others can read, or that cannot be read.
    """
    return secrets.secret(f"{engine.upper()}_API_KEY", f"the key of {engine}")


def secret_name(site: Site) -> str:
    """The variable of the environment that holds a site's secret."""
    return f"CONTENTSTUDIO_SECRET_{site.name.upper().replace('-', '_')}"


def secret(site: Site) -> str:
    """What a site's CMS knows us by, from the environment. Raises `ConfigError` where it is not
    there.
    """
    name = secret_name(site)
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"the site “{site.name}” is published with a secret: put it into {name}")
    logs.hide(value)
    return value


def canary_key() -> str:
    """What the marks in prompts are made with. They need be no secret: who guesses one sends an
    article to a person.
    """
    return os.environ.get("CONTENTSTUDIO_CANARY_KEY", "contentstudio")
