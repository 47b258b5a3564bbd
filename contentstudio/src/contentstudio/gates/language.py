"""The article is in its site's language, by the words that every text of a language has. Knows the languages below."""

from __future__ import annotations

from contentstudio.gates.case import Case, failed, passed, skipped
from contentstudio.gates.wording import tokens
from contentstudio.model import Verdict

_WORDS = {
    "en": "the and of to in is that it for as with are this be on not you or from by",
    "de": "der die das und ist nicht ein eine zu den mit von im auf dem es sich für auch wird",
    "fr": "le la les et est des un une dans que pour pas du en qui sur au il plus par",
    "es": "el la los las y es de que en un una para por con no se del su como más",
    "it": "il la le di che e è un una per non in con del si della sono più da i",
    "pt": "o a os as e é de que em um uma para por com não do da se mais no",
    "nl": "de het een en van is dat niet in te op voor met zijn aan er ook om als maar",
    "pl": "i w nie na jest się do że z to o jak ale po co tak za od przez przy",
    "sv": "och att det som en är på för inte av med den till ett har om de men vid från",
}
_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_ENOUGH = 40  # words from which on the count tells something
_LEAST = 0.12  # of the words; real texts have 0.2 to 0.45


def check(case: Case) -> Verdict:
    """The draft says that it is in the site's language, and no other language's words are commoner in it."""
    wanted = case.site.language
    if case.language != wanted:
        return failed("language", f"The article is in “{case.draft.language}”, the site in “{wanted}”.")
    words = tokens(case.draft.prose())
    shares = {name: sum(word in known for word in words) / max(1, len(words)) for name, known in _SETS.items()}
    likely = max(shares, key=lambda name: shares[name])
    if (
        len(words) >= _ENOUGH
        and likely != wanted
        and shares[likely] >= _LEAST
        and shares[likely] > shares.get(wanted, 0)
    ):
        return failed("language", f"The text reads as “{likely}”, and the site is in “{wanted}”.")
    if why := unmeasured_in(wanted):
        return skipped("language", why)
    return passed("language", f"The article is in “{wanted}”, as its site is.")


def unmeasured_in(language: str) -> str:
    """Why this gate measures nothing in a language (two letters); empty where it does."""
    return "" if language in _SETS else f"the common words of “{language}” are not known"
