"""Nobody is sent to a telephone, an account, a shop or an offer that no source names.

Numbers, accounts and addresses (also written out, as in `info at shop dot example`) are found in
every language, offers and calls to get in touch by the words of the language packs. What stands in
a source, or in what the owner calls readers to do, may stand in the article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from contentstudio import places
from contentstudio.gates.input import Case, fault, verdict
from contentstudio.model import Verdict
from contentstudio.text import packs
from contentstudio.text.wording import normal

_PHONE = re.compile(r"(?<![\w.,/-])(?:\+|\(0|0)?\d(?:[\s./()-]{0,2}\d){7,14}(?![\w/-])")
_ACCOUNT = re.compile(r"(?<![\w.@])@[A-Za-z_][\w.]{2,}\w")
_END = (
    r"(?:com|net|org|info|biz|shop|store|online|site|app|io|co|me|example|test"
    r"|de|fr|es|it|nl|pt|uk|eu|ch|at|be|br|us)"
)
_HOST = re.compile(rf"(?<![@\w.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+{_END}\b(?!\.\w)")
_CODE = re.compile(r"\b(?i:code|gutschein|código|codice|cupón|cupom|coupon)\s+[A-Z][A-Z0-9]{3,}\b")
_TIMES = re.compile(  # days, years and hours have the digits of a number to call
    r"\b\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}\.\d\d\b"
    r"|\b(?:1[5-9]|20)\d\d\b"
)
_DIGITS = 9  # of a number to call, at least; fewer with a zero or a plus before it
_WITH_ZERO = 7


def check(case: Case) -> Verdict:
    """Look for contacts and offers that stand neither in a source nor in the site's profile."""
    known = _Known(case)
    wrong = [
        fault(text, f"has {what}, which is in no source.")
        for text in places.texts(case.draft)
        for what in _contacts(text.text, known)
    ]
    return verdict("contacts", wrong, "No contact or offer stands there that is in no source.")


class _Known:
    """What the sources and the owner say, as it is compared."""

    def __init__(self, case: Case) -> None:
        profile = case.site.profile
        texts = [f"{s.title}\n{s.text}" for s in case.pool.values()]
        texts += [*profile.calls_to_action, *profile.pillars]
        self.text = normal("\n".join(texts)).casefold()
        self.digits = [re.sub(r"\D", "", number) for number in _PHONE.findall(self.text)]
        self.hosts = {case.site.url.split("//")[-1].split("/")[0]}

    def has(self, words: str) -> bool:
        return normal(words).casefold() in self.text


def _contacts(text: str, known: _Known) -> Iterator[str]:
    words = normal(text)
    for number in _PHONE.findall(_TIMES.sub("x", words)):
        digits = re.sub(r"\D", "", number)
        if _is_a_number_to_call(number, digits) and digits not in known.digits:
            yield f"the number {number.strip()}"
    for pattern, what in (
        (_ACCOUNT, "the account"),
        (_CODE, "the offer"),
        (_written_out(), "the address"),
        (packs.everywhere("advice", "offers"), "the offer"),
        (packs.everywhere("advice", "contacts"), "the call"),
    ):
        if (match := pattern.search(words)) and not known.has(match[0]):
            yield f"{what} “{match[0]}”"
    host = _HOST.search(words)  # with a capital letter it is a name, such as Booking.com
    if host and host[0] not in known.hosts and not known.has(host[0]):
        yield f"the address “{host[0]}”"


def _is_a_number_to_call(number: str, digits: str) -> bool:
    """Whether so many digits are dialled: figures with points or blanks for thousands are not."""
    if number.startswith(("+", "0", "(")):
        return len(digits) >= _WITH_ZERO
    first, *rest = re.split(r"\D+", number)
    is_figure = len(first) <= 3 and all(len(group) == 3 for group in rest)
    return len(digits) >= _DIGITS and not is_figure


@cache
def _written_out() -> re.Pattern[str]:
    """`info (at) shop.example`, `info at shop dot example`."""
    dot, at = (packs.everywhere("advice", name).pattern for name in ("dot", "at"))
    name = r"[\w-]+(?:\.[\w-]+)*"
    end = rf"[(\[]?\s*(?:{dot})\s*[)\]]?\s+{_END}\b"
    return re.compile(
        rf"\b{name}\s+(?:[(\[]\s*)?{at}(?:\s*[)\]])?\s+{name}\s+{end}"
        rf"|\b{name}\s*[(\[]\s*{at}\s*[)\]]\s*{name}",
        re.I,
    )
