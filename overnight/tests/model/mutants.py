"""Breaks the protocol in one place after the other, each in a copy of the package, and sees that a
test fails.

`make test-mutants`; with NAME="…" those whose sentence has that word. Ends with 1 where a mutant
lives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
MODEL, GUARDS, EAGER, JOINS, WAITS = (
    "overnight/tests/model",
    "overnight/tests/store/test_guards.py",
    "overnight/tests/engine/test_eager.py",
    "overnight/tests/engine/test_joins.py",
    "overnight/tests/engine/test_waits.py",
)
AT_ONCE = 2
SETTINGS = {"OVERNIGHT_MUTANT": "1", "OVERNIGHT_EXAMPLES": "100", "OVERNIGHT_SEED": "1"}
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")


class Mutant(NamedTuple):
    """`number`: of the invariant in docs/proof.md that is broken; 0 where it is a promise of the
    protocol besides.
    """

    number: int
    sentence: str
    file: str  # below overnight/src/overnight/store/sql
    old: str  # stands in it exactly once
    new: str
    test: str = MODEL


LIFE, LEDGER, FUNCTIONS, BEGIN = (
    f"schema/{name}.sql"
    for name in ("0003_held_back", "0001_ledger", "0022_functions", "0025_rows_to_begin")
)
CLAIM, FINISH, BEAT, RESCUE = (
    f"engine/{verb}.sql" for verb in ("claim", "finish", "beat", "rescue")
)
INTEND, FIRE, BREAKER = (
    f"engine/{verb}.sql" for verb in ("effect_intend", "schedule_fire", "breaker_write")
)

WAITING = "schema/0029_waits.sql"

MUTANTS = (
    Mutant(
        3,
        "of two last children neither sees the other",
        WAITING,
        "    order by w.run_id\n    for update;",
        "    order by w.run_id;",
        JOINS,
    ),
    Mutant(
        3,
        "a join does not mark what is there",
        WAITING,
        "while exists (select from runs r\n",
        "while false and exists (select from runs r\n",
        JOINS,
    ),
    Mutant(
        3,
        "an adopted run ends silently",
        WAITING,
        "and (old.status <> 'running' or new.adopted)",
        "and old.status <> 'running'",
        JOINS,
    ),
    Mutant(
        3,
        "nobody tells of a replaced child",
        WAITING,
        "when (old.job_id <> new.job_id\n                       or",
        "when (",
        JOINS,
    ),
    Mutant(
        3,
        "a join knows no earlier endings",
        WAITING,
        "end_jobs(ended || existing)",
        "end_jobs(ended)",
        JOINS,
    ),
    Mutant(
        3,
        "a worker's endings are not told",
        FINISH,
        "m.events, e.jobs) as jobs",
        "m.events, null) as jobs",
        JOINS,
    ),
    Mutant(
        3,
        "a rescue's endings are not told",
        RESCUE,
        "null, null, null, j.jobs)",
        "null, null, null, null)",
        JOINS,
    ),
    Mutant(
        0,
        "a join begins with what is open",
        WAITING,
        "and not r.open and not",
        "and not",
        JOINS,
    ),
    Mutant(
        0,
        "a dead child has ended for all",
        WAITING,
        " and not (r.dead and w.dead = 'wait')",
        "",
        JOINS,
    ),
    Mutant(
        0,
        "a child that dies again counts again",
        WAITING,
        "j.job_id = any(jobs) and not j.ended and not r.open",
        "j.job_id = any(jobs) and not r.open",
        JOINS,
    ),
    Mutant(
        2,
        "an ending moves what has begun",
        WAITING,
        "and c.missing = 0 and r.status = 'queued' and r.attempt = 0",
        "and c.missing = 0",
        JOINS,
    ),
    Mutant(
        2,
        "an event is given to what has begun",
        WAITING,
        "                    and r.status = 'queued' and r.attempt = 0\n",
        "",
        WAITS,
    ),
    Mutant(
        2,
        "an event is given twice",
        WAITING,
        "o.key = pair.key and o.run_id is null",
        "o.key = pair.key",
        WAITS,
    ),
    Mutant(
        2,
        "a run is given two events",
        WAITING,
        "w.key = pair.key and w.fulfilled_at is null",
        "w.key = pair.key",
        WAITS,
    ),
    Mutant(
        3,
        "an event and a wait miss each other",
        WAITING,
        "perform pg_advisory_xact_lock(",
        "perform (",
        WAITS,
    ),
    Mutant(
        2,
        "an event of a late owner is kept",
        FINISH,
        "f.id = (n.event ->> 'parent')::bigint and f.attempt = (n.event ->> 'attempt')::int",
        "f.id = (n.event ->> 'parent')::bigint or true",
        WAITS,
    ),
    Mutant(
        0,
        "the last that waits is first",
        WAITING,
        "order by w.run_id\n                  limit 1",
        "order by w.run_id desc\n                  limit 1",
        WAITS,
    ),
    Mutant(
        1,
        "an ended attempt can be ended again",
        FINISH,
        "and (r.status = 'running') is true",
        "and true",
    ),
    Mutant(1, "any transition is legal", LIFE, "if old.status <> new.status\n", "if false\n"),
    Mutant(
        1,
        "what succeeded is replayed",
        "operations/replay.sql",
        "and status = 'dead'\n",
        "and true\n",
    ),
    Mutant(
        1,
        "an ending without an output wipes it out",
        FINISH,
        "coalesce(e.output::jsonb, r.output)",
        "e.output::jsonb",
        GUARDS,
    ),
    Mutant(2, "a claim counts no attempt", CLAIM, "attempt = runs.attempt + 1, ", ""),
    Mutant(
        2,
        "a claim locks too little",
        CLAIM,
        "for update skip locked",
        "for share skip locked",
        GUARDS,
    ),
    Mutant(2, "a claim waits for locks", CLAIM, "for update skip locked", "for update", GUARDS),
    Mutant(2, "a late owner is heard", FINISH, "and r.attempt = e.attempt\n", "\n"),
    Mutant(
        2, "a job follows from a late attempt", FINISH, " and f.attempt = n.attempt", "", GUARDS
    ),
    Mutant(2, "the history is of the wrong attempt", FINISH, " and e.attempt = f.attempt", ""),
    Mutant(2, "a late owner writes outside", INTEND, "and r.attempt = %(attempt)s and", "and"),
    Mutant(
        2, "an owner who lost its run writes outside", INTEND, " and r.status = 'running'\n", "\n"
    ),
    Mutant(2, "a beat keeps what is another's", BEAT, " and r.worker = %(worker)s", ""),
    Mutant(
        2,
        "a beat keeps what it was not told of",
        BEAT,
        "r.id = any(%(ids)s::bigint[])",
        "(%(ids)s::bigint[] is not null)",
    ),
    Mutant(
        2, "a beat keeps what has ended", BEAT, " and (r.status = 'running') is true", "", GUARDS
    ),
    Mutant(
        2, "a beat waits for locks", BEAT, "for update of r skip locked", "for update of r", GUARDS
    ),
    Mutant(
        2,
        "a beat renews nothing",
        BEAT,
        "from unlocked\n    where runs.id",
        "from unlocked\n    where false and runs.id",
    ),
    Mutant(
        2,
        "one look proves a death",
        RESCUE,
        "w.missed_at < ledger_now() - make_interval(secs => %(settle)s) as gone",
        "true as gone",
    ),
    Mutant(
        2,
        "leases are judged by whoever has no steady heart",
        RESCUE,
        "or %(judges_leases)s and r.lease_until",
        "or r.lease_until",
    ),
    Mutant(2, "a rescue overtakes an ending", RESCUE, "for update skip locked", ""),
    Mutant(
        3,
        "nobody looks at leases",
        RESCUE,
        "or %(judges_leases)s and r.lease_until < ledger_now())",
        ")",
    ),
    Mutant(
        3,
        "nobody looks at free locks",
        RESCUE,
        "r.worker in (select boot_id from missing where gone)",
        "false",
    ),
    Mutant(
        3, "a step may kill workers for ever", RESCUE, "or r.losses + 1 >= %(max_losses)s as", "as"
    ),
    Mutant(
        3,
        "a dead letter of a rescue is not told",
        RESCUE,
        "where r.status = 'dead'\n",
        "where false\n",
    ),
    Mutant(3, "a dead letter is not told", FINISH, "where f.status = 'dead'", "where false"),
    Mutant(
        3,
        "a dead letter is told and not counted",
        FINISH,
        "d.job_id, d.count) as alert",
        "d.job_id, 1) as alert",
        GUARDS,
    ),
    Mutant(
        3,
        "the alert of a dead letter is not asked for",
        FINISH,
        "from raised where alert is null",
        "from raised where false",
        GUARDS,
    ),
    Mutant(
        3,
        "the alert of a rescue is not asked for",
        RESCUE,
        "from raised where alert is null",
        "from raised where false",
    ),
    Mutant(
        5,
        "a switch holds nothing",
        FUNCTIONS,
        "where not s.enabled and in_scope",
        "where false and in_scope",
    ),
    Mutant(
        3,
        "the ring is a line",
        RESCUE,
        "order by w.boot_id > %(worker)s desc, w.boot_id",
        "order by w.boot_id",
    ),
    Mutant(
        3,
        "nobody knows of the next lease",
        RESCUE,
        "where r.status = 'running' and r.id not in (select id from lost)",
        "where false",
    ),
    Mutant(
        3,
        "a claim sleeps past what is due later",
        CLAIM,
        "and r.id not in (select id from chosen)",
        "and r.due_at <= ledger_now()",
    ),
    Mutant(
        3,
        "the lowest priority alone is seen",
        CLAIM,
        "where status = 'queued' order by priority desc limit 1)",
        "where status = 'queued' order by priority limit 1)",
    ),
    Mutant(
        3,
        "the terms of a job end with its first step",
        FINISH,
        "f.deadline_at end, case when follows then f.expect_at end",
        "f.deadline_at end, null::timestamptz",
        GUARDS,
    ),
    Mutant(
        2,
        "an eager step counts no attempt",
        BEGIN,
        "when n.owner is null then 0 else 1 end",
        "when n.owner is null then 0 else 0 end",
        EAGER,
    ),
    Mutant(
        2,
        "an eager step has no owner",
        BEGIN,
        "           n.owner, case when",
        "           null::text, case when",
        EAGER,
    ),
    Mutant(
        3,
        "an eager step has no lease",
        BEGIN,
        "ledger_now() + make_interval(secs => lease)",
        "null::timestamptz",
        EAGER,
    ),
    Mutant(
        3,
        "an eager step is kept from its owner",
        FINISH,
        "from started where attempt = 1",
        "from started where attempt = 2",
        EAGER,
    ),
    Mutant(
        5,
        "an eager step forgets the switches",
        FINISH,
        "and not exists (select from switches_off(n.pipeline, n.key, n.step))",
        "",
        EAGER,
    ),
    Mutant(
        5,
        "an eager step forgets its key's switch",
        FINISH,
        "switches_off(n.pipeline, n.key, n.step)",
        "switches_off(n.pipeline, '', n.step)",
        EAGER,
    ),
    Mutant(
        0, "a step is eager that nobody has a place for", FINISH, "n.eager = 1\n", "true\n", EAGER
    ),
    Mutant(
        0,
        "an eager step goes before a higher priority",
        FINISH,
        "and f.priority >= coalesce((select priority from urgent), f.priority)",
        "",
        EAGER,
    ),
    Mutant(
        0,
        "an eager step waits for what is not due",
        FINISH,
        "(select min(priority) from finished) and r.due_at <= ledger_now()",
        "(select min(priority) from finished)",
        EAGER,
    ),
    Mutant(
        0,
        "an eager step waits for what has ended",
        FINISH,
        "r.status = 'queued' and r.priority",
        "r.priority",
        EAGER,
    ),
    Mutant(
        0,
        "the urgent of one job alone counts",
        FINISH,
        "(select min(priority) from finished)",
        "(select max(priority) from finished)",
        EAGER,
    ),
    Mutant(
        4,
        "a slot is fired by whoever saw it due",
        FIRE,
        "      and last_slot = %(last_slot)s\n",
        "",
    ),
    Mutant(
        4,
        "a slot is not moved on from",
        FIRE,
        "set last_slot = %(slot)s",
        "set last_slot = last_slot",
    ),
    Mutant(
        4,
        "a slot begins no job",
        FIRE,
        "from fired f\n",
        "from fired f where false\n",
    ),
    Mutant(
        5,
        "a claim forgets the keys that are off",
        CLAIM,
        "where not enabled and scope like 'key:%%') as keys_off",
        "where false) as keys_off",
    ),
    Mutant(
        5,
        "an outside write forgets the switches",
        INTEND,
        "and switched_off(r.pipeline, r.key, r.step) is null",
        "",
    ),
    Mutant(
        7,
        "an intent is forgotten",
        INTEND,
        "(xmax <> 0) or exists (select from earlier) as seen_before",
        "false as seen_before",
    ),
    Mutant(
        7,
        "an intent stands as done",
        LEDGER,
        "not null default 'intended' check",
        "not null default 'done' check",
    ),
    Mutant(
        8,
        "a decision is on what nobody saw",
        "operations/approve.sql",
        "and starts_with(seal(output, input), %(revision)s)",
        "",
    ),
    Mutant(
        8,
        "an edit changes what has begun",
        "operations/edit.sql",
        "status = 'queued' and (attempt = 0 or outcome = 'snooze')",
        "status = 'queued'",
    ),
    Mutant(
        8,
        "an event replaces what a person wrote",
        "operations/edit.sql",
        "losses = 0, debounce = null",
        "losses = 0",
    ),
    Mutant(
        0,
        "an earlier event undoes a later one",
        LIFE,
        "set status = 'cancelled', outcome = 'cancel', finished_at = ledger_now(),\n        error",
        "set error",
    ),
    Mutant(0, "a busy key waits for ever", LIFE, "least(new.due_at, r.due_by)", "new.due_at"),
    Mutant(
        0,
        "other inputs are skipped silently",
        BEGIN,
        "where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> "
        "excluded.pipeline",
        "where false",
    ),
    Mutant(
        0,
        "two take the last place of a limit",
        CLAIM,
        "where limits.version = excluded.version - 1",
        "where true",
    ),
    Mutant(
        0,
        "several of one claim pass a limit",
        CLAIM,
        "bool_and(free is null or position <= free)",
        "bool_and(free is null or free > 0)",
    ),
    Mutant(
        0,
        "starts are kept for ever",
        CLAIM,
        "where s > ledger_now() - make_interval(secs => max(t.per))), '{}')",
        "), '{}')",
    ),
    Mutant(
        0,
        "an open breaker lets through",
        CLAIM,
        "join breakers b on b.open_until is not null",
        "join breakers b on false",
    ),
    Mutant(
        0,
        "a second probe goes beside the first",
        CLAIM,
        "or exists (select from runs p where p.id = b.probe_run and p.status = 'running')",
        "",
    ),
    Mutant(
        0, "two become the probe at once", CLAIM, " and b.open_until <= ledger_now()", "", GUARDS
    ),
    Mutant(
        0,
        "a breaker is written over",
        BREAKER,
        "where b.version = excluded.version - 1",
        "",
        GUARDS,
    ),
    Mutant(
        0,
        "suspects stand beside each other",
        CLAIM,
        "where losses >= %(suspect)s order by id limit 1)",
        "where losses >= %(suspect)s order by id)",
    ),
    Mutant(
        0,
        "the youngest goes first",
        CLAIM,
        "order by r.due_at, r.id\n",
        "order by r.due_at desc, r.id\n",
    ),
)


def survives(mutant: Mutant) -> bool:
    """Whether the tests pass all the same."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        copy = Path(name)
        shutil.copytree(ROOT / "overnight", copy / "overnight", ignore=LEFT_OUT)
        for file in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / file, copy)
        broken = copy / "overnight/src/overnight/store/sql" / mutant.file
        text = broken.read_text("utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(
                f"“{mutant.sentence}”: {mutant.file} has not one “{mutant.old}”; mend this list"
            )
        broken.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        env = {**os.environ, **SETTINGS, "PYTHONPATH": str(copy / "overnight/src")}
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "0",
            "-x",
            "--basetemp",
            name + "/tests",
            mutant.test,
        ]
        return (
            subprocess.run(pytest, cwd=copy, env=env, capture_output=True, check=False).returncode
            == 0
        )


def main() -> int:
    for test in (MODEL, GUARDS, EAGER, JOINS, WAITS):
        if not survives(
            Mutant(0, "nothing is broken", CLAIM, "with recursive off", "with recursive off", test)
        ):
            raise SystemExit(f"{test} fails as it is: mend that first")
    chosen = [mutant for mutant in MUTANTS if os.environ.get("NAME", "") in mutant.sentence]
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        lives = 0
        for mutant, alive in zip(chosen, at_once.map(survives, chosen), strict=True):
            lives += alive
            print(
                "LIVES " if alive else "caught", mutant.number or "-", mutant.sentence, flush=True
            )
    print(f"{len(chosen) - lives} of {len(chosen)} caught")
    return int(lives > 0)


if __name__ == "__main__":
    sys.exit(main())
