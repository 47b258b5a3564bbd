"""Ghost and Git while things break: afterwards there is one post, with the right words. WordPress
has its own tests.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft
from fault_proxy import FAULTS, Proxy
from publishing_jobs import Jobs

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.model import Draft, Image
from contentstudio.publish import clones, slug_drafts
from overnight.errors import Transient
from overnight.operations import dead_letters, runs
from overnight.operations.filters import Filter
from overnight.store.database import Database

pytestmark = pytest.mark.contract

SITE = (
    "[writing]\nwriter = 'offline'\n"
    "offline_articles = 'publish'\n[[site]]\nname = 'garden'\nurl = 'https://garden.example'\n"
)
BRIEFLY = "[publishing]\nretry_hours = 0.02\n"
WORKER = Path(__file__).parents[1] / "shared" / "publishing_worker.py"


def draft(text: str = "A heap is a start.") -> Draft:
    return small_draft(text=text, tags=["soil"])


@pytest.fixture
def ghost(
    database: Database,
    tmp_path: Path,
    ghost_module: Any,
    ghost_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Jobs, Proxy, Any]]:
    """A studio whose site is on Ghost, behind the proxy."""
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", ghost_module.KEY)
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.1))
    with Proxy(ghost_server.port) as proxy:
        yield Jobs(database, tmp_path / "contentstudio.toml"), proxy, ghost_server.store


REQUESTS = {
    "look": ("GET", "/posts/slug/"),
    "begin": ("POST", "/posts/?"),
    "look again": ("GET", "/posts/0"),
    "write": ("PUT", "/posts/"),
}


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_the_network_before_ghost(
    ghost: tuple[Jobs, Proxy, Any], fault: str, request_: str
) -> None:
    jobs, proxy, store = ghost
    seconds = 1 if fault.startswith("hang") else 30
    cms = f"{{ to = 'ghost', url = '{proxy.url}', private = true, timeout_seconds = {seconds} }}"
    jobs.file.write_text(f"{SITE}sources = ['https://a.example']\npublish = {cms}\n", "utf-8")
    proxy.fault(fault, *REQUESTS[request_])
    ending = await jobs.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert ending["failures"] == (
        (fault, request_) != ("half an answer", "look")
    )  # half of a 404 says enough
    (post,) = store.posts.values()
    assert (post["slug"], post["status"], post["title"]) == ("compost", "published", "On compost")
    assert "A heap is a start." in post["html"]


async def test_a_sweep_removes_abandoned_drafts_and_no_needed_ones(
    ghost: tuple[Jobs, Proxy, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server breaks between the empty draft and its words, time after time, until a person
    cancels the job.
    """
    monkeypatch.setattr(slug_drafts, "ORPHAN_SECONDS", -1)
    jobs, proxy, store = ghost
    cms = f"{{ to = 'ghost', url = '{proxy.url}', private = true }}"
    jobs.file.write_text(
        f"{BRIEFLY}{SITE}sources = ['https://a.example']\npublish = {cms}\n", "utf-8"
    )
    proxy.fault("502 before", *REQUESTS["write"], times=10)
    ending = await jobs.publish("one", draft())
    assert ending["status"] == "dead"
    proxy.heal()
    await sweep(jobs, "2026-11-23")
    assert [post["slug"] for post in store.posts.values()] == ["compost"]
    await runs.cancel(jobs.database, "one", "it is not wanted any more")
    await sweep(jobs, "2026-11-24")
    assert store.posts == {}


EDITS: dict[str, dict[str, Any]] = {
    "title": {"title": "A person’s title"},
    "excerpt": {"custom_excerpt": "A person’s excerpt."},
    "text": {"html": "<p>A person’s words.</p>"},
    "tags": {"tags": [{"name": "of a person"}]},
    "picture": {"feature_image": "https://garden.example/mine.png"},
    "status": {"status": "draft"},
}


def edited_after(proxy: Proxy, store: Any, request_: tuple[str, str], what: str) -> None:
    """Ghost carries out the first such request, its answer is lost, and a person edits the post."""
    done: list[int] = []

    def watch(number: int, when: str) -> None:
        told = f"{proxy.told[number - 1]}?"
        if (
            when == "after"
            and told.startswith(f"{request_[0]} ")
            and request_[1] in told
            and not done
        ):
            done.append(number)
            (post,) = store.posts.values()
            store.change(post["id"], {**EDITS[what], "updated_at": post["updated_at"]})

    proxy.watch = watch
    proxy.fault("502 after", *request_)


@pytest.mark.parametrize(
    ("request_", "what"),
    [("write", what) for what in EDITS] + [("begin", what) for what in EDITS if what != "status"],
)
async def test_a_persons_change_at_ghost_after_a_lost_answer_stays(
    ghost: tuple[Jobs, Proxy, Any], request_: str, what: str
) -> None:
    jobs, proxy, store = ghost
    cms = f"{{ to = 'ghost', url = '{proxy.url}', private = true }}"
    jobs.file.write_text(f"{SITE}sources = ['https://a.example']\npublish = {cms}\n", "utf-8")
    edited_after(proxy, store, REQUESTS[request_], what)
    ending = await jobs.publish("one", draft())
    (post,) = store.posts.values()
    assert {name: post[name] for name in EDITS[what]} == EDITS[what]
    if (request_, what) != (
        "write",
        "picture",
    ):  # an article without a picture leaves theirs as it is
        assert ending["status"] == "needs_review", ending["error"]


@pytest.mark.parametrize("name", ["title", "custom_excerpt", "tags", "html"])
async def test_a_change_by_ghost_is_reported_and_blocks_no_update(
    ghost: tuple[Jobs, Proxy, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    jobs, proxy, store = ghost
    cms = f"{{ to = 'ghost', url = '{proxy.url}', private = true }}"
    jobs.file.write_text(f"{SITE}sources = ['https://a.example']\npublish = {cms}\n", "utf-8")
    change = store.change
    made = {
        "title": "»On compost«",
        "custom_excerpt": "",
        "tags": [],
        "html": "<p>Other words.</p>",
    }
    monkeypatch.setattr(
        store, "change", lambda number, given: change(number, {**given, name: made[name]})
    )
    ending = await jobs.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert len(ending["output"]["differs"]) == 1
    assert (await jobs.publish("two", draft()))["output"]["differs"] == ending["output"]["differs"]
    assert (await jobs.publish("three", draft("Another start.")))["output"]["action"] == "updated"


async def sweep(jobs: Jobs, day: str) -> None:
    await runs.start(jobs.app, jobs.database, "sweep", {"site": "garden", "date": day})
    await jobs.work()


class Repository(Jobs):
    """A studio whose site is a Git repository, and a person's own copy of that."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder / "contentstudio.toml")
        self.remote, self.person, self.hooks = (
            folder / "remote.git",
            folder / "person",
            folder / "hooks",
        )
        self.hooks.mkdir()
        run("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        run("init", "--quiet", "--initial-branch=main", str(self.person))
        self.commit("README")
        run("-C", str(self.person), "remote", "add", "origin", str(self.remote))
        run("-C", str(self.person), "push", "--quiet", "--set-upstream", "origin", "main")
        self.configure()

    def configure(self, host: str = "", **options: Any) -> None:
        told = "".join(f", {name} = {value}" for name, value in options.items())
        publish = f"{{ to = 'git', repository = '{host}{self.remote}'{told} }}"
        self.file.write_text(
            f"{SITE}sources = ['https://a.example']\npublish = {publish}\n", "utf-8"
        )

    def commit(self, name: str) -> None:
        (self.person / name).write_text("A person wrote this.", "utf-8")
        run("-C", str(self.person), "add", "--all")
        run("-C", str(self.person), "commit", "--quiet", "--message", f"Write {name}")

    def hook(self, name: str, script: str, *, ours: bool) -> Path:
        """A script that runs once, at our end or at the remote's. Git goes on where it
        ends well.
        """
        file = (self.hooks if ours else self.remote / "hooks") / name
        file.write_text(
            f"#!/bin/sh\n[ -e '{file}.done' ] && exit 0\ntouch '{file}.done'\n{script}\n", "utf-8"
        )
        file.chmod(0o755)
        return file

    def only(self) -> None:
        """One file has the slug, brought by one commit, and says this; nothing of a person's is
        lost.
        """
        files = run("-C", str(self.remote), "ls-tree", "-r", "--name-only", "main").split()
        assert [file for file in files if "compost" in file] == ["content/posts/compost.md"]
        assert "A heap is a start." in run(
            "-C", str(self.remote), "show", "main:content/posts/compost.md"
        )
        told = run("-C", str(self.remote), "log", "--format=%s", "main").splitlines()
        assert told.count("Publish compost") == 1
        people = run("-C", str(self.person), "log", "--format=%s").splitlines()
        assert set(people) <= set(told)


def run(*arguments: str) -> str:
    who = ("-c", "user.name=A person", "-c", "user.email=person@garden.example")
    return subprocess.run(
        ["git", *who, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(database, tmp_path)
    for name, value in (("COUNT", "1"), ("KEY_0", "core.hooksPath"), ("VALUE_0", str(made.hooks))):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    return made


@pytest.mark.parametrize("moment", ["post-commit", "pre-push"])
async def test_a_person_who_pushes_first_loses_nothing_and_we_follow(
    repository: Repository, moment: str
) -> None:
    """After our commit the push is refused; while it is under way the remote's branch is locked or
    has moved.
    """
    repository.commit("of a person")
    push = f"env -i PATH=\"$PATH\" git -C '{repository.person}' push --quiet"
    done = repository.hook(moment, push, ours=True)
    ending = await repository.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert Path(f"{done}.done").exists()
    assert ending["failures"] == (0 if moment == "post-commit" else 1)
    repository.only()


async def test_a_persons_words_in_a_commit_that_keeps_our_message_stay(
    repository: Repository,
) -> None:
    """They amend our commit, as one does who squashes, before we hear of our push."""
    repository.configure(timeout_seconds=2)
    who = "-c user.name=P -c user.email=p@garden.example"
    steps = [
        f"cd '{repository.person}'",
        "git pull --quiet origin main",
        "echo 'A person was here.' >> content/posts/compost.md",
        f"git {who} commit --quiet --all --amend --no-edit",
        "git push --quiet --force origin main",
        "sleep 4",
    ]
    script = repository.file.with_name("amend.sh")
    script.write_text("\n".join(steps), "utf-8")
    repository.hook("post-receive", f"env -i PATH=\"$PATH\" sh -e '{script}'", ours=False)
    ending = await repository.publish("one", draft())
    assert ending["status"] == "needs_review", ending["error"]
    assert "A person was here." in run(
        "-C", str(repository.remote), "show", "main:content/posts/compost.md"
    )


@pytest.mark.parametrize("moment", ["pre-receive", "post-receive"])
async def test_a_remote_that_hangs_before_or_after_it_took_the_push(
    repository: Repository, moment: str
) -> None:
    repository.configure(timeout_seconds=2)
    repository.hook(moment, "sleep 4", ours=False)
    ending = await repository.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert (ending["failures"] == 0) == (
        moment == "post-receive"
    )  # what arrived is seen though the answer was lost
    repository.only()


BROKEN = {
    "closed": "Connection to git.example closed by remote host.",
    "pipe": "client_loop: send disconnect: Broken pipe",
    "hung up": "fatal: the remote end hung up unexpectedly",
    "kex": "kex_exchange_identification: Connection closed by remote host",
    "HTTP": "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
}


def ssh(repository: Repository, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """The repository by an ssh of ours. In its script `run` carries out a command, `fail` breaks
    the connection with the words that follow, `once` holds the first time, and `pushes` where the
    command is a push.
    """
    repository.configure("ssh://git.example")
    file = repository.hooks / "ssh"
    told = (
        "#!/bin/sh",
        'command="$2"',
        'run() { sh -c "$command"; }',
        'fail() { echo "$@" >&2; exit 255; }',
        f"once() {{ mkdir '{file}.'$1 2>/dev/null; }}",
        'pushes() { case "$command" in *receive-pack*) true;; *) false;; esac; }',
    )
    file.write_text("\n".join((*told, script)), "utf-8")
    file.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(file))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")


@pytest.mark.parametrize("name", BROKEN)
async def test_a_connection_lost_before_the_push_arrived_is_retried(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ssh(repository, monkeypatch, f"pushes && once push && fail '{BROKEN[name]}'; run")
    ending = await repository.publish("one", draft())
    assert (ending["status"], ending["failures"]) == ("succeeded", 1), ending["error"]
    repository.only()


@pytest.mark.parametrize("name", BROKEN)
async def test_a_connection_lost_after_the_push_arrived_is_no_failure(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ssh(repository, monkeypatch, f"run; pushes && once push && fail '{BROKEN[name]}'; exit 0")
    ending = await repository.publish("one", draft())
    assert (ending["status"], ending["failures"]) == ("succeeded", 0), ending["error"]
    repository.only()


async def test_a_push_that_arrived_unseen_is_found_by_the_next_attempt(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = f"fail '{BROKEN['closed']}'"
    look = f"pushes || [ ! -d $0.push ] || {{ once look && {closed}; }}"
    ssh(repository, monkeypatch, f"{look}; run; pushes && once push && {closed}; exit 0")
    ending = await repository.publish("one", draft())
    assert (ending["status"], ending["failures"]) == ("succeeded", 1), ending["error"]
    assert (repository.hooks / "ssh.look").exists()
    repository.only()


async def test_an_ssh_that_hangs_ends_with_its_git(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh(repository, monkeypatch, "pushes && once push && sleep 600; run")
    repository.configure("ssh://git.example", timeout_seconds=2)
    ending = await repository.publish("one", draft())
    assert (ending["status"], ending["failures"]) == ("succeeded", 1), ending["error"]
    repository.only()


async def test_a_wrong_key_is_told_at_once(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh(repository, monkeypatch, "fail 'git@git.example: Permission denied (publickey).'")
    ending = await repository.publish("one", draft())
    assert (ending["status"], ending["failures"]) == ("dead", 1)
    assert "Permission denied (publickey)" in ending["error"]


@pytest.mark.parametrize("scheme", ["https", "ssh"])
@pytest.mark.parametrize("listens", [True, False], ids=["closes at once", "refuses"])
async def test_a_server_that_closes_or_refuses_connections_is_retried(
    tmp_path: Path, scheme: str, listens: bool
) -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if not listens:
        server.close()
    file = tmp_path / "contentstudio.toml"
    publish_as = (
        f"{{ to = 'git', repository = '{scheme}://127.0.0.1:{port}/posts.git', "
        f"timeout_seconds = 20 }}"
    )
    file.write_text(f"{SITE}sources = ['https://a.example']\npublish = {publish_as}\n", "utf-8")
    config = settings.load(file)
    async with publish.opened(config, config.site[0]) as publisher:
        with pytest.raises(Transient):
            await publisher.find("compost")
        (finding,) = await publisher.check()
    server.close()
    assert (finding.ok, finding.transient) == (False, True)


async def test_a_remote_that_refused_takes_one_commit_at_a_replay(repository: Repository) -> None:
    refusing = repository.hook("pre-receive", "echo 'closed for the night' >&2; exit 1", ours=False)
    ending = await repository.publish("one", draft())
    assert ending["status"] == "dead"
    assert "closed for the night" in ending["error"]
    refusing.unlink()
    await again(repository)
    repository.only()


async def test_a_remote_that_was_gone_takes_one_commit_when_it_is_back(
    repository: Repository,
) -> None:
    repository.remote.rename(repository.remote.with_name("elsewhere"))
    ending = await repository.publish("one", draft())
    assert ending["status"] == "dead"
    assert f"'{repository.remote}' does not exist" in ending["error"]
    repository.remote.with_name("elsewhere").rename(repository.remote)
    await again(repository)
    repository.only()


async def test_a_stale_lock_at_the_remote_is_retried_and_then_reported(
    repository: Repository,
) -> None:
    lock = repository.remote / "refs" / "heads" / "main.lock"
    lock.touch()
    repository.file.write_text(BRIEFLY + repository.file.read_text("utf-8"), "utf-8")
    ending = await repository.publish("one", draft())
    assert ending["status"] == "dead"
    assert "cannot be written to since" in ending["error"]
    assert "main.lock': File exists" in ending["error"]
    lock.unlink()
    await again(repository)
    repository.only()


async def test_a_remote_locked_for_an_hour_has_one_commit_afterwards(
    repository: Repository,
) -> None:
    lock = repository.remote / "refs" / "heads" / "main.lock"
    lock.touch()
    await repository.begin("one", draft())
    await repository.work_for(70 * 60)
    ending = await repository.ending("one")
    assert ending["status"] == "queued"
    assert "tried again until" in ending["error"]
    lock.unlink()
    await repository.work_for(30 * 60)
    assert (await repository.ending("one"))["status"] == "succeeded"
    repository.only()


@pytest.mark.parametrize("moment", ["post-commit", "pre-push", "pre-receive", "post-receive"])
async def test_a_worker_killed_around_the_push_leaves_one_commit(
    repository: Repository, moment: str
) -> None:
    pid = repository.file.with_name("pid")
    repository.hook(moment, f"kill -9 $(cat '{pid}')", ours=not moment.endswith("receive"))
    await repository.begin("one", draft())
    given = {
        "FILE": str(repository.file),
        "URL": repository.database.url,
        "PID": str(pid),
        "ENV": dict(os.environ),
    }
    process = multiprocessing.get_context("forkserver").Process(
        target=runpy.run_path, args=(str(WORKER), given)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    await repository.work()
    ending = await repository.ending("one")
    assert ending["status"] == "succeeded", ending["error"]
    repository.only()


CLONE = """
import asyncio, sys
from pathlib import Path
from contentstudio import config, publish
async def main():
    loaded = config.load(Path(sys.argv[1]))
    async with publish.opened(loaded, loaded.site[0]) as publisher:
        await publisher.find("compost")
        print("cloned", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_the_next_worker_removes_only_clones_of_killed_ones(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "tmp"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    (copies / f"{clones.PREFIX}empty").mkdir()  # of one that was killed before it locked its folder
    (copies / f"{clones.PREFIX}link").symlink_to(repository.person)
    (copies / f"{clones.PREFIX}other").mkdir()
    (copies / f"{clones.PREFIX}other" / "file").touch()
    kept = {copies / f"{clones.PREFIX}link", copies / f"{clones.PREFIX}other"}
    command = [sys.executable, "-c", CLONE, str(repository.file)]
    env = os.environ | {"TMPDIR": str(copies)}
    workers = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "cloned\n"
        cloned = {path for path in copies.iterdir() if (path / "copy").exists()}
        assert len(cloned) == 2
        workers[0].kill()
        workers[0].wait()
        config = settings.load(repository.file)
        async with publish.opened(config, config.site[0]) as publisher:
            await publisher.find("compost")
            standing = {path for path in copies.iterdir() if (path / "copy").exists()}
            assert len(standing) == 2
            assert len(standing & cloned) == 1
            assert set(copies.iterdir()) == standing | kept
        assert set(copies.iterdir()) == (standing & cloned) | kept
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert set(clones.remove_abandoned()) == standing & cloned
    assert (repository.person / "README").exists()


async def again(jobs: Jobs) -> None:
    await dead_letters.replay(None, jobs.database, Filter(job="one"))
    await jobs.work()
    ending = await jobs.ending("one")
    assert ending["status"] == "succeeded", ending["error"]


async def test_what_the_repository_ignores_is_published_all_the_same(
    repository: Repository,
) -> None:
    repository.commit(".gitignore")
    (repository.person / ".gitignore").write_text("content/\n*.png\n", "utf-8")
    run("-C", str(repository.person), "commit", "--quiet", "--all", "--message", "Ignore")
    run("-C", str(repository.person), "push", "--quiet")
    (repository.file.parent / "heap.png").write_bytes(b"a picture")
    images = [Image(src="heap.png", alt="A heap")]
    ending = await repository.publish("one", draft().model_copy(update={"images": images}))
    assert ending["status"] == "succeeded", ending["error"]
    repository.only()
    files = run("-C", str(repository.remote), "ls-tree", "-r", "--name-only", "main").split()
    assert [file for file in files if file.endswith(".png")] != []


async def test_without_git_it_is_one_sentence_that_says_so(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository.hooks))
    ending = await repository.publish("one", draft())
    assert ending["status"] == "dead"
    assert "there is no git here" in ending["error"]
