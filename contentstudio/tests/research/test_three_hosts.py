"""An idea that a person adds, of whose subject three hosts tell: its notes come from all of them,
and a worker that is killed in any call of a model pays for no other call again.

The hosts come twice: pages of our own, and saved public pages in `../shared/corpus` under their own
names, where that folder is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import saved_pages
from small_web import SmallWeb

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio import ideas
from contentstudio.brief import Research
from contentstudio.config import Config
from contentstudio.demo import stand_in
from contentstudio.model import Draft
from contentstudio.store.snapshots import Snapshots
from contentstudio.store.sql import queries
from contentstudio.text.prose import is_prose
from contentstudio.text.sentences import sentences
from overnight import App
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, fresh_database, run_until_idle
from overnight.testing.fake_llm import FakeModels, prompt_of, schema_of

pytestmark = pytest.mark.large  # of `make test-large`

PAGE = (
    "<html lang='en'><head><title>{title}</title></head><body><article><h1>{title}</h1>"
    "<p>{text}</p></article></body></html>"
)
OWN = {
    "alder": "Leaf mould takes two winters in a cage of wire. Damp leaves rot fast, and dry ones "
    "do not. A gardener turns the leaf mould once in spring. Leaf mould of hazel and birch is "
    "ready first. The cage of a leaf mould heap stands in the shade. Rain keeps the mould damp "
    "all through the year. A good heap of leaf mould sinks to a third of its size in a year.",
    "birch": "Leaf mould holds more water than garden soil does. Seeds sprout well in sieved mould "
    "and sand. Leaf mould feeds worms that open heavy clay. A barrow of leaf mould covers two "
    "square metres of a bed. Gardeners spread leaf mould in autumn on bare soil. Pots with leaf "
    "mould need less water in summer. Leaf mould has few weeds, for leaves bring no seeds along.",
    "cedar": "Oak leaves make leaf mould of a fine brown colour. Plane leaves are shredded before "
    "they become leaf mould. Bags with holes make leaf mould in a small yard. Leaf mould from a "
    "street may hold salt and oil. Pine needles turn into sour leaf mould for heaths. The leaf "
    "mould of walnut leaves is kept away from tomatoes. Wet leaves make better leaf mould than dry "
    "ones.",
}
SAVED = {
    "en.wikipedia.org": "en.wikipedia.org.tsne",
    "nature.com": "nature.com.telescope",
    "threatpost.com": "threatpost.com.android",
}


@dataclass(frozen=True)
class Hosts:
    """Pages that tell of one subject, each on a host of its own, and what a reader asks of it."""

    urls: tuple[str, ...]
    subject: str
    question: str

    @property
    def names(self) -> set[str]:
        return {urlsplit(url).hostname or "" for url in self.urls}


@pytest.fixture
def own(small_web: SmallWeb) -> Hosts:
    for name, text in OWN.items():
        page = PAGE.format(title=f"At home, told by {name}", text=text)
        small_web.answers[f"/{name}"] = page.encode()
    urls = tuple(f"http://{name}.example:{small_web.port}/{name}" for name in OWN)
    return Hosts(urls, "leaf mould", "How is leaf mould made")


@pytest.fixture
def saved() -> Iterator[Hosts]:
    with saved_pages.served() as url:
        port = urlsplit(url).port
        urls = tuple(f"http://{host}:{port}/pages/{page}.html" for host, page in SAVED.items())
        yield Hosts(urls, "data", "What is data used for")


@pytest.fixture(params=["own", "saved"])
def hosts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """The pages, whose hosts are found at this machine."""
    hosts: Hosts = request.getfixturevalue(request.param)
    usual = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self: Any, host: Any, port: Any, **options: Any) -> Any:
        if host in hosts.names:
            return [(2, 1, 6, "", ("127.0.0.1", port))]
        return await usual(self, host, port, **options)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return hosts


def answer_on(subject: str, request: dict[str, Any]) -> str:
    """As the demo's stand-in, but of a page it states what has the subject in so many words."""
    schema = schema_of(request)
    if schema is None or "facts" not in schema["properties"]:
        return stand_in.answer(request)
    page = prompt_of(request).split('id="page">\n', 1)[1].split("\n</source-", 1)[0]
    lines = [each for each in sentences(page) if subject in each.lower() and is_prose(each)]
    return json.dumps({"facts": [{"text": line, "span": line} for line in lines[:8]]})


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch, hosts: Hosts) -> Iterator[FakeModels]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    with FakeModels(body=partial(answer_on, hosts.subject)) as server:
        yield server


def config_of(folder: Path, hosts: Hosts, claude: FakeModels) -> Config:
    """A site that reads the pages, and chooses no idea by itself. One call is made at a time."""
    listed = ", ".join(f"'{url}'" for url in hosts.urls)
    folder.mkdir()
    file = folder / "contentstudio.toml"
    file.write_text(
        "[fetch]\nallow_loopback = true\npause_seconds = 0\n"
        f"[writing]\nwriter = 'anthropic'\nsections_at_once = 1\nrewrites = 0\n"
        f"anthropic = {{ base_url = '{claude.url}' }}\n"
        "[research]\nmin_score = 1\nsettle_seconds = 0\n"
        "[publishing]\ndebounce_seconds = 0\n"
        "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\n"
        f"sources = [{listed}]\n",
        "utf-8",
    )
    return settings.load(file)


@dataclass(frozen=True)
class Desk:
    """A studio whose night has read the pages, and in which an idea was added."""

    app: App
    database: Database
    clock: Clock
    config: Config

    async def go_on(self) -> None:
        await run_until_idle(self.app, self.database, clock=self.clock)

    async def output(self, step: str) -> Any:
        (row,) = await self.database.fetch(
            "select output from runs where pipeline = 'article' and step = %s", [step]
        )
        return row["output"]

    async def stored(self) -> list[str]:
        """The requests whose answers were paid for and are stored."""
        rows = await self.database.fetch(
            "select request_hash from llm_calls where status = 'stored'"
        )
        return [row["request_hash"] for row in rows]


Order = Callable[[], AbstractAsyncContextManager[Desk]]


@pytest.fixture
def ordered(server_url: str, tmp_path: Path, hosts: Hosts, claude: FakeModels) -> Order:
    """Makes new studios after their night, in which a person has just added the idea."""
    number = count()

    @asynccontextmanager
    async def ordered() -> AsyncIterator[Desk]:
        config = config_of(tmp_path / f"{next(number)}", hosts, claude)
        app = studio.build(config)
        async with fresh_database(server_url, queries) as database:
            desk = Desk(app, database, Clock(database), config)
            await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
            await desk.go_on()
            await ideas.add(app, config, database, "garden", hosts.question, by="eva")
            yield desk

    return ordered


async def test_an_ordered_idea_is_written_from_three_hosts(ordered: Order, hosts: Hosts) -> None:
    async with ordered() as desk:
        await desk.go_on()
        research = Research.model_validate(await desk.output("research"))
        assert {host for note in research.notes for host in note.hosts} == hosts.names
        texts = await Snapshots(desk.database).read(page.sha256 for page in research.pages)
        for note in research.notes:
            assert texts[note.sha256].text[note.start : note.end] == note.span
        draft = Draft.model_validate(await desk.output("generate"))
        named = {name for sentence in draft.sentences() for name in sentence.notes}
        told = {note.sha256 for note in research.notes if note.id in named}
        assert len(told) == len(hosts.names) == 3, "the article states notes of each"
        assert draft.title == hosts.question


class Holding:
    """Answers, and holds one call (from 1 on; 0: none) until the worker is dead."""

    def __init__(self, at: int, subject: str) -> None:
        self.at = at
        self.subject = subject
        self.asked = list[str]()
        self.reached, self.released = threading.Event(), threading.Event()

    def __call__(self, request: dict[str, Any]) -> str:
        self.asked.append(str(request))
        if len(self.asked) == self.at:
            self.reached.set()
            self.released.wait(60)
        return answer_on(self.subject, request)


async def killed_at(desk: Desk, holding: Holding) -> None:
    """A worker of its own is killed while a call is under way."""
    command = [sys.executable, "-m", "contentstudio.cli.main", "--config", str(desk.config.file)]
    env = {**os.environ, "OVERNIGHT_DATABASE_URL": desk.database.url}
    with subprocess.Popen([*command, "worker"], env=env, stderr=subprocess.DEVNULL) as worker:
        try:
            assert await asyncio.to_thread(holding.reached.wait, 60), "the call did not come"
        finally:
            worker.kill()
            holding.released.set()


async def test_killed_in_any_call_it_pays_for_no_other_one_again(
    ordered: Order, hosts: Hosts, claude: FakeModels
) -> None:
    undisturbed = claude.body
    async with ordered() as desk:
        claude.body = usual = Holding(0, hosts.subject)
        await desk.go_on()
        sections = (await desk.output("generate"))["sections"]
    assert len(usual.asked) == len(set(usual.asked)) > 8
    # The calls for saved pages differ from ours by their texts alone, so some of them suffice.
    for at in range(1, len(usual.asked) + 1, 1 if hosts.subject == "leaf mould" else 4):
        claude.body = undisturbed
        async with ordered() as desk:
            claude.body = holding = Holding(at, hosts.subject)
            await killed_at(desk, holding)
            await desk.go_on()
            lost = holding.asked[at - 1]
            assert Counter(holding.asked) == Counter([*usual.asked, lost]), f"killed in call {at}"
            stored = await desk.stored()
            assert len(stored) == len(set(stored))
            assert (await desk.output("generate"))["sections"] == sections
