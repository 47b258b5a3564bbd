"""All gates together: what each says of a draft, and what of it the writer may mend."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from contentstudio.gates import (
    banned,
    cadence,
    claims,
    duplicates,
    html,
    injection,
    language,
    leaks,
    length,
    links,
    quotes,
    readability,
    rivals,
    sensitive,
    sources,
    structure,
    stuffing,
)
from contentstudio.gates.input import Case, Missing
from contentstudio.model import Verdict

GATES = (
    *(
        sources,
        claims,
        quotes,
        links,
        length,
        language,
        readability,
        leaks,
        injection,
        html,
        structure,
        stuffing,
    ),
    *(duplicates, rivals, banned, sensitive, cadence),
)
# What other words mend. What the world says (a dead link, a neighbour, a full day), what a source
# tried, and what the law, the purse or the body may suffer from are for a person.
_MENDABLE = (
    sources,
    claims,
    quotes,
    length,
    language,
    readability,
    leaks,
    html,
    structure,
    stuffing,
    banned,
)


def judge(case: Case) -> list[Verdict]:
    """What every gate says, always in the same order.

    Never raises: a gate that cannot finish its check, or lacks a fact that it needs, has not passed
    the draft.
    """
    return [_verdict(gate, case) for gate in GATES]


def unmeasured_in(code: str) -> dict[str, str]:
    """What the gates cannot measure in the language of a code (two letters): gate to the reason.

    `sensitive` holds what it cannot measure, the others let it pass.
    """
    reasons = {
        _name(gate): gate.unmeasured_in(code) for gate in (claims, language, readability, sensitive)
    }
    return {name: why for name, why in reasons.items() if why}


def to_mend(verdicts: Sequence[Verdict]) -> list[str]:
    """The reasons to give back to the writer; none where all is well, or where other words would
    not mend it all.
    """
    wrong = [verdict for verdict in verdicts if not verdict.passed]
    mendable = {_name(gate) for gate in _MENDABLE}
    if any(not verdict.checked or verdict.gate not in mendable for verdict in wrong):
        return []
    return [f"{verdict.gate}: {verdict.reason}" for verdict in wrong]


def _verdict(gate: ModuleType, case: Case) -> Verdict:
    try:
        verdict = gate.check(case)
        if not isinstance(verdict, Verdict):
            raise TypeError(f"a verdict was due and {type(verdict).__name__} came")
        return verdict
    except Missing as missing:
        reason = f"Could not be checked: {missing}."
    except Exception as error:
        reason = f"The check broke off: {type(error).__name__}: {error}."
    return Verdict(gate=_name(gate), passed=False, reason=reason, checked=False)


def _name(gate: ModuleType) -> str:
    return gate.__name__.rpartition(".")[2]
