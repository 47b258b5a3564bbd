"""An embedded Postgres that lives as long as some process uses it, and survives none.

Five files beside the data directory `pgdata` carry the whole protocol. The first four are only ever
locked (`flock`), so the kernel clears them up after a process that was killed:

* `pgdata.users`: shared by every process that uses the server, exclusive for the one that stops it
  as unused.
* `pgdata.lock`: exclusive while somebody starts or stops the server. Always taken after
  `pgdata.users`.
* `postgres.lock`: exclusive, inherited by the server and all its children: free means that none of
  them is left.
* `pgdata.watch`: exclusive for the watchdog, which stops the server for users that were killed.
* `pgdata.keep`: exists while the server is to run without users.

A home of an earlier version has a data directory `pg18`; it is used in place, and the files are
named after it.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from overnight.errors import DatabaseUnavailable
from overnight.postgres import launch

PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
STARTUP_SECONDS = 120.0
POLL_SECONDS = 0.02
POLL_SECONDS_AT_MOST = 0.5
CONNECT_SECONDS = 5
WATCH_GRACE_SECONDS = 1.0
WATCH_LOOK_SECONDS = 30.0
LOG_BYTES = 10_000_000
FAST_STOP_SECONDS = 20.0

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "logging_collector": "off",
    "cluster_name": "overnight",
}


@contextmanager
def running(home: Path) -> Iterator[EmbeddedServer]:
    """The server of `home`, running for the length of the block; `DatabaseUnavailable`."""
    server = EmbeddedServer(home)
    server.hold()
    try:
        yield server
    finally:
        server.release()


class EmbeddedServer:
    """The server whose data, log and socket lie in the folder `home`."""

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.realpath(home))
        self.log = self.home / "postgres.log"
        self._held: int | None = None
        self._was_there = False

    @property
    def url(self) -> str:
        """For psycopg and psql alike, by the same user or root. The port is named so that PGPORT
        cannot change it.
        """
        folder = quote(str(self.socket_folder), safe="")
        return f"postgresql://overnight@/overnight?host={folder}&port={PORT}"

    @cached_property
    def socket_folder(self) -> Path:
        near = self.home / "run"
        # libpq reads a comma as a list of hosts.
        if len(os.fsencode(near / SOCKET)) <= SOCKET_PATH_BYTES and "," not in str(near):
            return near
        import hashlib

        # Never TMPDIR: two processes with different ones have to meet here.
        return Path("/tmp") / f"overnight-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"  # noqa: S108

    @cached_property
    def binaries(self) -> launch.Binaries:
        return launch.find_binaries()

    @cached_property
    def data(self) -> Path:
        return launch.find_data(self.home)

    def hold(self) -> None:
        """Use the server, which is started if need be, until `release` or the end of
        this process.
        """
        if self._held is None:
            with self._writing():
                self._held = self._open("users")
                flock(self._held, LOCK_SH)
        try:
            self.start()
        except BaseException:
            self.release()
            raise

    def start(self) -> None:
        """Make sure that the server runs; `DatabaseUnavailable`. Also mends a server that was
        killed.

        Waits up to 120 s for a recovery. Without `hold` or `keep` the watchdog stops it again soon.
        """
        # Shared with the other users, so that nobody stops the server as unused while it starts.
        with self._writing(), self._lock("users", LOCK_SH):
            if not self.alive():
                with self._lock("lock"):
                    self._bring_up()
            self._was_there = True
            self._ensure_watchdog()

    def alive(self) -> bool:
        """Whether a connection succeeds. A pid tells nothing: it may be another
        process's by now.
        """
        import psycopg

        if not self.socket_folder.exists():
            return False
        launch.private_folder(self.socket_folder, launch.account_for(self.data))
        try:
            psycopg.connect(self.url, connect_timeout=CONNECT_SECONDS).close()
        except psycopg.OperationalError as error:
            return "too many clients" in str(error)
        return True

    def _bring_up(self) -> None:
        """Wait until the server is ready; launch it as soon as no process of an earlier one is
        left.
        """
        deadline = time.monotonic() + STARTUP_SECONDS
        pause = POLL_SECONDS
        log_end: int | None = None
        while not self._ready():
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"Postgres is neither ready nor gone after {STARTUP_SECONDS:.0f} s: "
                    f"look into {self.log}, try again"
                )
            with self._lock_unless_taken("postgres.lock") as idle:
                if idle is not None:
                    if log_end is not None:
                        self._check_it_was_ready(log_end)
                    log_end = self._launch(idle)
            time.sleep(pause)
            pause = min(pause * 1.5, POLL_SECONDS_AT_MOST)  # each try is a line in the log

    def _check_it_was_ready(self, log_end: int) -> None:
        """A server that was ready and is gone was killed, and so was one that gave no reason for
        its end, or no word.

        It may be launched again. One that says why it cannot start, may not.
        """
        said = self.log.read_bytes()[log_end:].decode(errors="replace")
        ours = said.replace(
            "FATAL:  the database system is", ""
        )  # what those hear who ask too early, as we do
        gave_up = (
            "FATAL:" in ours
            or "PANIC:" in ours
            or (said != "" and "starting PostgreSQL" not in said)
        )
        if "ready to accept connections" not in said and gave_up:
            raise DatabaseUnavailable(
                launch.why_failed("Postgres ended while starting", said, self.home)
            )

    def _ready(self) -> bool:
        """Whether the server takes connections; the database is made where it is missing."""
        import psycopg

        try:
            connection = psycopg.connect(
                self.url, dbname="postgres", autocommit=True, connect_timeout=CONNECT_SECONDS
            )
        except psycopg.OperationalError:
            return False
        try:
            if not connection.execute(
                "SELECT FROM pg_database WHERE datname = 'overnight'"
            ).rowcount:
                connection.execute("CREATE DATABASE overnight")
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            # somebody else made it meanwhile: a process beside us, or the backend of one that was
            # killed
            return True
        except psycopg.Error as error:
            if connection.broken:  # the server was killed meanwhile
                return False
            raise DatabaseUnavailable(
                f"Postgres could not make the database ({error}): mend that, or {launch.OWN_SERVER}"
            ) from error
        finally:
            connection.close()
        return True

    def _launch(self, lock: int) -> int:
        """Start the postmaster; the result is the size of the log before it. The caller holds all
        locks.
        """
        launch.check_data(self.data, self.binaries)
        account = launch.able(launch.account_for(self.data), self.home, self.binaries)
        if not os.path.lexists(self.data):
            self._make_data(account, lock)
        launch.private_folder(self.socket_folder, account)
        self._clear_stale()
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            logged = os.fstat(log).st_size
            account.run(launch.detached(self._command()), keep=(lock,), output=log)
        finally:
            os.close(log)
        return logged

    def _make_data(self, account: launch.Account, lock: int) -> None:
        """Never in place of a database that was here: an empty one would have no runs, and no
        switch that is off.
        """
        if self._was_there:
            raise DatabaseUnavailable(
                f"{self.data} is gone while it was in use: put it back, or stop this "
                "process to begin anew"
            )
        if (
            found := launch.find_data(self.home)
        ) != self.data:  # an earlier version made it meanwhile
            raise DatabaseUnavailable(f"{found} was made by another process just now: try again")
        launch.make_data(self.data, account, self.binaries, lock)

    def _command(self) -> list[str | Path]:
        settings = SETTINGS | {"unix_socket_directories": str(self.socket_folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.binaries.folder / "postgres", "-D", self.data, *options]

    def _clear_stale(self) -> None:
        """Remove the lock files of a killed server: Postgres believes them if their pid is
        anybody's by now.

        Without /proc this is left to Postgres itself.
        """
        if launch.HAS_PROC and self._postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_folder / f"{SOCKET}.lock").unlink(missing_ok=True)

    def stop(self) -> bool:
        """Stop the server and wait for its last process; False if it was not running. Connections
        are cut off.
        """
        if not self.home.exists():
            return False
        with self._writing(), self._lock("lock"):
            pid = self._postmaster()
            if pid is None:
                return False
            # A fast shutdown that meets the recovery from a killed backend can wait for ever; an
            # immediate one cannot.
            for number, patience in (
                (signal.SIGINT, FAST_STOP_SECONDS),
                (signal.SIGQUIT, float("inf")),
            ):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                if self._gone_within(pid, patience):
                    break
            if self.socket_folder.parent != self.home:
                with suppress(OSError):
                    self.socket_folder.rmdir()
            return True

    def _gone_within(self, pid: int, seconds: float) -> bool:
        """Wait for the postmaster and, by the lock that they inherit, for its last child."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._lock_unless_taken("postgres.lock") as free:
                if free is not None and self._postmaster() != pid:
                    return True
            time.sleep(POLL_SECONDS)
        return False

    def _postmaster(self) -> int | None:
        """The pid in the pid file if that process is a postmaster on our data: nobody else is ever
        signalled.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().partition("\n")[0])
        except (OSError, ValueError):  # none, or half written
            return None
        return pid if pid > 0 and launch.is_postmaster(pid, self.data) else None

    def keep(self, on: bool) -> None:
        """Whether the server runs on without users, until `keep(False)` and `stop`."""
        marker = self.home / f"{self.data.name}.keep"
        with self._writing():
            if on:
                marker.touch()
            else:
                marker.unlink(missing_ok=True)

    def release(self) -> None:
        """Use the server no longer; the last user stops it, unless it is kept."""
        if self._held is None:
            return
        os.close(self._held)
        self._held = None
        if not self.home.exists():
            return
        with self._writing(), self._lock_unless_taken("users") as unused:
            if unused is not None:
                self._stop_unless_kept()
                return
            # Others use it, or somebody else is just stopping it: then it is down when this
            # returns.
            with self._lock("users", LOCK_SH):
                pass

    def _stop_unless_kept(self) -> None:
        if not (self.home / f"{self.data.name}.keep").exists():
            self.stop()

    def _ensure_watchdog(self) -> None:
        with self._lock_unless_taken("watch") as free:
            if free is None:
                return
        subprocess.run(
            launch.detached(
                [sys.executable, "-P", "-m", "overnight.postgres.server", "watch", self.home]
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe that reads the parent's output has to see its end
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            check=False,
        )

    def watch(self) -> None:
        """Wait until nobody uses the server, stop it unless it is kept, and return; at once if
        another one watches.

        Ends the process when the folder was removed. The server then ends by itself: it looks for
        its pid file once a minute.
        """
        users = self._open("users")
        with self._lock_unless_taken("watch") as watching:
            if watching is None:
                return
            time.sleep(
                WATCH_GRACE_SECONDS
            )  # so that `start` followed by `hold` is not undone in between

            def look(*_: object) -> None:
                if not os.fstat(users).st_nlink or not self.data.exists():
                    sys.exit()

            # The wait for the lock of a removed file could last for ever.
            signal.signal(signal.SIGALRM, look)
            signal.setitimer(signal.ITIMER_REAL, WATCH_LOOK_SECONDS, WATCH_LOOK_SECONDS)
            flock(users, LOCK_EX)
            look()
            self._stop_unless_kept()
        # Given back last: whoever gets it next has to see that nobody watches any more.
        os.close(users)

    @contextmanager
    def _lock(self, name: str, how: int = LOCK_EX) -> Iterator[None]:
        """Wait for the lock and hold it for the block."""
        descriptor = self._open(name)
        try:
            flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _lock_unless_taken(self, name: str) -> Iterator[int | None]:
        """Take the lock for the block, as the descriptor that holds it; None at once when somebody
        has it.
        """
        descriptor = self._open(name)
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
            taken = False
        except BlockingIOError:
            taken = True
        try:
            yield None if taken else descriptor
        finally:
            os.close(descriptor)

    def _open(self, name: str) -> int:
        """A lock file's descriptor, which no program that is started later inherits."""
        path = self.home / (name if "." in name else f"{self.data.name}.{name}")
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make the folder, and say in one sentence what to do when it cannot be made or written."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DatabaseUnavailable(launch.disk_full(self.home)) from error
            raise DatabaseUnavailable(
                f"cannot write to {self.home} ({error.strerror}): {launch.OTHER_FOLDER}"
            ) from error


if __name__ == "__main__":
    home = Path(sys.argv[2])
    if home.exists():
        EmbeddedServer(home).watch()
