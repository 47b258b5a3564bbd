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

from overnight.engine.in_flight import InFlight
from overnight.errors import LedgerUnavailable
from overnight.logs import log
from overnight.store.database import Database, Row, first_line, unavailable
from overnight.store.ledger import Presence, presence

RECONNECT = 0.3  # seconds between tries to sign in again; shorter than what proves a death


class Heartbeat:
    """Renews the leases of tracked attempts, each until its time limit, four times in a `lease` (in
    seconds). `on_lost` is called from its thread.

    One that is not `listed` holds no lock and is not in the list of workers: whoever works for a
    short while may be gone before its first beat, and needs no connection for it.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease: float,
        on_lost: Callable[[set[InFlight]], None],
        listed: bool = True,
    ) -> None:
        self.boot_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.lease = lease
        self._database = database
        self._on_lost = on_lost
        self._listed = listed
        self._tracked: set[InFlight] = set()
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._pipe: tuple[int, int] | None = None  # from start to stop; wakes the thread
        self._connection: psycopg.Connection[Row] | None = None
        self._last_beat = 0.0
        self._beating_since = float("inf")
        self._thread = threading.Thread(target=self._loop, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Sign in, then beat until `stop`. Raises `LedgerUnavailable` where the first sign-in
        fails; it may be started again then.
        """
        if self._listed:
            try:
                self._connect()
            except LedgerUnavailable:
                self._close()
                raise
        self._last_beat = self._beating_since = time.monotonic()
        self._pipe = os.pipe()
        self._thread.start()

    def stop(self) -> None:
        """Sign out, so that nobody rescues anything."""
        self._stop.set()
        if self._pipe is not None:
            os.write(self._pipe[1], b"!")
            self._thread.join()
        with suppress(LedgerUnavailable):
            if self._connection is not None and self._listed:
                self._execute("worker_bye", worker=self.boot_id)
        self._close()
        for end in self._pipe or ():
            os.close(end)
        self._pipe = None

    @property
    def healthy(self) -> bool:
        """False when it could not beat for half a lease: then nothing new may be claimed."""
        return time.monotonic() - self._last_beat < self.lease / 2

    @property
    def steady(self) -> bool:
        """True when it has beaten for half a lease without a break: in that time every live worker
        could renew its leases.
        """
        return self.healthy and time.monotonic() - self._beating_since > self.lease / 2

    def track(self, attempt: InFlight) -> None:
        with self._mutex:
            self._tracked.add(attempt)

    def untrack(self, attempts: Iterable[InFlight]) -> None:
        with self._mutex:
            self._tracked.difference_update(attempts)

    def beat(self) -> None:
        """Renew once, and report what is lost."""
        now = time.monotonic()
        with self._mutex:
            tracked = {attempt for attempt in self._tracked if attempt.lease_until > now}
        ids = sorted({attempt.run.id for attempt in tracked})
        rows = self._execute("beat", worker=self.boot_id, lease=self.lease, ids=ids)
        self._last_beat = time.monotonic()
        renewed = {row["id"] for row in rows}
        lost = {attempt for attempt in tracked if attempt.run.id not in renewed}
        if lost:
            self._on_lost(lost)

    def _loop(self) -> None:
        if not self._listed:  # the first attempts were claimed a moment ago
            self._stop.wait(self.lease / 4)
        while not self._stop.is_set():
            try:
                if self._connection is None or self._connection.closed:
                    self._connect()
                self.beat()
                self._wait()
            except Exception as error:  # without its thread the worker would only seem to live
                log.warning("heartbeat failed", error=first_line(error), worker=self.boot_id)
                self._close()
                self._stop.wait(RECONNECT)

    def _wait(self) -> None:
        """Until the next beat. A socket that can be read though nothing was asked has lost its
        server.
        """
        assert self._connection is not None and self._pipe is not None
        socket = self._connection.fileno()
        poll = select.poll()
        for readable in (socket, self._pipe[0]):
            poll.register(readable, select.POLLIN)
        if {file for file, _ in poll.poll(self.lease / 4 * 1000)} == {socket}:
            raise LedgerUnavailable("the server closed the connection")

    def _connect(self) -> None:
        self._connection = self._database.connect_sync()
        if self._listed:
            # A new lock for each connection: the server may hold the one of a broken connection
            # until it notices.
            self._execute(
                "worker_hello",
                worker=self.boot_id,
                lock_key=secrets.randbits(62),
                host=socket.gethostname(),
                pid=os.getpid(),
            )
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
