"""`contentstudio.toml`: one validated model. Secrets come from the environment, never from the
file.
"""

from contentstudio.config.cms import (
    CMS,
    Ghost,
    Git,
    Publish,
    Publishing,
    RemoteCms,
    Static,
    WordPress,
)
from contentstudio.config.explain import InvalidConfig
from contentstudio.config.file import DEFAULT_FILE, Config, program
from contentstudio.config.load import load
from contentstudio.config.pictures import Pictures
from contentstudio.config.profile import Author, Profile
from contentstudio.config.search import Engine as SearchEngine
from contentstudio.config.search import Search
from contentstudio.config.secrets import (
    api_key,
    canary_key,
    search_key,
    secret,
    secret_name,
)
from contentstudio.config.sections import (
    DEFAULT_USD_PER_DAY,
    Alerts,
    Budget,
    Embeddings,
    Google,
    Keep,
    MailTo,
    Memory,
    Morning,
    Refresh,
    Research,
    Weights,
)
from contentstudio.config.site import (
    ABOUT,
    DAYS,
    Gates,
    Matomo,
    Ping,
    Plausible,
    Property,
    Script,
    SensitiveTopic,
    Site,
    Window,
)
from contentstudio.config.sources import (
    FeedSource,
    Fetch,
    KeywordsSource,
    PageSource,
    SearchConsoleSource,
    SitemapSource,
    Source,
)
from contentstudio.config.verify import Verify
from contentstudio.config.writing import Anthropic, Model, OpenAI, Price, Provider, Writing

__all__ = [
    "ABOUT",
    "CMS",
    "DAYS",
    "DEFAULT_FILE",
    "DEFAULT_USD_PER_DAY",
    "Alerts",
    "Anthropic",
    "Author",
    "Budget",
    "Config",
    "Embeddings",
    "FeedSource",
    "Fetch",
    "Gates",
    "Ghost",
    "Git",
    "Google",
    "InvalidConfig",
    "Keep",
    "KeywordsSource",
    "MailTo",
    "Matomo",
    "Memory",
    "Model",
    "Morning",
    "OpenAI",
    "PageSource",
    "Pictures",
    "Ping",
    "Plausible",
    "Price",
    "Profile",
    "Property",
    "Provider",
    "Publish",
    "Publishing",
    "Refresh",
    "RemoteCms",
    "Research",
    "Script",
    "Search",
    "SearchConsoleSource",
    "SearchEngine",
    "SensitiveTopic",
    "Site",
    "SitemapSource",
    "Source",
    "Static",
    "Verify",
    "Weights",
    "Window",
    "WordPress",
    "Writing",
    "api_key",
    "canary_key",
    "load",
    "program",
    "search_key",
    "secret",
    "secret_name",
]
