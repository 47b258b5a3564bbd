"""The saved public pages beside this repository, where they are there, served on loopback."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "corpus"


@contextmanager
def served() -> Iterator[str]:
    """The address of the server; skips the test where the pages are not there."""
    if not (FOLDER / "serve.py").is_file():
        pytest.skip(f"the saved public pages are not there: {FOLDER}")
    with socket.socket() as spare:  # with port 0 its first line names no usable port
        spare.bind(("127.0.0.1", 0))
        port = spare.getsockname()[1]
    command = [sys.executable, "-u", str(FOLDER / "serve.py"), "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], 20)[0], "the corpus does not start"
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.kill()
