"""What a look at a WordPress tells: whether the account can publish there and what keeps it from
that, and whether the API, its addresses, uploads and the clock are fit for us.

A password that is wrong and one that the web server takes away get the same answer (401
rest_not_logged_in, seen on a real 6.1). XML-RPC takes the password in its body, so it tells them
apart where it is there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.publish import diagnosis
from contentstudio.publish.cms_client import Answer, CmsClient, NotAnswered
from contentstudio.publish.diagnosis import HEADER
from contentstudio.publish.port import Finding, not_well
from contentstudio.publish.seo_fields import PLUGINS, STRUCTURED_DATA
from contentstudio.publish.wordpress_addresses import API, PER_PAGE

INDEX = "/wp-json/"
# WordPress takes a date that is nearer than this for now, and one beyond it for a schedule
CLOCK_SECONDS = 60.0
PICTURE_BYTES = 2_000_000  # what is tried as an upload: nginx takes 1 MB where nobody said more
SWITCHED_OFF = (
    "let the plugin that switches the REST API off spare signed-in users, or take it away"
)
_LOGIN = (
    '<?xml version="1.0"?><methodCall><methodName>wp.getUsersBlogs</methodName><params>'
    "<param><value><string>{}</string></value></param><param><value><string>{}</string></value></param>"
    "</params></methodCall>"
)
_FOLDER = re.compile(
    r"(?:href|src)=[\"'](?:https?:)?(?://[^/\"'\s<>]+)?(/[^\"'\s<>?#]*?)?/wp-(?:content|includes)/"
)


@dataclass(frozen=True)
class Answers:
    """What a WordPress says to a user who wants to publish. The rest is asked where `me` does not
    say all is well.

    `posts` is a list with drafts, which a user alone is shown. `root` is the index at an address
    that needs no permalinks. `login` says whether XML-RPC takes the user and the password, None
    where it does not say.
    """

    me: Answer
    posts: Answer | None = None
    index: Answer | None = None
    root: Answer | None = None
    home: Answer | None = None
    login: bool | None = None

    @property
    def is_known(self) -> bool:
        """Whether WordPress shows what only a user may see."""
        return self.is_told or _is_list(self.posts)

    @property
    def is_told(self) -> bool:
        """Whether it tells of the user."""
        return _is_well(self.me) and isinstance(self.me.data, dict) and "id" in self.me.data

    @property
    def is_guest(self) -> bool:
        """Whether it takes nobody for logged in, and does not say why."""
        refused = self.me.status == 401 and self.me.data is not None
        return (
            not self.is_known
            and (refused or _is_forbidden(self.posts))
            and self.me.code not in diagnosis.LOGINS
        )


async def check(remote: CmsClient, site: Site, cms: settings.WordPress) -> list[Finding]:
    """Whether the account can publish, and what keeps it from that. Changes nothing."""
    try:
        return await _account(remote, site, cms, await _asked(remote))
    except NotAnswered as error:
        return [not_well(f"the account {cms.user}", error, "")]


async def fault(remote: CmsClient, site: Site, cms: settings.WordPress) -> Finding | None:
    """What keeps the account from publishing, as far as no answer tells it alone. Raises
    `NotAnswered`.
    """
    return _compared(await _asked(remote), cms.user, settings.secret_name(site))


async def examine(site: Site, cms: settings.WordPress) -> list[Finding]:
    """As `check`, and beyond it: uploads, what guests are shown, SEO fields and the clock. Raises
    `ConfigError`.
    """
    password = settings.secret(site)
    async with CmsClient(cms.url or site.url, cms, (cms.user, password)) as remote:
        try:
            answers = await _asked(remote)
            if answers.is_guest:
                answers = replace(answers, login=await _login(remote, cms.user, password))
            findings = await _account(remote, site, cms, answers)
            return (
                [*findings, *await _beyond(remote, cms, findings)] if answers.is_known else findings
            )
        except NotAnswered as error:
            return [not_well(f"the account {cms.user}", error, "")]


async def _asked(remote: CmsClient) -> Answers:
    me = Answers(await remote.look("GET", f"{API}/users/me", params={"context": "edit"}))
    if me.is_told:
        return me
    params = {"status": "any", "context": "edit", "per_page": 1}
    return Answers(
        me.me,
        posts=await remote.look("GET", f"{API}/posts", params=params),
        index=await remote.look("GET", INDEX),
        root=await remote.look("GET", "/", params={"rest_route": "/"}),
        home=await remote.look("GET", "/"),
    )


async def _login(remote: CmsClient, user: str, password: str) -> bool | None:
    content = _LOGIN.format(escape(user), escape(password)).encode()
    headers = {"Content-Type": "text/xml"}
    try:
        answer = await remote.look(
            "POST", "/xmlrpc.php", content=content, headers=headers, guest=True
        )
    except NotAnswered:  # many firewalls drop it
        return None
    if answer.status != 200 or "<methodResponse" not in answer.page:
        return None
    if "<fault>" not in answer.page:
        return "blogid" in answer.page
    return False if "<int>403</int>" in answer.page else None


def diagnose(answers: Answers, user: str, secret: str) -> Finding | None:
    """The first thing that keeps `user` from publishing, whose password is in `secret`; None where
    nothing does.
    """
    return (
        None
        if answers.is_known
        else _compared(answers, user, secret) or diagnosis.finding(answers.me, secret)
    )


def _compared(answers: Answers, user: str, secret: str) -> Finding | None:
    """The cause that shows where answers are put beside each other."""
    return (
        None
        if answers.is_known
        else _elsewhere(answers) or _unknown(answers, user, secret) or _absent(answers)
    )


def _elsewhere(answers: Answers) -> Finding | None:
    """Where the API is, if not where we ask. A page that a firewall shows everywhere
    does not say.
    """
    for answer in (answers.root, answers.home):
        address = (
            diagnosis.api_address(answer)
            if answer and (_is_well(answer) or answer.is_page)
            else None
        )
        if address and (place := diagnosis.elsewhere(answers.me.base, address)):
            return place
    return None


def _unknown(answers: Answers, user: str, secret: str) -> Finding | None:
    """An account that WordPress does not take, though its API answers."""
    if not answers.is_guest:
        return None
    if fault := _passwords(answers.index, user):
        return fault
    renew = f"make a new application password of {user} in their profile, and put it into {secret}"
    if answers.login:
        what = (
            f"the Authorization header is stripped on its way: the password of {user} is "
            "right, and does not arrive"
        )
        return Finding(what=what, ok=False, mend=f"let the web server hand it on to PHP: {HEADER}")
    if answers.login is False:
        mend = (
            f"{renew}; the user is the login, and no plugin may forbid application passwords to it"
        )
        return Finding(
            what=f"WordPress does not take the user {user} with this password", ok=False, mend=mend
        )
    if answers.me.code == "rest_not_logged_in" or _is_index(answers.index):
        what = (
            f"the password of {user} is wrong, or the Authorization header is stripped "
            f"({answers.me.code})"
        )
        return Finding(what=what, ok=False, mend=f"{renew}; if that changes nothing: {HEADER}")
    return None


def _absent(answers: Answers) -> Finding | None:
    """No API where it should be, though the site is shown to us."""
    me, home = answers.me, answers.home
    if me.code == "rest_no_route":
        return Finding(
            what="the REST API is switched off: it knows none of its addresses",
            ok=False,
            mend=SWITCHED_OFF,
        )
    if not me.is_page or me.status not in (403, 404, 410) or diagnosis.firewall(me) or home is None:
        return None
    if me.status != 403 and _is_index(answers.root):
        mend = (
            "save Settings → Permalinks once more; for nginx: try_files $uri $uri/ "
            "/index.php?$args;"
        )
        return Finding(
            what=f"the web server does not hand {INDEX} on to WordPress", ok=False, mend=mend
        )
    folder = _folder(me, home)
    if folder is not None and folder != urlsplit(me.base).path.rstrip("/"):
        url = "{0.scheme}://{0.netloc}".format(urlsplit(me.base)) + folder
        return Finding(what=f"WordPress is at {url}", ok=False, mend=diagnosis.named(url))
    if folder is None and me.status != 403:
        mend = (
            "name WordPress's own address as url in publish of the site, with the folder "
            "where it has one"
        )
        return Finding(
            what=f"there is no WordPress at {me.base} ({me.status})", ok=False, mend=mend
        )
    if home.status != 200:
        return None
    reply = f"{me.status}: “{me.said}”"
    return Finding(
        what=f"the REST API at {me.base}{INDEX} is switched off ({reply})",
        ok=False,
        mend=SWITCHED_OFF,
    )


def _folder(me: Answer, home: Answer) -> str | None:
    """The path at which a WordPress lies, by the files of its pages; None where none shows."""
    for page in (me.page, home.page):
        if match := _FOLDER.search(page[: diagnosis.LOOKED]):
            return match[1] or ""
    return None


def _is_well(answer: Answer) -> bool:
    return answer.status == 200 and answer.clean


def _is_list(answer: Answer | None) -> bool:
    return answer is not None and _is_well(answer) and isinstance(answer.data, list)


def _is_forbidden(answer: Answer | None) -> bool:
    """Whether the API works and shows us no drafts."""
    return answer is not None and answer.status == 400 and answer.code == "rest_invalid_param"


def _is_index(answer: Answer | None) -> bool:
    return (
        answer is not None
        and _is_well(answer)
        and isinstance(answer.data, dict)
        and "namespaces" in answer.data
    )


async def _account(
    remote: CmsClient, site: Site, cms: settings.WordPress, answers: Answers
) -> list[Finding]:
    """What keeps the account from publishing, or else its rights."""
    if fault := diagnose(answers, cms.user, settings.secret_name(site)):
        return [fault]
    if answers.is_told:
        account, rights = f"the account {cms.user} is known", _capabilities(answers.me)
        roles = answers.me.data.get("roles") or []
        account += f"; role: {', '.join(roles)}" if roles else ""
    else:
        account = (
            f"the account {cms.user} is known, though a plugin keeps the addresses of users from it"
        )
        media = await remote.look("GET", f"{API}/media", params={"per_page": 1})
        rights = {"publish": _may_publish(answers.posts), "upload pictures": _may_create(media)}
    findings = [Finding(what=account, ok=True)]
    for what, may in rights.items():
        mend = f"give {cms.user} the role of an author or an editor" if may is False else ""
        known = f"it may {what}" if may is not None else f"whether it may {what} is not told"
        findings.append(Finding(what=known, ok=may is not False, mend=mend))
    return [*findings, *await _category(remote, cms)]


def _capabilities(me: Answer) -> dict[str, bool | None]:
    can = me.data.get("capabilities") or {}
    return {
        "publish": bool(can.get("publish_posts")),
        "upload pictures": bool(can.get("upload_files")),
    }


def _may_publish(posts: Answer | None) -> bool | None:
    """Whether the first post may be published by us, of whom a post says that; None where there is
    no post.
    """
    links = (
        posts.data[0].get("_links")
        if posts and posts.data and isinstance(posts.data[0], dict)
        else None
    )
    return any(name.endswith("action-publish") for name in links) if links else None


def _may_create(answer: Answer) -> bool | None:
    """Whether WordPress would let us add one, by the header in which it says that."""
    allow = answer.headers.get("Allow")
    return "POST" in allow if _is_well(answer) and allow else None


async def _category(remote: CmsClient, cms: settings.WordPress) -> list[Finding]:
    """Whether the category is there, or would be made. WordPress keeps & as &amp;, so one word of
    it is looked for.
    """
    if cms.category is None:
        return []
    word = max(re.findall(r"\w+", cms.category), key=len, default=cms.category)
    params = {"search": word, "per_page": PER_PAGE, "_fields": "name"}
    answer = await remote.look("GET", f"{API}/categories", params=params)
    if not _is_list(answer):
        return []
    names = [html.unescape(str(term.get("name"))).casefold() for term in answer.data]
    if cms.category.casefold() in names:
        return [Finding(what=f"the category “{cms.category}” is there", ok=True)]
    if _may_create(answer) is not False:
        return [
            Finding(what=f"the category “{cms.category}” is not there, and will be made", ok=True)
        ]
    mend = f"make the category by hand, name another one, or give {cms.user} the role of an editor"
    what = f"the category “{cms.category}” is not there, and {cms.user} may not make it"
    return [Finding(what=what, ok=False, mend=mend)]


async def _beyond(
    remote: CmsClient, cms: settings.WordPress, all_findings: list[Finding]
) -> list[Finding]:
    index = await remote.look("GET", INDEX)
    findings = [one.model_copy(update={"ok": True}) for one in [diagnosis.noise(index)] if one]
    if any(one.ok and one.what == "it may upload pictures" for one in all_findings):
        findings += await _upload(remote)
    if not _is_index(index):
        return [
            *findings,
            Finding(what=f"{INDEX} is kept from us, so that SEO fields are not told of", ok=True),
        ]
    findings += [
        Finding(what="the REST API answers", ok=True),
        *_guests(await remote.look("GET", INDEX, guest=True)),
    ]
    findings += [
        _passwords(index, cms.user) or Finding(what="application passwords are allowed", ok=True)
    ]
    findings += [Finding(what="permalinks are readable", ok=True)]
    routes = await remote.look("GET", API)
    return [*findings, *(_seo(index.data, routes.data) if _is_well(routes) else ()), *_clock(index)]


def _guests(index: Answer) -> list[Finding]:
    if _is_index(index):
        return []
    return [Finding(what="the REST API is closed to guests, which is no hindrance", ok=True)]


async def _upload(remote: CmsClient) -> list[Finding]:
    """Whether a picture arrives. Without a name WordPress takes none, so that nothing is kept."""
    try:
        headers = {"Content-Type": "image/png"}
        answer = await remote.look(
            "POST", f"{API}/media", content=bytes(PICTURE_BYTES), headers=headers
        )
    except NotAnswered as error:
        return [not_well("an upload", error, "")]
    megabytes = f"{PICTURE_BYTES / 1e6:g} MB"
    if answer.code == "rest_upload_no_content_disposition":
        return [Finding(what=f"a picture of {megabytes} arrives", ok=True)]
    fault = diagnosis.of(answer)
    what = f"a picture of {megabytes} does not arrive: {fault and fault.what} ({answer.status})"
    return [fault.model_copy(update={"what": what})] if fault else []


def _passwords(index: Answer | None, user: str) -> Finding | None:
    if (
        index is None
        or not _is_index(index)
        or "application-passwords" in (index.data.get("authentication") or {})
    ):
        return None
    mend = (
        f"use https, and allow application passwords, to {user} at least, in the security "
        "plugin that forbids them"
    )
    return Finding(what="application passwords are not allowed", ok=False, mend=mend)


def _seo(index: dict[str, Any], routes: dict[str, Any]) -> Iterator[Finding]:
    """Which fields of SEO plugins can be written. Where none can, readers' search engines take
    title and excerpt.
    """
    ends = routes["routes"][f"{API.removeprefix('/wp-json')}/posts"]["endpoints"]
    meta = next((end["args"].get("meta") or {} for end in ends if "POST" in end["methods"]), {})
    registered = meta.get("properties") or {}
    installed = {part.split("/")[0] for part in index["namespaces"]}
    plugins = [
        one
        for one in PLUGINS
        if one.routes in installed or registered.keys() & {one.title, one.description}
    ]
    for plugin in plugins:
        fields = {"title": plugin.title, "description": plugin.description}
        can = [what for what, key in fields.items() if key in registered]
        cannot = {what: key for what, key in fields.items() if what not in can}
        what = f"of {plugin.name} can be written by REST: {' and '.join(can) or 'nothing'}"
        mend = (
            f"register {' and '.join(cannot.values())} with show_in_rest and an "
            "auth_callback, or let its template for "
            f"the {' and the '.join(cannot)} take the post's own title and excerpt, "
            "which are written"
        )
        yield Finding(what=what, ok=True, mend=mend if cannot else "")
    if not plugins:
        yield Finding(
            what="no SEO plugin that we know: its title and excerpt are what search engines take",
            ok=True,
        )
    yield _structured_data(STRUCTURED_DATA in registered, any(one.article for one in plugins))


def _structured_data(ours: bool, other: bool) -> Finding:
    """Who prints the structured data of articles: our own plugin, or an SEO plugin, which knows no
    questions.
    """
    if ours:
        return Finding(what="structured data of articles is printed by contentstudio.php", ok=True)
    mend = (
        "copy deploy/wordpress/contentstudio.php into wp-content/mu-plugins; an article has "
        "it with its next version"
    )
    if other:
        what = (
            "structured data of articles is printed by the SEO plugin, without questions and "
            "answers"
        )
    else:
        what = (
            "no structured data (JSON-LD) of articles is printed: search engines see no "
            "dates, author or answers"
        )
    return Finding(what=what, ok=True, mend=mend)


def _clock(answer: Answer) -> Iterator[Finding]:
    date = answer.headers.get("Date")
    if date is None:
        return
    first = date.partition(" GMT")[0]  # a proxy may have added its own
    off = (parsedate_to_datetime(first).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    ok = abs(off) < CLOCK_SECONDS
    mend = (
        "set the clock of the server, or of this machine, by NTP: a scheduled article comes "
        "at the wrong time"
    )
    yield Finding(what=f"its clock is {abs(off):.0f} s off ours", ok=ok, mend="" if ok else mend)
