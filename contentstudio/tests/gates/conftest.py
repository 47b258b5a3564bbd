"""The articles of the suite as fixtures. `gate_suite` (in `tests/shared`) reads them."""

from __future__ import annotations

from collections.abc import Callable

import gate_suite
import pytest

from contentstudio.gates.input import Case


@pytest.fixture
def good_case() -> Callable[[str], Case]:
    """The case of a good article of the suite."""
    return gate_suite.good_case


@pytest.fixture
def bad_case() -> Callable[[str], Case]:
    """The case of a bad article: a good one with what is wrong put in."""
    return gate_suite.bad_case
