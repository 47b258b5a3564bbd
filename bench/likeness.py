"""What likenesses of texts tell: how well each threshold parts edited copies of a text from other
texts.

The texts are pages (`--pages`, a folder of saved HTML), the articles of the gates' suite and their
sources. Copies are made by seeded code: sentences in another order, words replaced, sentences left
out, and all of it together. Each measure is one that the studio decides by. For it the table has
the recall of copies and the precision, where every text is compared with all others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations, pairwise, permutations
from math import log
from pathlib import Path
from typing import Any

from contentstudio.gates import duplicates, rivals
from contentstudio.memory.embeddings import Lexical, unit
from contentstudio.memory.embeddings_api import Endpoint
from contentstudio.research import extract
from contentstudio.research.extract import NoContent
from contentstudio.text.sentences import sentences
from contentstudio.text.words import words_in_order
from contentstudio.web.fetch import Fetched
from overnight.llm import Request
from overnight.llm.openai import OPENAI_URL

PAIRS = Path(__file__).with_name("pairs")
ARTICLES = Path(__file__).parents[1] / "contentstudio" / "tests" / "gates" / "articles" / "good"
LEAST = 120  # words of a text that is measured
STEPS = [n / 100 for n in range(2, 100, 2)]


@dataclass(frozen=True)
class Text:
    """A text with the address it has; texts of one `story` are no others of one another."""

    title: str
    body: str
    story: str


def texts(pages: Path | None) -> list[Text]:
    """All that there are."""
    found = [text for file in sorted(pages.glob("*.html") if pages else []) for text in _page(file)]
    for file in sorted(ARTICLES.glob("*.toml")):
        told = tomllib.loads(file.read_text("utf-8"))
        if told.get("language", "en") == "en":
            lines = re.sub(r"(?m)^(?:##.*|> )|\s*\[s\d+\]$", "", told["text"])
            bodies = [
                (told["title"], lines),
                *((s["title"], s["text"]) for s in told["source"].values()),
            ]
            found += [Text(title, body, f"{file.stem}") for title, body in bodies]
    return [text for text in found if len(text.body.split()) >= LEAST]


def _page(file: Path) -> Iterator[Text]:
    url = f"https://{file.stem}/"
    try:
        snapshot = extract.page(Fetched(url, url, 200, "text/html", "utf-8", file.read_bytes()))
    except NoContent:
        return
    yield Text(snapshot.title, snapshot.text, file.stem)


Edit = Callable[[random.Random, list[str], list[str]], list[str]]


def _shuffled(rng: random.Random, told: list[str], _: list[str]) -> list[str]:
    return rng.sample(told, len(told))


def _shortened(share: float) -> Edit:
    def edit(rng: random.Random, told: list[str], _: list[str]) -> list[str]:
        kept = set(rng.sample(range(len(told)), max(1, round(share * len(told)))))
        return [sentence for number, sentence in enumerate(told) if number in kept]

    return edit


def _reworded(share: float) -> Edit:
    def edit(rng: random.Random, told: list[str], words: list[str]) -> list[str]:
        return [
            " ".join(rng.choice(words) if rng.random() < share else word for word in s.split())
            for s in told
        ]

    return edit


def _all(*edits: Edit) -> Edit:
    def edit(rng: random.Random, told: list[str], words: list[str]) -> list[str]:
        for one in edits:
            told = one(rng, told, words)
        return told

    return edit


EDITS: Mapping[str, Edit] = {
    "shuffled": _shuffled,
    "10 % of words replaced": _reworded(0.1),
    "25 % of words replaced": _reworded(0.25),
    "half of it": _shortened(0.5),
    "a quarter of it": _shortened(0.25),
    "shuffled, 10 % replaced, two thirds": _all(_shuffled, _reworded(0.1), _shortened(0.67)),
}


def measures() -> dict[str, tuple[Callable[[Text], Any], Callable[[Any, Any], float]]]:
    """What is made of a text, and how alike two of these are: of the copy first."""
    vectors = Lexical()

    def product(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    return {
        "memory.same": (lambda text: vectors.vector(f"{text.title}\n\n{text.body}"), product),
        "gates.max_similarity": (
            lambda text: duplicates.runs(text.body),
            lambda a, b: duplicates.shares(a, b)[0],
        ),
        "gates.max_copied": (
            lambda text: duplicates.runs(text.body),
            lambda a, b: duplicates.shares(a, b)[1],
        ),
    }


def copies(found: list[Text], seed: int) -> dict[str, list[tuple[Text, Text]]]:
    """The edited copies by their kind, each with its original."""
    words = sorted({word for text in found for word in text.body.split()})
    made: dict[str, list[tuple[Text, Text]]] = {}
    for kind, edit in EDITS.items():
        for number, text in enumerate(found):
            rng = random.Random(f"{seed} {kind} {number}")
            body = " ".join(edit(rng, sentences(text.body) or [text.body], words))
            title = " ".join(edit(rng, text.title.split(), words))
            made.setdefault(kind, []).append((Text(title, body, text.story), text))
    return made


@dataclass(frozen=True)
class Labelled:
    """A text of `bench/pairs`; `group` is the event, the question, the template or the subject."""

    kind: str
    group: str
    text: str


ALWAYS = (0.12, 0.14, 0.42, 0.48)  # thresholds of the memory, those before them among them
CHOSEN_BY = (
    "de",
    "en",
    "es",
    "fr",
)  # weights and thresholds; other languages show whether they hold
KINDS = ("event", "intent", "template", "subject", "unrelated")


def labelled(language: str) -> list[Labelled]:
    """The texts of a language."""
    rows = tomllib.loads((PAIRS / f"{language}.toml").read_text("utf-8"))["text"]
    return [
        Labelled(kind, row[kind], f"{row['title']}\n\n{row['body'].strip()}")
        for row in rows
        for kind in row.keys() & {*KINDS}
    ]


def label(one: Labelled, other: Labelled) -> str:
    """What two texts are to one another."""
    if one.group != other.group:
        return "unrelated"
    return one.kind if one.kind == other.kind else "subject"


Vectors = Callable[[str, str], Any]  # of a text in a language


def embedders(model: str | None, base_url: str) -> dict[str, Vectors]:
    """What is compared: the studio's vectors, those before them, and others."""
    known: dict[str, Vectors] = {
        Lexical.name: lambda text, _: _sparse(Lexical().vector(text)),
        "every word, English stop words": lambda text, _: _by_words(text, "en"),
        "words of the language": _by_words,
    }
    if find_spec("wordllama"):
        known["wordllama"] = _wordllama()
    return {**known, model: _endpoint(model, base_url)} if model else known


def _endpoint(model: str, base_url: str) -> Vectors:
    endpoint = Endpoint(base_url, os.environ.get("OPENAI_API_KEY"), model)

    async def ask(text: str) -> list[float]:
        request = Request(model=model, prompt=json.dumps([text]), max_tokens=0)
        try:
            reply = await endpoint.complete(request, deadline=60)
        finally:
            await endpoint.aclose()
        return unit(json.loads(reply.text)[0])

    return lambda text, _: _sparse(asyncio.run(ask(text)))


def _wordllama() -> Vectors:
    """The weights of its wheel; without a directory it would load its tokenizer from the web."""
    wordllama = import_module("wordllama")
    folder = Path(str(wordllama.__file__)).parent
    model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    return lambda text, _: _sparse(unit(model.embed([text])[0].tolist()))


def _by_words(text: str, language: str) -> dict[Any, float]:
    """Words and pairs of words, as `lexical-1` had them."""
    words = words_in_order(text, language)
    terms = {term: 1 + log(count) for term, count in Counter(words).items()}
    terms |= {p: (1 + log(count)) / 2 for p, count in Counter(pairwise(words)).items()}
    length = sum(value * value for value in terms.values()) ** 0.5
    return {term: value / length for term, value in terms.items()}


def _sparse(vector: list[float]) -> dict[Any, float]:
    return {place: value for place, value in enumerate(vector) if value}


def pair_likenesses(vectors: Vectors, language: str) -> dict[str, list[float]]:
    """How alike the pairs of each kind are."""
    found = labelled(language)
    ready = [vectors(each.text, language) for each in found]
    alike: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for one, other in combinations(range(len(found)), 2):
        a, b = ready[one], ready[other]
        product = sum(value * b.get(term, 0.0) for term, value in a.items())
        alike[label(found[one], found[other])].append(product)
    return alike


def measure_pairs(vectors: Vectors) -> dict[str, Any]:
    """For each language, and for those in CHOSEN_BY together: how alike the pairs of each kind are,
    and the share of them from each threshold.
    """
    languages = sorted(file.stem for file in PAIRS.glob("*.toml"))
    each = {language: pair_likenesses(vectors, language) for language in languages}
    each["all"] = {kind: [v for one in CHOSEN_BY for v in each[one][kind]] for kind in KINDS}
    return {
        language: {
            kind: {
                "pairs": len(values),
                "least": round(min(values), 3),
                "median": round(sorted(values)[len(values) // 2], 3),
                "most": round(max(values), 3),
                "shares": [round(sum(v >= t for v in values) / len(values), 4) for t in STEPS],
            }
            for kind, values in alike.items()
            if values
        }
        for language, alike in each.items()
    }


def show_pairs(name: str, result: dict[str, Any]) -> None:
    """For a person: how alike the pairs of each kind are, and how many of them pass the thresholds
    that come into question.
    """
    print(f"{name}: least, median and most of the pairs of each kind")
    for language, kinds in result.items():
        told = (f"{k} {v['least']:.2f} {v['median']:.2f} {v['most']:.2f}" for k, v in kinds.items())
        print(f"  {language:4}" + "   ".join(told))
    print("  threshold" + "".join(f"{kind:>11}" for kind in KINDS))
    for place, threshold in enumerate(STEPS):
        shares = {kind: result["all"][kind]["shares"][place] for kind in KINDS}
        if threshold in ALWAYS or (shares["unrelated"] <= 0.1 and shares["event"] > 0.5):
            print(f"  {threshold:9.2f}" + "".join(f"{share:11.3f}" for share in shares.values()))


def title_likenesses(found: list[Text], seed: int) -> tuple[list[float], list[float]]:
    """Titles in another order with a word more or a word replaced, beside their own; and those of
    other stories.
    """
    words, alike = sorted({word for text in found for word in text.body.split()}), []
    titles = sorted({(text.title, text.story) for text in found})
    for number, (title, _) in enumerate(titles):
        rng, told = random.Random(f"{seed} title {number}"), title.split()
        place = rng.randrange(len(told))
        longer, other = (
            [*told, rng.choice(words)],
            [*told[:place], rng.choice(words), *told[place + 1 :]],
        )
        alike += [
            rivals.likeness(title, " ".join(rng.sample(said, len(said))))
            for said in (told, longer, other)
        ]
    return alike, [
        rivals.likeness(a, b) for (a, one), (b, other) in permutations(titles, 2) if one != other
    ]


def table(alike: list[float], others: list[float]) -> list[dict[str, float]]:
    """Recall and precision by the threshold."""
    rows = []
    for threshold in STEPS:
        hits, wrong = (sum(likeness >= threshold for likeness in some) for some in (alike, others))
        precision = hits / (hits + wrong) if hits + wrong else 1.0
        rows.append(
            {
                "threshold": threshold,
                "recall": round(hits / len(alike), 3),
                "precision": round(precision, 3),
            }
        )
    return rows


def measure(found: list[Text], seed: int, known: Mapping[str, Vectors]) -> dict[str, Any]:
    """For each measure its table, its recall by kind of copy at each threshold, and the likest two
    other texts.
    """
    made, results = copies(found, seed), {}
    for name, (prepare, likeness) in measures().items():
        ready = {text: prepare(text) for text in found}
        by_kind = {
            k: [likeness(prepare(copy), ready[text]) for copy, text in pairs]
            for k, pairs in made.items()
        }
        others = [
            likeness(ready[a], ready[b]) for a, b in permutations(found, 2) if a.story != b.story
        ]
        results[name] = _result(by_kind, others)
    alike, others = title_likenesses(found, seed)
    results["gates.max_rivalry"] = _result({"titles": alike}, others)
    pairs = {name: measure_pairs(vectors) for name, vectors in known.items()}
    return {"texts": len(found), "seed": seed, "measures": results, "pairs": pairs}


def _result(by_kind: Mapping[str, list[float]], others: list[float]) -> dict[str, Any]:
    return {
        "likest_other": round(max(others), 3),
        "least_by_kind": {kind: round(min(values), 3) for kind, values in by_kind.items()},
        "median_by_kind": {
            kind: round(sorted(values)[len(values) // 2], 3) for kind, values in by_kind.items()
        },
        "table": table([value for values in by_kind.values() for value in values], others),
    }


def show(result: dict[str, Any]) -> None:
    """For a person: every tenth of a threshold, what is lost and what is wrong."""
    for name, told in result["measures"].items():
        print(
            f"{name}: the likest two other texts are {told['likest_other']:.2f} alike; "
            "least and median of copies:"
        )
        for kind, least in told["least_by_kind"].items():
            print(f"  {least:.2f} {told['median_by_kind'][kind]:.2f}  {kind}")
        rows = [row for row in told["table"] if round(100 * row["threshold"]) % 4 == 0]
        for title in ("threshold", "recall", "precision"):
            print(f"  {title:10}" + "".join(f"{row[title]:6.2f}" for row in rows))

    for name, told in result["pairs"].items():
        show_pairs(name, told)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pages", type=Path, help="a folder of saved pages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--model", help="of an endpoint of embeddings, to be measured too")
    parser.add_argument("--base-url", default=OPENAI_URL, help="of the endpoint")
    options = parser.parse_args()
    known = embedders(options.model, options.base_url)
    result = measure(texts(options.pages), options.seed, known)
    if options.as_json:
        print(json.dumps(result, indent=1))
    else:
        show(result)


if __name__ == "__main__":
    main()
