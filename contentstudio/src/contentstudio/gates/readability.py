"""The text is easy enough to read, by the formula for its language; the grade is measured in
English alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor

from contentstudio.gates.input import Case, failed, passed, skipped
from contentstudio.gates.reading_ease import FORMULAS, WORD, ease, grade
from contentstudio.model import Verdict
from contentstudio.text.wording import normal


def check(case: Case) -> Verdict:
    """Measure the body: reading ease and, in English, the grade are within the bands of
    the config.
    """
    if not WORD.search(normal(case.draft.prose())):
        return failed("readability", "There is no text to read.")
    if why := unmeasured_in(case.language):
        return skipped("readability", why)
    gates = case.gates
    measures = list(_measures(case))
    values = f"Reading ease {measures[0][2]:.1f}" + "".join(
        f", grade {m[2]:.1f}" for m in measures[1:]
    )
    for name, value, _, least, most in measures:
        if value < least:
            return failed("readability", f"{values}; the minimum {name} is {least:g}.")
        if value > most:
            return failed("readability", f"{values}; the maximum {name} is {most:g}.")
    bands = [
        f"{gates.min_flesch:g} to {gates.max_flesch:g}",
        f"{gates.min_grade:g} to {gates.max_grade:g}",
    ]
    noun = "bands are" if len(measures) > 1 else "band is"
    return passed("readability", f"{values}; the {noun} {' and '.join(bands[: len(measures)])}.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if language in FORMULAS else f"no formula of reading ease is known for “{language}”"


def _measures(case: Case) -> Iterator[tuple[str, float, float, float, float]]:
    """(name, value, value as shown, least, most). Ease is rounded down, so that a text just below
    the threshold is not shown as having reached it; the grade is rounded up.
    """
    texts, gates = [s.text for s in case.draft.sentences()], case.gates
    value = ease(texts, case.language)
    yield "ease", value, floor(value * 10) / 10, gates.min_flesch, gates.max_flesch
    if case.language == "en":
        value = grade(texts)
        yield "grade", value, ceil(value * 10) / 10, gates.min_grade, gates.max_grade
