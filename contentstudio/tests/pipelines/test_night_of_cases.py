"""A night on inputs that real sources, models and content systems send: each file of `tests/cases`
has a clear outcome.

The night reads and publishes on loopback. A case that names a host of its own is served with this
server's address in its place, so that nothing asks another machine.
"""

from __future__ import annotations

import json
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio import ideas
from contentstudio.config import Config
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = [pytest.mark.contract, pytest.mark.usefixtures("offline_research")]

CASES = Path(__file__).parents[1] / "cases"
PROSE = (
    "A rain barrel stores the water of a roof for the dry weeks of summer. A lid keeps "
    "leaves and children out of it. "
    "The tap stands a hand above the ground so that a can fits under it. In winter the "
    "barrel is emptied before the "
    "first hard frost. A second barrel costs little and doubles what a storm leaves behind. "
)
GERMAN = (
    "</p><p>Wer eine zweite Tonne aufstellt, verbindet beide mit einem kurzen Schlauch. "
    "Das Wasser steht dann in "
    "beiden gleich hoch, und der Hahn der einen leert auch die andere. Im Herbst wird "
    "das Laub vom Dach gekehrt, "
    "bevor es die Rinne verstopft. Eine Bürste genügt dafür, und die Arbeit ist in einer "
    "halben Stunde getan.</p>"
)
DATE = "2026-11-23"
BLOCKED = (CASES / "26-addresses.txt").read_text("utf-8").split()


def raw(status: str, body: bytes, **headers: str) -> bytes:
    """An answer as it goes over the line."""
    told = {"Content-Length": str(len(body)), "Connection": "close"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def page(title: str, prose: str = PROSE * 3) -> bytes:
    head = f"<html lang='en'><head><title>{title}</title></head>"
    text = f"{head}<body><article><h1>{title}</h1><p>{prose}</p></article></body></html>"
    return raw("200 OK", text.encode(), Content_Type="text/html; charset=utf-8")


class RawWeb:
    """Sends the bytes that are written down for a path, as they are; `asked` are the paths in their
    order.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Callable[[bytes], bytes]] = {}
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65_537)
                if not self.raw_requestline or not self.parse_request():
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                web.asked.append(self.path)
                answer = web.answers.get(self.path, web.answers.get(self.path.partition("?")[0]))
                answer = answer(body) if callable(answer) else answer
                self.wfile.write(answer or raw("404 Not Found", b"", Content_Type="text/html"))
                self.close_connection = True

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> RawWeb:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with RawWeb() as web:
        yield web


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


def here(data: bytes, web: RawWeb, *hosts: str) -> bytes:
    """A case with this server in the place of its own hosts, and the length that is right then."""
    for host in hosts:
        data = data.replace(host.encode(), web.url.encode())
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank or not head.startswith(b"HTTP/"):
        return data
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return (
        b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"Connection: close"])
        + b"\r\n\r\n"
        + body
    )


async def night(
    config: Config, database: Database, clock: Clock
) -> dict[str, tuple[str, str, str | None]]:
    """Run the night: URL of a source → (status, outcome, error) of its job."""
    app = studio.build(config)
    await runs.start(
        app, database, "night", {"date": DATE, "sites": [site.name for site in config.site]}
    )
    await run_until_idle(app, database, clock=clock)
    rows = await database.fetch(
        "select key, input->>'url' as url, status, outcome, error from runs where step = 'read'"
    )
    return {row["url"]: (row["status"], row["outcome"], row["error"]) for row in rows}


async def articles(database: Database) -> dict[str, list[tuple[str, str, str | None, str | None]]]:
    """Site → (slug, step, status, error) of the last step of each of its articles."""
    rows = await database.fetch(
        "select distinct on (r.job_id) r.key, first.input->>'slug' as slug, r.step, "
        "r.status, r.error from runs r "
        "join runs first on first.job_id = r.job_id and first.step = 'research' "
        "where r.pipeline = 'article' order by r.job_id, r.id desc"
    )
    found: dict[str, list[tuple[str, str, str | None, str | None]]] = {}
    for row in rows:
        found.setdefault(row["key"], []).append(
            (row["slug"], row["step"], row["status"], row["error"])
        )
    return found


async def check_that_nothing_is_open(database: Database) -> None:
    """Every job of the night has ended, and what did not succeed says why."""
    rows = await database.fetch(
        "select job_id, step, status, error from runs where status not in ('succeeded')"
    )
    assert {row["status"] for row in rows} <= {"dead", "needs_review", "cancelled"}
    assert [row for row in rows if not row["error"]] == []


def site(name: str, sources: list[str], more: str = "") -> str:
    listed = ", ".join(f'"{url}"' if not url.startswith("{") else url for url in sources)
    return (
        f"[[site]]\nname = '{name}'\nurl = 'https://{name}.example'\nsources = [{listed}]\n{more}\n"
    )


def write(folder: Path, head: str, *sites: str) -> Config:
    file = folder / "contentstudio.toml"
    file.write_text(
        "[fetch]\nallow_loopback = true\ntimeout_seconds = 5\n" + head + "".join(sites), "utf-8"
    )
    return settings.load(file)


def serve_sources(web: RawWeb) -> dict[str, str]:
    """Put the cases of sources on the web: name to URL."""
    titles = (CASES / "10-titles.txt").read_text("utf-8").splitlines()
    items = "".join(
        f"<item><title>{t}</title><link>{web.url}/title-{n}</link></item>"
        for n, t in enumerate(titles)
    )
    shop = [
        here(case(name), web, "https://shop.example")
        for name in sorted(p.name for p in CASES.glob("0[12]-*"))
    ]
    web.answers |= {
        "/a": page("Rain barrels for a small garden"),
        "/b": page(
            "A second rain barrel", PROSE * 2 + "Two barrels are joined by a short hose. " * 3
        ),
        "/1": page(
            "Rain barrels in winter", PROSE * 2 + "Ice needs room, and a full barrel has none. " * 3
        ),
        "/01": raw("200 OK", shop[0], Content_Type="application/xml"),
        "/02": raw("200 OK", shop[1], Content_Type="application/xml"),
        "/04": raw("200 OK", case("04-page-gbk-one-bad-byte.html"), Content_Type="text/html"),
        "/05": raw("200 OK", case("05-page-x-sjis.html"), Content_Type="text/html"),
        "/07": here(case("07-feed.http"), web, "https://blog.example"),
        "/08": here(case("08-content-encoding.http"), web, "https://blog.example"),
        "/09": here(case("09-gzip-cut.http"), web),
        "/10": raw(
            "200 OK",
            f"<rss version='2.0'><channel>{items}</channel></rss>".encode(),
            Content_Type="text/xml",
        ),
        # The case alone is too short to be read as an article.
        "/22": raw(
            "200 OK",
            case("22-lang-wrong.html").replace(b"</p>", GERMAN.encode()),
            Content_Type="text/html",
        ),
    }
    for number, title in enumerate(titles):
        web.answers[f"/title-{number}"] = page(
            title, f"{PROSE * 2}This page is number {number}: {title}. " * 2
        )
    return {path[1:]: web.url + path for path in web.answers}


async def test_every_source_has_the_right_outcome(
    web: RawWeb, tmp_path: Path, database: Database, clock: Clock
) -> None:
    urls = serve_sources(web)
    sitemaps = [f'{{ sitemap = "{urls[name]}" }}' for name in ("01", "02")]
    feeds = [f'{{ feed = "{urls[name]}" }}' for name in ("07", "08", "10")]
    blocked = [
        f"http://[{address}]/" if ":" in address else f"http://{address}/" for address in BLOCKED
    ]
    pages = [urls[name] for name in ("04", "05", "09", "22")]
    head = (
        "[writing]\nwriter = 'offline'\noffline_articles = 'publish'\n[research]\nmin_score = 0\n"
    )
    config = write(tmp_path, head, site("garden", [*sitemaps, *feeds, *pages, *blocked]))
    found = await night(config, database, clock)
    await check_that_nothing_is_open(database)

    for name in ("01", "02", "07", "08", "10", "a", "b", "1"):
        assert found[urls[name]][0] == "succeeded", (name, found[urls[name]])
    assert all(found[urls[f"title-{number}"]][0] == "succeeded" for number in range(7))
    # The pages are Chinese, Japanese and German whatever they declare, and the site is English.
    for name, language in (("04", "zh"), ("05", "ja"), ("22", "de")):
        status, _, error = found[urls[name]]
        assert status == "cancelled", (name, found[urls[name]])
        assert language in str(error), (name, error)
    status, _, error = found[urls["09"]]
    assert status == "dead" and "cut off" in str(error), (status, error)
    for url in blocked:
        assert found[url][0] == "dead", (url, found[url])
        assert "address" in str(found[url][2]), (url, found[url])
    slugs = [slug for slug, *_ in (await articles(database))["garden"]]
    assert len(slugs) == len(set(slugs))
    texts = await database.fetch("select text from snapshots")
    assert max(row["text"].count("\ufffd") for row in texts) == 1  # the bad byte of case 04


def bare(source: Path, target: Path) -> Path:
    """A bare repository whose only commit is the owner's files."""
    work = target.with_suffix(".work")
    shutil.copytree(source, work)
    who = ["-c", "user.name=Owner", "-c", "user.email=owner@garden.example"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "--all"],
        [*who, "commit", "-q", "-m", "Mine"],
    ):
        subprocess.run(["git", *words], cwd=work, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(target)], check=True)
    return target


@pytest.mark.parametrize("name", ["hugo-bundle", "hugo-slug", "jekyll"])
async def test_an_owners_page_in_another_layout_is_kept_and_reported(
    name: str, web: RawWeb, tmp_path: Path, database: Database, clock: Clock
) -> None:
    web.answers["/rain"] = page("What I learned of barrels for the rain")
    repository = bare(CASES / "11-git" / name, tmp_path / f"{name}.git")
    before = files(repository)
    to = (
        f"publish = {{ to = 'git', repository = '{repository}', layout = "
        f"'{name.partition('-')[0]}' }}"
    )
    # No gate holds it, so that it reaches the repository.
    gates = "gates = { min_words = 20, max_rivalry = 1, max_density = 1, max_repeated = 1 }"
    head = (
        "[writing]\nwriter = 'offline'\noffline_articles = 'publish'\n[research]\nmin_score = 0\n"
    )
    config = write(
        tmp_path,
        head,
        site("garden", [web.url + "/rain"], f"{to}\n{gates}"),
    )
    app, urls = studio.build(config), [web.url + "/rain"]
    await ideas.add(app, config, database, "garden", "Rain barrels", urls=urls)
    await run_until_idle(app, database, clock=clock)
    await check_that_nothing_is_open(database)
    assert files(repository) == before
    ((_, step, status, error),) = (await articles(database))["garden"]
    assert (step, status) == ("publish", "needs_review")
    assert "was not written by us, so it was left as it is" in str(error)


def files(repository: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "main"], cwd=repository, check=True, capture_output=True, text=True
    )
    return listed.stdout.splitlines()


async def test_one_odd_post_of_a_wordpress_spoils_no_listing(
    web: RawWeb, tmp_path: Path, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = json.loads(case("24-wp-post-null-date.json"))
    gone = json.dumps(
        {"code": "rest_post_invalid_page_number", "message": "", "data": {"status": 400}}
    ).encode()
    kind = {"Content_Type": "application/json"}

    def listing(_: bytes) -> bytes:
        first = "page=1" in web.asked[-1].replace("per_page", "")
        if first:
            return raw("200 OK", json.dumps(posts).encode(), **kind, **{"X_WP_TotalPages": "2"})
        return raw("400 Bad Request", gone, **kind)

    web.answers["/wp-json/wp/v2/posts"] = listing
    web.answers["/a"] = page("Rain barrels")
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_BLOG", "abcd efgh ijkl mnop")
    to = f"publish = {{ to = 'wordpress', user = 'ann', url = '{web.url}', private = true }}"
    head = "[writing]\nwriter = 'offline'\n[research]\nmin_score = 0\n"
    config = write(tmp_path, head, site("blog", [web.url + "/a"], to))
    await night(config, database, clock)
    await check_that_nothing_is_open(database)
    (run,) = await database.fetch("select status, output from runs where step = 'remember'")
    assert run["status"] == "succeeded"
    kept = await database.fetch(
        "select url from documents where site = 'blog' and kind in ('own', 'published')"
    )
    assert {row["url"] for row in kept} >= {post["link"] for post in posts[2:]}


MODELS = {
    "13-mistral.sse": ("needs_review", "fit"),
    "14-no-blank-line.sse": ("needs_review", "fit"),
    "17-think.sse": ("needs_review", "fit"),
    "15-finish.sse": ("dead", "insufficient_system_resource"),
}


async def test_what_models_really_answer_is_read_booked_and_told(
    web: RawWeb, tmp_path: Path, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer is `{"a": 1}` in another wrapping, which is read and does not fit the form of a
    brief.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    names = dict(zip(("one", "two", "three", "four"), MODELS, strict=True))

    def answer(body: bytes) -> bytes:
        (name,) = [name for name in names if f"Site: {name}\\n" in body.decode()]
        return raw("200 OK", case(names[name]), Content_Type="text/event-stream")

    web.answers["/v1/chat/completions"] = answer
    subjects = {
        "one": "lids and leaves",
        "two": "taps and cans",
        "three": "frost and ice",
        "four": "hoses and storms",
    }
    for name, subject in subjects.items():
        web.answers[f"/{name}"] = page(
            f"Barrel {name}: {subject}", f"{PROSE} The barrel {name} is for {subject}. " * 3
        )
    head = (
        f"[writing]\nwriter = 'openai'\nmodel = 'm'\nopenai = {{ base_url = '{web.url}/v1' }}\n"
        "prices = { m = { input = 1, output = 1 } }\n[research]\nmin_score = 0\n"
    )
    config = write(tmp_path, head, *(site(name, [f"{web.url}/{name}"]) for name in subjects))
    await night(config, database, clock)
    await check_that_nothing_is_open(database)
    found = await articles(database)
    for name, file in names.items():
        ((_, step, status, error),) = found[name]
        wanted, words = MODELS[file]
        assert (step, status) == ("brief", wanted), (file, step, status, error)
        assert words in str(error), (file, error)
    calls = await database.fetch(
        "select status, input_tokens, output_tokens, cost_usd from llm_calls"
    )
    assert len(calls) >= len(MODELS)
    assert all(call["cost_usd"] > 0 for call in calls)
