"""All gates together: what each says of a draft, and what of it the writer may mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from contentstudio.gates import (
    advice,
    banned,
    cadence,
    claims,
    contacts,
    dates,
    duplicates,
    html,
    injection,
    judged,
    language,
    leaks,
    length,
    links,
    originality,
    privacy,
    promises,
    quotes,
    readability,
    rivals,
    sensitive,
    sources,
    structure,
    stuffing,
)
from contentstudio.gates.input import Case, Missing
from contentstudio.model import Fault, Verdict
from contentstudio.text.wording import shown

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
    *(dates, promises, contacts, privacy, advice),
    *(judged, originality, duplicates, rivals, banned, sensitive, cadence),
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
    dates,
    promises,
    contacts,
    originality,
    judged,
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
    measuring = (claims, language, readability, dates, promises, advice, sensitive)
    reasons = {_name(gate): gate.unmeasured_in(code) for gate in measuring}
    return {name: why for name, why in reasons.items() if why}


@dataclass(frozen=True, slots=True)
class ToMend:
    """All that the gates found, for one request to the writer. Other words at the places of
    `faults` mend the article; where it is to be written as a `whole`, a gate names no place.
    """

    faults: tuple[Fault, ...]
    reasons: tuple[str, ...]
    whole: bool


def to_mend(verdicts: Sequence[Verdict]) -> ToMend | None:
    """What to give back to the writer; None where all is well, or where other words would not mend
    it all.
    """
    wrong = [verdict for verdict in verdicts if not verdict.passed]
    mendable = {_name(gate) for gate in _MENDABLE}
    if not wrong or any(not v.checked or v.gate not in mendable for v in wrong):
        return None
    return ToMend(
        faults=tuple(fault for verdict in wrong for fault in verdict.faults),
        reasons=tuple(reason for verdict in wrong for reason in _reasons(verdict)),
        whole=not all(verdict.faults for verdict in wrong),
    )


def _reasons(verdict: Verdict) -> list[str]:
    """Each fault in a sentence; the reason of the verdict where it names no place."""
    faults = (f"{fault.place}, {shown(fault.text)}: {fault.reason}" for fault in verdict.faults)
    return [f"{verdict.gate}: {reason}" for reason in (*faults,) or (verdict.reason,)]


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
