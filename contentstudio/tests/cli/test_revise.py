"""`articles --markdown FILE` writes the words of an article, and `revise` takes them back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from drafts import small_draft

from contentstudio.cli.main import cli
from contentstudio.config import Config
from desk import Desk
from overnight.store.database import Database

pytestmark = pytest.mark.contract

Ask = Callable[..., Awaitable[Result]]
OLD, NEW = "A heap is a start.", "A heap needs air."
LEAK = "As an AI language model I cannot say more."
MOVE = "A title\x1b]0;root\x07 \u202eof others"


@pytest.fixture
def desk(database: Database, write_config: Callable[..., Config], tmp_path: Path) -> Desk:
    write_config(["https://a.example"])
    return Desk(database, tmp_path / "contentstudio.toml")


@pytest.fixture
def ask(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", desk.database.url)

    async def run(*words: str) -> Result:
        line = ["--config", str(desk.file), *words]
        return await asyncio.to_thread(CliRunner().invoke, cli, line)

    return run


async def written(ask: Ask, file: Path, old: str = OLD) -> dict[str, Any]:
    """Have the words written to a file, and change them there."""
    done = await ask("articles", "garden", "compost", "--markdown", str(file), "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, NEW), "utf-8")
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


async def gated(desk: Desk) -> list[dict[str, Any]]:
    """The jobs at the gates, with the words that they have."""
    rows = await desk.database.fetch(
        "select job_id, status, input::text as words from runs where step = 'gate' order by id"
    )
    return [{**row, "is_new": NEW in row["words"]} for row in rows]


async def test_of_a_published_article_a_new_version_is_begun(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    await desk.publish("one", small_draft(text=OLD))
    file = tmp_path / "words.md"
    shown = await written(ask, file)
    assert (shown["written"], shown["stands"]) == (str(file), "published")
    words = ("revise", "garden", "compost", "--rev", shown["revision"][:8], "--input", f"@{file}")
    done = await ask(*words, "--reason", "it was wrong")
    assert "is checked, and published as a new version: job " in done.stdout
    (job,) = await gated(desk)
    assert (job["status"], job["is_new"]) == ("queued", True)
    (action,) = await desk.database.fetch("select verb, reason, target from actions")
    assert tuple(action.values()) == ("edit", "it was wrong", job["job_id"])


async def test_what_waits_for_review_is_checked_again(desk: Desk, ask: Ask, tmp_path: Path) -> None:
    assert (await desk.check("one", small_draft(text=LEAK)))["status"] == "needs_review"
    file = tmp_path / "words.md"
    shown = await written(ask, file, LEAK)
    assert shown["stands"] == "review"
    words = ("revise", "garden", "compost", "--rev", shown["revision"], "--input", f"@{file}")
    done = json.loads((await ask(*words, "--json")).stdout)["done"]
    assert "is saved, and checked again: job one" in done
    (job,) = await gated(desk)
    assert (job["job_id"], job["status"], job["is_new"]) == ("one", "queued", True)


async def test_the_command_that_it_ends_with_takes_the_words_back(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    await desk.publish("one", small_draft(text=OLD))
    file = tmp_path / "words.md"
    told = (await ask("articles", "garden", "compost", "--markdown", str(file))).stdout
    wrote, command = told.splitlines()
    assert wrote == f"wrote {file}"
    file.write_text(file.read_text("utf-8").replace(OLD, NEW), "utf-8")
    words = command.split()
    assert (await ask(*words[words.index("revise") :])).exit_code == 0
    assert [job["is_new"] for job in await gated(desk)] == [True]


@pytest.mark.parametrize(
    ("words", "text", "says"),
    [
        ((), None, "are the same as before"),
        (("--rev", "0" * 8), NEW, "were changed since you opened them"),
        (("--rev", "ab"), NEW, "were changed since you opened them"),
        ((), "no title", "an article needs a title"),
        (("--input", "@no-such-file"), NEW, "cannot read no-such-file"),
    ],
)
async def test_a_fault_is_one_sentence_and_changes_nothing(
    desk: Desk, ask: Ask, tmp_path: Path, words: tuple[str, ...], text: str | None, says: str
) -> None:
    await desk.publish("one", small_draft(text=OLD))
    file = tmp_path / "words.md"
    shown = await written(ask, file)
    if text is None:
        file.write_text(file.read_text("utf-8").replace(NEW, OLD), "utf-8")
    elif text != NEW:
        file.write_text(text, "utf-8")
    line = ("revise", "garden", "compost", "--rev", shown["revision"], "--input", f"@{file}")
    done = await ask(*line, *words)
    assert done.exit_code != 0
    assert says in str(done.exception)
    assert await gated(desk) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("garden",), "name one article: its site and its slug"),
        ((), "name one article: its site and its slug"),
        (("garden", "nothing"), "garden has no article “nothing”"),
        (("gardn", "compost"), "there is no site “gardn”"),
        (("garden", "compost"), "is in the state writing"),
    ],
)
async def test_without_words_there_is_no_file(
    desk: Desk, ask: Ask, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    await desk.database.fetch(
        "insert into articles (site, slug, title, state) "
        "values ('garden', 'compost', 'On compost', 'writing')"
    )
    file = tmp_path / "words.md"
    done = await ask("articles", *words, "--markdown", str(file))
    assert says in str(done.exception)
    assert not file.exists()


async def test_a_folder_that_is_not_there_is_one_sentence(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    await desk.publish("one", small_draft(text=OLD))
    done = await ask("articles", "garden", "compost", "--markdown", str(tmp_path / "no" / "x.md"))
    assert "cannot write" in str(done.exception)


@pytest.mark.parametrize(
    "words", ["articles garden compost", "show one", "dead", "morning", "find others"]
)
async def test_titles_of_others_are_printed_without_control_characters(
    desk: Desk, ask: Ask, words: str
) -> None:
    draft = small_draft(text=OLD).model_copy(update={"title": MOVE})
    await desk.publish("one", draft)
    await desk.database.fetch(
        "insert into runs (job_id, step, pipeline, key, status, error, finished_at) "
        "values ('one', 'gate', 'article', 'garden', 'dead', %s, ledger_now())",
        [MOVE],
    )
    done = await ask(*words.split())
    assert done.exit_code == 0, (done.output, done.exception)
    assert not {"\x1b", "\x07", "\u202e"} & set(done.output)
    assert "of others" in done.output
