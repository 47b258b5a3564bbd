"""The web of the upgrade's night: what it was when the ledger was filled, and what it is now.

Runs with the code of both sides of the upgrade, and so uses of it only the demo's web.
"""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

from contentstudio.demo.web import GONE, INDEXNOW, DemoWeb

PORT = (
    28471  # stands in the URLs that the ledger holds; below the ports that Linux gives to clients
)
TODAY = date(2026, 11, 29)
DOWN, SLOW = "/potting-shed/down.html", "/clear-skies/slow.html"
PING, BROKEN_PING, SLOW_PING = INDEXNOW, "/indexnow-broken", "/indexnow-slow"
HEALED = {
    DOWN: "/clear-skies/moon-phases.html",
    GONE: "/clear-skies/dark-adaptation.html",
    SLOW: "/potting-shed/mulch.html",
}


class UpgradeWeb(DemoWeb):
    """`healed`: the pages that failed are there, and each endpoint takes pings. Before, DOWN is
    503, GONE is 404, BROKEN_PING is 503, and SLOW and SLOW_PING answer when `let_go` is set.
    """

    def __init__(self, *, healed: bool) -> None:
        super().__init__(TODAY, PORT)
        self.healed = healed
        self.let_go = threading.Event()

    def _get(self, path: str) -> Any:
        if self.healed:
            return super()._get(HEALED.get(path, path))
        if path == SLOW:
            self.let_go.wait()
        answer = super()._get(path)
        return answer._replace(status=503) if path == DOWN else answer

    def _post(self, path: str, body: bytes) -> Any:
        if self.healed:
            return super()._post(PING if path in (BROKEN_PING, SLOW_PING) else path, body)
        if path == SLOW_PING:
            self.let_go.wait()
        return super()._post(path, body)._replace(status=503 if path != PING else 200)
