"""Articles written by a model that takes its time, beside the ideal: all that may be under way
always is.

One worker process, one stand-in for a language model on loopback that answers after `--delay`
seconds. Each article is the questions, the facts of two pages, its own and one that the search
among all that was read finds, a brief, three sections, of which the first is asked for alone and
the others at once, and a last reading of the whole. Measured is from the worker's start until the
last draft is stored; gates and publishing are off. There are two ideals, both by the model's delay
alone: `calls` is the time where as many calls as `--at-once` are under way all the time; `waves` is
that of as many articles, whose sections overlap, and the stricter one. What takes time above it is
the worker's CPU: all articles of a wave have their answers at the same moment, and one process
takes them one after the other (`cpu_ms_per_article`, and the share of a core that this is).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import math
import os
import resource
import subprocess
import sys
import time
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.table import Table

import outcome
from server import durable_server

SECTIONS = 3
CALLS_IN_TURN = 6  # questions, facts, the brief, the first section, the others, the last reading
TARGET = 1.3  # times the ideal
WHOLE = 1_000  # articles
MOST_AT_ONCE = """
    with written as (select min(started_at) as began, max(finished_at) as ended
        from llm_calls group by run_id),
    counted as (
        select sum(change) over (order by at, change) as under_way
        from written, lateral (values (began, 1), (ended, -1)) as moments (at, change)
    )
    select max(under_way) as most from counted
"""  # steps between their first call and the end of their last one
SENTENCES = [
    f"Sentence {n} of the source says that {n} gardeners water their beds in the morning."
    for n in range(40)
]


def answer(request: dict[str, Any]) -> str:
    """The stand-in's answer: questions, facts, a brief, a section, or nothing to change."""
    fields = request["response_format"]["json_schema"]["schema"]["properties"]
    if "questions" in fields:
        asked = [{"perspective": "a gardener", "question": "When to water?"}]
        return json.dumps({"answered": "A little.", "open": "The rest.", "questions": asked})
    if "facts" in fields:
        return json.dumps({"facts": [{"text": text, "span": text} for text in SENTENCES[:8]]})
    if "angle" in fields:
        sections = [
            {"heading": f"Part {n}", "tells": "It tells.", "notes": ["n1"], "blocks": ["paragraph"]}
            for n in range(SECTIONS)
        ]
        told = {
            "titles": ["Water early"],
            "description": "On water.",
            "angle": "Early.",
            "intent": "",
        }
        lists = {name: [] for name in ("faq", "terms", "images", "adds")}
        return json.dumps({**told, **lists, "sections": sections})
    if "changes" in fields:
        return json.dumps({"changes": [], "additions": []})
    sentences = [{"text": text, "notes": ["n1"], "quoted": False} for text in SENTENCES[:8]]
    blocks = [{"kind": "paragraph", "sentences": part} for part in (sentences[:4], sentences[4:])]
    return json.dumps({"blocks": blocks})


def config(url: str) -> Any:
    """A studio with one site that asks the stand-in."""
    from contentstudio.config import Config

    return Config.model_validate(
        {
            "writing": {
                "writer": "openai",
                "model": "stand-in",
                "openai": {"base_url": f"{url}/v1"},
                "prices": {"stand-in": {"input": 1, "output": 2}},
                "sections_at_once": SECTIONS,
            },
            "budget": {"usd_per_day": 100_000},
            "site": [
                {
                    "name": "garden",
                    "url": "https://garden.example",
                    "sources": ["https://a.example/"],
                }
            ],
        }
    )


async def prepare(database: Any, app: Any, articles: int) -> None:
    """Ideas with their snapshots, and a job for each."""
    from contentstudio.model import Snapshot
    from contentstudio.research.ideas import Choice
    from contentstudio.store.ideas import Ideas
    from contentstudio.store.snapshots import Snapshots
    from overnight.operations import switches
    from overnight.store.ledger import Ledger

    await switches.pause(database, "step:article/gate", reason="not measured")
    snapshots, ideas, jobs = Snapshots(database), Ideas(database), []
    for number in range(articles):
        text = f"Source number {number}.\n\n" + " ".join(SENTENCES)
        sha = sha256(text.encode()).hexdigest()
        snapshot = Snapshot(
            url=f"https://a.example/{number}", title="Water", text=text, sha256=sha, language="en"
        )
        await snapshots.keep(snapshot)
        slug, day = f"water-{number}", date(2026, 11, 23)
        job = app.pipeline("article").job({"site": "garden", "slug": slug, "date": str(day)})
        made = {
            "slug": slug,
            "title": "Water",
            "decision": "create",
            "reason": "measured",
            "target": slug,
        }
        told = {
            "near": None,
            "likeness": None,
            "score": 1,
            "factors": {},
            "url": snapshot.url,
            "snapshots": [sha],
        }
        await ideas.keep(
            "garden", day, "bench", [Choice.model_validate(made | told)], {slug: job.job_id}
        )
        jobs.append(job)
    await Ledger(database).enqueue(jobs)


async def measure(dsn: str, url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Write all articles; the figures."""
    from contentstudio import app as studio
    from overnight import logs
    from overnight.engine.worker import Worker
    from overnight.store.database import Database
    from overnight.store.migrations import migrate
    from overnight.store.records import Ending

    app = studio.build(config(url))
    async with Database(dsn) as database:
        await migrate(database, *([app.schema] if app.schema else []))
        await prepare(database, app, options.articles)
        left = options.articles

        def count(ending: Ending) -> None:
            nonlocal left
            left -= ending.run.step == "generate" and ending.transition.status == "succeeded"
            if not left:
                worker.stop()

        logs.configure(io.StringIO())
        worker = Worker(app, database, concurrency=options.at_once, on_ending=count)
        began, cpu = time.perf_counter(), time.process_time()
        await worker.run()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        calls = await database.one(
            "select count(*) as calls from llm_calls where status = 'stored'"
        )
        at_once = await database.one(MOST_AT_ONCE)
    assert calls is not None and at_once is not None
    ideals = {
        "calls": calls["calls"] * options.delay / options.at_once,
        "waves": math.ceil(options.articles / options.at_once) * CALLS_IN_TURN * options.delay,
    }
    return {
        "articles": options.articles,
        "at_once": options.at_once,
        "most_at_once": at_once["most"],
        "delay_seconds": options.delay,
        "calls": calls["calls"],
        "seconds": round(seconds, 2),
        "ideal_seconds": {name: round(ideal, 3) for name, ideal in ideals.items()},
        "times_ideal": {name: round(seconds / ideal, 2) for name, ideal in ideals.items()},
        "target": TARGET,
        "cpu_ms_per_article": round(1000 * cpu / options.articles, 1),
        "cpu_share": round(cpu / seconds, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "load_before": os.getloadavg()[0],
    }


def shown(figures: dict[str, Any]) -> Table:
    """A line for each figure that is compared with something."""
    table = outcome.table("", "measured", "beside")
    table.add_row("articles", f"{figures['articles']:,}", "")
    table.add_row("steps under way, at most", str(figures["most_at_once"]), str(figures["at_once"]))
    table.add_row("calls", f"{figures['calls']:,}", "")
    table.add_row("seconds", str(figures["seconds"]), "")
    for name, times in figures["times_ideal"].items():
        ideal = figures["ideal_seconds"][name]
        table.add_row(
            f"times the ideal of {name}, {ideal:g} s", str(times), f"≤ {figures['target']}"
        )
    table.add_row("CPU of the worker, ms an article", str(figures["cpu_ms_per_article"]), "")
    table.add_row("share of a core that it takes all the time", f"{figures['cpu_share']:.0%}", "")
    table.add_row("memory of the worker at its peak, MB", str(figures["peak_mb"]), "")
    table.add_row("load average before", f"{figures['load_before']:.1f}", "")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 articles")
    parser.add_argument("--articles", type=int)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--delay", type=float, default=2.0)
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="JSON instead of a table"
    )
    options = parser.parse_args()
    options.articles = options.articles or (200 if options.quick else WHOLE)
    whole = (options.articles, options.at_once, options.delay) == (WHOLE, 200, 2.0)
    here = Path(__file__).parent
    command = [
        sys.executable,
        "-m",
        "overnight.testing.fake_llm",
        "--port",
        "0",
        "--body",
        "writing:answer",
    ]
    command += ["--keep-alive", "--delay", str(options.delay)]
    model = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here)
    try:
        assert model.stdout
        url = model.stdout.readline().split()[-1]
        with durable_server() as server, server.database() as dsn:
            figures = asyncio.run(measure(dsn, url, options))
            outcome.tell("writing", figures, [shown(figures)], as_json=options.as_json, whole=whole)
    finally:
        model.terminate()
        model.wait()


if __name__ == "__main__":
    main()
