"""A model that groups and names the signals of a night: asked once, checked, and never needed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio.config import Config, Writing
from contentstudio.demo.web import DemoWeb
from contentstudio.store.ideas import Ideas
from overnight.operations import runs, switches
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle
from overnight.testing.fake_llm import FakeModels, prompt_of

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
PAGES = ("/potting-shed/mulch.html", "/potting-shed/compost.html", "/clear-skies/moon-phases.html")
TITLE = "How to feed the soil of a small garden"


def answer(request: dict[str, Any]) -> str:
    """The pages of the garden as one idea, the others as one that has a source's title."""
    pages = re.findall(r'id="(p\d)">\n(.*)\n', prompt_of(request))
    garden = [name for name, title in pages if "Moon" not in title]
    ((moon, title),) = ((name, title) for name, title in pages if "Moon" in title)
    named = [{"title": TITLE, "signals": garden}, {"title": title, "signals": [moon]}]
    return json.dumps({"ideas": named})


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-key-0123456789")
    with FakeModels(body=answer) as server:
        yield server


async def night(
    claude: FakeModels, web: DemoWeb, write_config: Write, database: Database, clock: Clock
) -> dict[str, Any]:
    """Slug → idea of a night over three pages, no article of which is written."""
    await switches.pause(database, "pipeline:article", reason="ideas only")
    config = write_config([web.url + path for path in PAGES])
    writing = Writing.model_validate(
        {"writer": "anthropic", "anthropic": {"base_url": claude.url}, "deadline_seconds": 20.0}
    )
    app = studio.build(config.model_copy(update={"writing": writing}))
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    rows = await database.fetch("select * from ideas order by slug")
    return {row["slug"]: row for row in rows}


async def test_a_model_names_ideas_but_not_with_the_title_of_a_source(
    claude: FakeModels, web: DemoWeb, write_config: Write, database: Database, clock: Clock
) -> None:
    found = await night(claude, web, write_config, database, clock)
    assert len(claude.calls) == 1
    assert {row["title"] for row in found.values()} == {
        TITLE,
        "What to know about the phases of the Moon",
    }
    idea = found["how-to-feed-the-soil-of-a-small-garden"]
    assert sorted(signal["url"] for signal in idea["signals"]) == [
        web.url + path for path in sorted(PAGES[:2])
    ]
    texts = await Ideas(database).texts("garden", idea["slug"])
    assert {text.url for text in texts} == {web.url + path for path in PAGES[:2]}


async def test_what_is_cut_off_behind_the_answer_is_not_paid_for_again(
    claude: FakeModels,
    web: DemoWeb,
    write_config: Write,
    database: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, cut = Ideas.keep, list[str]()

    async def keep(self: Ideas, *args: Any, **options: Any) -> None:
        if not cut:
            cut.append("now")
            raise ConnectionError("cut off")
        await whole(self, *args, **options)

    monkeypatch.setattr(Ideas, "keep", keep)
    found = await night(claude, web, write_config, database, clock)
    assert cut
    assert len(claude.calls) == 1
    assert "how-to-feed-the-soil-of-a-small-garden" in found
    calls = await database.fetch("select status from llm_calls order by id")
    assert [call["status"] for call in calls] == ["stored", "cached"]


@pytest.mark.parametrize("fault", ["400", "529"])
async def test_without_an_answer_ideas_have_the_names_that_code_gives(
    claude: FakeModels,
    web: DemoWeb,
    write_config: Write,
    database: Database,
    clock: Clock,
    fault: str,
) -> None:
    claude.script(*[fault] * 9)
    found = await night(claude, web, write_config, database, clock)
    assert {row["title"] for row in found.values()} == {
        "What to know about a compost heap",
        "What to know about the phases of the Moon",
        "What to know about mulch and soil",
    }
