"""Workers as people start them, and what processes cost. Linux."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contestants import HERE
from overnight.errors import OvernightError

TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def command_line_worker(dsn: str) -> Iterator[subprocess.Popen[bytes]]:
    """`overnight worker` with its defaults, its log in a file; asked to stop at the end, if it
    still lives.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "overnight.cli.main", "--app", "app:app", "worker"],
            cwd=HERE,
            env={**os.environ, "OVERNIGHT_DATABASE_URL": dsn},
            stdout=log,
            stderr=log,
        )
        try:
            yield process
            if process.poll() not in (None, -signal.SIGKILL):
                log.seek(0)
                raise OvernightError(
                    f"the worker ended too soon: {log.read().decode(errors='replace')[-500:]}"
                )
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used, the ended ones included."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended, and counts with its parent
            continue
        if int(folder.name) == pid:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            total += sum(map(int, fields[11:13]))
    return total / TICKS
