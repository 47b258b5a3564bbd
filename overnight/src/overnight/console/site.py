"""The console as one Starlette app: pages, buttons, the live stream and the assets, behind one
guard.

A page is an address, a template and a function that reads; a button is a command of
`overnight.operations` behind a form. Pages work without JavaScript; htmx replaces their content
when the ledger has changed.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overnight.console import actions, api, audit, metrics, pages, search, signin, slack
from overnight.console.access import (
    COOKIE,
    Access,
    Denied,
    Visitor,
    check_form,
    check_origin,
    log_out,
    new_cookie,
    with_cookie,
)
from overnight.console.extension import Console, Context, Page, SeeOther, Values
from overnight.console.live import Live
from overnight.console.templates import NOTHING_OWN, Templates, badges
from overnight.errors import LedgerUnavailable, Permanent, TooSlow, UserError
from overnight.logs import log
from overnight.standard import App
from overnight.store.database import Database

HERE = Path(__file__).parent
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
# for those who are not logged in; what Slack sends is signed
OPEN_PATHS = ("/login", "/oidc/", "/slack", "/static/", "/health")
PROGRAMS_PATHS = (
    "/api/",
    "/metrics",
)  # for programs, which are told in JSON what is wrong, and never to log in


# What a page says instead of the error's own text.
TEXTS: Mapping[type[Exception], str] = {
    LedgerUnavailable: "the database does not answer at this moment; this page comes back by "
    "itself when it does",
    TooSlow: "{error}; narrow the filter or the time, or load it again later",
}
PREVIEW_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


def build(
    app: App,
    database: Database,
    access: Access,
    *,
    own: Console = NOTHING_OWN,
    secure: bool = False,
) -> Starlette:
    """The site, with what the app adds. `secure`: it is reached by https, so that its cookie may go
    nowhere else.
    """
    site = Site(app, database, access, own, secure=secure)
    return Starlette(
        routes=site.routes(),
        middleware=[Middleware(Guard, access=access, database=database, secure=secure)],
        exception_handlers={
            **dict.fromkeys((Denied, HTTPException, *api.REFUSED), site.refused),
            Exception: site.failed,
        },
    )


class Site:
    """The handlers of the pages, the buttons, the login and the live stream."""

    def __init__(
        self, app: App, database: Database, access: Access, own: Console, *, secure: bool
    ) -> None:
        self.app, self.database, self.access, self.secure = app, database, access, secure
        self.context = Context(app, database, own)
        self.live = Live(database)
        replaced = {page.path for page in own.pages}
        kept = (page for page in (*pages.PAGES, audit.PAGE) if page.path not in replaced)
        self.pages = (*own.pages, *kept, Page("/search", "search.html", self._search))
        self.templates = Templates(app, [HERE / "templates", *own.templates], own)

    def routes(self) -> list[Route | Mount]:
        own_static = self.context.own.static
        return [
            *(Route(page.path, partial(self.show, page)) for page in self.pages),
            Route("/login", self.log_in, methods=["GET", "POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
            Route("/do/{verb}", self.act, methods=["POST"]),
            Route("/fragment/{name}", self.fragment, methods=["POST"]),
            Route("/review/{job}/preview", self.preview),
            Route("/live", self.stream),
            Route("/health", self.health),
            Route("/metrics", self.metrics),
            *self._routes_of_others(),
            Mount("/api", api.build(self.context)),
            *([Mount("/static/app", StaticFiles(directory=own_static))] if own_static else []),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    def _routes_of_others(self) -> list[Route]:
        """What a provider of sign-ins and Slack call, where they are configured."""
        provider, app = self.access.oidc, self.access.slack
        refused, secure = self._not_logged_in, self.secure
        of_provider = (
            signin.routes(provider, self.database, _inside, refused, secure=secure)
            if provider
            else []
        )
        of_slack = (
            [Route("/slack", partial(slack.receive, self.context, app), methods=["POST"])]
            if app
            else []
        )
        return [*of_provider, *of_slack]

    def _page(
        self,
        template: str,
        request: Request,
        data: dict[str, Any],
        status: int = 200,
        page: Page | None = None,
        waiting: Mapping[str, int] | None = None,
    ) -> Response:
        return self.templates.page(template, request, page, self.pages, data, status, waiting)

    async def _search(self, context: Context, values: Values) -> dict[str, Any]:
        return await search.page(context, values, [each for each in self.pages if each.title])

    async def show(self, page: Page, request: Request) -> Response:
        try:
            data = await page.read(self.context, {**request.query_params, **request.path_params})
        except SeeOther as other:
            return _see(other)
        return await self._framed(page, request, data)

    async def _framed(self, page: Page, request: Request, data: dict[str, Any]) -> Response:
        waiting = await badges(self.context)
        return self._page(page.template, request, data, page=page, waiting=waiting)

    async def fragment(self, request: Request) -> Response:
        """Answer a form with what it shows. What is wrong with what somebody wrote is told there,
        beside it.
        """
        form = await read_checked(request)
        name, visitor = request.path_params["name"], request.state.visitor
        fragment = self.context.own.fragments.get(name)
        if fragment is None:
            raise HTTPException(404, "there is no such form")
        actions.require(visitor, fragment.role, name)
        try:
            data = await fragment.read(self.context, form, visitor.who)
        except SeeOther as other:
            return _see(other)
        page = next((each for each in self.pages if each.template == fragment.template), None)
        if page is None:  # a part of one
            return self._page(fragment.template, request, data)
        return await self._framed(page, request, data)

    async def preview(self, request: Request) -> Response:
        """What waits for review as a page of its own, which may do nothing: no script, no form, no
        request.
        """
        html = await pages.preview(self.context, request.path_params["job"])
        return HTMLResponse(html, headers={"content-security-policy": PREVIEW_POLICY})

    async def act(self, request: Request) -> Response:
        """Do what a button says, and go back to where it was pressed, with one sentence on what
        was done.
        """
        form = await read_checked(request)
        name, visitor = request.path_params["verb"], request.state.visitor
        action = actions.permitted(self.context, name, visitor)
        try:
            command = await actions.read_form(self.context, action, form)
            done = await actions.carry_out(self.context, action, command)
            notice = {"done": actions.sentence(done)}
        except (UserError, Permanent) as error:
            notice = {"refused": str(error)}
        return RedirectResponse(_with_notice(_inside(form.get("back", "/")), notice), 303)

    async def log_in(self, request: Request) -> Response:
        if self.access.is_open:
            return RedirectResponse("/", 303)
        if request.method == "GET":
            return self._login_page(request, request.query_params.get("next", "/"))
        check_origin(request)
        form = await read_form(request)
        next_path = form.get("next", "/")
        address = request.client.host if request.client else ""
        try:
            cookie = await self.access.log_in(self.database, address, form.get("password", ""))
        except Denied as denied:
            return self._login_page(request, next_path, denied.status, str(denied))
        return with_cookie(RedirectResponse(_inside(next_path), 303), cookie, self.secure)

    def _login_page(
        self, request: Request, next_path: str, status: int = 200, error: str | None = None
    ) -> Response:
        """The ways in that there are: a password, a provider or both."""
        provider = self.access.oidc
        ways = {
            "passwords": bool(self.access.passwords),
            "provider": provider.host if provider else None,
        }
        data = {"next": next_path, **ways, **({"error": error} if error else {})}
        return self._page("login.html", request, data, status)

    def _not_logged_in(self, request: Request, status: int, error: str) -> Response:
        return self._login_page(request, "/", status, error)

    async def log_out(self, request: Request) -> Response:
        await read_checked(request)
        await log_out(self.database, request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    async def stream(self, _: Request) -> Response:
        headers = {"x-accel-buffering": "no"}
        return StreamingResponse(
            self.live.events(), media_type="text/event-stream", headers=headers
        )

    async def health(self, _: Request) -> Response:
        await self.database.fetch("select 1")
        return PlainTextResponse("ok")

    async def metrics(self, _: Request) -> Response:
        text = await metrics.exposition(self.app, self.database)
        return Response(text, media_type=metrics.CONTENT_TYPE)

    async def refused(self, request: Request, error: Exception) -> Response:
        """What a person is told of an error that is no fault of ours."""
        if isinstance(error, LedgerUnavailable):
            await self.database.bring_back()
        if isinstance(error, TooSlow):
            log.warning("console too slow", path=request.url.path, error=str(error))
        status, text = api.status_of(error)
        template = next((TEXTS[kind] for kind in TEXTS if isinstance(error, kind)), "{error}")
        text = template.format(error=text)
        return self._page("error.html", request, {"error": text, "status": status}, status)

    async def failed(self, request: Request, error: Exception) -> Response:
        detail = "".join(traceback.format_exception(error))
        log.error("console failed", path=request.url.path, detail=detail)
        text = f"a fault of ours, {type(error).__name__}; the log says more"
        return self._page("error.html", request, {"error": text, "status": 500}, 500)


def _see(other: SeeOther) -> Response:
    """Lead to another page. What is quoted in its path is so already."""
    return RedirectResponse(quote(other.path, safe="/%?&=+"), 303)


def _with_notice(back: str, notice: Mapping[str, str]) -> str:
    """The address of a page with what it shows above it, instead of what it showed before."""
    path, _, query = back.partition("?")
    rest = [(name, value) for name, value in parse_qsl(query) if name not in ("done", "refused")]
    parts = [(name, text[:500]) for name, text in notice.items()]
    return f"{path}?{urlencode([*rest, *parts])}"


class Guard:
    """Before anything else: is the name ours, who asks, and may they? After it: the headers of
    every answer.
    """

    def __init__(self, app: ASGIApp, access: Access, database: Database, secure: bool) -> None:
        self.app, self.access, self.database, self.secure = app, access, database, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        fresh: str | None = None

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(
                    message, fresh, self.secure, static=scope["path"].startswith("/static/")
                )
            await send(message)

        try:
            _check_nul(scope)
            self.access.check_name(request)
            visitor = await self.access.visitor(self.database, request)
            if visitor is None and self.access.is_open:
                fresh = new_cookie()
                request.cookies[COOKIE] = fresh
                visitor = await self.access.visitor(self.database, request)
        except Denied as denied:
            await _refusal(scope, denied.status, str(denied))(scope, receive, send_guarded)
            return
        except LedgerUnavailable:
            await self.database.bring_back()
            text = "the database does not answer at this moment: try again"
            await _refusal(scope, 503, text)(scope, receive, send_guarded)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        if visitor is None and scope["path"].startswith(PROGRAMS_PATHS):
            await _refusal(scope, 401, "a token is needed: token add NAME makes one")(
                scope, receive, send_guarded
            )
            return
        if visitor is None and not scope["path"].startswith(OPEN_PATHS):
            await RedirectResponse(f"/login?next={quote(scope['path'])}", 303)(
                scope, receive, send_guarded
            )
            return
        await self.app(scope, receive, send_guarded)


def _check_nul(scope: Scope) -> None:
    """Postgres stores no NUL character, so that nothing of that name can be here.
    Raises `Denied`.
    """
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Denied(400, "the address holds a NUL character")


def _refusal(scope: Scope, status: int, text: str) -> Response:
    """What is said before a page is asked for."""
    if scope["path"].startswith(PROGRAMS_PATHS):
        return api.refusal(status, text)
    return PlainTextResponse(text, status, {"retry-after": "3"} if status == 503 else None)


def _add_headers(message: Message, cookie: str | None, secure: bool, *, static: bool) -> None:
    names = {name for name, _ in message["headers"]}
    headers = {**SECURITY_HEADERS, **({"cache-control": "max-age=3600"} if static else {})}
    message["headers"] += [
        (n.encode(), v.encode()) for n, v in headers.items() if n.encode() not in names
    ]
    if cookie is not None:
        answer = with_cookie(Response(), cookie, secure)
        message["headers"] += [
            (name, value) for name, value in answer.raw_headers if name == b"set-cookie"
        ]


async def read_checked(request: Request) -> dict[str, str]:
    """A form that was made by a page of who sends it. Raises `Denied`.

    What they may do is not said here: `actions.permitted` knows.
    """
    check_origin(request)
    visitor: Visitor = request.state.visitor
    form = await read_form(request)
    check_form(visitor, form.pop("csrf", ""))
    return form


async def read_form(request: Request) -> dict[str, str]:
    """A plain form of limited size."""
    text = (await api.read_body(request)).decode("utf-8", "replace")
    try:
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1_000))
    except ValueError:
        raise HTTPException(400, "the form has more than 1,000 fields") from None
    if any("\0" in name + value for name, value in form.items()):
        raise HTTPException(400, "the form holds a NUL character")
    return form


def _inside(path: str) -> str:
    """A path of this site, whatever a form says: nobody is sent elsewhere."""
    return (
        path
        if path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path
        else "/"
    )
