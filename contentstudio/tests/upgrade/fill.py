"""Filled the ledger from which `test_upgrade.py` starts, with the code of commit c31e7f6.

It was run once, by the Python of that commit's own environment, and is kept so that a reader sees
what the dump holds and how it came to be:

    git worktree add /tmp/old c31e7f6 && make -C /tmp/old setup
    cd contentstudio/tests/upgrade
    PYTHONPATH=../shared /tmp/old/.venv/bin/python fill.py

Every row was written by that commit's commands and workers. Workers were killed (SIGKILL) in the
middle of a read, of a ping, and of a call to a model. Names of the machine are replaced.
"""

from __future__ import annotations

import getpass
import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

import psycopg
from overnight.llm.fake_server import FakeModels
from upgrade_web import BROKEN_PING, DOWN, PING, PORT, SLOW, SLOW_PING, UpgradeWeb

from contentstudio.demo.web import FLAKY, GONE, HARD, KEYS
from overnight.signing import new_secret, parse_secret, sign
from overnight.testing import postgres

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("contentstudio")
POSTGRES = Path("/usr/lib/postgresql/15/bin")  # the oldest, so that any one restores it
WEB = f"http://127.0.0.1:{PORT}"
KEY = "upgrade-key-0123456789"

HEAD = """\
# Written by fill.py: the sites of the upgrade's night.

[fetch]
allow_loopback = true
timeout_seconds = 60

[research]
cron = "* * * * *"
settle_seconds = {settle}

[writing]
writer = "{writer}"
offline_articles = "publish"
{models}

[budget]
usd_per_day = 3.0

[publishing]
debounce_seconds = {debounce}
"""
SITE = """
[[site]]
name = "{name}"
url = "https://{name}.example"
title = "{name}"
active = {active}
sources = [{sources}]
{more}
"""


def ping(endpoint: str) -> str:
    where = f"{WEB}{KEYS}{KEY}.txt"
    return f'ping = {{ endpoint = "{WEB}{endpoint}", key = "{KEY}", key_url = "{where}" }}'


SITES = {  # name → in the night, sources, more
    "garden": (
        True,
        [f"/potting-shed/{name}.html" for name in ("compost", "mulch", "saving-seed")]
        + [GONE, DOWN],
        f"{ping(PING)}\ngates = {{ per_day = 2 }}",
    ),
    "sky": (True, ["/clear-skies/moon-phases.html", HARD], ping(BROKEN_PING)),
    "window": (
        True,
        ["/clear-skies/first-binoculars.html"],
        'window = { hours = ["02:00", "02:30"] }',
    ),
    "slow": (False, ["/clear-skies/dark-adaptation.html"], ping(SLOW_PING)),
    "model": (False, ["/clear-skies/meteor-showers.html"], "usd_per_day = 1.0"),
    "late": (False, [FLAKY], ""),
    "attic": (False, ["/potting-shed/mulch.html"], ""),
}


class Studio:
    """The old program, with the config and the ledger of a folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.file, self.url = folder / "contentstudio.toml", url
        self.env = {
            **os.environ,
            "OVERNIGHT_DATABASE_URL": url,
            "ANTHROPIC_API_KEY": "sk-ant-upgrade-0123456789",
            "OVERNIGHT_WEBHOOK_SECRET": new_secret(),
        }

    def configure(
        self, *, settle: int = 1, debounce: int = 1, writer: str = "offline", models: str = ""
    ) -> None:
        options = {"settle": settle, "debounce": debounce, "writer": writer, "models": models}
        sites = (
            SITE.format(
                name=name,
                active=str(active).lower(),
                sources=", ".join(f'"{WEB}{path}"' for path in paths),
                more=more,
            )
            for name, (active, paths, more) in SITES.items()
        )
        self.file.write_text(HEAD.format(**options) + "".join(sites), "utf-8")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.file.parent / f"{command[0]}.log").open("ab")
        program = [PROGRAM, "--config", self.file, *command]
        return subprocess.Popen(program, env=self.env, stdout=log, stderr=log)

    def run(self, *command: str) -> str:
        program = [PROGRAM, "--config", self.file, *command]
        done = subprocess.run(program, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def works(self, ends_by: signal.Signals = signal.SIGTERM) -> Iterator[None]:
        worker = self.start("worker")
        try:
            yield
        finally:
            worker.send_signal(ends_by)
            worker.wait()

    def research(self, site: str) -> None:
        self.run("start", "research", f'{{"site": "{site}", "date": "{datetime.now(UTC):%F}"}}')

    def start_source(self, site: str, path: str) -> None:
        what = f'"site": "{site}", "date": "{datetime.now(UTC):%F}", "url": "{WEB}{path}"'
        self.run("start", "source", f"{{{what}}}")

    def opens_a_breaker(self) -> bool:
        """Whether five errors came within two minutes; a ping that was given up is begun again."""
        if self.count("breakers where open_until > now()"):
            return True
        if self.count("runs where step = 'ping' and status = 'dead'"):
            reason = ("--reason", "is it up again?")
            self.run("replay", "--site", "sky", "--step", "ping", *reason)
        return False

    def count(self, condition: str) -> int:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(f"select count(*) from {condition}").fetchone()  # type: ignore[call-overload]
        assert row
        return int(row[0])

    def until(self, ready: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 300
        while not ready():
            if time.monotonic() > end:
                raise SystemExit(f"waited in vain for {what}; {self.state()}")
            time.sleep(0.3)

    def state(self) -> str:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "select id, key, step, status, outcome, due_at, error from runs order by id"
            ).fetchall()
        log = (self.file.parent / "worker.log").read_text("utf-8")[-3000:]
        return "\n".join([*map(str, rows), log])

    def until_some(self, condition: str) -> None:
        self.until(lambda: self.count(condition), condition)

    def until_settled(self) -> None:
        """Nothing is due or under way."""
        busy = (
            "runs where status = 'running' or "
            "status = 'queued' and due_at < now() + interval '5 seconds'"
        )
        for _ in range(2):
            self.until(lambda: not self.count(busy), "idle workers")
            time.sleep(2)


def fill(studio: Studio, web: UpgradeWeb) -> None:
    studio.configure()
    studio.run("schedules")  # makes the tables
    # The slot of the night is fired; what can be published is, and the rest fails or waits.
    with studio.works():
        studio.until_some("slots where status = 'fired'")
        studio.until_settled()
        studio.until_some("runs where step = 'ping' and status = 'dead'")
        studio.run("pause", "step:article/ping", "--reason", "a look at the search engines")
        studio.research("slow")
        studio.until_some("runs where key = 'slow' and step = 'ping'")
        studio.run("pause", "key:slow", "--reason", "it is slow today")
        studio.run("resume", "step:article/ping", "--reason", "all is well")
        studio.until(studio.opens_a_breaker, "an open breaker")
    # An article waits for a last edit, and a page for others of its kind.
    studio.configure(debounce=3600)
    with studio.works():
        studio.research("late")
        studio.until_some("runs where key = 'late' and step = 'confirm' and status = 'queued'")
    studio.configure(settle=3600)
    with studio.works():
        studio.research("attic")
        studio.until_some("runs where key = 'attic' and debounce is not null")
    # A worker is killed while it reads, pings, and asks a model, whose cost is reserved.
    with FakeModels(faults=["hang"] * 8) as models:
        where = f'anthropic = {{ base_url = "{models.url}" }}'
        studio.configure(debounce=3600, writer="anthropic", models=where)
        studio.run("resume", "key:slow", "--reason", "let us see")
        with studio.works(signal.SIGKILL):
            studio.start_source("slow", SLOW)
            studio.research("model")
            studio.until_some("llm_calls where status = 'started'")
            studio.until_some("runs where key = 'slow' and step = 'read' and status = 'running'")
            studio.until_some("runs where key = 'slow' and step = 'ping' and status = 'running'")
    studio.configure(settle=90, debounce=90)
    studio.run("pause", "key:attic", "--reason", "the roof is mended")
    studio.run("budget", "set", "pipeline:article", "2.5", "--reason", "a busy week")
    messages(studio)
    web.let_go.set()


def messages(studio: Studio) -> None:
    """One that begins a job, and one that nobody can read."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = studio.start("serve", "--port", str(port))
    try:
        studio.until(lambda: listens(port), "the webhook")
        night = f'{{"site": "window", "asked": "{datetime.now(UTC):%FT%TZ}"}}'.encode()
        assert post(studio, port, "render", "message-1", night) == 202
        assert post(studio, port, "render", "message-2", b'{"site": "garden"') == 422
    finally:
        server.terminate()
        server.wait()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def post(studio: Studio, port: int, pipeline: str, message_id: str, body: bytes) -> int:
    moment = str(int(time.time()))
    secret = parse_secret(studio.env["OVERNIGHT_WEBHOOK_SECRET"])
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": sign(secret, message_id, moment, body),
    }
    where = f"http://127.0.0.1:{port}/pipelines/{pipeline}"
    try:
        with urllib.request.urlopen(urllib.request.Request(where, body, headers)) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def dump(url: str) -> str:
    command = [POSTGRES / "pg_dump", "--no-owner", "--no-privileges", "--rows-per-insert=1000", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return neutral(re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.MULTILINE))


def neutral(text: str) -> str:
    """Without the names of the machine and of its user."""
    for name, instead in ((socket.gethostname(), "studio-1"), (getpass.getuser(), "owner")):
        text = re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w./])", instead, text)
    return text


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="upgrade-") as name,
        postgres(Path(name) / "postgres", POSTGRES) as server,
        UpgradeWeb(healed=False) as web,
    ):
        folder = Path(name)
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("create database night")
        url = urlunsplit(urlsplit(server)._replace(path="/night"))
        studio = Studio(folder, url)
        fill(studio, web)
        text = dump(url).replace(name, "/srv/studio")
        (HERE / "ledger.sql.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        (HERE / "contentstudio.toml").write_text(studio.file.read_text("utf-8"), "utf-8")
        with zipfile.ZipFile(HERE / "sites.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((folder / "sites").rglob("*")):
                if path.is_file() and path.suffix != ".png":  # cards are big, and no test looks
                    archive.write(path, path.relative_to(folder))


if __name__ == "__main__":
    main()
