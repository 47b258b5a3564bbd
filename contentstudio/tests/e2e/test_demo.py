"""The demo as a person runs it: the command, its output, the second run, wrong input."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lxml import html

TOOL = [sys.executable, "-m", "contentstudio.cli.main"]
KEYS = {
    *(
        "published",
        "updated",
        "needs_review",
        "dead",
        "retries",
        "cost_usd",
        "llm_calls",
        "seconds",
        "site_dirs",
        "runs",
    ),
}


def call(
    *arguments: str | Path, cwd: Path, code: int = 0, **env: str
) -> subprocess.CompletedProcess[str]:
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("OVERNIGHT_", "ANTHROPIC_", "CONTENTSTUDIO_"))
    }
    done = subprocess.run(
        [*TOOL, *map(str, arguments)],
        cwd=cwd,
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def demo(home: Path) -> dict[str, Any]:
    last = call("demo", "--home", home, "--json", cwd=home.parent).stdout.splitlines()[-1]
    found: dict[str, Any] = json.loads(last)
    return found


def pages(folder: str) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(Path(folder).rglob("*"))
        if p.is_file()
    }


def test_the_demo_meets_all_faults_and_a_rerun_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    first = demo(home)
    assert set(first) >= KEYS
    assert {
        k: first[k]
        for k in ("published", "updated", "needs_review", "dead", "cost_usd", "llm_calls")
    } == {
        **{
            "published": 8,
            "updated": 0,
            "needs_review": 1,
            "dead": 1,
            "cost_usd": 0,
            "llm_calls": 0,
        },
    }
    assert first["retries"] >= 1
    assert first["seconds"] < 60
    (healed,) = first["details"]["healed"]
    assert "502" in healed["error"]
    assert "800 KB of markup gave 0 words" in first["details"]["skipped"][0]["reason"]
    assert first["runs"]["dead"] == 1
    before = [pages(folder) for folder in first["site_dirs"]]
    for folder in first["site_dirs"]:
        for name in ("sitemap.xml", "feed.xml", "index.html", "robots.txt"):
            assert (Path(folder) / name).is_file()

    second = demo(home)
    assert (second["published"], second["updated"], second["retries"]) == (0, 0, 0)
    assert second["runs"] == first["runs"]
    assert [pages(folder) for folder in second["site_dirs"]] == before
    told = call("demo", "--home", home, cwd=tmp_path).stdout
    assert "nothing that was done is done again" in told
    assert "Nothing new was published" in told

    _review_approve_and_publish(home, first)


def _review_approve_and_publish(home: Path, night: dict[str, Any]) -> None:
    config = ("--config", home / "contentstudio.toml")
    job = night["details"]["needs_review"][0]["job_id"]
    look = call(*config, "review", job, cwd=home).stdout
    assert "FAILED  readability" in look
    (press,) = re.findall(r"^contentstudio (.* approve .*)$", look, re.M)
    assert "look at it first" in call(*config, "approve", job[:8], cwd=home, code=2).stderr
    call(*shlex.split(press), "--reason", "fine by me", cwd=home)
    assert demo(home)["published"] == 1
    shown = json.loads(call(*config, "show", job, "--json", cwd=home).stdout)
    assert [step["status"] for step in shown["steps"]] == ["succeeded"] * 8
    assert shown["steps"][-1]["output"]["url"].startswith("https://night-sky.example/")
    dead = night["details"]["dead"][0]["job_id"]
    letter = json.loads(call(*config, "dead", dead, "--json", cwd=home).stdout)["dead"][0]
    assert letter["input"]["url"].endswith("/gone.html")
    assert len(letter["attempts"]) == 1
    call(*config, "replay", dead, cwd=home)
    assert demo(home)["dead"] == 1
    call(*config, "cancel", dead, "--reason", "the page is gone", cwd=home)
    assert demo(home)["dead"] == 0
    again = call(*shlex.split(press), cwd=home, code=2)
    assert "cannot be approved" in again.stderr


def test_every_page_is_whole_and_every_quote_is_marked(tmp_path: Path) -> None:
    night = demo(tmp_path / "demo")
    for row in night["details"]["published"]:
        page = html.parse(row["path"]).getroot()
        assert page.xpath("//link[@rel='canonical']/@href") == [row["url"]]
        assert 50 < len(page.xpath("//meta[@name='description']/@content")[0]) < 200
        told = json.loads(page.xpath("//script[@type='application/ld+json']")[0].text)
        assert told["@type"] == "Article"
        assert len(page.xpath("//q[@cite]")) >= 5


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (["status"], {}, "there is no contentstudio.toml"),
        (["--config", "broken.toml", "up", "--once"], {}, "is no valid TOML"),
        (["--config", "unknown.toml", "status"], {}, "unknown key “colour”"),
        (["--config", "url.toml", "status"], {}, "needs a whole URL"),
        (["demo", "--home", "a-file"], {}, "cannot write to"),
        (
            ["--config", "good.toml", "status"],
            {"OVERNIGHT_DATABASE_URL": "no url"},
            "not a Postgres URL",
        ),
        (
            ["--config", "good.toml", "status"],
            {"OVERNIGHT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
            "cannot reach the database",
        ),
        (
            ["--config", "good.toml", "status"],
            {"OVERNIGHT_HOME": "/proc/nowhere"},
            "OVERNIGHT_HOME",
        ),
        (
            ["--config", "good.toml", "up", "--once"],
            {"OVERNIGHT_HOME": "/proc/nowhere"},
            "OVERNIGHT_HOME",
        ),
        (["runs", "--status", "asleep"], {"CONTENTSTUDIO_CONFIG": "good.toml"}, "is no status"),
        (["nonsense"], {}, "No such command"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: list[str], env: dict[str, str], says: str
) -> None:
    site = "[[site]]\nname = 'a'\nurl = 'https://a.example'\nsources = ['https://b.example/feed']\n"
    files = {
        "broken.toml": "[[site]\n",
        "unknown.toml": "colour = 'red'\n" + site,
        "url.toml": site.replace("https://b.example", "b"),
        "good.toml": site,
        "a-file": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    error = call(*arguments, cwd=tmp_path, code=2, **env).stderr
    assert says in error
    assert (
        len([line for line in error.splitlines() if line and not re.match(r"Usage:|Try |$", line)])
        == 1
    )


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("demo", "--home", tmp_path / "demo", "--port", str(port), cwd=tmp_path, code=2)
    assert f"port {port} cannot be used" in done.stderr


def test_init_writes_a_config_and_leaves_an_existing_one_alone(tmp_path: Path) -> None:
    call("init", cwd=tmp_path)
    (tmp_path / "contentstudio.toml").write_text("# mine\n", "utf-8")
    assert "left as it is" in call("init", cwd=tmp_path, code=2).stderr
    assert (tmp_path / "contentstudio.toml").read_text("utf-8") == "# mine\n"
