"""Who acts, where nobody is named."""

from __future__ import annotations

import getpass
import os


def whoami() -> str:
    """The user of this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid {os.getuid()}"
