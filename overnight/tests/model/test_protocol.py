"""The protocol against its model: Hypothesis chooses what workers, people and the clock do, and in
which order.

Each family of rules is a file of `rules`, with the model's side of it in `reference`. See
docs/proof.md for what is modelled, and for how a failure is repeated.
"""

from __future__ import annotations

import asyncio
import os
import secrets

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from overnight.testing import fresh_database

from .rules.breakers import Breakers
from .rules.decisions import Decisions
from .rules.rescues import Rescues
from .rules.schedules import Schedules
from .stage import Stage

EXAMPLES = int(os.environ.get("OVERNIGHT_EXAMPLES", "0"))  # 0: those of `make test`
SEED = int(os.environ.get("OVERNIGHT_SEED") or (secrets.randbits(32) if EXAMPLES else 0))
PHASES = [Phase.generate] if "OVERNIGHT_MUTANT" in os.environ else [Phase.generate, Phase.shrink]
BY_DEFAULT, STEPS = 30, 40


class Protocol(Breakers, Rescues, Schedules, Decisions):
    """All rules on one state."""


@pytest.mark.timeout(0 if EXAMPLES else 300)
def test_the_ledger_agrees_with_its_model_in_any_order_of_events(
    server_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"{EXAMPLES or BY_DEFAULT} examples, OVERNIGHT_SEED={SEED}")
    with asyncio.Runner() as runner:
        context = fresh_database(server_url)
        database = runner.run(context.__aenter__())
        stage = Stage(database.url)
        runner.run(stage.open())
        Protocol.stage, Protocol.runner = stage, runner
        try:
            run_state_machine_as_test(
                seed(SEED)(Protocol),
                settings=settings(
                    max_examples=EXAMPLES or BY_DEFAULT,
                    stateful_step_count=STEPS,
                    database=None,
                    phases=PHASES,
                    deadline=None,
                    print_blob=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stage.close())
            runner.run(context.__aexit__(None, None, None))
