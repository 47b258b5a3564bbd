"""How far a judge agrees with a person: precision and recall of each verdict.

The labelled file has articles with their sources, and for each sentence the verdict that a person
gave. The judge is the one of a config (`--config`), asked as the studio asks it: code checks the
passages, and a verdict that does not count is `void`. Without a config a rule stands in for a
model, to show the form: what stands in the source word for word is supported, and nothing else.

Precision of a verdict is the share of the judge's that are a person's too; recall is the share of a
person's that the judge gave. What matters for readers is the recall of `contradicted` and
`not_found` together: a line that passes in their place is published.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.table import Table

import outcome
from contentstudio import config as settings
from contentstudio.config import Config
from contentstudio.llm.models import connect
from contentstudio.model import Draft, Model, Reference, Section, Sentence, Snapshot
from contentstudio.verify.judge import Judge
from overnight import App, Budgets, Context, Pipeline, Retry, logs
from overnight.engine.worker import Worker
from overnight.operations import runs
from overnight.store.database import Database
from overnight.store.migrations import migrate
from overnight.testing.fake_llm import FakeModels, prompt_of
from server import durable_server

LABELLED = Path(__file__).parent / "judging.toml"
RULINGS = ("supported", "contradicted", "not_found", "no_claim")
FALSE = ("contradicted", "not_found")
VOID = "void"
AT_ONCE = 8  # articles


class Article(Model):
    """An article to be judged, and the verdict of a person on each of its sentences."""

    name: str
    draft: Draft
    pool: dict[str, Snapshot]
    verdicts: tuple[str, ...]


class Said(Model):
    """The judge's verdict on each sentence of an article; `void` where it does not count."""

    verdicts: tuple[str, ...]


def articles(file: Path) -> list[Article]:
    """The articles of a labelled file."""
    return [_article(each) for each in tomllib.loads(file.read_text("utf-8"))["article"]]


def _article(told: dict[str, Any]) -> Article:
    pool = {
        name: Snapshot(
            url=source["url"],
            title=source.get("title", ""),
            text=source["text"].strip(),
            sha256=sha256(source["text"].encode()).hexdigest(),
            language=source.get("language", told["language"]),
        )
        for name, source in told["source"].items()
    }
    lines = told["line"]
    sentences = [Sentence(text=line["text"], source=line.get("source")) for line in lines]
    if unknown := {line["verdict"] for line in lines} - {*RULINGS}:
        raise SystemExit(f"{told['name']}: “{min(unknown)}” is no verdict: {', '.join(RULINGS)}")
    draft = Draft(
        site="bench",
        slug=told["name"],
        title="–",  # no letters: it is not judged
        description="",
        sections=[Section(heading="–", paragraphs=[[sentence] for sentence in sentences])],
        references=[
            Reference(id=name, url=page.url, title=page.title, sha256=page.sha256)
            for name, page in pool.items()
        ],
        writer="a person",
        language=told["language"],
    )
    verdicts = tuple(line["verdict"] for line in lines)
    return Article(name=told["name"], draft=draft, pool=pool, verdicts=verdicts)


async def judge(ctx: Context[Judge], work: Article) -> Said:
    """Ask the judge about one article."""
    said = await ctx.deps.judge(ctx, work.draft, work.pool, {})
    void = {fault.place for fault in said.voids(work.draft, work.pool)}
    places = [f"sentence {number}" for number in range(1, len(work.verdicts) + 1)]
    return Said(verdicts=tuple(VOID if p in void else said.findings[p].ruling for p in places))


def build(config: Config) -> App:
    """A pipeline of one step, which judges."""
    pipeline = Pipeline("judging", id=lambda work: work.name)
    pipeline.step(judge, retry=Retry(3), timeout=3 * config.writing.deadline_seconds)

    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[Judge]:
        async with AsyncExitStack() as stack:
            yield Judge(connect(config.writing, database, stack, config.verify))

    resources: Callable[[Database], AbstractAsyncContextManager[Judge]] = opened
    return App("judging", [pipeline], resources=resources, extensions=[Budgets(config.budgets())])


async def measure(config: Config, labelled: Sequence[Article], dsn: str) -> dict[str, Any]:
    """Judge all articles; the figures."""
    logs.configure(io.StringIO())
    app = build(config)
    async with Database(dsn) as database:
        await migrate(database)
        for article in labelled:
            await runs.start(app, database, "judging", article)
        await Worker(app, database, concurrency=AT_ONCE).run(until_idle=True)
        rows = await database.fetch("select job_id, output from runs where status = 'succeeded'")
        cost = await database.one("select coalesce(sum(cost_usd), 0) as usd from llm_calls")
    assert cost is not None
    said = {row["job_id"]: Said.model_validate(row["output"]).verdicts for row in rows}
    pairs = [
        pair
        for each in labelled
        for pair in zip(
            each.verdicts, said.get(each.name, (VOID,) * len(each.verdicts)), strict=True
        )
    ]
    return {
        **figures(pairs),
        "articles": len(labelled),
        "judged": len(said),
        "usd": float(cost["usd"]),
    }


def figures(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The agreement of pairs of a person's verdict and the judge's."""
    passed = sum(person in FALSE and judge in ("supported", "no_claim") for person, judge in pairs)
    false = sum(person in FALSE for person, _ in pairs)
    return {
        "lines": len(pairs),
        "agreement": _share(sum(person == judge for person, judge in pairs), len(pairs)),
        "void": sum(judge == VOID for _, judge in pairs),
        "false_lines": false,
        "false_lines_that_pass": passed,
        "verdicts": {ruling: _of_ruling(ruling, pairs) for ruling in RULINGS},
        "confusion": {
            f"{person} → {judge}": count
            for (person, judge), count in sorted(Counter(pairs).items())
        },
    }


def _of_ruling(ruling: str, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    both = sum(person == judge == ruling for person, judge in pairs)
    persons = sum(person == ruling for person, _ in pairs)
    judges = sum(judge == ruling for _, judge in pairs)
    return {
        "labelled": persons,
        "judged": judges,
        "precision": _share(both, judges),
        "recall": _share(both, persons),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def stand_in(request: dict[str, Any]) -> str:
    """A judge by a rule: a line without a source claims nothing, one whose words stand in its
    source is supported, and no source says any other.
    """
    prompt = prompt_of(request)
    texts = {name: text for _, name, text in re.findall(_SEALED, prompt, re.S)}
    lines = {name: (source, text) for name, source, text in _LINE.findall(texts["article"])}
    (names,) = re.findall(r"^Judge these \d+ lines: (.*)$", prompt, re.M)
    rulings = [_ruling(name, *lines[name], texts) for name in names.split(", ")]
    return json.dumps({"rulings": rulings, "conflicts": []})


_SEALED = r'<(source-\w+) id="([^"]+)">\n(.*?)\n</\1>'
_LINE = re.compile(r"^([a-z ]+?(?: \d+)?)(?: \[(s\d+)\])?: (.*)$", re.M)


def _ruling(line: str, source: str, text: str, texts: dict[str, str]) -> dict[str, Any]:
    stands = bool(source) and text in " ".join(texts[source].split())
    passages = [{"source": source, "text": text}] if stands else []
    verdict = "supported" if stands else "not_found" if source else "no_claim"
    return {"line": line, "verdict": verdict, "passages": passages, "why": ""}


def tables(told: dict[str, Any]) -> Iterator[Table]:
    table = outcome.table("verdict", "labelled", "judged", "precision", "recall")
    for ruling, each in told["verdicts"].items():
        shares = (f"{each[n]:.1%}" if each[n] is not None else "–" for n in ("precision", "recall"))
        table.add_row(ruling, str(each["labelled"]), str(each["judged"]), *shares)
    table.add_row(VOID, "", str(told["void"]), "", "")
    yield table
    counts = outcome.table("", "measured")
    counts.add_row("articles that were judged", f"{told['judged']} of {told['articles']}")
    if told["agreement"] is not None:
        counts.add_row(f"agreement over {told['lines']} lines", f"{told['agreement']:.1%}")
    passed, false = told["false_lines_that_pass"], told["false_lines"]
    counts.add_row("false lines that would pass", f"{passed} of {false}")
    counts.add_row("cost", f"${told['usd']:.4f}")
    yield counts


def _config(file: Path | None, url: str) -> Config:
    if file is not None:
        return settings.load(file)
    writing = {
        "writer": "openai",
        "model": "stand-in",
        "openai": {"base_url": f"{url}/v1"},
        "prices": {"stand-in": {"input": 0, "output": 0}},
    }
    site = {"name": "bench", "url": "https://bench.example", "sources": ["https://a.example/"]}
    return Config.model_validate({"writing": writing, "site": [site]})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, nargs="?", default=LABELLED, help="the labelled file")
    parser.add_argument("--config", type=Path, help="a contentstudio.toml, whose judge is asked")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="JSON instead of a table"
    )
    options = parser.parse_args()
    labelled = articles(options.file)
    with FakeModels(body=stand_in) as model, durable_server() as server, server.database() as dsn:
        told = asyncio.run(measure(_config(options.config, model.url), labelled, dsn))
    outcome.tell("judging", told, list(tables(told)), as_json=options.as_json, whole=False)


if __name__ == "__main__":
    main()
