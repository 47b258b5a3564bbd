"""The demo: one whole night on loopback, in seconds: its own web, its own sites, the faults of a
real night.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio import pipelines
from contentstudio.demo.web import FEEDS, GONE, INDEXNOW, KEYS, DemoWeb
from contentstudio.store.nights import Nights
from overnight import logs
from overnight.cli import output, runner
from overnight.errors import ConfigError, UserError
from overnight.operations import queries
from overnight.postgres.open import home_folder, opened

DEBOUNCE_SECONDS = 2
SETTLE_SECONDS = 1
KEY = "demo-key-0123456789"

CONFIG = """\
# Written by `contentstudio demo`: two sites that read the demo's own small web on loopback.

[fetch]
allow_loopback = true         # for this trial only: the web below is served on this machine

[research]
settle_seconds = {settle}            # 90 in real life: pages that come together are judged together

[writing]
{writing}

[publishing]
debounce_seconds = {debounce}          # 90 in real life: time for a last edit

[[site]]
name = "garden-notes"
url = "https://garden-notes.example"
title = "Garden Notes"
description = "What grows, and how."
tags = ["Soil", "Compost", "Watering", "Seed"]
pages = "pages"
sources = ["{web}{garden}", "{web}{gone}", {{ keywords = "garden-words.txt" }}]
ping = {{ endpoint = "{web}{indexnow}", key = "{key}", key_url = "{web}{keys}{key}.txt" }}

[site.profile]                # `site profile garden-notes` shows what a model would be told
audience = "people with a first small garden"
purpose = "Helps beginners to grow food without waste."
voice = "Plain and warm, as a neighbour speaks over the fence."
style = ["Short sentences.", "Metric units."]
avoid = ["game changer"]
pillars = ["Soil", "Watering"]
authors = [
  {{ name = "Ana Example", role = "Editor", bio = "Has no garden: she is a part of this demo." }},
  {{ name = "Ben Example", role = "Gardener", bio = "Has no spade: he is a part of this demo." }},
]
disclosure = "Composed by contentstudio from the sources that are named above."

[[site]]
name = "night-sky"
url = "https://night-sky.example"
title = "Night Sky"
description = "Looking up, for beginners."
tags = ["Moon", "Meteors", "Binoculars", "Dark"]
profile = "night-sky.md"      # keys as front matter, the voice as text; it makes /about/ too
color = "#3a5a9b"
sources = ["{web}{sky}", {{ keywords = "sky-words.txt" }}]
ping = {{ endpoint = "{web}{indexnow}", key = "{key}", key_url = "{web}{keys}{key}.txt" }}
"""

# What the owner of each site wants to be found by, with a weight: it names ideas as readers ask.
WORDS = {
    "garden-words.txt": {
        "what does a compost heap need": 5,
        "when to water pots and beds": 4,
        "what mulch does for soil": 3,
        "which plants to keep seed from": 2,
        "why does my lawn turn brown": 1,
    },
    "sky-words.txt": {
        "what do the numbers on binoculars say": 5,
        "what are the phases of the moon": 4,
        "how do eyes get used to the dark": 3,
        "when to watch a meteor shower": 2,
    },
}

OFFLINE = """\
writer = "offline"            # no key, no cost: quotes the sources' own sentences
offline_articles = "publish"  # for this trial only; else each such article waits for you"""

WITH_MODEL = """\
writer = "anthropic"          # but no key: the demo's own stand-in answers on loopback
anthropic = {{ base_url = "{url}" }}"""

ABOUT = """\
# About this site

It was made by `contentstudio demo` on this machine: its articles quote the demo's own small web.

An [imprint](https://en.wikipedia.org/wiki/Impressum) or any other page is
a Markdown file beside this one.
"""


SKY = """\
---
audience: People who look up for the first time
purpose: Shows what anybody can see without a telescope.
expertise: [The moon, Meteors, Binoculars]
avoid: [breathtaking]
authors:
  - name: Cem Example
    role: Observer
    bio: Has no telescope, for he is a part of this demo.
disclosure: Composed by contentstudio from the sources that are named above.
---
Calm and exact. Wonder comes from what is seen, not from big words.
"""


async def run(folder: Path, port: int | None, *, with_model: bool = False) -> dict[str, Any]:
    """Run the night in a folder, or go on with the one that was begun there, and report on it.

    With a model a stand-in on loopback answers as one would: the calls and their prices are real,
    and nobody bills them.
    """
    began, clock = datetime.now(UTC), time.monotonic()
    with ExitStack() as stack:
        web = _web(folder, port)
        stack.callback(web.stop)
        config = _config(folder, web.url, _writing(stack) if with_model else OFFLINE)
        with (folder / "night.log").open("a", encoding="utf-8") as log:
            logs.configure(log)
            night = await _night(folder, config, began)
    return {
        **night,
        "with_model": with_model,
        "seconds": round(time.monotonic() - clock, 1),
        "site_dirs": [str(config.folder(site)) for site in config.site],
        "debounce_seconds": DEBOUNCE_SECONDS,
        "log": str(folder / "night.log"),
        "config": str(folder / settings.DEFAULT_FILE),
    }


def _writing(stack: ExitStack) -> str:
    """The section [writing] for the stand-in, which serves as long as the stack is open. No key of
    the environment is sent to it.
    """
    from contentstudio.demo import stand_in

    model = stack.enter_context(stand_in.served())
    os.environ["ANTHROPIC_API_KEY"] = "sk-ant-of-the-demo"
    return WITH_MODEL.format(url=model.url)


async def _night(folder: Path, config: settings.Config, began: datetime) -> dict[str, Any]:
    app = studio.build(config, "contentstudio-demo")  # its schedule is not the one of a real config
    async with opened(home_folder(folder), *([app.schema] if app.schema else [])) as database:
        new = await database.insist(lambda: pipelines.begin(app, database, config, began))
        with output.live_line(f"the night of {began.date()}") as note:
            await runner.work(app, database, until_idle=True, on_ending=note)
        night = await database.insist(lambda: Nights(database).since(began))
        return {
            **night,
            "again": not new,
            "runs": await database.insist(lambda: queries.counts(database)),
        }


def _web(folder: Path, port: int | None) -> DemoWeb:
    """The demo's web, on the port it had before: jobs that were cut off still know their URLs by
    it.
    """
    note = folder / "web.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot write to {folder} ({error.strerror}): choose another folder with --home"
        ) from None
    known = 0
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = int(json.loads(note.read_text("utf-8"))["port"])
    web = _listening(port or known, strict=port is not None)
    try:
        note.write_text(json.dumps({"port": int(web.url.rsplit(":", 1)[1])}), "utf-8")
    except OSError as error:
        web.stop()
        raise ConfigError(
            f"cannot write to {folder} ({error.strerror}): choose another folder with --home"
        ) from None
    return web


def _listening(port: int, *, strict: bool) -> DemoWeb:
    web = DemoWeb(datetime.now(UTC).date(), port)
    try:
        web.start()
    except OSError as error:
        if strict:
            raise UserError(
                f"port {port} cannot be used ({error.strerror}): choose another with --port"
            ) from None
        web = DemoWeb(web.today)
        web.start()
    return web


def _config(folder: Path, web: str, writing: str) -> settings.Config:
    file = folder / settings.DEFAULT_FILE
    text = CONFIG.format(
        web=web,
        writing=writing,
        garden=FEEDS[0],
        sky=FEEDS[1],
        gone=GONE,
        indexnow=INDEXNOW,
        keys=KEYS,
        key=KEY,
        debounce=DEBOUNCE_SECONDS,
        settle=SETTLE_SECONDS,
    )
    (folder / "pages").mkdir(exist_ok=True)
    (folder / "pages" / "about.md").write_text(ABOUT, "utf-8")
    (folder / "night-sky.md").write_text(SKY, "utf-8")
    for name, words in WORDS.items():
        lines = (f"{query}\t{weight}\n" for query, weight in words.items())
        (folder / name).write_text("".join(lines), "utf-8")
    file.write_text(text, "utf-8")
    return settings.load(file)
