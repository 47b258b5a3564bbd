"""What an upstream answered opens and closes its breaker."""

from __future__ import annotations

from datetime import timedelta

from .state import ERRORS, PAUSE, WITHIN, Breaker, State


class Breakers(State):
    """Errors in a row open a breaker; its probe closes it."""

    def hear(self, name: str, run: int, verdict: str) -> None:
        """One signal of an upstream: an `error`, `well`, or `nothing`."""
        breaker = self.breakers.setdefault(name, Breaker())
        if breaker.open_until is not None:
            if run != breaker.probe:
                return
            breaker.probe = None
            if verdict == "well":
                self.breakers[name] = Breaker()
            else:
                breaker.failures += verdict == "error"
                breaker.open_until = self.now + (PAUSE if verdict == "error" else timedelta(0))
        elif verdict == "well":
            breaker.failures, breaker.errors = 0, []
        elif verdict == "error":
            breaker.failures += 1
            breaker.errors = [*breaker.errors, self.now][-ERRORS:]
            if len(breaker.errors) == ERRORS and breaker.errors[-1] - breaker.errors[0] <= WITHIN:
                breaker.open_until = self.now + PAUSE
