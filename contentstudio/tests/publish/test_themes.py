"""An owner's own templates, files and analytics: what they change, and what they cannot."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lxml import html

from contentstudio import config as settings
from contentstudio.cli.main import cli
from contentstudio.config import Site
from contentstudio.publish import StaticSite, render, theme_faults, themes
from contentstudio.publish.themes import ThemeError
from overnight.errors import ConfigError

NIGHT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
PLAIN = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'"
)
HOSTILE = '<script>alert("1")</script>'


def make_site(**changes: Any) -> Site:
    values = {
        "name": "garden",
        "url": "https://garden.example",
        "title": "The Garden",
        "sources": ["https://a.example"],
    }
    return Site.model_validate(values | changes)


def themed(folder: Path, files: dict[str, Any], **changes: Any) -> Site:
    theme = folder / "theme"
    theme.mkdir(exist_ok=True)
    for name, content in files.items():
        path = theme / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        )
    return make_site(theme=theme, **changes)


def article(site: Site, **changes: Any) -> str:
    draft = theme_faults.sample(site).model_copy(update=changes)
    return render.article(site, draft, published_at=NIGHT, updated_at=NIGHT)


def policy(page: str) -> str:
    (told,) = html.document_fromstring(page).xpath(
        "//meta[@http-equiv='Content-Security-Policy']/@content"
    )
    return str(told)


def test_without_theme_and_analytics_the_policy_allows_no_script() -> None:
    assert policy(article(make_site())) == PLAIN
    assert themes.files(make_site()) == {}
    assert theme_faults.faults(make_site()) == []


def test_the_policy_stands_before_anything_that_it_could_forbid() -> None:
    page = article(make_site())
    head = page.index("<head>")
    assert page[head:].startswith(
        '<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy"'
    )


@pytest.mark.parametrize(("name", "ours"), [("style.css", False), ("extra.css", True)])
def test_a_stylesheet_of_the_theme_replaces_ours_or_adds_to_it(
    tmp_path: Path, name: str, ours: bool
) -> None:
    page = article(themed(tmp_path, {name: "body { color: red; /* {{ {% {# */ }"}))
    assert (".masthead" in page) == ours
    assert f'<link rel="stylesheet" href="/assets/{name}">' in page
    assert (
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; base"
        in policy(page)
    )


def test_a_template_of_the_theme_replaces_or_extends_ours(tmp_path: Path) -> None:
    site = themed(
        tmp_path,
        {
            "article.html": '{% extends "default/article.html" %}{% block page %}<b>Mine</b>'
            "{{ super() }}{% endblock %}",
            "base.html": '<html><HEAD class="x"><title>T</title></head><body>{% block page %}{% '
            "endblock %}"
            '{% include "parts/foot.html" %}</body></html>',
            "parts/foot.html": "<footer>{{ site_title }}</footer>",
            "robots.xml": "",
        },
    )
    assert theme_faults.faults(site) == []
    page, index = article(site), str(render.listings(site, {})["index.html"])
    assert "<b>Mine</b>" in page and "A sentence." in page
    for text in (page, index):
        assert "<footer>The Garden</footer>" in text
        assert render.GENERATOR in text
        assert policy(text).startswith("default-src 'none'; style-src 'self'")


def test_what_strangers_wrote_is_escaped_in_own_templates_too(tmp_path: Path) -> None:
    site = themed(tmp_path, {"article.html": "<head></head>{{ draft.title }}{{ draft.tags[0] }}"})
    page = article(site, title=HOSTILE, tags=[HOSTILE])
    assert "alert" in page and "<script" not in page


@pytest.mark.parametrize(
    ("name", "text", "place", "what"),
    [
        ("article.html", "<p>\n{{ draft.title }", "article.html, line 2: ", "unexpected '}'"),
        (
            "article.html",
            "<p>\n{% if draft %}\n",
            "article.html, line 2: ",
            "Unexpected end of template",
        ),
        (
            "index.html",
            "<p>\n\n{{ heading | nonsense }}",
            "index.html, line 3: ",
            "No filter named 'nonsense'",
        ),
        ("index.html", "<p>\n{{ nothing }}", "index.html, line 2: ", "'nothing' is undefined"),
        (
            "base.html",
            "<p>\n{{ draft.nothing }}",
            "base.html, line 2: ",
            "has no attribute 'nothing'",
        ),
        ("feed.xml", "{{ 1 / 0 }}", "feed.xml, line 1: ", "ZeroDivisionError: division by zero"),
        (
            "article.html",
            '\n{% include "nowhere.html" %}',
            "article.html, line 2: ",
            "no template “nowhere.html”",
        ),
        (
            "article.html",
            '\n{% extends "nowhere.html" %}',
            "article.html, line 2: ",
            "no template “nowhere.html”",
        ),
        (
            "article.html",
            "\n{{ asset('logo.svg') }}",
            "article.html, line 2: ",
            "the theme has no file “logo.svg”",
        ),
        ("article.html", "\n{{ draft.__class__.__mro__ }}", "article.html, line 2: ", "unsafe"),
        (
            "article.html",
            '{% include "article.html" %}',
            "article.html, line 1: ",
            "RecursionError",
        ),
        (
            "article.html",
            "{% for n in range(10**9) %}x{% endfor %}",
            "article.html, line 1: ",
            "OverflowError",
        ),
        ("article.html", "<p>No head</p>", "a page of article.html ", "has no <head>"),
        ("index.html", "\udce4", "index.html: ", "UnicodeDecodeError"),
        ("parts/other.html", "{% block %}", "parts/other.html, line 1: ", "expected token"),
        ("body.html", "<p>", "body.html has no effect", "take it out"),
    ],
)
def test_a_fault_of_a_template_is_one_sentence_with_its_place(
    tmp_path: Path, name: str, text: str, place: str, what: str
) -> None:
    (told, *more) = theme_faults.faults(themed(tmp_path, {name: text}))
    assert told.startswith(f"the theme of garden: {place}")
    assert what in told
    assert "\n" not in told
    assert all(name in one for one in more)


def test_a_faulty_theme_publishes_nothing_and_changes_no_page(tmp_path: Path) -> None:
    site = themed(tmp_path, {"index.html": "<head></head>{{ articles | length }}"})
    folder = StaticSite(site, tmp_path / "www")
    draft = theme_faults.sample(site)
    folder.publish(draft, published_at=NIGHT)
    files = {path: path.read_bytes() for path in folder.directory.rglob("*") if path.is_file()}
    (tmp_path / "theme" / "index.html").write_text("{{ nothing }}")
    with pytest.raises(ThemeError, match=r"index\.html, line 1"):
        folder.publish(draft.model_copy(update={"title": "Another"}), published_at=NIGHT)
    assert {
        path: path.read_bytes() for path in folder.directory.rglob("*") if path.is_file()
    } == files


def test_a_template_added_while_we_run_is_used_at_once(tmp_path: Path) -> None:
    site = themed(tmp_path, {})
    assert "Mine" not in article(site)
    themed(tmp_path, {"article.html": "<head></head>Mine"})
    assert "Mine" in article(site)


def test_files_of_a_theme_come_along_and_leave_with_it(tmp_path: Path) -> None:
    image = bytes(range(256))
    files = {
        "logo.svg": "<svg/>",
        "fonts/a b.woff2": image,
        "favicon.ico": image,
        "img/favicon.ico": image,
    }
    site = themed(
        tmp_path,
        files | {".hidden": "x", ".git/config": "x", "parts/a.html": "x", "extra.css": "p {}"},
    )
    www = tmp_path / "www"
    own = www / "assets" / "own.png"
    own.parent.mkdir(parents=True)
    own.write_bytes(image)
    StaticSite(site, www).publish(theme_faults.sample(site), published_at=NIGHT)
    below = {
        path.relative_to(www).as_posix() for path in (www / "assets").rglob("*") if path.is_file()
    }
    come = {
        "assets/extra.css",
        "assets/logo.svg",
        "assets/fonts/a b.woff2",
        "assets/img/favicon.ico",
    }
    assert below == come | {"assets/own.png"}
    assert (
        (www / "assets/fonts/a b.woff2").read_bytes() == (www / "favicon.ico").read_bytes() == image
    )
    assert themes.asset_url(site, "fonts/a b.woff2") == "/assets/fonts/a%20b.woff2"
    assert themes.asset_url(site, "favicon.ico") == "/favicon.ico"
    (tmp_path / "theme" / "logo.svg").unlink()
    StaticSite(site, www).publish(theme_faults.sample(site), published_at=NIGHT)
    assert not (www / "assets" / "logo.svg").exists()
    StaticSite(make_site(), www).publish(theme_faults.sample(site), published_at=NIGHT)
    assert [path.name for path in www.rglob("*") if "assets" in path.parts and path.is_file()] == [
        "own.png"
    ]
    assert not (www / "favicon.ico").exists()


def test_a_theme_file_is_found_on_a_site_in_a_folder(tmp_path: Path) -> None:
    site = themed(
        tmp_path, {"style.css": "", "logo.svg": "<svg/>"}, url="https://garden.example/blog"
    )
    page = article(
        themed(tmp_path, {"article.html": "<head></head>{{ asset('logo.svg') }}"}, url=site.url)
    )
    assert page.endswith("/blog/assets/logo.svg")


PLAUSIBLE = {"kind": "plausible"}
MATOMO = {"kind": "matomo", "url": "https://stats.example/matomo/", "site_id": 3}
UMAMI = {
    "kind": "script",
    "src": "https://u.example/script.js?v=1&w=2",
    "data": {"website-id": 'a"b'},
}


@pytest.mark.parametrize(
    ("analytics", "added"),
    [
        (
            PLAUSIBLE,
            (
                "",
                "script-src https://plausible.io/js/script.js; connect-src https://plausible.io; ",
            ),
        ),
        (
            PLAUSIBLE | {"domain": "g.example", "script": "https://p.example:8443/js/p.js"},
            ("", "script-src https://p.example:8443/js/p.js; connect-src https://p.example:8443; "),
        ),
        (
            MATOMO,
            (
                " https://stats.example/matomo/matomo.php",
                "script-src https://garden.example/assets/analytics.js "
                "https://stats.example/matomo/matomo.js; "
                "connect-src https://stats.example/matomo/matomo.php; ",
            ),
        ),
        (
            UMAMI,
            (
                " https://u.example",
                "script-src https://u.example/script.js; connect-src https://u.example; ",
            ),
        ),
        (
            UMAMI | {"hosts": ["https://v.example/api", "https://w.example"]},
            (
                " https://v.example https://w.example",
                "script-src https://u.example/script.js; connect-src https://v.example "
                "https://w.example; ",
            ),
        ),
    ],
)
def test_analytics_add_only_what_they_need_to_the_policy(
    analytics: dict[str, Any], added: tuple[str, str]
) -> None:
    site = make_site(analytics=analytics)
    images, hosts = added
    expected = PLAIN.replace("data:;", f"data:{images};").replace("base-uri", f"{hosts}base-uri")
    for page in (article(site), str(render.listings(site, {})["index.html"])):
        assert policy(page) == expected
        scripts = html.document_fromstring(page).xpath("//script[not(@type='application/ld+json')]")
        assert scripts
        for script in scripts:
            assert (script.text, script.get("src").partition("?")[0] in expected) == (None, True)


def test_json_ld_is_data_under_every_policy() -> None:
    for analytics in (None, PLAUSIBLE, MATOMO):
        page = html.document_fromstring(article(make_site(analytics=analytics)))
        told = page.xpath("//script[@type='application/ld+json']/text()")
        assert [json.loads(one)["@type"] for one in told] == [
            "Article",
            "FAQPage",
            "BreadcrumbList",
        ]


def test_a_file_of_ours_tells_matomo_where_and_what_to_count() -> None:
    text = themes.files(make_site(analytics=MATOMO))[themes.ANALYTICS].decode()
    calls = json.loads(re.fullmatch(r"window\._paq = (.*);\n", text)[1])  # type: ignore[index]
    assert ["setTrackerUrl", "https://stats.example/matomo/matomo.php"] in calls
    assert ["setSiteId", "3"] in calls and ["disableCookies"] in calls
    page = html.document_fromstring(article(make_site(analytics=MATOMO)))
    assert page.xpath("//script/@src") == [
        "https://garden.example/assets/analytics.js",
        "https://stats.example/matomo/matomo.js",
    ]


def test_script_attributes_are_escaped_and_plausible_gets_a_site() -> None:
    (umami,) = html.document_fromstring(article(make_site(analytics=UMAMI))).xpath("//script[@src]")
    assert (umami.get("src"), umami.get("data-website-id")) == (UMAMI["src"], 'a"b')
    (plausible,) = html.document_fromstring(article(make_site(analytics=PLAUSIBLE))).xpath(
        "//script[@src]"
    )
    assert plausible.get("data-domain") == "garden.example"


def test_a_theme_cannot_forget_the_analytics(tmp_path: Path) -> None:
    page = article(themed(tmp_path, {"article.html": "<head></head>Mine"}, analytics=PLAUSIBLE))
    assert re.search(
        r'<script defer src="https://plausible\.io/js/script\.js"[^>]*></script>\n</head>Mine$',
        page,
    )


def loaded(folder: Path, told: str) -> settings.Config:
    file = folder / "contentstudio.toml"
    site = "[[site]]\nname = 'garden'\nurl = 'https://garden.example'\nsources = ['https://a.example']\n"
    file.write_text(f"[writing]\nwriter = 'offline'\n{site}{told}\n", "utf-8")
    return settings.load(file)


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (
            "theme = 'themes/garden'",
            r"theme “themes/garden”, which is no folder beside contentstudio\.toml",
        ),
        (
            "theme = '.'\npublish = { to = 'git', repository = '/x' }",
            "has “theme”, which is for pages of ours, and is published to git",
        ),
        (
            "analytics = { kind = 'script', src = 'https://s.example/x.js' }\n"
            "publish = { to = 'ghost' }",
            "has “analytics”, which is for pages of ours, and is published to ghost",
        ),
        ("analytics = { kind = 'plausibel' }", "one of: plausible, matomo, script.*plausible"),
        ("analytics = { domain = 'x' }", "one of: plausible, matomo, script"),
        (
            "analytics = { kind = 'matomo', url = 'https://m.example' }",
            r"analytics\.site_id” is missing",
        ),
        (
            "analytics = { kind = 'matomo', url = 'https://m.example', id = 3 }",
            "known here: kind, site_id, url",
        ),
        *(
            (f"analytics = {{ kind = 'script', src = '{src}' }}", "begins with https://")
            for src in (
                "http://s.example/a.js",
                "https://s.example/a;b",
                "https://s.example/a,b",
                "javascript:alert(1)",
            )
        ),
    ],
)
def test_what_is_wrong_in_the_config_is_one_sentence(tmp_path: Path, told: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        loaded(tmp_path, told)


def test_a_theme_is_beside_the_config_from_wherever_we_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "themes" / "garden").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "themes")
    assert (
        loaded(tmp_path, "theme = 'themes/garden'").site[0].theme == tmp_path / "themes" / "garden"
    )


@pytest.mark.parametrize("command", [("check", "--offline"), ("site", "check", "garden")])
def test_a_faulty_theme_is_found_before_the_night(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "article.html").write_text("<p>\n{{ nothing }}")
    loaded(tmp_path, "theme = 'theme'")
    told = CliRunner().invoke(
        cli, ["--config", str(tmp_path / "contentstudio.toml"), *command, "--json"]
    )
    assert told.exit_code == 1
    assert "article.html, line 2: 'nothing' is undefined" in told.stdout


@pytest.mark.parametrize(
    "expression",
    [
        "site.theme.parent.joinpath('secret.env').read_text()",
        "site.theme.parent.joinpath('written.txt').write_text('x')",
        "site.parse_raw('x', content_type='application/pickle', proto='pickle', allow_pickle=True)",
        "site.model_copy()",
        "draft.model_dump_json()",
        "site.model_fields['theme'].annotation('/etc')",
        "'{0.theme.read_text}'.format(site)()",
    ],
)
def test_a_template_calls_nothing_that_reads_writes_or_runs(
    tmp_path: Path, expression: str
) -> None:
    (tmp_path / "secret.env").write_text("the secret", "utf-8")
    site = themed(
        tmp_path, {"article.html": f"<html><head></head><body>{{{{ {expression} }}}}</body></html>"}
    )
    with pytest.raises(ThemeError) as refused:
        article(site)
    assert "the secret" not in str(refused.value)
    assert not (tmp_path / "written.txt").exists()


def test_a_template_calls_what_texts_and_lists_and_jinja_offer(tmp_path: Path) -> None:
    calls = (
        "{{ site.title.upper() }} {{ range(3) | join }} {{ {'a': 1}.get('a') }} {{ "
        "'{}!'.format('b') }} "
    )
    calls += (
        "{% macro m() %}m{% endmacro %}{{ m() }} {% for x in [1] %}{{ loop.cycle('c') }}{% "
        "endfor %}"
    )
    page = article(
        themed(tmp_path, {"article.html": f"<html><head></head><body>{calls}</body></html>"})
    )
    assert "THE GARDEN 012 1 b! m c" in page


@pytest.mark.parametrize(
    "top",
    [
        "<!-- the <head> comes next --><html>",
        '<!doctype html>\n<html lang="en" dir=\'ltr\' class="a b">',
        "<!-- </head> -->",
    ],
)
def test_the_policy_is_in_the_head_itself_whatever_comments_say(tmp_path: Path, top: str) -> None:
    site = themed(
        tmp_path, {"article.html": f"{top}<head><title>T</title></head><body></body></html>"}
    )
    assert policy(article(site)).startswith("default-src 'none'")
    without_comments = re.sub(r"<!--.*?-->", "", article(site), flags=re.DOTALL)
    assert "Content-Security-Policy" in without_comments.partition("<title>")[0]


@pytest.mark.parametrize(
    "top",
    [
        "<script>1</script><html>",
        "<html onload='1'>",
        "<!--><script>1</script>--><html>",
        "<!---><script>1</script>--><html>",
        "<!-- a --!><script>1</script>--><html>",
        "<body>",
    ],
)
def test_nothing_may_stand_before_the_policy(tmp_path: Path, top: str) -> None:
    site = themed(tmp_path, {"article.html": f"{top}<head></head><body></body></html>"})
    with pytest.raises(ThemeError, match="nothing but a doctype"):
        article(site)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.htm", "<p>"),
        ("x.HTML", "<p>"),
        ("x.xhtml", "<p>"),
        ("logo.svg", "<svg><script>1</script></svg>"),
        ("logo.svg", '<svg onload="1"/>'),
        ("logo.svg", '<svg><a href="javascript:1"/></svg>'),
    ],
)
def test_a_file_that_would_run_scripts_is_refused_and_reported(
    tmp_path: Path, name: str, content: str
) -> None:
    site = themed(tmp_path, {name: content})
    with pytest.raises(ThemeError, match=re.escape(name)):
        themes.files(site)
    assert any(name in fault for fault in theme_faults.faults(site))


def test_no_link_leads_out_of_a_theme(tmp_path: Path) -> None:
    (tmp_path / "secret.env").write_text("the secret", "utf-8")
    site = themed(tmp_path, {"inside.css": "a {}"})
    assert site.theme is not None
    (site.theme / "again.css").symlink_to(site.theme / "inside.css")
    assert set(themes.files(site)) == {"assets/inside.css", "assets/again.css"}
    (site.theme / "logo.txt").symlink_to(tmp_path / "secret.env")
    with pytest.raises(ThemeError, match="a link out of the theme"):
        themes.files(site)
    (site.theme / "logo.txt").unlink()
    (site.theme / "foot.html").symlink_to(tmp_path / "secret.env")
    with pytest.raises(ThemeError, match="a link out of the theme"):
        themes.Template(
            site, render._themed(site.theme, themes.stamp(site.theme)), "foot.html"
        ).read()


def test_what_an_editor_leaves_beside_a_file_is_no_template(tmp_path: Path) -> None:
    site = themed(tmp_path, {})
    assert site.theme is not None
    (site.theme / ".#foot.html").symlink_to("someone@host.123")
    assert theme_faults.faults(site) == []
    assert "</html>" in article(site)
