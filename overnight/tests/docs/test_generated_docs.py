"""The pages that are made from the code are up to date, whole, and the same on every machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

import overnight
from overnight.cli.main import cli
from overnight.store.records import Status

DOCS = Path(__file__).parents[3] / "docs"
LIFECYCLE = (DOCS / "lifecycle.md").read_text("utf-8")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_stale() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_page_is_named_and_then_written(
    generate: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(DOCS / "architecture.md", tmp_path)
    (tmp_path / "lifecycle.md").write_text(
        LIFECYCLE.replace("queued --> running", "queued --> dead")
    )
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "docs/lifecycle.md is stale: make docs writes it" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    assert (tmp_path / "lifecycle.md").read_text() == LIFECYCLE


def test_nothing_in_them_is_of_one_machine_or_one_moment(generate: ModuleType) -> None:
    for path, text in generate.pages().items():
        assert not re.search(r"0x[0-9a-f]{6,}|line \d+|/home/|/root/|site-packages", text), path
    assert generate.pages() == generate.pages()


def test_the_reference_has_every_public_name_with_a_docstring(generate: ModuleType) -> None:
    text = generate.pages()[DOCS / "reference/python.md"]
    assert re.findall(r"^## (\w+)", text, re.M) == sorted(overnight.__all__)
    for name in overnight.__all__:
        told = getattr(overnight, name).__doc__
        assert told, name
        assert not told.startswith(f"{name}("), f"dataclass wrote the docstring of {name}"


def test_every_command_is_in_the_reference(generate: ModuleType) -> None:
    text = generate.pages()[DOCS / "reference/commands.md"]
    assert set(re.findall(r"^## overnight (.+)$", text, re.M)) == set(paths(cli))


def paths(group: click.Group, before: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        found.append(before + name)
        if isinstance(command, click.Group):
            found += paths(command, f"{before}{name} ")
    return found


def test_the_lifecycle_has_every_status_and_only_real_commands() -> None:
    (table,) = re.findall(r"\| status \|.*?\n\n", LIFECYCLE, re.S)
    rows = [line.split("|")[1:-1] for line in table.strip().splitlines()[2:]]
    assert [row[0].strip(" `") for row in rows] == list(Status)
    named = {word for row in rows for word in re.findall(r"`(.+?)`", row[3])}
    assert named
    assert named <= set(paths(cli))


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_a_link_to_another_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]+`", "", page.read_text("utf-8"))  # what stands in code is no link
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target
