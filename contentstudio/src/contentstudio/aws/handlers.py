"""The studio as Lambda functions: `contentstudio.aws.handlers.worker`, `.schedule`, `.sweep` and
`.console`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from contentstudio import app
from contentstudio import config as settings
from overnight.aws.handlers import Handlers

if TYPE_CHECKING:
    from overnight.console.extension import Console


def _own() -> Console:
    """What the studio adds to the console."""
    from contentstudio import console as pages

    return pages.build(
        settings.load(Path(os.environ.get("CONTENTSTUDIO_CONFIG", settings.DEFAULT_FILE)))
    )


_handlers = Handlers(app.create, own=_own)

worker = _handlers.worker
schedule = _handlers.schedule
sweep = _handlers.sweep
console = _handlers.console
