"""What a look at a WordPress tells beyond its rights: whether its REST API, its addresses and its clock are fit for us.

A password that is wrong and one that the web server takes away look the same from outside (seen on a real 6.1), so one
finding says both mends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.publish.port import Finding
from contentstudio.publish.remote import Answer, NotAnswered, Remote
from contentstudio.publish.seo_fields import PLUGINS, STRUCTURED_DATA
from contentstudio.publish.wordpress import API
from overnight.errors import Permanent, Transient

REFUSED = (301, 302, 401, 403, 404)
CLOCK_SECONDS = 60.0  # WordPress takes a date that is nearer than this for now, and one beyond it for a schedule
HEADER = (
    'or the web server takes the Authorization header away. For Apache: SetEnvIf Authorization "(.*)" '
    "HTTP_AUTHORIZATION=$1; for nginx with FastCGI: fastcgi_param HTTP_AUTHORIZATION $http_authorization;"
)
PLAIN = Finding(
    what="permalinks are plain",
    ok=False,
    mend="choose “Post name” in Settings → Permalinks: an address with ?p= has no slug, and the API has no address",
)


async def examine(site: Site, cms: settings.WordPress) -> list[Finding]:
    """The REST API, passwords, permalinks, SEO fields and the clock. Changes nothing; raises `ConfigError`."""
    async with Remote(cms.url or site.url, cms, (cms.user, settings.secret(site))) as remote:
        try:
            if await _has_plain_permalinks(remote):
                return [PLAIN]
            index = await remote.ask("GET", "/wp-json/", allow=REFUSED)
            if not _is_index(index):
                return [_switched_off(remote.base, index)]
            found = [Finding(what="the REST API answers", ok=True), _passwords(index.data)]
            found += [Finding(what="permalinks are readable", ok=True)]
            me = await remote.ask("GET", f"{API}/users/me", params={"context": "edit"}, allow=(401, 403))
            found += [_header(cms.user, me)]
            routes = await remote.ask("GET", API)
            return [*found, *_seo(index.data, routes.data), *_clock(index)]
        except (Permanent, Transient) as error:
            mend = "open that address in a browser: it should show JSON; a firewall or a plugin may stand before it"
            return [Finding(what=f"the REST API: {error}", ok=False, mend=mend)]


async def _has_plain_permalinks(remote: Remote) -> bool:
    """The API says its own address, which has a question mark then; no other address of it can be relied on."""
    try:
        index = await remote.ask("GET", "/", params={"rest_route": "/"}, allow=REFUSED)
    except NotAnswered:  # an answer that is no JSON is not WordPress's
        return False
    return _is_index(index) and "rest_route" in str(index.data["routes"]["/"]["_links"]["self"][0]["href"])


def _is_index(answer: Answer) -> bool:
    return answer.status == 200 and isinstance(answer.data, dict) and "namespaces" in answer.data


def _switched_off(base: str, index: Answer) -> Finding:
    mend = "let the plugin that switches the REST API off spare signed-in users, or take it away"
    return Finding(what=f"the REST API at {base}/wp-json/ is switched off ({index.status})", ok=False, mend=mend)


def _passwords(index: dict[str, Any]) -> Finding:
    ok = "application-passwords" in (index.get("authentication") or {})
    mend = "use https, and allow application passwords in the security plugin that forbids them"
    return Finding(what=f"application passwords are {'' if ok else 'not '}allowed", ok=ok, mend="" if ok else mend)


def _header(user: str, me: Answer) -> Finding:
    if me.status == 200:
        return Finding(what=f"the password of {user} arrives; role: {', '.join(me.data.get('roles', []))}", ok=True)
    mend = f"make a new application password of {user}; if that changes nothing, {HEADER}"
    told = "the password is wrong, or the Authorization header is stripped"
    return Finding(what=f"{told} ({me.status} {me.code})", ok=False, mend=mend)


def _seo(index: dict[str, Any], routes: dict[str, Any]) -> Iterator[Finding]:
    """Which fields of SEO plugins can be written. Where none can, readers' search engines take title and excerpt."""
    ends = routes["routes"][f"{API.removeprefix('/wp-json')}/posts"]["endpoints"]
    meta = next((end["args"].get("meta") or {} for end in ends if "POST" in end["methods"]), {})
    registered = meta.get("properties") or {}
    installed = {part.split("/")[0] for part in index["namespaces"]}
    known = [one for one in PLUGINS if one.routes in installed or registered.keys() & {one.title, one.description}]
    for plugin in known:
        fields = {"title": plugin.title, "description": plugin.description}
        can = [what for what, key in fields.items() if key in registered]
        cannot = {what: key for what, key in fields.items() if what not in can}
        told = f"of {plugin.name} can be written by REST: {' and '.join(can) or 'nothing'}"
        mend = (
            f"register {' and '.join(cannot.values())} with show_in_rest and an auth_callback, or let its template for "
            f"the {' and the '.join(cannot)} take the post's own title and excerpt, which are written"
        )
        yield Finding(what=told, ok=True, mend=mend if cannot else "")
    if not known:
        yield Finding(what="no SEO plugin that we know: its title and excerpt are what search engines take", ok=True)
    yield _structured_data(STRUCTURED_DATA in registered, any(one.article for one in known))


def _structured_data(ours: bool, other: bool) -> Finding:
    """Who prints the structured data of articles: our own plugin, or an SEO plugin, which knows no questions."""
    if ours:
        return Finding(what="structured data of articles is printed by contentstudio.php", ok=True)
    mend = "copy deploy/wordpress/contentstudio.php into wp-content/mu-plugins; an article has it with its next version"
    if other:
        told = "structured data of articles is printed by the SEO plugin, without questions and answers"
    else:
        told = "no structured data (JSON-LD) of articles is printed: search engines see no dates, author or answers"
    return Finding(what=told, ok=True, mend=mend)


def _clock(answer: Answer) -> Iterator[Finding]:
    told = answer.headers.get("Date")
    if told is None:
        return
    first = told.partition(" GMT")[0]  # a proxy may have added its own
    off = (parsedate_to_datetime(first).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    ok = abs(off) < CLOCK_SECONDS
    mend = "set the clock of the server, or of this machine, by NTP: a scheduled article comes at the wrong time"
    yield Finding(what=f"its clock is {abs(off):.0f} s off ours", ok=ok, mend="" if ok else mend)
