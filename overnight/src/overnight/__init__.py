"""overnight runs pipelines that nobody watches, on Postgres, so that they fail safely.

The public names stand in `__init__.pyi`, which type checkers read, too. Each is imported when first
used, so that a command line starts at once.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.resources import files
from typing import Any

_TABLE = files(__name__).joinpath("__init__.pyi").read_text("utf-8")
_HOMES = {name: home for home, name in re.findall(r"^from (\S+) import (\S+)", _TABLE, re.M)}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'overnight' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
