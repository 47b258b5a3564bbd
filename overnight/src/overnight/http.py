"""A web server of ours: where it listens, and how it ends."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from overnight.errors import UserError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

STOP_GRACE = 2  # seconds that requests under way have to end when the server is asked to stop


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `UserError` where that cannot be, such as a port that is in
    use.
    """
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        # Passed on to each connection; without it the body of an answer waits 40 ms for the receipt
        # of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise UserError(
            f"cannot listen on port {port} of {host} ({why}): name others with --port or --host"
        ) from None


def url_of(listener: socket.socket) -> str:
    """Where it is to be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@asynccontextmanager
async def served(site: ASGIApp, listener: socket.socket) -> AsyncIterator[str]:
    """The site is served as long as the block lasts, and its requests then have `STOP_GRACE` to
    end; gives its URL.
    """
    server = _server(site)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield url_of(listener)
    finally:
        server.should_exit = True
        await task


def _server(site: ASGIApp) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves signals to the command line, which closes the database too."""

        def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
            return nullcontext()

    return Server(
        uvicorn.Config(
            site,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what matters is logged here, as JSON
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_GRACE,
        )
    )
