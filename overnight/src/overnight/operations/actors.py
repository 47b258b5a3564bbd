"""Who acts: the user of this process where nobody is named, and the roles of the others."""

from __future__ import annotations

import getpass
import os
from typing import Literal, get_args

Role = Literal["view", "edit", "operate"]  # each may what those before it may
ROLES: tuple[Role, ...] = get_args(Role)


def may(role: Role, needed: Role) -> bool:
    """Whether one role may do what needs another."""
    return ROLES.index(role) >= ROLES.index(needed)


def whoami() -> str:
    """The user of this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid {os.getuid()}"
