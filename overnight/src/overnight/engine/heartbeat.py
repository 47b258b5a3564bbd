"""The heartbeat: a thread of its own on a connection of its own, so that a blocked event loop keeps
its leases.

The connection also holds the worker's advisory lock. When the process dies its socket closes,
Postgres frees the lock, and whoever looks next knows that this worker is dead, long before a lease
runs out.
"""

from __future__ import annotations

import os
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psycopg

from overnight.errors import LedgerUnavailable
from overnight.logs import log
from overnight.store.database import Database, Row, first_line, unavailable
from overnight.store.ledger import Presence, presence

Attempt = tuple[int, int]  # (run id, attempt number)

RECONNECT = 0.3  # seconds between tries to sign in again; shorter than what proves a death


class Heart:
    """Renews the leases of the runs it is told of, each until its time limit. `on_lost` is called
    from its thread.

    `lease` is in seconds; it beats four times in each. One that is not `listed` holds no lock and
    signs no list: whoever works for a short while may be gone before its first beat, and needs no
    connection for it.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease: float,
        on_lost: Callable[[set[Attempt]], None],
        listed: bool = True,
    ) -> None:
        self.boot_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.lease = lease
        self._database = database
        self._on_lost = on_lost
        self._listed = listed
        self._until: dict[Attempt, float] = {}
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._stopping: tuple[int, int] | None = (
            None  # a pipe, from start to stop; wakes the thread out of its rest
        )
        self._connection: psycopg.Connection[Row] | None = None
        self._last_beat = 0.0
        self._beating_since = float("inf")
        self._thread = threading.Thread(target=self._loop, name="heart", daemon=True)

    def start(self) -> None:
        """Sign in, then beat until `stop`. Raises `LedgerUnavailable` where the first sign-in
        fails; try again then.
        """
        if self._listed:
            try:
                self._connect()
            except LedgerUnavailable:
                self._close()
                raise
        self._last_beat = self._beating_since = time.monotonic()
        self._stopping = os.pipe()
        self._thread.start()

    def stop(self) -> None:
        """Sign out, so that nobody needs to wonder."""
        self._stop.set()
        if self._stopping is not None:
            os.write(self._stopping[1], b"!")
            self._thread.join()
        with suppress(LedgerUnavailable):
            if self._connection is not None and self._listed:
                self._execute("worker_bye", worker=self.boot_id)
        self._close()
        for end in self._stopping or ():
            os.close(end)
        self._stopping = None

    @property
    def healthy(self) -> bool:
        """False when it could not beat for half a lease: then nothing new may be claimed."""
        return time.monotonic() - self._last_beat < self.lease / 2

    @property
    def steady(self) -> bool:
        """True when it has beaten for half a lease without a break: so long everybody could renew
        what they hold.
        """
        return self.healthy and time.monotonic() - self._beating_since > self.lease / 2

    def carry(self, attempt: Attempt, seconds: float) -> None:
        """Keep this attempt's lease for at most so many seconds, the time limit of its step."""
        with self._mutex:
            self._until[attempt] = time.monotonic() + seconds

    def drop(self, attempts: Iterable[Attempt]) -> None:
        with self._mutex:
            for attempt in attempts:
                self._until.pop(attempt, None)

    def beat(self) -> None:
        """Renew once, and report what is no longer ours."""
        now = time.monotonic()
        with self._mutex:
            carried = {attempt for attempt, until in self._until.items() if until > now}
        ids = sorted({run_id for run_id, _ in carried})
        ours = {
            row["id"]
            for row in self._execute("beat", worker=self.boot_id, lease=self.lease, ids=ids)
        }
        self._last_beat = time.monotonic()
        lost = {attempt for attempt in carried if attempt[0] not in ours}
        if lost:
            self._on_lost(lost)

    def _loop(self) -> None:
        if not self._listed:  # what it carries was claimed a moment ago
            self._stop.wait(self.lease / 4)
        while not self._stop.is_set():
            try:
                if self._connection is None or self._connection.closed:
                    self._connect()
                self.beat()
                self._rest()
            except (
                Exception
            ) as error:  # a heart that dies silently would leave a worker that only seems to live
                log.warning("heartbeat failed", error=first_line(error), worker=self.boot_id)
                self._close()
                self._stop.wait(RECONNECT)

    def _rest(self) -> None:
        """Wait for the next beat. A socket that says something while nothing was asked has lost its
        server.
        """
        assert self._connection is not None and self._stopping is not None
        socket, stopping = self._connection.fileno(), self._stopping[0]
        ears = select.poll()
        for ear in (socket, stopping):
            ears.register(ear, select.POLLIN)
        heard = {ear for ear, _ in ears.poll(self.lease / 4 * 1000)}
        if heard == {socket}:
            raise LedgerUnavailable("the server closed the connection")

    def _connect(self) -> None:
        self._connection = self._database.connect_sync()
        if self._listed:
            # A new lock for each connection: the server may hold a lost one for as long as it
            # thinks it is there.
            sign_in = {
                "worker": self.boot_id,
                "lock_key": secrets.randbits(62),
                "host": socket.gethostname(),
            }
            self._execute("worker_hello", **sign_in, pid=os.getpid())
        self._last_beat = self._beating_since = time.monotonic()

    def _close(self) -> None:
        with suppress(psycopg.Error):
            if self._connection is not None:
                self._connection.close()
        self._connection = None

    def _execute(self, verb: Presence, **params: object) -> list[Row]:
        assert self._connection is not None
        with unavailable():
            return presence(self._connection, verb, **params)
