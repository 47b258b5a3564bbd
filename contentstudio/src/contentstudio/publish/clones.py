"""Folders for copies of repositories, each locked by the process that works in it.

The lock is the kernel's: it goes with its owner, however that dies, and so the folders of the dead
are known.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

PREFIX = "contentstudio-git-"
LOCK = "lock"


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder of this process, removed at the end; those of dead processes are removed
    before.
    """
    remove_abandoned()
    path, lock = _taken()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned() -> list[Path]:
    """Remove the folders whose owners are dead; which these were."""
    return [path for path in sorted(Path(gettempdir()).glob(f"{PREFIX}*")) if _removed(path)]


def _taken() -> tuple[Path, int]:
    """A new folder and its lock. Until it is locked it may be removed as an abandoned one: then it
    is tried again.
    """
    while True:
        path = Path(mkdtemp(prefix=PREFIX))
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (path / LOCK).exists():
            return path, lock
        os.close(lock)


def _removed(path: Path) -> bool:
    """Whether the folder is gone since its owner is. What another user has, or a link, is left
    alone.
    """
    try:
        lock = os.open(path / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        with suppress(OSError):
            path.rmdir()  # its owner died before it was locked, so it is empty
            return True
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_symlink():
            return False
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
