"""The doctor of a site at a real WordPress: each thing that is wrong there is found, and nothing
where all is well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio import doctor
from contentstudio.model import Image
from contentstudio.publish.port import Finding

Desk = Any  # of conftest.py


@pytest.fixture
def checked(desk: Desk) -> Any:
    async def checked(**options: Any) -> list[Finding]:
        desk.configure(**options)
        text = desk.file.read_text("utf-8")
        desk.file.write_text(f"[fetch]\nallow_loopback = true\n{text}", "utf-8")
        config = settings.load(desk.file)
        return await doctor.check(config, config.find("garden"))

    return checked


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {one.what: one.mend for one in findings if not one.ok}


async def test_a_wordpress_that_is_well_has_nothing_to_mend(checked: Any) -> None:
    found = await checked()
    assert wrong(found) == {}
    told = " ".join(one.what for one in found)
    for what in (
        "REST API",
        "application passwords",
        "permalinks",
        "editor",
        "SEO",
        "sitemap",
        "clock",
    ):
        assert what in told


async def test_a_role_without_rights_is_told(checked: Any) -> None:
    found = wrong(await checked(user="contributor"))
    assert set(found.values()) == {"give contributor the role of an author or an editor"}


HTML = {"Content-Type": "text/html; charset=utf-8"}
BLOCKED = (
    "<html><head><title>Attention Required! | Cloudflare</title><style>p{color:red}</style></head>"
    "<body><script>var x = '<p>no';</script><h1>Sorry,   you have been\x07 "
    "blocked</h1></body></html>"
)
CHALLENGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Enable "
    "JavaScript</body></html>"
)
NGINX = (
    "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not "
    "Found</h1></center>nginx</body></html>"
)
PUT_OFF = "<html><title>Shop</title><body>Wartungsarbeiten: bin gleich zurück</body></html>"
NOTICE = (
    "<br />\\n<b>Warning</b>:  Undefined variable $x in "
    "<b>/srv/www/wp-content/plugins/seo-tool/main.php</b> "
    "on line <b>3</b><br />\\n"
)
FATAL = (
    "PHP Fatal error: Uncaught Error: Call to x() in "
    "/srv/www/wp-content/themes/green/functions.php:12\\nStack trace:"
)
OFF = "add_filter('rest_authentication_errors', fn($was) => {});"
GUEST = (
    "is_user_logged_in() ? $was : new WP_Error('rest_login_required', 'Members only.', "
    "['status' => 401])"
)
CLOSED = (
    "if (strpos($_SERVER['REQUEST_URI'], '/wp-json') === 0) {{ "
    "http_response_code({}); header('Content-Type: text/html'); "
    "die('<title>{}</title><p>Not for you.'); }}"
)
BOM = r'echo "\xEF\xBB\xBF";'
ONLY = "if (strpos($_SERVER['REQUEST_URI'], '/wp-json') === 0) ob_start() && print "
STRIPPED = (
    "unset($_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'], $_SERVER['HTTP_AUTHORIZATION']);"
)
USERS = (
    "add_filter('rest_endpoints', fn($all) => array_filter($all, fn($route) => "
    "strpos($route, '/wp/v2/users') !== 0, "
    "ARRAY_FILTER_USE_KEY));"
)
FLUSH = "delete from wp_options where option_name = 'rewrite_rules';"
PLAIN = (
    f"update wp_options set option_value = '' where option_name = 'permalink_structure'; {FLUSH}"
)
Said = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Quirk:
    """What is wrong: a plugin's lines, what a front answers, SQL, or a file. What must be told of
    it, and its mend.
    """

    what: str
    mend: str
    plugin: str = ""
    front: Callable[[str, str, int], Said | None] = lambda *_: None
    sql: str = ""
    file: tuple[str, str] | None = None
    site: dict[str, Any] = field(default_factory=dict)
    job: str = ""  # what the job says, where it cannot know as much
    transient: bool = False


def page(
    status: int, text: str, under: str = "/", **headers: str
) -> Callable[[str, str, int], Said | None]:
    """A front that answers so to whatever lies below a path."""
    told = HTML | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda method, path, size: (
        (status, told, text.encode()) if path.startswith(under) else None
    )


def moved(to: str) -> Callable[[str, str, int], Said | None]:
    return lambda method, path, size: (301, {"Location": to + path}, b"")


def subfolder(method: str, path: str, size: int) -> Said | None:
    """A site whose WordPress is in /blog; at the top lies a page of somebody else's."""
    if path.startswith("/wp-json"):
        return 404, HTML, NGINX.encode()
    return 200, HTML, b"<html><link href='/blog/wp-content/themes/a/style.css'><p>Welcome</html>"


QUIRKS = {
    "to https": Quirk(
        "redirects to https://garden.example",
        "url = “https://garden.example”",
        front=moved("https://garden.example"),
    ),
    "to www": Quirk(
        "redirects to http://www.garden.example",
        "url = “http://www.garden.example”",
        front=moved("http://www.garden.example"),
    ),
    "to a folder": Quirk(
        "redirects to http://garden.example/en",
        "url = “http://garden.example/en”",
        front=moved("http://garden.example/en"),
    ),
    "to a log-in": Quirk(
        "redirects to a log-in",
        "hides the site",
        front=lambda *_: (302, {"Location": "/wp-login.php?redirect_to=x"}, b""),
    ),
    "plain permalinks": Quirk("permalinks are plain", "“Post name”", sql=PLAIN),
    "plain permalinks and a page of nginx": Quirk(
        "permalinks are plain", "“Post name”", sql=PLAIN, front=page(404, NGINX, "/wp-json")
    ),
    "addresses that are not handed on": Quirk(
        "does not hand /wp-json/ on", "try_files", front=page(404, NGINX, "/wp-json")
    ),
    "another prefix": Quirk(
        "was moved to",
        "rest_url_prefix",
        plugin="add_filter('rest_url_prefix', fn() => 'api');",
        sql=FLUSH,
    ),
    "a subfolder": Quirk("WordPress is at", "/blog”", front=subfolder),
    "no WordPress": Quirk("there is no WordPress", "as url", front=page(404, NGINX)),
    "REST off by 403": Quirk(
        "a plugin keeps the REST API from us",
        "spare signed-in users",
        plugin=OFF.format("new WP_Error('off', 'Off.', ['status' => 403])"),
    ),
    "REST off by 404": Quirk(
        "REST API is switched off",
        "spare signed-in users",
        plugin="add_filter('rest_endpoints', '__return_empty_array');",
    ),
    "REST off by a page with 403": Quirk(
        "is switched off (403: “No entry – Not for you.”)",
        "spare signed-in users",
        plugin=CLOSED.format(403, "No entry"),
    ),
    "REST off by a page with 404": Quirk(
        "does not hand /wp-json/ on", "Permalinks", plugin=CLOSED.format(404, "Not found")
    ),
    "REST off for guests, and a wrong password": Quirk(
        "does not take the user editor",
        "CONTENTSTUDIO_SECRET_GARDEN",
        plugin=OFF.format(GUEST),
        site={"password": "abcd"},
        job="keeps the REST API from guests, and we are not taken for logged in",
    ),
    "a firewall": Quirk(
        "a firewall (Cloudflare) refuses us", "let it pass", front=page(403, BLOCKED)
    ),
    "a firewall for the API": Quirk(
        "a firewall (Cloudflare) refuses us", "let it pass", front=page(403, BLOCKED, "/wp-json")
    ),
    "a password of the web server": Quirk(
        "asks for a password of its own",
        "take the web server's",
        front=page(401, "<h1>Staging", WWW_Authenticate="Basic"),
    ),
    "a challenge": Quirk(
        "protection against bots",
        "let requests to /wp-json/",
        front=page(200, CHALLENGE),
        transient=True,
    ),
    "a challenge by cookie": Quirk(
        "the same address again",
        "let requests to /wp-json/",
        front=lambda m, path, _: (307, {"Location": path}, b""),
        transient=True,
    ),
    "too many requests": Quirk(
        "no more requests", "raise the limit", front=page(429, "<h1>Slow down"), transient=True
    ),
    "maintenance": Quirk(
        "in maintenance",
        ".maintenance",
        file=(".maintenance", "<?php $upgrading = time();"),
        transient=True,
    ),
    "maintenance by a plugin": Quirk(
        "in maintenance", "maintenance mode", front=page(503, PUT_OFF), transient=True
    ),
    "a notice": Quirk(
        "PHP prints a warning of the plugin seo-tool",
        "WP_DEBUG_DISPLAY",
        plugin=f'echo "{NOTICE}";'.replace("$x", "x"),
    ),
    "a fatal error": Quirk(
        "PHP prints a fatal error of the theme green",
        "update the theme green",
        plugin=f'echo "{FATAL}"; exit;',
    ),
    "a BOM": Quirk("begins with a BOM", "without BOM", plugin=BOM),
    "a wrong password": Quirk(
        "does not take the user editor",
        "CONTENTSTUDIO_SECRET_GARDEN",
        site={"password": "abcd"},
        job="the password of editor is wrong, or",
    ),
    "a password of nobody": Quirk(
        "does not take the user nobody",
        "the login",
        site={"user": "nobody", "password": "x"},
        job="the password of nobody is wrong, or",
    ),
    "a stripped header": Quirk(
        "the password of editor is right, and does not arrive",
        "HTTP_AUTHORIZATION",
        plugin=STRIPPED,
        job="header is stripped",
    ),
    "a stripped header without XML-RPC": Quirk(
        "or the Authorization header is stripped",
        "HTTP_AUTHORIZATION",
        plugin=STRIPPED + "add_filter('xmlrpc_enabled', '__return_false');",
    ),
    "no application passwords": Quirk(
        "application passwords are not allowed",
        "security plugin",
        plugin="add_filter('wp_is_application_passwords_available', '__return_false');",
    ),
    "none for this user": Quirk(
        "does not take the user editor",
        "no plugin may forbid",
        plugin="add_filter('wp_is_application_passwords_available_for_user', '__return_false');",
        job="the password of editor is wrong, or",
    ),
    "a password that a plugin names wrong": Quirk(
        "is no application password",
        "make a new",
        plugin=OFF.format("new WP_Error('incorrect_password', 'No.', ['status' => 401])"),
    ),
    "a category that is not there": Quirk(
        "“Nowhere” is not there, and author may not make it",
        "role of an editor",
        site={"user": "author", "category": "Nowhere"},
        job="“Nowhere”",
    ),
}


@pytest.fixture
def break_it(
    desk: Desk, servers: Any, wordpress: Any, request: pytest.FixtureRequest
) -> Callable[[Quirk], None]:
    www: Path = servers[2]

    def break_it(quirk: Quirk) -> None:
        files = (
            [("wp-content/mu-plugins/quirk.php", f"<?php {quirk.plugin}")] if quirk.plugin else []
        )
        for name, text in [*files, *([quirk.file] if quirk.file else [])]:
            (www / name).write_text(text, "utf-8")
            request.addfinalizer((www / name).unlink)
        if quirk.sql:
            wordpress.sql(quirk.sql)
        desk.proxy.front = quirk.front

    return break_it


@pytest.mark.parametrize("name", QUIRKS)
async def test_the_first_finding_is_the_cause_and_the_job_names_it(
    checked: Any, desk: Desk, draft: Any, break_it: Any, name: str
) -> None:
    quirk = QUIRKS[name]
    break_it(quirk)
    found = await checked(**quirk.site)
    first = next(one for one in found if not one.ok)
    assert quirk.what in first.what
    assert quirk.mend in first.mend
    assert first.transient == quirk.transient
    ending = await desk.publish("one", draft())
    assert ending["status"] == "dead"
    assert (quirk.job or quirk.what) in ending["error"]


async def test_the_words_of_a_page_are_kept_by_the_job(desk: Desk, draft: Any) -> None:
    desk.proxy.front = page(403, BLOCKED)
    error = (await desk.publish("one", draft()))["error"]
    assert "(“Attention Required! | Cloudflare – Sorry, you have been blocked”)" in error


@pytest.mark.parametrize(
    ("plugin", "user", "told"),
    [
        (OFF.format(GUEST), "editor", "closed to guests"),
        (USERS, "editor", "keeps the addresses of users"),
        (USERS, "author", "keeps the addresses of users"),
        (
            f'{ONLY} "{NOTICE}";'.replace("$x", "x"),
            "editor",
            "PHP prints a warning of the plugin seo-tool",
        ),
        (BOM.replace("echo", ONLY), "editor", "begins with a BOM"),
    ],
    ids=[
        "REST off for guests",
        "no users for an editor",
        "no users for an author",
        "a notice behind the headers",
        "a BOM behind them",
    ],
)
async def test_what_is_no_hindrance_is_told_as_none(
    checked: Any, desk: Desk, draft: Any, break_it: Any, plugin: str, user: str, told: str
) -> None:
    break_it(Quirk("", "", plugin))
    found = await checked(user=user)
    assert wrong(found) == {}
    assert any(told in one.what for one in found)
    assert "it may upload pictures" in {one.what for one in found}
    ending = await desk.publish("one", draft(tags=[]))
    assert ending["status"] == "succeeded", ending["error"]


async def test_rights_are_told_where_the_addresses_of_users_are_not(
    checked: Any, break_it: Any
) -> None:
    break_it(Quirk("", "", USERS))
    found = await checked(user="contributor")
    assert wrong(found) == {
        "it may upload pictures": "give contributor the role of an author or an editor"
    }
    assert any(one.what == "whether it may publish is not told" for one in found)


async def test_check_and_job_name_an_upload_that_the_server_refuses(
    checked: Any, desk: Desk, draft: Any
) -> None:
    large = (
        "<html><head><title>413 Request Entity Too "
        "Large</title></head><body><hr>nginx</body></html>"
    )
    desk.proxy.front = lambda method, path, size: (
        (413, HTML, large.encode()) if size > 1_000_000 else None
    )
    ((what, mend),) = wrong(await checked()).items()
    assert "a picture of 2 MB does not arrive" in what
    assert "client_max_body_size" in mend
    (desk.file.parent / "heap.png").write_bytes(bytes(1_100_000))
    ending = await desk.publish("one", draft(images=[Image(src="heap.png", alt="A heap")]))
    assert ending["status"] == "dead"
    assert (
        "larger than the web server takes (“413 Request Entity Too Large – nginx”)"
        in ending["error"]
    )
    assert "client_max_body_size" in ending["error"]


async def test_a_category_is_told_as_there_or_as_to_be_made(checked: Any, desk: Desk) -> None:
    with desk.wordpress.client("editor") as editor:
        editor.post("/categories", json={"name": "Tips & Tricks"}).raise_for_status()
    for user, category, told in (
        ("editor", "Tips & Tricks", "is there"),
        ("author", "tips & tricks", "is there"),
        ("editor", "Nowhere", "will be made"),
    ):
        found = await checked(user=user, category=category)
        assert wrong(found) == {}
        assert any(f"“{category}”" in one.what and told in one.what for one in found), found


async def test_a_check_changes_nothing(checked: Any, desk: Desk) -> None:
    tables = ("posts", "postmeta", "terms", "users")
    counts = [desk.wordpress.sql(f"select count(*) from wp_{table}") for table in tables]
    await checked()
    assert [desk.wordpress.sql(f"select count(*) from wp_{table}") for table in tables] == counts


async def test_a_sitemap_that_a_plugin_switches_off_is_told(checked: Any, break_it: Any) -> None:
    break_it(Quirk("", "", "add_filter('wp_sitemaps_enabled', '__return_false');"))
    assert any("sitemap" in what and mend for what, mend in wrong(await checked()).items())


async def test_which_fields_of_an_seo_plugin_can_be_written_is_told(
    checked: Any, servers: Any, request: pytest.FixtureRequest
) -> None:
    plugin: Path = servers[2] / "wp-content" / "mu-plugins" / "seo.php"
    request.addfinalizer(plugin.unlink)
    route = (
        "register_rest_route('rankmath/v1', '/x', ['callback' => 'x', 'permission_callback' "
        "=> '__return_true']);"
    )
    meta = "register_post_meta('post', 'rank_math_{}', ['show_in_rest' => true, 'single' => true]);"
    title, description = meta.format("title"), meta.format("description")
    for own, says, missing in (
        (route, "nothing", "rank_math_title and rank_math_description"),
        (route + description, "description", "rank_math_title"),
        (title + description, "title and description", ""),
    ):
        plugin.write_text(f"<?php add_action('rest_api_init', function () {{ {own} }});", "utf-8")
        (told,) = [one for one in await checked() if "Rank Math" in one.what]
        assert told.what.endswith(f": {says}")
        assert told.mend.startswith(f"register {missing} with") if missing else not told.mend
