"""Ghost and Git where they refuse: the first finding of `site check` and the job's error name the
same cause.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft
from fault_proxy import Proxy
from publishing_jobs import Jobs

from contentstudio import config as settings
from contentstudio import doctor
from contentstudio.publish import slug_drafts
from contentstudio.publish.port import Finding
from overnight.store.database import Database

pytestmark = pytest.mark.contract

SITE = (
    "[writing]\nwriter = 'offline'\noffline_articles = "
    "'publish'\n[fetch]\nallow_loopback = true\n[[site]]\n"
    "name = 'garden'\nurl = 'https://127.0.0.1'\nsources = ['https://a.example']\n"
)
HTML = {"Content-Type": "text/html"}
DRAFT = small_draft()
Said = tuple[int, dict[str, str], bytes]


async def first(jobs: Jobs) -> Finding:
    """What `site check` says is wrong, before all else."""
    config = settings.load(jobs.file)
    return next(one for one in await doctor.check(config, config.find("garden")) if not one.ok)


def error(status: int, kind: str, message: str, code: str | None = None) -> Said:
    told = {"errors": [{"message": message, "type": kind, "code": code, "context": None}]}
    return status, {"Content-Type": "application/json"}, json.dumps(told).encode()


@pytest.fixture
def ghost(
    database: Database,
    tmp_path: Path,
    ghost_module: Any,
    ghost_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", ghost_module.KEY)
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.1))
    jobs = Jobs(database, tmp_path / "contentstudio.toml")
    with Proxy(ghost_server.port) as proxy:
        jobs.file.write_text(
            f"{SITE}publish = {{ to = 'ghost', url = '{proxy.url}', private = true }}\n", "utf-8"
        )
        yield jobs, proxy


@pytest.mark.parametrize(
    ("front", "what", "mend"),
    [
        (
            lambda path: (301, {"Location": f"https://admin.garden.example{path}"}, b""),
            "https://admin.garden.example",
            "url =",
        ),
        (lambda path: (302, {"Location": "/signin/"}, b""), "to a log-in", "hides the site"),
        (
            lambda path: (403, HTML, b"<title>Blocked</title>by Sucuri"),
            "a firewall (Sucuri)",
            "/ghost/api/",
        ),
        (
            lambda path: (200, HTML, b"<title>Just a moment...</title>"),
            "protection against bots",
            "/ghost/api/",
        ),
        (
            lambda path: (404, HTML, b"<title>404</title>Gone astray"),
            "a page for people",
            "own address as url",
        ),
        (
            lambda path: error(
                503, "MaintenanceError", "Ghost is currently undergoing maintenance"
            ),
            "maintenance",
            "wait",
        ),
        (
            lambda path: error(
                401, "UnauthorizedError", "Unknown Admin API Key", "UNKNOWN_ADMIN_API_KEY"
            ),
            "does not know the key",
            "CONTENTSTUDIO_SECRET_GARDEN",
        ),
        (
            lambda path: error(
                401, "UnauthorizedError", "Invalid token: jwt expired", "INVALID_JWT"
            ),
            "a clock",
            "compare clocks",
        ),
        (
            lambda path: error(401, "UnauthorizedError", "Invalid token"),
            "does not take the key",
            "CONTENTSTUDIO_SECRET_GARDEN",
        ),
    ],
    ids=[
        "to https",
        "to a log-in",
        "firewall",
        "challenge",
        "no Ghost",
        "maintenance",
        "another key",
        "clock",
        "old Ghost",
    ],
)
async def test_what_keeps_ghost_from_us_is_named_by_check_and_job(
    ghost: tuple[Jobs, Proxy], front: Callable[[str], Said], what: str, mend: str
) -> None:
    jobs, proxy = ghost
    proxy.front = lambda method, path, size: front(path)
    found = await first(jobs)
    assert what in found.what
    assert mend in found.mend
    ending = await jobs.publish("one", DRAFT)
    assert ending["status"] == "dead"
    assert what in ending["error"]


async def test_a_ghost_that_is_away_is_no_fault_of_the_key(ghost: tuple[Jobs, Proxy]) -> None:
    jobs, proxy = ghost
    proxy.fault("reset before", "GET", "/posts/", times=9)
    found = await first(jobs)
    assert found.transient
    assert "key" not in found.mend


@pytest.fixture
def repository(database: Database, tmp_path: Path) -> tuple[Jobs, Path]:
    remote, person = tmp_path / "remote.git", tmp_path / "person"
    who = ("-c", "user.name=A person", "-c", "user.email=person@garden.example")
    for arguments in (
        ["init", "--quiet", "--bare", "--initial-branch=main", str(remote)],
        ["clone", "--quiet", str(remote), str(person)],
        ["-C", str(person), *who, "commit", "--quiet", "--allow-empty", "--message", "Begin"],
        ["-C", str(person), "push", "--quiet", "origin", "HEAD:main"],
    ):
        subprocess.run(["git", *arguments], check=True, capture_output=True)
    jobs = Jobs(database, tmp_path / "contentstudio.toml")
    jobs.file.write_text(f"{SITE}publish = {{ to = 'git', repository = '{remote}' }}\n", "utf-8")
    return jobs, remote


async def test_a_protected_branch_is_named_by_the_job_not_the_check(
    repository: tuple[Jobs, Path],
) -> None:
    jobs, remote = repository
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\necho 'error: GH006: Protected branch update failed for "
        "refs/heads/main.' >&2; exit 1\n"
    )
    hook.chmod(0o755)
    config = settings.load(jobs.file)
    told = (await doctor.check(config, config.find("garden")))[0]
    assert told.ok
    assert (
        "a protection of the branch or a hook of the server refuses a commit shows with "
        "the first push" in told.what
    )
    ending = await jobs.publish("one", DRAFT)
    assert ending["status"] == "dead"
    assert (
        "the branch is protected; let this user push to the branch in the server's rules"
        in ending["error"]
    )
    assert "GH006" in ending["error"]


async def test_a_missing_branch_is_named_by_the_check_and_by_the_job(
    repository: tuple[Jobs, Path],
) -> None:
    jobs, _ = repository
    jobs.file.write_text(
        jobs.file.read_text("utf-8").replace("to = 'git'", "to = 'git', branch = 'pages'"), "utf-8"
    )
    found = await first(jobs)
    assert "no such branch" in found.what
    assert "push a first commit" in found.mend
    assert "no such branch" in (await jobs.publish("one", DRAFT))["error"]
