"""Lists of the command line name articles by their titles: what waits, failed or is found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from contentstudio import daily_report
from contentstudio.store.nights import Nights
from overnight.store.database import Database

Ask = Callable[..., Any]
TITLE = "Why compost steams"
WAITS = {
    "draft": {"title": "Mulch in winter", "slug": "mulch", "language": "en"},
    "verdicts": [{"gate": "facts", "passed": False, "faults": [{"place": "p1"}, {"place": "p2"}]}],
}


@pytest.fixture
async def ask(database: Database, call: Ask, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The command line after a night in which one article failed and one waits for a person."""
    monkeypatch.setenv("COLUMNS", "100")
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, input, output, error, failures, "
        "cost_usd, finished_at) values "
        "('aaaa1', 'brief', 'article', 'garden', 'succeeded', null, null, null, 0, 0.5, "
        "ledger_now()), "
        "('aaaa1', 'generate', 'article', 'garden', 'dead', '{}', null, 'the model is away', 2, "
        "0.75, ledger_now()), "
        "('bbbb2', 'read', 'source', 'garden', 'dead', '{\"url\": \"https://a.example/\"}', null, "
        "'it is gone', 1, 0, ledger_now()), "
        "('cccc3', 'gate', 'article', 'garden', 'needs_review', null, %s, 'facts: look', 0, 1, "
        "ledger_now())",
        [json.dumps(WAITS)],
    )
    await database.fetch(
        "insert into articles (site, slug, title, state, job_id) values "
        "('garden', 'steam', %s, 'writing', 'aaaa1'), "
        "('garden', 'mulch', 'Mulch in winter', 'review', 'cccc3')",
        [TITLE],
    )

    async def run(*words: str) -> Any:
        result = await asyncio.to_thread(call, *words)
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout) if "--json" in words else result.stdout

    return run


async def test_the_report_has_titles_and_what_failed_cost(ask: Ask, database: Database) -> None:
    night = await Nights(database).since(datetime(2026, 1, 1, tzinfo=UTC))
    assert night["failed_cost_usd"] == 1.25
    shown = daily_report.text(night, "contentstudio")
    assert f"garden: article/generate of “{TITLE}”" in shown
    assert "garden: source/read of https://a.example/" in shown
    assert "what failed cost $1.25" in shown
    assert (await ask("morning", "--hours", "24", "--json"))["failed_cost_usd"] == 1.25


async def test_what_failed_in_two_steps_of_a_job_is_counted_once(
    ask: Ask, database: Database
) -> None:
    await database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, error, finished_at) values "
        "('aaaa1', 'optimize', 'article', 'garden', 'dead', 'no', ledger_now())"
    )
    night = await Nights(database).since(datetime(2026, 1, 1, tzinfo=UTC))
    assert (len(night["dead"]), night["failed_cost_usd"]) == (3, 1.25)


async def test_dead_letters_have_titles_where_there_are_some(ask: Ask) -> None:
    rows = (await ask("dead", "--json"))["dead"]
    assert {row["job_id"]: row["title"] for row in rows} == {"aaaa1": TITLE, "bbbb2": None}
    shown = " ".join((await ask("dead")).split())
    assert f"{TITLE} the model is away" in shown
    assert "it is gone" in shown


async def test_review_lists_articles_with_their_doubtful_texts(ask: Ask) -> None:
    (row,) = (await ask("review", "--json"))["review"]
    named = {name: row[name] for name in ("title", "site", "doubtful", "reasons", "job_id")}
    assert named == {
        "title": "Mulch in winter",
        "site": "garden",
        "doubtful": 2,
        "reasons": "facts: look",
        "job_id": "cccc3",
    }
    assert row["output"]["draft"]["slug"] == "mulch", "a script has the item itself"
    shown = " ".join((await ask("review")).split())
    assert "cccc3 garden gate 2" in shown
    assert "Mulch in winter facts: look" in shown


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("steam", "article", "/articles/garden/steam"),
        ("garden", "site", "/runs?key=garden"),
        ("aaaa1", "job", "/jobs/aaaa1"),
    ],
)
async def test_find_finds_articles_sites_and_jobs(
    ask: Ask, text: str, kind: str, path: str
) -> None:
    rows = (await ask("find", text, "--json"))["found"]
    assert (kind, path) in [(row["kind"], row["path"]) for row in rows]
    assert path in await ask("find", text)


async def test_find_says_that_nothing_is_called_so(ask: Ask) -> None:
    assert "Nothing is called “zebra”." in await ask("find", "zebra")


@pytest.mark.parametrize(
    ("words", "slugs"),
    [
        ((), {"steam", "mulch"}),
        (("--state", "review"), {"mulch"}),
        (("--state", "failed"), {"steam"}),
        (("--state", "published"), set()),
        (("--find", "WHY comp"), {"steam"}),
        (("--find", "mulch", "--state", "writing"), set()),
        (("garden", "--find", "winter"), {"mulch"}),
    ],
)
async def test_articles_are_listed_by_state_and_by_words(
    ask: Ask, words: tuple[str, ...], slugs: set[str]
) -> None:
    rows = (await ask("articles", *words, "--json"))["articles"]
    assert {row["slug"] for row in rows} == slugs
    shown = await ask("articles", *words)
    assert all(slug in shown for slug in slugs) if slugs else "There is no such article." in shown
