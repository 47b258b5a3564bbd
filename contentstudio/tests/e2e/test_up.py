"""`up` as a person runs it: an honest report, trying again after a fix, Ctrl-C, and a second one
beside the first.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contentstudio.demo.web import DemoWeb

TOOL = [sys.executable, "-m", "contentstudio.cli.main"]
MULCH = "/potting-shed/mulch.html"
Put = Callable[[bytes | None], None]


def environment() -> dict[str, str]:
    mine = ("OVERNIGHT_", "ANTHROPIC_", "CONTENTSTUDIO_")
    return {k: v for k, v in os.environ.items() if not k.startswith(mine)}


def call(home: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*TOOL, *words], cwd=home, env=environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def source(web: DemoWeb) -> Iterator[tuple[str, Put]]:
    """A page that is gone until something is put there."""
    body: list[bytes | None] = [None]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = body[0] if self.path == "/page.html" else None
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: Any) -> None: ...

    def put(page: bytes | None) -> None:
        body[0] = page

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/page.html", put
        server.shutdown()
        thread.join()


def write(home: Path, url: str, debounce: float = 0) -> None:
    (home / "contentstudio.toml").write_text(
        "[fetch]\nallow_loopback = true\n[research]\nsettle_seconds = "
        "0\n[writing]\nwriter = 'offline'\n"
        "offline_articles = 'publish'\n"
        f"[publishing]\ndebounce_seconds = {debounce}\n"
        f"[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = ['{url}']\n",
        "utf-8",
    )


@contextmanager
def running(
    home: Path, *words: str, until: str
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A command that goes on, from the moment at which a line with `until` came; its
    lines so far.
    """
    process = subprocess.Popen(
        [*TOOL, *words],
        cwd=home,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line)
            if until in line:
                break
        yield process, lines
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code after Ctrl-C, and what was said."""
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    return process.wait(60), said


def test_when_all_failed_it_says_so_and_after_a_fix_tries_again(
    tmp_path: Path, web: DemoWeb, source: tuple[str, Put]
) -> None:
    url, put = source
    write(tmp_path, url)
    first = call(tmp_path, "up", "--once", code=1).stdout
    assert first.startswith("Everything failed")
    assert "Last night" not in first
    assert re.search(r"^failed just now: garden: source/read of ", first, re.M)
    assert "contentstudio up --once --retry-failed" in first

    put(httpx2.get(web.url + MULCH, trust_env=False).text.encode())
    again = json.loads(call(tmp_path, "up", "--once", "--json", code=1).stdout)
    assert (again["all_failed"], again["published"], again["dead"]) == (
        True,
        0,
        1,
    )  # nobody asked to try it again
    retried = call(tmp_path, "up", "--once", "--retry-failed")
    assert "1 failed job started again" in retried.stderr
    assert "1 published, 0 updated" in retried.stdout
    assert "Everything failed" not in retried.stdout
    assert "0 failed jobs started again" in call(tmp_path, "up", "--once", "--retry-failed").stderr


def test_ctrl_c_leaves_nothing_half_done_the_next_call_goes_on(
    tmp_path: Path, web: DemoWeb
) -> None:
    write(tmp_path, web.url + MULCH, debounce=600)
    with running(tmp_path, "up", "--once", until='"step":"gate"') as (process, _):
        code, said = interrupted(process)
    assert code == 130
    assert "stopped; nothing is lost: contentstudio up --once goes on where this ended" in said
    assert "Traceback" not in said
    runs = json.loads(call(tmp_path, "runs", "--json").stdout)["runs"]
    assert {row["status"] for row in runs} <= {"succeeded", "queued"}
    write(tmp_path, web.url + MULCH)
    job = next(row["job_id"] for row in runs if row["pipeline"] == "article")
    call(tmp_path, "edit", job, "--input", f"@{_words(tmp_path, job)}")
    assert json.loads(call(tmp_path, "up", "--once", "--json").stdout)["published"] == 1


def _words(home: Path, job: str) -> Path:
    """The words of an article that waits for a last edit; giving them back ends the old wait."""
    call(home, "review", job, "--markdown", "words.md")
    return home / "words.md"


def test_a_second_one_says_that_it_joins_the_first(tmp_path: Path, web: DemoWeb) -> None:
    write(tmp_path, web.url + MULCH)
    with running(tmp_path, "up", "--port", "0", until="the console is at") as (process, _):
        second = call(tmp_path, "up", "--once", "--json")
        assert f"another worker (process {process.pid} on " in second.stderr
        assert json.loads(second.stdout)["published"] == 1
        code, said = interrupted(process)
    assert code == 130
    assert "contentstudio up goes on where this ended" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("up", "--concurrency", "0"), "--concurrency"),
        (("up", "--once", "--port", "99999"), "--port"),
        (("check", "--onlin"), "--onlin"),
        (("--config", "nowhere.toml", "check"), "there is no nowhere.toml"),
        (("publish", "gardn", "x"), "there is no site “gardn”; there are: garden"),
        (("unpublish", "garden", "x"), "--reason"),
        (("rollback", "garden", "x", "--reason", "y"), "nothing was published on “garden”"),
        (("start", "rollbak"), "there is no pipeline “rollbak”"),
        (("emit", "topic.valid"), "topic.valid"),
    ],
)
def test_wrong_words_are_one_sentence_and_exit_code_2(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    write(tmp_path, "https://a.example/")
    error = call(tmp_path, *words, code=2).stderr
    assert says in error
    assert (
        len([line for line in error.splitlines() if line and not re.match(r"Usage:|Try |$", line)])
        == 1
    )
