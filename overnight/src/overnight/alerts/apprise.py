"""Everything that the library Apprise knows, from Telegram to a pager: `pip install
'overnight[alerts]'`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from overnight import logs
from overnight.alerts.message import Message, lines
from overnight.errors import ConfigError, Permanent, Transient


@dataclass(frozen=True, slots=True)
class Apprise:
    """Apprise's URLs, such as `tgram://TOKEN/CHAT`. They are secrets, for they hold the keys."""

    urls: Sequence[str] = field(repr=False)
    name: str = "apprise"
    kind: str = field(default="apprise", init=False)

    def __post_init__(self) -> None:
        if isinstance(self.urls, str) or not self.urls:
            raise ConfigError(
                f"the channel {self.name} needs a list of at least one URL of Apprise's"
            )
        logs.hide(*self.urls, *(url.partition("://")[2] for url in self.urls))

    def send(self, message: Message, message_id: str) -> None:
        try:
            import apprise
        except ModuleNotFoundError:
            raise Permanent(
                "apprise is not installed: pip install 'overnight[alerts]' brings it"
            ) from None
        service = apprise.Apprise()
        if not all(service.add(url) for url in self.urls):
            raise Permanent(f"a URL of the channel {self.name} is none that Apprise knows")
        if not service.notify(title=message.title, body="\n".join(lines(message))):
            raise Transient("not every service of Apprise took the message; its own log says why")
