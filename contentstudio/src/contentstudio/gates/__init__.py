"""The quality gates: each says in one sentence why a draft may be published, or why a person has to look at it."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from contentstudio import config
from contentstudio.gates import leaks, length, quotes, readability, sources
from contentstudio.model import Draft, Snapshot, Verdict

__all__ = ["judge"]

_GATES = (sources, quotes, length, leaks, readability)


def judge(draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> list[Verdict]:
    """What every gate says, always in the same order. `pool` maps the ids that the draft may cite to what was read.

    Never raises: a gate that cannot finish its check has not passed the draft.
    """
    return [_verdict(gate, draft, pool, gates) for gate in _GATES]


def _verdict(gate: ModuleType, draft: Draft, pool: Mapping[str, Snapshot], gates: config.Gates) -> Verdict:
    name = gate.__name__.rpartition(".")[2]
    try:
        verdict = gate.check(draft, pool, gates)
        if not isinstance(verdict, Verdict):
            raise TypeError(f"a verdict was due and {type(verdict).__name__} came")
        return verdict
    except Exception as error:
        return Verdict(gate=name, passed=False, reason=f"The check broke off: {type(error).__name__}: {error}.")
