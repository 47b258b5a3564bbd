"""The text, title and date of marked pages: ours beside those of trafilatura without comments, over
the same pages.

FOLDER holds pages that people marked, in one of three layouts:

* `ground-truth.json` and `html/*.html.gz`: github.com/scrapinghub/article-extraction-benchmark. The
  measure is its own: precision and recall over runs of four words, each page counts alike.
* `evaldata.json` beside `cache/` and `eval/`: the tests of github.com/adbar/trafilatura. The
  measure is its own: of the phrases that stand in the text and those that must not, how many are
  found, over all pages together.
* `*/source.html` and `*/expected.html`: test/test-pages of github.com/mozilla/readability, measured
  as the first, but that a run counts once, for many of these pages repeat filler. Pages whose
  expected text has code, marks of footnotes or fewer words than a text has are passed over: ours
  leaves these out on purpose.

F1 is 2PR / (P + R). A page is lost where nothing that was marked is found in it. A title is right
where its words are those marked, a date where its day is; a page that was marked as undated has
none. The time is of the processor, a page of ours with its title and date against the text alone of
`trafilatura.extract(html, include_comments=False)`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.table import Table

from contentstudio.research import extract
from contentstudio.research.extract import NoContent
from contentstudio.web.fetch import Fetched

RUN = 4  # words; the benchmark's own `ngram_n`
MAX_TIMES = 2.0  # of trafilatura's time
LEFT_OUT = (
    "//pre | //ol[contains(@class, 'references')] | //sup[starts-with(normalize-space(.), '[')]"
)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Marked:
    """A page and what people marked in it: the whole `text`, or phrases `inside` and `outside` of
    it.
    """

    name: str
    url: str
    body: bytes
    text: str | None = None
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    title: str = ""
    date: str | None = None
    once: bool = False  # whether a run of words counts once


@dataclass(frozen=True)
class Reading:
    """What one contestant read, and for how long."""

    text: str
    title: str
    date: str
    seconds: float


@dataclass
class Score:
    """What one contestant reached over all pages."""

    precision: list[tuple[float, float]] = field(
        default_factory=list
    )  # (right, given) of each page
    recall: list[tuple[float, float]] = field(default_factory=list)  # (right, marked)
    lost: list[str] = field(default_factory=list)
    titles: list[bool] = field(default_factory=list)
    dates: list[bool] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def pages(folder: Path) -> Iterator[Marked]:
    """The pages of a folder. SystemExit where it has none of the layouts."""
    if (folder / "ground-truth.json").is_file():
        yield from _whole_texts(folder)
    elif (folder / "evaldata.json").is_file():
        yield from _phrases(folder)
    elif any(folder.glob("*/expected.html")):
        yield from _expected(folder)
    else:
        raise SystemExit(
            f"{folder} has neither ground-truth.json, nor evaldata.json, nor */expected.html."
        )


def _whole_texts(folder: Path) -> Iterator[Marked]:
    for name, told in json.loads((folder / "ground-truth.json").read_text("utf-8")).items():
        body = gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes())
        yield Marked(name, told["url"], body, text=told["articleBody"])


def _phrases(folder: Path) -> Iterator[Marked]:
    for url, told in json.loads((folder / "evaldata.json").read_text("utf-8")).items():
        file = next(
            file for place in ("cache", "eval") if (file := folder / place / told["file"]).is_file()
        )
        inside, outside = (tuple(map(_line, told[key])) for key in ("with", "without"))
        title, date = told.get("title") or "", told.get("date")
        yield Marked(told["file"], url, file.read_bytes(), None, inside, outside, title, date)


def _expected(folder: Path) -> Iterator[Marked]:
    from lxml import html

    for file in sorted(folder.glob("*/expected.html")):
        told = json.loads((file.parent / "expected-metadata.json").read_text("utf-8"))
        tree = html.fromstring(file.read_text("utf-8"))
        text = " ".join(tree.itertext())
        if tree.xpath(LEFT_OUT) or len(WORD.findall(text)) < extract.MIN_WORDS:
            continue
        # the one that the expected links were resolved with
        url = f"http://fakehost/test/{file.parent.name}"
        date = (told.get("publishedTime") or "")[:10] or None
        yield Marked(
            file.parent.name,
            url,
            (file.parent / "source.html").read_bytes(),
            text,
            date=date,
            once=True,
        )


def ours(page: Marked) -> Reading:
    began = time.process_time()
    try:
        snapshot = extract.page(Fetched(page.url, page.url, 200, "text/html", None, page.body))
    except NoContent:
        return Reading("", "", "", time.process_time() - began)
    day = f"{snapshot.published_at:%Y-%m-%d}" if snapshot.published_at else ""
    return Reading(snapshot.text, snapshot.title, day, time.process_time() - began)


def plain(page: Marked) -> Reading:
    """`trafilatura.extract` without comments, as ours is; its metadata is read after the clock has
    stopped.
    """
    import trafilatura

    began = time.process_time()
    text = trafilatura.extract(page.body, include_comments=False) or ""
    seconds = time.process_time() - began
    told = trafilatura.extract_metadata(page.body, default_url=page.url)
    return Reading(text, told.title or "", told.date or "", seconds)


CONTESTANTS: dict[str, Callable[[Marked], Reading]] = {"ours": ours, "trafilatura": plain}


def read(page: Marked) -> dict[str, Reading]:
    return {name: contestant(page) for name, contestant in CONTESTANTS.items()}


def count(page: Marked, text: str) -> tuple[float, float, float]:
    """(right, given, marked) of a page."""
    if page.text is None:
        line = _line(text)
        right = sum(phrase in line for phrase in page.inside)
        return right, right + sum(phrase in line for phrase in page.outside), len(page.inside)
    given, marked = _runs(text), _runs(page.text)
    if page.once:
        given, marked = Counter(set(given)), Counter(set(marked))
    return (given & marked).total(), given.total(), marked.total()


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = WORD.findall(text)
    return Counter(
        run for n in range(max(1, len(words) - RUN + 1)) if (run := tuple(words[n : n + RUN]))
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _words(title: str) -> list[str]:
    return WORD.findall(title.casefold())


def add(score: Score, page: Marked, reading: Reading) -> None:
    right, given, marked = count(page, reading.text)
    if given:
        score.precision.append((right, given))
    if marked:
        score.recall.append((right, marked))
        if not right:
            score.lost.append(page.name)
    if page.title:
        score.titles.append(_words(page.title) == _words(reading.title))
        if not score.titles[-1]:
            score.wrong.append(f"{page.name}: title “{reading.title}”, marked “{page.title}”")
    if page.date is not None:
        score.dates.append(page.date == reading.date)
        if not score.dates[-1]:
            score.wrong.append(
                f"{page.name}: date {reading.date or 'none'}, marked {page.date or 'none'}"
            )


def figures(score: Score, *, pooled: bool) -> dict[str, Any]:
    """Of pages with phrases these are pooled; of pages with texts each page counts alike."""

    def ratio(pairs: list[tuple[float, float]]) -> float:
        if pooled:
            return sum(right for right, _ in pairs) / max(1, sum(of for _, of in pairs))
        return mean(right / of for right, of in pairs) if pairs else 0.0

    precision, recall = ratio(score.precision), ratio(score.recall)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shares = {
        name: mean(seen) if seen else None
        for name, seen in (("titles", score.titles), ("dates", score.dates))
    }
    return {"precision": precision, "recall": recall, "f1": f1, "lost": len(score.lost), **shares}


def measure(folder: Path, every: int, jobs: int) -> tuple[dict[str, Any], dict[str, Score]]:
    """The figures of both contestants, and the pages behind them."""
    found = [page for number, page in enumerate(pages(folder)) if number % every == 0]
    scores = {name: Score() for name in CONTESTANTS}
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with ProcessPoolExecutor(jobs) as pool:
        for page, readings in zip(found, pool.map(read, found, chunksize=8), strict=True):
            for name, reading in readings.items():
                add(scores[name], page, reading)
                seconds[name].append(reading.seconds)
    result: dict[str, Any] = {"folder": folder.name, "pages": len(found)}
    for name, score in scores.items():
        result[name] = figures(score, pooled=any(page.inside for page in found))
        result[name]["median_ms"] = median(seconds[name]) * 1_000
    result["times"] = sum(seconds["ours"]) / max(1e-9, sum(seconds["trafilatura"]))
    return result, scores


def falls_short(result: dict[str, Any]) -> list[str]:
    """In what ours is below the library; nothing where it is not."""
    own, library = result["ours"], result["trafilatura"]
    short = ["F1"] if own["f1"] < library["f1"] else []
    short += [
        name for name in ("titles", "dates") if own[name] is not None and own[name] < library[name]
    ]
    return short + (["time"] if result["times"] > MAX_TIMES else [])


def show(result: dict[str, Any]) -> None:
    title = (
        f"{result['folder']}: {result['pages']} pages, ours takes {result['times']:.2f} "
        "times as long"
    )
    table = Table("", *result["ours"], title=title, title_justify="left", box=None)
    for name in CONTESTANTS:
        cells = (
            "" if v is None else f"{v:.3f}" if isinstance(v, float) and v <= 1 else f"{v:.0f}"
            for v in result[name].values()
        )
        table.add_row(name, *cells)
    Console(highlight=False).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="pages that people marked"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth page")
    parser.add_argument("--jobs", type=int, default=1, help="processes that read at the same time")
    parser.add_argument("--wrong", action="store_true", help="name what ours lost or has wrong")
    parser.add_argument(
        "--json", action="store_true", help="the result on standard output, instead of tables"
    )
    options = parser.parse_args()
    results = []
    for folder in options.folders:
        result, scores = measure(folder, options.every, options.jobs)
        results.append(result)
        if not options.json:
            show(result)
        if options.wrong:
            print(
                *(f"{name}: lost" for name in scores["ours"].lost), *scores["ours"].wrong, sep="\n"
            )
        for name in falls_short(result):
            print(f"{folder.name}: {name} of ours falls short of the library's", file=sys.stderr)
    if options.json:
        print(json.dumps(results, indent=1))
    return int(any(map(falls_short, results)))


if __name__ == "__main__":
    sys.exit(main())
