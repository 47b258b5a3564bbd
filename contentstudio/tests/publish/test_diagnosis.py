"""What one answer of a CMS, or several, say of what is wrong; the answers are as real servers gave
them.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from contentstudio.publish import diagnosis
from contentstudio.publish.cms_client import Answer, Denied, NotAnswered, _answer, _judged
from contentstudio.publish.wordpress_check import Answers, diagnose
from overnight.errors import Permanent, Transient

BASE = "https://garden.example"
ME = "/wp-json/wp/v2/users/me"
HTML, JSON = "text/html; charset=UTF-8", "application/json; charset=UTF-8"
NOTICE = "<br />\n<b>Warning</b>:  Undefined array key 1 in <b>{}</b> on line <b>3</b><br />\n"
PLUGIN = NOTICE.format("/srv/www/wp-content/plugins/seo-tool/includes/main.php")


def answer(
    status: int = 200, body: str | bytes = "", path: str = ME, type_: str = HTML, **headers: str
) -> Answer:
    content = body if isinstance(body, bytes) else body.encode()
    told = {"Content-Type": type_} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return _answer(httpx2.Response(status, headers=told, content=content), BASE, path)


def said(status: int, code: str, path: str = ME) -> Answer:
    data = {"code": code, "message": "No.", "data": {"status": status}}
    return answer(status, json.dumps(data), path, JSON)


def what(one: Answer) -> str:
    found = diagnosis.of(one)
    return found.what if found else ""


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<title>No</title><p>Not <b>you</b>, &amp; not me", "No – Not you, & not me"),
        ("<h1>502</h1>\n\n<hr>nginx", "502 nginx"),
        (
            "<head><title>A</title><style>p{}</style></head><body>B<script>if (1<2) "
            "x('<p>C</p>')</script>D",
            "A – BD",
        ),
        ("<!-- a <b> --->A<!-- never closed <p>B", "A"),
        ("<title>403 Forbidden</title><h1>403 Forbidden</h1>nginx", "403 Forbidden nginx"),
        ("<TITLE>A</TITLE><SCRIPT>no</SCRIPT >B", "A – B"),
        ("a\x00b\x1b[31mc\u202ed\u200be", "a b [31mc d e"),
        ("<p>a < b and c > d", "a < b and c > d"),
        ("plain words", "plain words"),
        ("<script>never closed <p>A", ""),
        ("", ""),
    ],
)
def test_a_page_is_one_line_of_its_words(page: str, text: str) -> None:
    assert diagnosis.page_text(page) == text


def test_a_long_page_is_cut() -> None:
    told = diagnosis.page_text("<p>word " * 10_000)
    assert len(told) <= diagnosis.TOLD
    assert told.endswith("…")


@pytest.mark.parametrize(
    ("text", "data", "around"),
    [
        (PLUGIN + '{"a": [1]}', {"a": [1]}, PLUGIN.strip()),
        ("\ufeff[]", [], "\ufeff"),
        ("\ufeff\ufeff {}", {}, "\ufeff\ufeff"),
        ("Array [x] {y}\n[1]", [1], "Array [x] {y}"),
        ("[1]" + PLUGIN, [1], PLUGIN.strip()),
    ],
)
def test_json_is_found_behind_what_is_printed(text: str, data: Any, around: str) -> None:
    assert diagnosis.parsed(text) == (data, around)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        '{"a": ',
        PLUGIN + '[{"a": 1}, {"b":',
        '<!DOCTYPE html><script type="application/ld+json">{"a": 1}</script>',
        '<html><script>x = {"a": 1}',
        "[1] and more",
        "[" * 100_000,
    ],
)
def test_a_page_with_json_in_it_and_json_that_is_cut_are_none(text: str) -> None:
    assert diagnosis.parsed(text) is None


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/srv/wp-content/plugins/seo-tool/a/b.php", "the plugin seo-tool"),
        ("C:\\www\\wp-content\\plugins\\shop\\x.php", "the plugin shop"),
        ("/srv/wp-content/mu-plugins/own.php", "the plugin own.php"),
        ("/srv/wp-content/themes/green/functions.php", "the theme green"),
        ("/srv/wp-config.php", "/srv/wp-config.php"),
    ],
)
def test_a_notice_names_whose_file_it_is(path: str, who: str) -> None:
    for before in (NOTICE.format(path), f"\nPHP Deprecated:  Old in {path} on line 3\n"):
        assert f" of {who} before the JSON" in what(answer(200, before + "[]"))
    assert f" of {who} instead of the JSON" in what(
        answer(500, f"<b>Fatal error</b>: Uncaught x in {path}:12\nStack")
    )


def test_json_after_a_notice_is_read_only_under_the_cms_headers() -> None:
    assert _judged("GET", answer(200, PLUGIN + "[1]", type_=JSON), ()).data == [1]
    with pytest.raises(Permanent, match="the plugin seo-tool before the JSON"):
        _judged("GET", answer(200, PLUGIN + "[1]"), ())
    with pytest.raises(Permanent, match="BOM"):
        _judged("GET", answer(200, b"\xef\xbb\xbf[1]"), ())


def test_a_write_that_was_answered_with_a_page_may_have_arrived() -> None:
    with pytest.raises(NotAnswered, match="the plugin seo-tool"):
        _judged("POST", answer(200, PLUGIN + "{}"), ())


def test_only_a_deletion_may_have_an_empty_answer() -> None:
    assert _judged("DELETE", answer(204), ()).data is None
    for body in ("", "null", '{"a": '):
        with pytest.raises(NotAnswered, match="not with whole JSON"):
            _judged("GET", answer(200, body), ())


def test_a_status_that_is_allowed_is_so_for_the_cms_alone() -> None:
    assert _judged("GET", said(404, "rest_post_invalid_id"), (404,)).status == 404
    assert _judged("GET", answer(404, '{"code": "rest_po'), (404,)).status == 404
    with pytest.raises(Permanent, match="“404 – Gone astray”"):
        _judged("GET", answer(404, "<title>404</title>Gone astray"), (404,))


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (f"http://garden.example{ME}", "back to http"),
        (
            f"https://www.garden.example{ME}?context=edit",
            "it redirects to https://www.garden.example",
        ),
        (f"https://user:word@www.garden.example{ME}", "it redirects to https://www.garden.example"),
        (f"https://garden.example/blog{ME}/", "it redirects to https://garden.example/blog"),
        (f"{ME}/?context=edit", "permalinks are plain"),
        (f"{ME}?again=1", "the same address again"),
        ("https://garden.example/wp-login.php?redirect_to=x", "a log-in"),
        ("/coming-soon/", "it redirects to https://garden.example/coming-soon/"),
    ],
)
def test_where_a_redirect_leads_is_told(location: str, told: str) -> None:
    assert told in what(answer(301, Location=location))


@pytest.mark.parametrize(
    ("one", "told", "transient"),
    [
        (answer(403, "Access denied", cf_mitigated="challenge"), "protection against bots", True),
        (answer(202, "", x_amzn_waf_action="challenge"), "protection against bots", True),
        (
            answer(202, "<meta http-equiv=refresh content='0;/.well-known/sgcaptcha/?r=%2F'>"),
            "protection against",
            True,
        ),
        (answer(503, "<title>Just a moment...</title>"), "protection against bots", True),
        (answer(403, "Generated by Wordfence at Mon"), "a firewall (Wordfence)", False),
        (
            answer(406, "Not Acceptable! This error was generated by Mod_Security."),
            "a firewall (ModSecurity)",
            False,
        ),
        (
            answer(403, "<h1>Forbidden</h1>"),
            "a firewall, the web server or a security plugin",
            False,
        ),
        (
            answer(401, "<h1>Staging", WWW_Authenticate='Basic realm="x"'),
            "a password of its own",
            False,
        ),
        (answer(413, "<h1>413"), "the upload is larger", False),
        (answer(429, "<h1>Slow"), "no more requests", True),
        (answer(503, "<h1>Scheduled Maintenance"), "in maintenance", True),
        (said(503, "wp_die"), "in maintenance", True),
        (said(401, "incorrect_password"), "no application password", False),
        (said(401, "invalid_username"), "no such user", False),
        (said(401, "rest_login_required"), "a plugin keeps the REST API from guests", False),
        (said(403, "disabled_by_admin"), "a plugin keeps the REST API from us", False),
        (said(403, "rest_cannot_create"), "the user may not do that", False),
        (said(403, "rest_forbidden_context"), "the user may not do that", False),
        (said(404, "rest_no_route"), "does not know this address", False),
        (said(400, "rest_upload_file_too_big"), "larger than the network", False),
        (answer(200, "<html>Welcome"), "a page for people", True),
        (answer(404, "<html>Not found"), "a page for people", False),
    ],
)
def test_each_cause_is_told_from_its_own_answer(one: Answer, told: str, transient: bool) -> None:
    found = diagnosis.of(one)
    assert found is not None
    assert told in found.what
    assert found.transient == transient
    assert found.mend


@pytest.mark.parametrize(
    "one",
    [answer(500, "<h1>Oops"), answer(502, ""), said(500, "internal_server_error"), said(400, "x")],
)
def test_what_tells_no_cause_is_given_none(one: Answer) -> None:
    assert diagnosis.of(one) is None


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://garden.example/index.php?rest_route=/", "permalinks are plain"),
        (
            "https://garden.example/blog/wp-json/",
            "the REST API is at https://garden.example/blog/wp-json/",
        ),
        ("https://garden.example/api/", "was moved to https://garden.example/api/"),
        ("https://another.example/wp-json/", "a page for people"),
    ],
)
def test_a_page_of_wordpress_says_where_its_api_is(link: str, told: str) -> None:
    assert told in what(answer(404, "<html>", Link=f'<{link}>; rel="https://api.w.org/"'))
    assert told in what(answer(404, f"<html><link rel='https://api.w.org/' href='{link}' />"))


@pytest.mark.parametrize(
    ("status", "kind"), [(403, Denied), (404, Permanent), (500, Transient), (503, Transient)]
)
def test_an_error_keeps_the_words_of_a_page(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="No entry – Ask the host") as caught:
        _judged(
            "GET", answer(status, "<title>No entry</title><script>x</script><p>Ask the   host"), ()
        )
    assert f"GET {BASE}{ME} was answered {status}: " in str(caught.value)


INDEX = answer(
    200, '{"namespaces": [], "authentication": {"application-passwords": {}}}', "/wp-json/", JSON
)
FORBIDDEN = said(400, "rest_invalid_param", "/wp-json/wp/v2/posts")
HOME = answer(200, "<html><link href='/wp-content/themes/a.css'>", "/")
NO_PASSWORDS = answer(200, '{"namespaces": [], "authentication": []}', "/wp-json/", JSON)
GONE, FOREIGN = answer(404, "<h1>No"), answer(200, "<h1>Hi")
NOT_IN = said(401, "rest_not_logged_in")


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (Answers(answer(200, '{"id": 1}', type_=JSON)), None),
        (Answers(said(404, "rest_no_route"), posts=answer(200, "[]", type_=JSON)), None),
        (Answers(said(401, "rest_user_cannot_view"), posts=answer(200, "[]", type_=JSON)), None),
        (Answers(NOT_IN, FORBIDDEN, INDEX, INDEX, HOME), "the password of studio is wrong, or"),
        (
            Answers(NOT_IN, FORBIDDEN, INDEX, INDEX, HOME, login=True),
            "the Authorization header is stripped",
        ),
        (
            Answers(NOT_IN, FORBIDDEN, INDEX, INDEX, HOME, login=False),
            "does not take the user studio",
        ),
        (Answers(NOT_IN, FORBIDDEN, NO_PASSWORDS, INDEX, HOME), "application passwords"),
        (
            Answers(said(404, "rest_no_route"), FORBIDDEN, INDEX, INDEX, HOME, login=True),
            "header is stripped",
        ),
        (
            Answers(said(401, "invalid_username"), FORBIDDEN, INDEX, INDEX, HOME, login=False),
            "knows no such user",
        ),
        (
            Answers(answer(403, "<h1>No"), answer(403), answer(403), answer(403), HOME),
            "is switched off (403: “No”)",
        ),
        (
            Answers(answer(403, "<h1>No"), answer(403), answer(403), answer(403), answer(403)),
            "a firewall, the web",
        ),
        (Answers(GONE, GONE, GONE, INDEX, HOME), "does not hand /wp-json/ on"),
        (Answers(GONE, GONE, GONE, GONE, HOME), "is switched off (404: “No”)"),
        (Answers(GONE, GONE, GONE, GONE, FOREIGN), "there is no WordPress"),
    ],
)
def test_one_cause_is_found_for_all_answers_of_wordpress(told: Answers, cause: str | None) -> None:
    found = diagnose(told, "studio", "CONTENTSTUDIO_SECRET_GARDEN")
    assert (found is None) == (cause is None)
    assert found is None or (cause in found.what and found.mend)
