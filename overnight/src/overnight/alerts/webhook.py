"""A plain webhook: the message as JSON, signed after “Standard Webhooks”, with an id by which it is
counted once.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field

from overnight import logs
from overnight.alerts.channel import post, secret_url
from overnight.alerts.message import Message
from overnight.signing import parse_secret, sign


@dataclass(frozen=True, slots=True)
class Webhook:
    """POSTs `{"type": "alerts", "data": …}`. Without a `secret` (`serve --new-secret` makes one) it
    is not signed.
    """

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    name: str = "webhook"
    kind: str = field(default="webhook", init=False)

    def __post_init__(self) -> None:
        secret_url(self.url, f"the channel {self.name}")
        if self.secret is not None:
            logs.hide(self.secret)
            parse_secret(self.secret)

    def send(self, message: Message, message_id: str) -> None:
        body = json.dumps({"type": "alerts", "data": asdict(message)}, ensure_ascii=False).encode()
        timestamp = str(int(time.time()))
        headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
        if self.secret is not None:
            headers["webhook-signature"] = sign(
                parse_secret(self.secret), message_id, timestamp, body
            )
        post(self.url, body, headers)
