"""What the tests of the adapters share: the server that stands for Ghost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def ghost_module() -> Any:
    """`ghost_server.py`, which is no module of a package."""
    spec = spec_from_file_location("ghost_server", Path(__file__).with_name("ghost_server.py"))
    assert spec is not None and spec.loader is not None
    module = sys.modules["ghost_server"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ghost_server(ghost_module: Any) -> Iterator[Any]:
    with ghost_module.GhostServer() as server:
        yield server
