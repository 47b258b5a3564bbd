"""What the tests of the adapters share: the server that stands for Ghost."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import ghost_server as module
import pytest
from ghost_server import GhostServer


@pytest.fixture(scope="session")
def ghost_module() -> ModuleType:
    """`ghost_server.py`, with what its answers are made of."""
    return module


@pytest.fixture
def ghost_server() -> Iterator[GhostServer]:
    with GhostServer() as server:
        yield server
