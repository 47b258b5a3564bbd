"""Why a CMS did not answer as its API does, judged by one answer alone, with its fix. Pure.

Web servers, firewalls, plugins and PHP answer in a CMS's name, mostly with pages for people. What
they say is kept as text, and what they are is told by signs that do not depend on a language where
there are such.
"""

from __future__ import annotations

import html
import json
import re
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from contentstudio.publish.port import Finding

if TYPE_CHECKING:
    from contentstudio.publish.cms_client import Answer

LOOKED = 50_000  # characters of a page that are looked at
TOLD = 200  # characters of a page that an error keeps
STARTS = 20  # places at which JSON may begin that are tried
NOISE = 10_000  # characters in which a notice of PHP is looked for
BOM = "\ufeff"
HEADER = (
    'for Apache: SetEnvIf Authorization "(.*)" HTTP_AUTHORIZATION=$1; '
    "for nginx with FastCGI: fastcgi_param HTTP_AUTHORIZATION $http_authorization;"
)
PLAIN = Finding(
    what="permalinks are plain, so WordPress has no address for its REST API",
    ok=False,
    mend="choose “Post name” in Settings → Permalinks",
)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_HIDDEN = ("script", "style", "noscript", "template", "svg")
_INLINE = (
    "a",
    "abbr",
    "b",
    "code",
    "em",
    "font",
    "i",
    "q",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "tt",
    "u",
)
_PAGE = re.compile(r"<(?:!doctype|html|head|body|script)\b", re.IGNORECASE)
_NOTICE = re.compile(
    r"(?:<b>)?(Warning|Notice|Deprecated|Parse error|Fatal error|Strict "
    r"Standards)(?:</b>)?:\s.{1,500}?"
    r"\bin\s(?:<b>)?([^<>\n]{1,300}?)(?:</b>)?(?: on line |:)(?:<b>)?\d+",
    re.DOTALL,
)
_PART = re.compile(r"wp-content[/\\](?:mu-)?(plugins|themes)[/\\]([^/\\<>\s]+)")
_API_LINK = re.compile(r"<([^<>]*)>\s*;\s*rel=\"?https://api\.w\.org/\"?")
_API_TAG = re.compile(r"<link\b[^<>]*https://api\.w\.org/[^<>]*>", re.IGNORECASE)
_CHALLENGE = re.compile(
    r"<title>\s*Just a moment|_cf_chl_opt|Checking your browser "
    r"before|_Incapsula_Resource|sgcaptcha|DDoS protection by"
    r"|captcha-delivery\.com|px-captcha|awsWafCookieDomainList|imunify360[^<>]{0,80}bot|One "
    r"moment, please"
    r"|JavaScript and cookies to continue",
    re.IGNORECASE,
)
_FIREWALLS = {
    "Cloudflare": re.compile(r"Cloudflare", re.IGNORECASE),
    "Wordfence": re.compile(r"Wordfence", re.IGNORECASE),
    "Sucuri": re.compile(r"Sucuri", re.IGNORECASE),
    "ModSecurity": re.compile(r"mod_?security", re.IGNORECASE),
    "Imunify360": re.compile(r"imunify360", re.IGNORECASE),
    "NinjaFirewall": re.compile(r"NinjaFirewall", re.IGNORECASE),
    "Incapsula": re.compile(r"Incapsula", re.IGNORECASE),
}
_MAINTENANCE = re.compile(
    r"maintenance|wartung|mantenimiento|manutenzione|onderhoud|одржавање", re.IGNORECASE
)
_RENEW = (
    "make a new application password of the user in their profile, and put it into the "
    "site's secret"
)
_ALLOWED = "allow application passwords for the user in the plugin that forbids them"
_SMALL = "raise the limit for uploads, or use a smaller picture"
_KEY = "copy the Admin API key of the custom integration anew, and put it into the site's secret"
_CODES = {
    "rest_not_logged_in": (
        "WordPress takes nobody for logged in: the user or the password is wrong, or the "
        "Authorization header is "
        "stripped on its way",
        f"{_RENEW}; if that changes nothing, let the web server hand on the header: {HEADER}",
    ),
    "incorrect_password": ("the password is no application password of the user", _RENEW),
    "invalid_username": (
        "WordPress knows no such user",
        "correct the user in publish of the site: it is the login",
    ),
    "invalid_email": (
        "WordPress knows no user with this address",
        "put the login into publish of the site as user",
    ),
    "application_passwords_disabled": (
        "application passwords are not allowed",
        f"use https, and {_ALLOWED}",
    ),
    "application_passwords_disabled_for_user": (
        "application passwords are not allowed to this user",
        _ALLOWED,
    ),
    "rest_no_route": (
        "its REST API does not know this address, which a plugin took away",
        "let the plugin that switches off the REST API, or this part of it, spare signed-in users",
    ),
    "rest_upload_no_data": (
        "the upload arrived empty: it was larger than the server takes",
        _SMALL,
    ),
    "rest_upload_file_too_big": ("the file is larger than the network of sites allows", _SMALL),
    "rest_upload_limited_space": (
        "the site has no space left for the file",
        "delete files, or raise its quota",
    ),
    "rest_upload_user_quota_exceeded": (
        "the site's space is used up",
        "delete files, or raise its quota",
    ),
    "UNKNOWN_ADMIN_API_KEY": (
        "Ghost does not know the key, which was deleted or is another site's",
        _KEY,
    ),
    "INVALID_JWT": (
        "Ghost does not take the key's signature: the key or a clock is wrong",
        f"{_KEY}; compare clocks",
    ),
    "INVALID_API_KEY_TYPE": (
        "the key is one of the Content API, with which nobody can publish",
        _KEY,
    ),
    "UnauthorizedError": ("Ghost does not take the key", _KEY),
    "NoPermissionError": ("the integration may not do that", _KEY),
}
LOGINS = frozenset(
    code for code in _CODES if code.startswith(("incorrect_", "invalid_", "application_passwords_"))
)
_RIGHTS = re.compile(
    r"rest_(cannot_|forbidden(_context|_status|_author|_field)?$|not_in_trash|user_cannot)"
)


def of(answer: Answer) -> Finding | None:
    """The cause of an answer that is not what the API says; None where the answer does not tell
    any.
    """
    for finding_of in (
        _redirect,
        _challenge,
        _maintenance,
        noise,
        _coded,
        _large,
        _often,
        _wall,
        _misplaced,
    ):
        if finding := finding_of(answer):
            return finding
    return None


def finding(answer: Answer, secret: str) -> Finding:
    """The cause of an answer with what was said, for who looks at a site; `secret` names what holds
    the password.
    """
    reply = f" (“{answer.said}”)" if answer.said else ""
    fault = of(answer)
    if fault is None:
        mend = (
            "open that address in a browser, and look into the error log of the web server "
            "and the CMS"
        )
        what = f"{answer.url} was answered {answer.status}{reply}, and not as the API does"
        return Finding(what=what, ok=False, mend=mend, transient=answer.status >= 500)
    what = f"{answer.url} was answered {answer.status}: {fault.what}{reply}"
    return fault.model_copy(
        update={"what": what, "mend": fault.mend.replace("the site's secret", secret)}
    )


def page_text(page: str) -> str:
    """The beginning of a page as people read it, the title first: one line, no marks, at most
    `TOLD` characters.
    """
    first, *rest = page[:LOOKED].split("<!--")
    shown = first + "".join(" " + part.partition("-->")[2] for part in rest)
    words: dict[str, list[str]] = {"title": [], "": []}
    inside = hidden = ""
    for part in re.split(r"(<[^<>]*>)", shown):
        tag = _TAG.match(part)
        name, closes = (tag[1].lower(), part.startswith("</")) if tag else ("", False)
        if hidden:
            hidden = "" if closes and name == hidden else hidden
        elif name in _HIDDEN:
            hidden = "" if closes or part.endswith("/>") else name
        elif name == "title":
            inside = "" if closes else "title"
        else:
            apart = "" if name in _INLINE else " "
            words[inside].append(apart if tag or part.startswith(("<!", "<?")) else part)
    title, text = (_line(html.unescape("".join(words[kind]))) for kind in ("title", ""))
    parts = [text] if f"{text} ".startswith(f"{title} ") else [title, text]
    text = " – ".join(part for part in parts if part)
    return text if len(text) <= TOLD else text[: TOLD - 1].rstrip() + "…"


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def parsed(text: str) -> tuple[Any, str] | None:
    """The JSON of an answer and what stands around it; None where none is whole, or it is a part of
    a page.
    """
    decode = json.JSONDecoder().raw_decode
    begins = re.compile(r"[\ufeff\s]*[\[{]").match(text)
    starts = (
        [begins.end() - 1]
        if begins
        else [match.start() for match in islice(re.finditer(r"[\[{]", text), STARTS)]
    )
    for start in starts:
        try:
            data, end = decode(text, start)
        except (ValueError, RecursionError):
            continue
        around = text[:start].strip() + text[end:].strip()
        if not text[end:].strip() or _NOTICE.search(text[end : end + NOISE]):
            return None if _PAGE.search(around) else (data, around)
    return None


def api_address(answer: Answer) -> str | None:
    """Where a page of WordPress, or an answer of its API, says that the REST API is."""
    if link := _API_LINK.search(answer.headers.get("Link", "")):
        return link[1]
    tag = _API_TAG.search(answer.page[:LOOKED])
    href = re.search(r"href=[\"']([^\"'<>]+)", tag[0]) if tag else None
    return html.unescape(href[1]) if href else None


def elsewhere(base: str, address: str) -> Finding | None:
    """What an API's own address says that is not where we ask; hosts are not compared, for a proxy
    may have its own.
    """
    target, path = _address(base, address), urlsplit(base).path.rstrip("/")
    if target is None:
        return None
    if "rest_route" in target.query:
        return PLAIN
    if target.path.rstrip("/") == f"{path}/wp-json":
        return None
    if target.path.rstrip("/").endswith("/wp-json"):
        url = f"{target.scheme}://{target.netloc}{target.path.rstrip('/').removesuffix('/wp-json')}"
        return Finding(what=f"the REST API is at {target.geturl()}", ok=False, mend=named(url))
    mend = (
        "take away what changes it, a filter of rest_url_prefix in a plugin or a theme: it "
        "is asked at /wp-json/"
    )
    return Finding(what=f"the REST API was moved to {target.geturl()}", ok=False, mend=mend)


def named(url: str) -> str:
    """What to do where the CMS is at another address."""
    return f"name that address in publish of the site: url = “{url}”"


def _redirect(answer: Answer) -> Finding | None:
    location = answer.headers.get("Location")
    if not 300 <= answer.status < 400 or not location:
        return None
    source, to = urlsplit(answer.url), _address(answer.url, location)
    if to is None:
        what, mend = (
            f"it redirects to “{_line(location)}”, which is no address",
            "correct that redirect",
        )
        return Finding(what=what, ok=False, mend=mend)
    host, path = to.netloc.rpartition("@")[2], to.path.rstrip("/")
    if (to.scheme, host, path) == (source.scheme, source.netloc, source.path.rstrip("/")):
        return PLAIN if to.path != source.path else _loop(answer)
    if (source.scheme, to.scheme) == ("https", "http") and host == source.netloc:
        mend = (
            "tell it of https: X-Forwarded-Proto in the proxy before it, and https in both "
            "addresses in its settings"
        )
        return Finding(what="it redirects from https back to http", ok=False, mend=mend)
    below = answer.path.rstrip("/")
    if below and path.endswith(below):
        url = f"{to.scheme}://{host}{path.removesuffix(below)}"
        return Finding(what=f"it redirects to {url}", ok=False, mend=named(url))
    if re.search(r"wp-login|/log-?in|/sign-?in|/auth", path):
        mend = "let the plugin that hides the site from guests spare its API"
        return Finding(
            what=f"it redirects to a log-in at {to.scheme}://{host}{to.path}", ok=False, mend=mend
        )
    mend = (
        "take that redirect away from the API, or name the CMS's own address as url in "
        "publish of the site"
    )
    return Finding(what=f"it redirects to {to.scheme}://{host}{to.path}", ok=False, mend=mend)


def _address(base: str, location: str) -> SplitResult | None:
    with suppress(ValueError):
        return urlsplit(urljoin(base, _line(location).replace(" ", "%20")))
    return None


def _loop(answer: Answer) -> Finding:
    what = (
        "it redirects to the same address again, as a protection against bots does that "
        "wants a cookie"
    )
    return Finding(
        what=what,
        ok=False,
        mend=f"let requests to {_root(answer)} pass that protection",
        transient=True,
    )


def _root(answer: Answer) -> str:
    """The part of the site that has to be let through."""
    return "/ghost/api/" if answer.path.startswith("/ghost/") else "/wp-json/"


def _challenge(answer: Answer) -> Finding | None:
    headers = answer.headers
    by_header = headers.get("cf-mitigated") == "challenge" or headers.get("x-amzn-waf-action") in (
        "challenge",
        "captcha",
    )
    if not by_header and not _CHALLENGE.search(answer.page[:LOOKED]):
        return None
    mend = (
        f"let requests to {_root(answer)} from the address of this machine pass the "
        "protection against bots"
    )
    what = "a protection against bots wants to see a browser before it lets us through"
    return Finding(what=what, ok=False, mend=mend, transient=True)


def _maintenance(answer: Answer) -> Finding | None:
    if answer.status != 503:
        return None
    text = f"{answer.page[:LOOKED]} {answer.said}"
    if answer.code != "wp_die" and not _MAINTENANCE.search(text):
        return None
    mend = (
        "wait for its end; where it does not end, delete the file .maintenance, or switch "
        "off the maintenance mode"
    )
    return Finding(what="the site is in maintenance", ok=False, mend=mend, transient=True)


def noise(answer: Answer) -> Finding | None:
    """What PHP or a file puts before the JSON, or instead of it. WordPress's status and headers are
    lost by that.
    """
    page = answer.page[:NOISE]
    if answer.data is not None and page.strip() == BOM:
        mend = (
            "save wp-config.php and the files of plugins and theme as UTF-8 without BOM, the "
            "last edited one first"
        )
        return Finding(
            what="a file of the site begins with a BOM, which comes before the JSON",
            ok=False,
            mend=mend,
        )
    if not (notice := _NOTICE.search(page)):
        return _unknown_noise(answer)
    kind, (part, mend) = notice[1], _part(notice[2])
    what = (
        f"PHP prints a {kind.lower()} of {part} "
        f"{'before' if answer.data is not None else 'instead of'} the JSON"
    )
    return Finding(
        what=what, ok=False, mend=f"{mend}, and set WP_DEBUG_DISPLAY to false (display_errors off)"
    )


def _part(path: str) -> tuple[str, str]:
    """Whose file it is, and what to do with it."""
    if match := _PART.search(path):
        name = f"the {match[1].removesuffix('s')} {match[2]}"
        return name, f"update {name}, or switch it off"
    return _line(path), f"fix {_line(path)}"


def _unknown_noise(answer: Answer) -> Finding | None:
    if answer.data is None or not answer.page:
        return None
    mend = "switch off, one after another, plugins and theme: one of them prints this"
    return Finding(
        what=f"something is printed around the JSON: “{page_text(answer.page)}”",
        ok=False,
        mend=mend,
    )


def _coded(answer: Answer) -> Finding | None:
    """What the CMS itself names as the reason."""
    if cause := _CODES.get(answer.code):
        return Finding(what=cause[0], ok=False, mend=cause[1])
    if answer.status not in (401, 403) or not answer.code or "errors" in answer.data:
        return None
    if _RIGHTS.match(answer.code):
        mend = "give the user the role of an author or an editor"
        return Finding(what="the user may not do that", ok=False, mend=mend)
    whom = (
        "guests, and we are not taken for logged in"
        if answer.status == 401
        else "us, though we are logged in"
    )
    mend = "let the plugin that switches the REST API off spare signed-in users, or take it away"
    return Finding(what=f"a plugin keeps the REST API from {whom}", ok=False, mend=mend)


def _large(answer: Answer) -> Finding | None:
    if answer.status != 413:
        return None
    mend = (
        "raise its limit (nginx: client_max_body_size, Apache: LimitRequestBody), or use "
        "smaller pictures"
    )
    return Finding(what="the upload is larger than the web server takes", ok=False, mend=mend)


def _often(answer: Answer) -> Finding | None:
    if answer.status != 429:
        return None
    mend = (
        f"wait; where it comes back, raise the limit of requests to {_root(answer)} for the "
        "address of this machine"
    )
    return Finding(
        what="the site takes no more requests for now", ok=False, mend=mend, transient=True
    )


def firewall(answer: Answer) -> str | None:
    """The firewall that a page names as its own."""
    return next(
        (name for name, sign in _FIREWALLS.items() if sign.search(answer.page[:LOOKED])), None
    )


def _wall(answer: Answer) -> Finding | None:
    """Who refuses us in the place of the CMS. WordPress and Ghost themselves refuse with JSON."""
    if (
        answer.data is not None
        or not 400 <= answer.status < 500
        or answer.status in (404, 408, 410, 425)
    ):
        return None
    if answer.status == 401 and "WWW-Authenticate" in answer.headers:
        mend = (
            f"take the web server's own password away from {_root(answer)}: two passwords "
            "cannot be sent at once"
        )
        return Finding(what="the web server asks for a password of its own", ok=False, mend=mend)
    name = firewall(answer)
    who = f"a firewall ({name})" if name else "a firewall, the web server or a security plugin"
    mend = f"let it pass requests to {_root(answer)} from the address of this machine"
    how = "with a page" if answer.page.strip() else "without a word"
    return Finding(what=f"{who} refuses us {how}", ok=False, mend=mend)


def _misplaced(answer: Answer) -> Finding | None:
    """A page where the API should be."""
    if not answer.is_page or answer.status >= 500:
        return None
    address = api_address(answer)
    if address and (place := elsewhere(answer.base, address)):
        return place
    mend = f"open {answer.base}{_root(answer)} in a browser: it should show JSON; "
    if _root(answer) == "/wp-json/":
        mend += (
            "choose “Post name” in Settings → Permalinks, look for a plugin that switches "
            "the REST API off, "
        )
    mend += "or name the CMS's own address as url in publish of the site"
    return Finding(
        what="a page for people came instead of the API's JSON",
        ok=False,
        mend=mend,
        transient=answer.status < 300,
    )
