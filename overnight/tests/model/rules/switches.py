"""People flip switches, and close breakers."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from overnight.errors import NotFound
from overnight.operations import breakers, switches

from ..reference.state import Breaker
from .machine import SCOPES, Any_, Machine


class Switches(Machine):
    """What holds claims until a person lets them go on."""

    @precondition(lambda self: self.model.off or self.model.breakers)
    @rule(which=Any_)
    def a_person_lets_go_on(self, which: int) -> None:
        """All switches on; sometimes a breaker is closed, too."""
        self.switch_everything_on()
        if which < 3:
            self.close_a_breaker(("llm", "cms a", "cms b")[which])

    @rule(scope=st.sampled_from(SCOPES), enabled=st.booleans())
    def switch(self, scope: str, enabled: bool) -> None:
        self.settle()
        act = switches.resume if enabled else switches.pause
        self.run(act(self.stage.people, scope, reason="test", by="ada"))
        (self.model.off.discard if enabled else self.model.off.add)(scope)

    def switch_everything_on(self) -> None:
        for scope in sorted(self.model.off):
            self.switch(scope, True)

    def close_a_breaker(self, name: str) -> None:
        self.settle()
        expected = self.model.breakers.pop(name, Breaker())
        close = breakers.close(self.stage.people, name, reason="it is well", by="ada")
        if expected.open_until is None and not expected.failures:
            with pytest.raises(NotFound):
                self.run(close)
        else:
            self.run(close)
