"""Nothing is published by which a private person can be found, paid from or taken for: accounts,
cards, identity numbers, where somebody lives, a day of birth of this time that no source tells.

Numbers with check digits (IBAN, cards, CPF, DNI) are told from others by them, in every language.
Homes and days of birth are told by the words of the language packs. An account or a home that a
source published does no less harm, so it makes no difference that it stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

from contentstudio import places
from contentstudio.gates.input import Case, fault, known, verdict
from contentstudio.model import Verdict
from contentstudio.text import packs
from contentstudio.text.wording import normal

_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]){11,30}\b")
_CARD = re.compile(r"(?<![\d.,])\d(?:[ -]?\d){12,18}(?![\d.,]\d)")
_CPF = re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b")
_DNI = re.compile(r"\b(\d{8})-?([A-HJ-NP-TV-Z])\b")
_SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_DAY = re.compile(r"\s*(?:[^\W\d]+\s+)?\d{1,2}\b\D{1,20}?(?P<year>(?:1[89]|20)\d\d)\b")
_LIFETIME = 110  # years
_NUMBER_FIRST = ("en", "fr")  # of a house, before its street


def check(case: Case) -> Verdict:
    """Look for personal data in everything that a reader may see."""
    today = known(case.today, "today's date")
    sources = normal("\n".join(snapshot.text for snapshot in case.pool.values())).casefold()
    wrong = [
        fault(text, f"has {what}, which is nobody's to publish.")
        for text in places.texts(case.draft)
        for what in _personal(normal(text.text), case.language, today, sources)
    ]
    return verdict("privacy", wrong, "No personal data was found.")


def _personal(words: str, language: str, today: date, sources: str) -> Iterator[str]:
    for pattern, is_one, what in _NUMBERS:
        if any(is_one(match) for match in pattern.finditer(words)):
            yield what
    if (home := _home(language)) and (match := home.search(words)):
        yield f"the home “{match[0]}”"
    born = packs.pattern(language, "advice", "born")
    if born is not None and (match := born.search(words)):
        day = _DAY.match(words, match.end())
        is_of_this_time = day is not None and int(day["year"]) > today.year - _LIFETIME
        if day and is_of_this_time and day[0].strip().casefold() not in sources:
            yield f"the day of birth “{day[0].strip()}”"


@cache
def _home(language: str) -> re.Pattern[str] | None:
    """A verb of living somewhere with a street and its number, in the order of the language."""
    lives, street = (packs.pattern(language, "advice", name) for name in ("lives", "street"))
    if lives is None or street is None:
        return None
    number = r"\d{1,4}\s?[a-z]?\b"
    order = (
        rf"\b{number},?\s(?:(?-i:[A-ZÀ-Þ])[\w'-]+\s){{0,3}}{street.pattern}"
        if language in _NUMBER_FIRST
        else rf"{street.pattern}(?:[\s,][\w'.-]+){{0,4}}?,?\s(?:n[.º°]?\s?)?{number}"
    )
    return re.compile(rf"{lives.pattern}\W[^.!?]{{0,40}}?{order}", re.I)


def _is_iban(match: re.Match[str]) -> bool:
    """By its check digits (ISO 13616)."""
    code = re.sub(r"\s", "", match[0])
    for end in range(len(code), 14, -1):  # the words behind it may look like more of it
        part = code[4:end] + code[:4]
        if int("".join(str(int(c, 36)) for c in part)) % 97 == 1:
            return True
    return False


def _is_card(match: re.Match[str]) -> bool:
    """By Luhn's check digit, and the first one of the networks."""
    digits = [int(c) for c in match[0] if c.isdigit()]
    doubled = (sum(divmod(2 * d, 10)) if n % 2 else d for n, d in enumerate(reversed(digits)))
    return digits[0] in (2, 3, 4, 5, 6) and sum(doubled) % 10 == 0


def _is_cpf(match: re.Match[str]) -> bool:
    """By its two check digits."""
    digits = [int(c) for c in match[0] if c.isdigit()]
    for length in (9, 10):
        weights = range(length + 1, 1, -1)
        rest = sum(d * w for d, w in zip(digits, weights, strict=False)) * 10 % 11 % 10
        if rest != digits[length]:
            return False
    return len(set(digits)) > 1


def _is_dni(match: re.Match[str]) -> bool:
    """By its check letter."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(match[1]) % 23] == match[2]


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bool], str], ...] = (
    (_IBAN, _is_iban, "the number of a bank account"),
    (_CARD, _is_card, "the number of a card"),
    (_CPF, _is_cpf, "a tax number"),
    (_DNI, _is_dni, "the number of an identity card"),
    (_SSN, bool, "a social security number"),
)
