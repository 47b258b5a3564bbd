"""The two pages of a sign-in elsewhere: one sends the browser there, the other takes it back."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from overnight.console.access import Denied, with_cookie
from overnight.console.oidc import CALLBACK, COOKIE, SIGNIN_SECONDS, START, Provider
from overnight.errors import ConfigError
from overnight.store.database import Database

PATH = "/oidc"  # the cookie goes nowhere else
# The next page is asked for by this one. After a redirect from the provider's site a browser would
# not send the cookie of the session, which is for requests of this site alone.
GO_ON = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed in</title>'
    '<meta http-equiv="refresh" content="0; url={path}"><p><a href="{path}">Go on</a></p></html>'
)

Refused = Callable[[Request, int, str], Response]


def routes(
    provider: Provider,
    database: Database,
    inside: Callable[[str], str],
    refused: Refused,
    *,
    secure: bool,
) -> list[Route]:
    """`inside` makes a path of this site of any text, and `refused` is the page of a refusal.
    `secure`: the console is reached by https.
    """

    def callback(request: Request) -> str:
        scheme = "https" if secure else request.url.scheme
        return f"{scheme}://{request.headers.get('host', '')}{CALLBACK}"

    async def start(request: Request) -> Response:
        next_path = inside(request.query_params.get("next", "/"))
        try:
            begun = await provider.begin(database, callback(request), next_path)
        except (Denied, ConfigError) as error:
            return refused(request, _status(error), str(error))
        answer = RedirectResponse(begun.url, 303)
        answer.set_cookie(
            COOKIE,
            begun.cookie,
            max_age=SIGNIN_SECONDS,
            path=PATH,
            httponly=True,
            samesite="lax",  # it must come back from the provider's site
            secure=secure,
        )
        return answer

    async def end(request: Request) -> Response:
        cookie = request.cookies.get(COOKIE, "")
        try:
            ended = await provider.end(database, callback(request), request.query_params, cookie)
        except (Denied, ConfigError) as error:
            answer = refused(request, _status(error), str(error))
        else:
            page = GO_ON.format(path=escape(ended.next_path))
            answer = with_cookie(HTMLResponse(page), ended.session, secure)
        answer.delete_cookie(COOKIE, path=PATH)
        return answer

    return [Route(START, start), Route(CALLBACK, end)]


def _status(error: Exception) -> int:
    return error.status if isinstance(error, Denied) else 502
