"""Runs the fast tests on each Python that is supported and here, each in an environment of its own.

`make test-pythons`; with PYTHONS="3.12 3.13" on those alone, with TESTS="paths and options of
pytest" a part of the tests. A version that is not here is reported. Ends with 1 where a test fails,
or where no version is here.

Every warning of a test is an error (pyproject.toml), those of deprecated features too. Warnings
that come when our code is compiled are made errors here.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TESTS = '-m "not large and not contract and not model"'  # as `make test`
LOCK = ROOT / "requirements.lock"
PACKAGES = ("overnight", "contentstudio")
VERSION_OF = "import sys; print('%d.%d' % sys.version_info[:2])"


def main() -> int:
    versions = os.environ.get("PYTHONS", "").split() or VERSIONS
    tests = shlex.split(os.environ.get("TESTS") or TESTS)
    results = {version: on_version(version, tests) for version in versions}
    for version, result in results.items():
        print(f"Python {version}: {result}")
    here = [result for result in results.values() if not result.startswith("not here")]
    return int(not here or any(not result.startswith("passed") for result in here))


def on_version(version: str, tests: list[str]) -> str:
    python = next(interpreters(version), None)
    if python is None:
        return f"not here, so not tested: `uv python install {version}`, or put it on the PATH"
    print(f"--- Python {version}: {python}", flush=True)
    started = time.monotonic()
    own = environment(version, python)
    sources = [f"{package}/src" for package in PACKAGES]
    commands = (
        ["-W", "error", "-m", "compileall", "-q", "-f", *sources],
        ["-m", "pytest", *tests],
    )
    for command in commands:
        if subprocess.run([own, *command], cwd=ROOT).returncode:
            return f"failed: python {shlex.join(command)}"
    return f"passed in {time.monotonic() - started:.0f} s"


def interpreters(version: str) -> Iterator[str]:
    """Programs that are of this version, from the PATH, uv and pyenv."""
    for candidate in candidates(version):
        asked = subprocess.run([candidate, "-c", VERSION_OF], capture_output=True, text=True)
        if asked.stdout.strip() == version:
            yield candidate


def candidates(version: str) -> Iterator[str]:
    name = f"python{version}"
    for folder in os.get_exec_path():
        if program := shutil.which(name, path=folder):
            yield program
    if uv := shutil.which("uv"):
        find = [uv, "python", "find", "--no-python-downloads", "--no-project", version]
        yield from subprocess.run(find, capture_output=True, text=True).stdout.split("\n")[:-1]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True))


def environment(version: str, python: str) -> Path:
    """Its interpreter; made again when the lock file has changed."""
    folder = ROOT / ".venv-pythons" / version
    program, mark = folder / "bin" / "python", folder / ".lock"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text() != digest:
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        install = [program, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", LOCK], check=True)
        local = [part for package in PACKAGES for part in ("-e", ROOT / package)]
        subprocess.run([*install, "--no-deps", "--no-build-isolation", *local], check=True)
        mark.write_text(digest)
    return program


if __name__ == "__main__":
    sys.exit(main())
