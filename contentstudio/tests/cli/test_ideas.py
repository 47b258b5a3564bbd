"""`contentstudio idea`: each idea with its factors and what was decided, for a person and a script;
and what an owner does with it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contentstudio.cli.main import cli
from contentstudio.research.ideas import Choice
from contentstudio.store.ideas import Ideas
from overnight.store.database import Database
from overnight.testing import Clock

Ask = Callable[..., Result]


@pytest.fixture
async def ask(database: Database, call: Ask) -> Ask:
    """Calls the command on a ledger with one skipped idea of the site `garden`."""
    why = "it is near “Mulch” (https://garden.example/mulch/), which is the owner's own"
    near = {"target": None, "near": "https://garden.example/mulch/", "likeness": 0.7}
    told = {
        "slug": "straw",
        "title": "Straw",
        "decision": "skip",
        "reason": why,
        "url": "https://a.example/",
        **near,
    }
    choice = Choice.model_validate(
        {**told, "score": 0.71, "factors": {"freshness": 0.9}, "snapshots": []}
    )
    await Ideas(database).keep("garden", date(2026, 11, 23), "job", [choice])
    return partial(call, "idea")


async def test_a_script_gets_the_factors_the_decision_and_the_reason(ask: Ask) -> None:
    told = await asyncio.to_thread(ask, "list", "--json", "--site", "garden")
    (idea,) = json.loads(told.stdout)["ideas"]
    assert (idea["slug"], idea["decision"], idea["near"]) == (
        "straw",
        "skip",
        "https://garden.example/mulch/",
    )
    assert (idea["factors"], idea["score"], idea["likeness"]) == ({"freshness": 0.9}, 0.71, 0.7)


async def test_a_person_sees_them_in_a_narrow_terminal(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    told = " ".join((await asyncio.to_thread(ask, "list")).stdout.split())
    assert "skip" in told
    assert "which is the owner's own" in told
    assert "freshness 0.90" in told


async def test_what_is_older_is_not_told(ask: Ask, clock: Clock) -> None:
    await clock.move(8 * 86_400)
    assert "Nothing was found in the last 7 days." in (await asyncio.to_thread(ask, "list")).stdout
    assert "Straw" in (await asyncio.to_thread(ask, "list", "--days", "9")).stdout


async def test_a_site_that_is_not_there_is_a_sentence(ask: Ask) -> None:
    done = await asyncio.to_thread(ask, "list", "--site", "nowhere")
    assert done.exit_code != 0
    assert "there is no site “nowhere”" in str(done.exception)


async def test_an_idea_is_added_shown_approved_and_dropped(ask: Ask, tmp_path: Path) -> None:
    brief = tmp_path / "brief.txt"
    brief.write_text("For beginners.", "utf-8")
    question = "How long do tomato seeds keep"
    words = ("add", "garden", question, "--url", "https://a.example/", "--due", "2099-12-24")
    added = await asyncio.to_thread(ask, *words, "--brief", f"@{brief}")
    assert "its article begins on 2099-12-21" in added.stdout
    slug = "how-long-do-tomato-seeds-keep"
    shown = await asyncio.to_thread(ask, "show", "garden", slug, "--json")
    assert shown.exception is None
    idea = json.loads(shown.stdout)["idea"]
    assert (idea["wish"], idea["urls"], idea["due"]) == (
        "For beginners.",
        ["https://a.example/"],
        "2099-12-24",
    )
    plain = (await asyncio.to_thread(ask, "show", "garden", slug)).stdout
    assert question in plain and "https://a.example/" in plain
    approved = await asyncio.to_thread(ask, "approve", "garden", "straw")
    assert "is queued" in approved.stdout
    again = await asyncio.to_thread(ask, "approve", "garden", "straw")
    assert "was begun already" in again.stdout
    dropped = await asyncio.to_thread(ask, "drop", "garden", "straw", "--reason", "not for us")
    assert "“Straw” of garden is dropped" in dropped.stdout
    listed = json.loads((await asyncio.to_thread(ask, "list", "--json")).stdout)["ideas"]
    assert {row["slug"]: row["status"] for row in listed} == {slug: "idea", "straw": "dropped"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "gardn", "Why do bees dance"), "there is no site “gardn”"),
        (("add", "garden", "Why do bees dance", "--url", "a.example"), "begins with http"),
        (("add", "garden", "Why do bees dance", "--brief", "@no-such-file"), "cannot read"),
        (("add", "garden", "Why do bees dance", "--due", "2001-01-01"), "is past"),
        (("show", "garden", "nothing"), "has no idea “nothing”"),
    ],
)
async def test_bad_input_is_one_sentence(ask: Ask, words: tuple[str, ...], says: str) -> None:
    done = await asyncio.to_thread(ask, *words)
    assert done.exit_code != 0
    assert says in str(done.exception)


async def test_the_calendar_is_shown_by_site(ask: Ask, database: Database, tmp_path: Path) -> None:
    await asyncio.to_thread(ask, "add", "garden", "Why do bees dance", "--due", "2099-12-24")
    file = str(tmp_path / "contentstudio.toml")
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["--config", file, "calendar"])
    assert "garden: 0 of 10 today; publishes now" in done.stdout
    assert "begins on 2099-12-21" in done.stdout


async def test_ideas_are_put_in_order_by_command(ask: Ask) -> None:
    for question in ("Why do bees dance", "How deep do roots go"):
        await asyncio.to_thread(ask, "add", "garden", question, "--due", "2099-12-24")
    moved = await asyncio.to_thread(ask, "order", "garden", "how-deep-do-roots-go", "first")
    assert "“How deep do roots go” has place 1 of garden" in moved.stdout
    words = ("order", "garden", "why-do-bees-dance", "after", "how-deep-do-roots-go")
    assert (await asyncio.to_thread(ask, *words)).exception is None
    listed = await asyncio.to_thread(ask, "order", "garden", "--json")
    slugs = [row["slug"] for row in json.loads(listed.stdout)["ideas"]]
    assert slugs == ["how-deep-do-roots-go", "why-do-bees-dance", "straw"]
    plain = (await asyncio.to_thread(ask, "order", "garden")).stdout
    assert plain.index("How deep") < plain.index("Why do bees") < plain.index("Straw")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("straw",), "the place is first, up, down or none"),
        (("straw", "top"), "the place is first, up, down or none"),
        (("straw", "before"), "before or after another idea"),
        (("straw", "before", "straw"), "no place beside itself"),
        (("straw", "after", "hay"), "has no idea “hay”"),
        (("hay", "up"), "has no idea “hay”"),
    ],
)
async def test_a_place_that_is_none_is_one_sentence(
    ask: Ask, words: tuple[str, ...], says: str
) -> None:
    done = await asyncio.to_thread(ask, "order", "garden", *words)
    assert done.exit_code != 0
    assert says in str(done.exception)
