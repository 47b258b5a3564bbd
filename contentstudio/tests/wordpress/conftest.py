"""A real WordPress on loopback: MariaDB and PHP in processes of their own, a clean site for each
test.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fault_proxy import Proxy
from publishing_jobs import Jobs

from contentstudio.model import Draft, Reference, Section, Sentence
from contentstudio.store.sql import queries
from overnight.store.database import Database
from overnight.testing import fresh_database

HERE = Path(__file__).parent
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contentstudio" / "wordpress"
)
PATTERN = "pattern"  # the database that every site begins as
EXTENSIONS = (
    "mysqlnd",
    "mysqli",
    "gd",
    "curl",
    "dom",
    "xml",
    "mbstring",
    "ctype",
    "exif",
    "fileinfo",
    "iconv",
)
EXTENSIONS += ("simplexml", "xmlreader")
START_SECONDS = 30.0


def free_port() -> int:
    """One below those that the kernel gives to connections, so that none takes it while a site is
    down for a moment.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def until(happens: Callable[[], bool], what: str) -> None:
    """Look until something is so."""
    deadline = time.monotonic() + START_SECONDS
    while not happens():
        assert time.monotonic() < deadline, f"{what}: not within {START_SECONDS:g} s"
        time.sleep(0.02)


class Programs:
    """What `prepare.sh` unpacked, and how it is called."""

    def __init__(self, folder: Path) -> None:
        self.wordpress = folder / "wordpress"
        self._prefix = folder / "prefix"
        (libraries,) = {path.parent for path in self._prefix.glob("usr/lib/*/libmariadb.so.3")}
        self.env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(libraries)}
        (modules,) = {path.parent for path in self._prefix.glob("usr/lib/php/*/mysqli.so")}
        self.php = [str(self._prefix / "usr/bin/php8.2"), "-n", "-d", f"extension_dir={modules}"]
        self.php += [word for name in EXTENSIONS for word in ("-d", f"extension={name}")]
        self.php += [
            "-d",
            "display_errors=0",
            "-d",
            "memory_limit=256M",
            "-d",
            f"zend_extension={modules}/opcache.so",
        ]
        # A plugin that a test writes is seen at once.
        self.php += [
            "-d",
            "opcache.enable=1",
            "-d",
            "opcache.enable_cli=1",
            "-d",
            "opcache.revalidate_freq=0",
        ]

    def photo(self, seed: int) -> bytes:
        """A JPEG of a drawn landscape, 1600 x 900 pixels."""
        run = [*self.php, str(HERE / "site" / "photo.php"), str(seed)]
        return subprocess.run(run, env=self.env, check=True, capture_output=True).stdout

    def __getitem__(self, name: str) -> str:
        return str(next(self._prefix.glob(f"usr/*bin/{name}")))

    @property
    def base(self) -> str:
        return str(self._prefix / "usr")


class MariaDB:
    """A database server that listens on a socket alone."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self.socket = folder / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self._defaults = [
            "--no-defaults",
            f"--basedir={programs.base}",
            f"--datadir={folder / 'data'}",
        ]
        self._defaults += ["--user=root"] if os.geteuid() == 0 else []
        folder.mkdir()
        subprocess.run(
            [
                programs["mariadb-install-db"],
                *self._defaults,
                "--auth-root-authentication-method=normal",
            ],
            env=programs.env,
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(
                        self._programs["mariadbd"],
                        *self._defaults,
                        "--skip-networking",
                        f"--socket={self.socket}",
                    ),
                    *(f"--pid-file={self._folder / 'pid'}", "--innodb-flush-log-at-trx-commit=2"),
                    *(
                        "--innodb-buffer-pool-size=64M",
                        f"--lc-messages-dir={self._programs.base}/share/mysql",
                    ),
                ],
                env=self._programs.env,
                stdout=log,
                stderr=log,
            )
        until(self.answers, "MariaDB answers")

    def answers(self) -> bool:
        return self._client("select 1").returncode == 0

    def sql(self, text: str, database: str = "mysql") -> str:
        done = self._client(text, database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _client(self, text: str, database: str = "mysql") -> subprocess.CompletedProcess[str]:
        arguments = ["--no-defaults", f"--socket={self.socket}", "--user=root", "-N", "--raw"]
        arguments += ["--default-character-set=utf8mb4", database]
        return subprocess.run(
            [self._programs["mariadb"], *arguments],
            input=text,
            env=self._programs.env,
            capture_output=True,
            text=True,
        )

    def kill(self) -> None:
        """At once, as when the machine's memory is full."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class WordPress:
    """One site. `passwords` are the application passwords of `owner`, `editor`, `author` and
    `contributor`.
    """

    def __init__(self, programs: Programs, database: MariaDB, www: Path, name: str) -> None:
        self._programs = programs
        self.database = database
        self._www = www
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.passwords: Mapping[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def _env(self) -> dict[str, str]:
        site = {
            "SITE_DATABASE": self.name,
            "SITE_SOCKET": str(self.database.socket),
            "SITE_URL": self.url,
        }
        return {**self._programs.env, **site, "PHP_CLI_SERVER_WORKERS": "4"}

    def install(self) -> dict[str, str]:
        """Make the site from nothing; its application passwords."""
        self.database.sql(f"create database {self.name} character set utf8mb4")
        run = [*self._programs.php, str(self._www / "install.php")]
        done = subprocess.run(run, env=self._env(), cwd=self._www, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        passwords: dict[str, str] = json.loads(done.stdout[done.stdout.rindex("{") :])
        return passwords

    def clean(self) -> None:
        """Make the site as it was when it was new."""
        tables = self.database.sql(
            f"select table_name from information_schema.tables where table_schema='{PATTERN}'"
        )
        copies = "".join(
            f"create table {self.name}.{t} like {PATTERN}.{t}; insert into "
            f"{self.name}.{t} select * from {PATTERN}.{t};"
            for t in tables.split()
        )
        self.database.sql(
            f"drop database if exists {self.name}; create database {self.name}; {copies}"
        )

    def start(self) -> None:
        with (self._www.parent / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._programs.php,
                    "-S",
                    f"127.0.0.1:{self.port}",
                    "-t",
                    str(self._www),
                    str(self._www / "router.php"),
                ],
                env=self._env(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers, "PHP answers")
        assert self._process.poll() is None, f"another program has the port {self.port}"

    def answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def kill(self) -> None:
        """The whole group: the workers of PHP's server outlive it."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def sql(self, text: str) -> str:
        return self.database.sql(text, self.name)

    def switch_theme(self, name: str) -> None:
        """Have readers see it in another of the themes that `prepare.sh` unpacks."""
        self.sql(
            f"update wp_options set option_value = '{name}' where option_name in "
            "('template', 'stylesheet')"
        )

    def posts(self, like: str = "%") -> list[dict[str, str]]:
        """The posts whose slug is like this, in whatever status, as the database holds them."""
        rows = self.sql(
            "select json_object('id', ID, 'slug', post_name, 'status', post_status, "
            "'title', post_title, "
            "'content', post_content, 'author', post_author) from wp_posts where "
            "post_type = 'post' "
            f"and post_name like '{like}' order by ID"
        )
        return [json.loads(row) for row in rows.splitlines()]

    def client(self, user: str) -> httpx2.Client:
        """What a person does there by hand."""
        return httpx2.Client(
            base_url=f"{self.url}/wp-json/wp/v2", auth=(user, self.passwords[user]), timeout=20
        )


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Programs, MariaDB, Path, dict[str, str]]]:
    with running_servers(tmp_path_factory.mktemp("wp")) as found:
        yield found


@contextmanager
def running_servers(folder: Path) -> Iterator[tuple[Programs, MariaDB, Path, dict[str, str]]]:
    """The programs, a MariaDB with the pattern of all sites, the folder of PHP's files, and the
    passwords.
    """
    subprocess.run([str(HERE / "prepare.sh"), str(CACHE)], check=True)
    programs = Programs(CACHE)
    www = folder / "www"
    subprocess.run(["cp", "-a", str(programs.wordpress), str(www)], check=True)
    shutil.copytree(
        HERE / "site", www, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mu-plugins")
    )
    shutil.copytree(HERE / "site" / "mu-plugins", www / "wp-content" / "mu-plugins")
    database = MariaDB(programs, folder / "db")
    database.start()
    try:
        yield programs, database, www, WordPress(programs, database, www, PATTERN).install()
    finally:
        database.kill()


@pytest.fixture(scope="session")
def running_wordpress(
    servers: tuple[Programs, MariaDB, Path, dict[str, str]],
) -> Iterator[WordPress]:
    programs, database, www, passwords = servers
    site = WordPress(programs, database, www, "garden")
    site.passwords = passwords
    site.clean()
    site.start()
    try:
        yield site
    finally:
        site.kill()


@pytest.fixture
def wordpress(running_wordpress: WordPress) -> WordPress:
    """A new site."""
    running_wordpress.clean()
    return running_wordpress


@pytest.fixture
def proxy(wordpress: WordPress) -> Iterator[Proxy]:
    with Proxy(wordpress.port) as proxy:
        yield proxy


class Desk(Jobs):
    """A studio with one site on WordPress, behind the proxy, and a database: jobs begin where they
    are published.
    """

    def __init__(
        self, database: Database, folder: Path, wordpress: WordPress, proxy: Proxy
    ) -> None:
        super().__init__(database, folder / "contentstudio.toml")
        self.wordpress = wordpress
        self.proxy = proxy
        self.configure()

    def configure(self, user: str = "editor", password: str | None = None, **cms: Any) -> None:
        """Write the config anew; the secret is in the environment."""
        publish = {
            "to": "wordpress",
            "url": self.proxy.url,
            "user": user,
            "private": True,
            "category": "Notes",
        } | cms
        told = ", ".join(
            f"{name} = {json.dumps(value)}" for name, value in publish.items() if value is not None
        )
        self.file.write_text(
            "[writing]\nwriter = 'offline'\noffline_articles = "
            "'publish'\n[publishing]\nretry_hours = 1\n"
            f"[[site]]\nname = 'garden'\nurl = '{self.wordpress.url}'\nsources = ['https://a.example']\n"
            f"publish = {{ {told} }}\n",
            "utf-8",
        )
        os.environ["CONTENTSTUDIO_SECRET_GARDEN"] = password or self.wordpress.passwords[user]


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[Database]:
    """An empty ledger with the application's tables, and a clock that can be moved."""
    async with fresh_database(server_url, queries) as database:
        yield database


@pytest.fixture
def desk(
    database: Database,
    tmp_path: Path,
    wordpress: WordPress,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", "")  # put back as it was afterwards
    return Desk(database, tmp_path, wordpress, proxy)


@pytest.fixture
def draft() -> Callable[..., Draft]:
    """Makes a draft with its own text."""

    def make(
        text: str = "A heap is a start & more than “nothing”.",
        slug: str = "compost",
        **changes: Any,
    ) -> Draft:
        values: dict[str, Any] = {
            "site": "garden",
            "slug": slug,
            "title": f"On {slug}: a < b & “c”",
            "description": "What to know of heaps.",
            "sections": [
                Section(
                    heading="Heaps",
                    paragraphs=[[Sentence(text=text)], [Sentence(text="It rots.", source="s1")]],
                ),
                Section(
                    heading="Turning",
                    paragraphs=[[Sentence(text="Turn it.", source="s1", quoted=True)]],
                ),
            ],
            "references": [
                Reference(id="s1", url="https://a.example/?b=1&c=2", title="A & B", sha256="0" * 64)
            ],
            "writer": "offline",
            "tags": ["Soil & Earth", "heaps"],
        }
        return Draft.model_validate(values | changes)

    return make
