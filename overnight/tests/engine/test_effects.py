"""External writes: permitted, made once, asked about after a crash, and left to a person where
nobody can know.
"""

from __future__ import annotations

from typing import Any

import pytest

from overnight.engine import effects
from overnight.errors import InvalidPayload, LeaseLost, OutcomeUnknown, SwitchedOff
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import NewRun, Run, Scope
from overnight.testing import Clock

NO_PAUSES = (0.0, 0.0, 0.0)


class Outside:
    """A server that stores what it is given, sometimes only after a while, and sometimes fails to
    say so.
    """

    def __init__(self) -> None:
        self.writes = 0
        self.asked = 0
        self.there: str | None = None
        self.shows_after = 0  # looks that find nothing although the write is under way
        self.breaks = False

    async def call(self) -> str:
        self.writes += 1
        self.there = f"write {self.writes}"
        if self.breaks:
            raise ConnectionResetError("reset by peer")
        return self.there

    async def probe(self) -> str | None:
        self.asked += 1
        return self.there if self.asked > self.shows_after else None


@pytest.fixture
async def run(database: Database) -> Run:
    ledger = Ledger(database)
    await ledger.enqueue([NewRun("j", "one", "p", "k", "{}", "h")])
    (run,) = (await ledger.claim(Scope(["p/one"]), "w", 1, 60)).runs
    return run


async def perform(
    database: Database,
    run: Run,
    outside: Outside,
    *,
    probe: bool = True,
    content: str = "hash",
    **options: Any,
) -> Any:
    return await effects.perform(
        *(Ledger(database), run, "publish", content),
        call=outside.call,
        probe=outside.probe if probe else None,
        pauses=NO_PAUSES,
        **options,
    )


async def test_a_write_that_was_made_is_not_made_again(database: Database, run: Run) -> None:
    outside = Outside()
    assert await perform(database, run, outside) == "write 1"
    assert await perform(database, run, outside) == "write 1"
    assert (outside.writes, outside.asked) == (1, 0)


async def test_after_a_crash_the_outside_is_probed_and_not_rewritten(
    database: Database, run: Run
) -> None:
    outside = Outside()
    outside.breaks = True
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside)
    outside.breaks = False
    assert await perform(database, run, outside) == "write 1"
    assert (outside.writes, outside.asked) == (1, 1)


async def test_the_outside_is_probed_again_as_it_may_still_be_at_work(
    database: Database, run: Run
) -> None:
    outside = Outside()
    outside.breaks, outside.shows_after = True, 2
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside)
    outside.breaks = False
    assert await perform(database, run, outside) == "write 1"
    assert (outside.writes, outside.asked) == (1, 3)


async def test_what_is_not_there_after_every_look_is_written_again(
    database: Database, run: Run
) -> None:
    outside = Outside()
    outside.breaks, outside.shows_after = True, 99
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside)
    outside.breaks = False
    assert await perform(database, run, outside) == "write 2"
    assert outside.asked == len(NO_PAUSES)


async def test_where_nobody_can_be_asked_a_person_has_to_look(database: Database, run: Run) -> None:
    outside = Outside()
    outside.breaks = True
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside, probe=False)
    outside.breaks = False
    with pytest.raises(OutcomeUnknown, match="begun before"):
        await perform(database, run, outside, probe=False)
    assert outside.writes == 1


async def test_what_may_be_repeated_is_repeated(database: Database, run: Run) -> None:
    outside = Outside()
    outside.breaks = True
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside, probe=False, repeatable=True)
    outside.breaks = False
    assert await perform(database, run, outside, probe=False, repeatable=True) == "write 2"


@pytest.mark.parametrize("scope", ["all", "pipeline:p", "key:k", "step:p/one"])
async def test_no_write_begins_while_a_switch_is_off(
    database: Database, run: Run, scope: str
) -> None:
    outside = Outside()
    await database.fetch("insert into switches (scope, enabled) values (%s, false)", [scope])
    with pytest.raises(SwitchedOff, match="was not begun"):
        await perform(database, run, outside)
    assert outside.writes == 0


async def test_a_switch_flipped_during_a_probe_holds_the_second_write(
    database: Database, run: Run
) -> None:
    outside = Outside()
    outside.breaks, outside.shows_after = True, 99
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside)

    async def probe_while_somebody_flips() -> None:
        await database.fetch(
            "insert into switches (scope, enabled) values ('all', false) on conflict do nothing"
        )

    outside.probe = probe_while_somebody_flips  # type: ignore[method-assign]
    with pytest.raises(SwitchedOff):
        await perform(database, run, outside)
    assert outside.writes == 1


async def test_a_late_owner_begins_no_write(database: Database, run: Run, clock: Clock) -> None:
    outside = Outside()
    await clock.move(61)
    await Ledger(database).rescue("other", max_losses=5, settle=0)
    with pytest.raises(LeaseLost):
        await perform(database, run, outside)
    assert outside.writes == 0


async def next_attempt(database: Database) -> Run:
    """The worker died: another one has the run now."""
    await database.fetch("update runs set status = 'queued', worker = null, lease_until = null")
    (run,) = (await Ledger(database).claim(Scope(["p/one"]), "w", 1, 60)).runs
    return run


async def breaks_off(database: Database, run: Run, outside: Outside, **options: Any) -> None:
    outside.breaks = True
    with pytest.raises(ConnectionResetError):
        await perform(database, run, outside, **options)
    outside.breaks = False


async def test_other_content_in_a_later_attempt_probes_without_a_write(
    database: Database, run: Run
) -> None:
    outside = Outside()
    await breaks_off(database, run, outside, content="at 04:00:01")
    again = await next_attempt(database)
    assert await perform(database, again, outside, content="at 04:00:02") == "write 1"
    assert (outside.writes, outside.asked) == (1, 1)
    assert await perform(database, again, outside, content="at 04:00:02") == "write 1"
    assert (outside.writes, outside.asked) == (1, 1)


async def test_other_content_is_written_where_the_other_side_has_none(
    database: Database, run: Run
) -> None:
    outside = Outside()
    outside.shows_after = 99
    await breaks_off(database, run, outside, content="a")
    assert await perform(database, await next_attempt(database), outside, content="b") == "write 2"
    assert outside.asked == len(NO_PAUSES)


async def test_other_content_without_a_probe_waits_for_a_person(
    database: Database, run: Run
) -> None:
    outside = Outside()
    await breaks_off(database, run, outside, content="a", probe=False)
    again = await next_attempt(database)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="begun before"):
            await perform(database, again, outside, content="b", probe=False)
    assert outside.writes == 1
    assert (
        await perform(database, again, outside, content="b", probe=False, repeatable=True)
        == "write 2"
    )


async def test_writes_of_one_name_after_an_outcome_are_separate_writes(
    database: Database, run: Run
) -> None:
    outside = Outside()
    await breaks_off(database, run, outside, content="picture 1", probe=False)
    assert await perform(database, run, outside, content="picture 2", probe=False) == "write 2"
    await database.fetch("update effects set status = 'done', result = '1'")
    again = await next_attempt(database)
    assert await perform(database, again, outside, content="picture 3", probe=False) == "write 3"


class Odd:
    def __repr__(self) -> str:
        return "<an answer>"


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"id": 7, "note": "a\x00"}, "at note holds a NUL"),
        ({"id": 7, "score": float("nan")}, "nan at score is a number that JSON does not have"),
        ({"id": 7, "name": "\ud800"}, "at name cannot be written as JSON"),
        ({"id": 7, "client": Odd()}, "<an answer> at client cannot be written as JSON"),
        ({"id": 7, "body": "x" * 17_000_000}, "at body has 17,000,002 characters"),
        ({"id": 7, "big": 10**140_000}, "is refused: Exceeds the limit (4300 digits)"),
    ],
    ids=["NUL", "NaN", "surrogate", "object", "size", "digits"],
)
async def test_an_unstorable_result_is_reported_and_not_rewritten(
    database: Database, run: Run, result: Any, why: str
) -> None:
    outside = Outside()

    async def call() -> Any:
        outside.writes += 1
        return result

    async def write(run: Run, **options: Any) -> Any:
        return await effects.perform(
            *(Ledger(database), run, "publish", "hash"), call=call, pauses=NO_PAUSES, **options
        )

    with pytest.raises(InvalidPayload) as caught:
        await write(run)
    text = str(caught.value)
    assert "“publish” was done outside" in text
    assert why in text
    came_back = "'id': 7" if "digits" not in why else "dict that cannot be shown"
    assert came_back in text
    assert len(text) < 1_500
    again = await next_attempt(database)
    with pytest.raises(
        OutcomeUnknown, match=f"“publish” was done before, and what came back could .*{came_back}"
    ):
        await write(again)

    async def probe() -> str:
        return "write 7"

    assert await write(again, probe=probe) == "write 7"
    assert outside.writes == 1
