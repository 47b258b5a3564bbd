"""What the little words of a language are, and the stem that the forms of a word share.

The lists are those of stopwords-iso, the rules those of Snowball; what else was measured:
docs/decisions/0038. A language that they do not know has no little words, and its words are their
own stems.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module
from typing import Any

# Snowball's name of each language that it has rules for, by its code.
_SNOWBALL = {
    **{"ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german"},
    **{"el": "greek", "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian"},
    **{"eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish"},
    **{"hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian"},
    **{"lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish"},
    **{"pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho"},
    **{"sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish"},
}


class _Stemmers(threading.local):
    """The stemmers of a thread: one keeps the word that it works on in itself."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def of(self, name: str) -> Any:
        if name not in self.known:
            module = import_module(f"snowballstemmer.{name}_stemmer")
            self.known[name] = getattr(module, f"{name.capitalize()}Stemmer")()
        return self.known[name]


_STEMMERS = _Stemmers()


def stem(word: str, language: str) -> str:
    """What the forms of a word in lower case share."""
    name = _SNOWBALL.get(language)
    return str(_STEMMERS.of(name).stemWord(word)) if name else word


@cache
def little_words(language: str) -> frozenset[str]:
    """The words that carry no matter and stand in nearly every text, in lower case."""
    import stopwordsiso

    return (
        frozenset(stopwordsiso.stopwords(language))
        if language in stopwordsiso.langs()
        else frozenset()
    )
