"""Files of a site: written atomically and durably, under one lock, and never through a link."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from overnight.errors import ConfigError, Transient

LOCK = ".contentstudio.lock"
LOCK_TIMEOUT_SECONDS = 30.0

_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
_NO_FILE = ""  # the hash of what is no file of ours, whatever it is
_WRONG_FOLDER = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ELOOP,
}


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_at(path: Path) -> str | None:
    """The hash of a file, None where there is none, and nothing's hash for what is no file that we
    may read.
    """
    try:
        return sha256(path.read_bytes())
    except FileNotFoundError:
        return _NO_FILE if path.is_symlink() else None
    except (IsADirectoryError, NotADirectoryError, PermissionError):
        return _NO_FILE


def holds(path: Path, data: bytes) -> bool:
    return sha256_at(path) == sha256(data)


def goes_by_link(directory: Path, name: str) -> bool:
    """Whether a link is on the way from the folder to the file, or in its place: we make none."""
    path = Path(name)
    return any((directory / part).is_symlink() for part in (path, *path.parents[:-1]))


def put(path: Path, data: bytes) -> None:
    """Make the file hold the data, atomically and durably."""
    if holds(path, data):
        return
    for folder in [folder for folder in reversed(path.parents) if not folder.exists()]:
        folder.mkdir()
        _sync_directory(folder.parent)
    # One name per target, safe under the lock: what a crash leaves behind is taken up by the next
    # write.
    temporary = path.with_name(f".{path.name}.contentstudio.tmp")
    try:
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666), "wb"
        ) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(directory: Path, name: str) -> None:
    """Remove a file, and the folders below ours that are empty then."""
    path = directory / name
    path.unlink(missing_ok=True)
    with suppress(OSError):  # a folder that holds something else stays
        for folder in path.relative_to(directory).parents[:-1]:
            (directory / folder).rmdir()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the folder. The lock is the kernel's: it goes with its owner, however that dies."""
    directory.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    with os.fdopen(
        os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+"
    ) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Transient(
                        f"Another publisher has held {directory} for too long."
                    ) from None
                time.sleep(0.02)
        yield


@contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Turn an error of the system into `Transient`, `ConfigError`, or itself, by its number."""
    try:
        yield
    except OSError as error:
        if error.errno in _PASSING:
            raise Transient(
                f"The site in {directory} cannot be written at the moment: {error}."
            ) from error
        if error.errno in _WRONG_FOLDER:
            raise ConfigError(
                f"The site cannot be written to {directory}: {error}. "
                "Let publishing.dir name a folder that this user may write to."
            ) from error
        raise
