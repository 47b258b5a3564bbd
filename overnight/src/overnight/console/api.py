"""The console for programs: what the pages read and what the buttons do, as JSON under /api.

One table says what there is to read and one what can be done; routes and the OpenAPI document are
both made of them.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from overnight import formatting
from overnight.console import actions, search
from overnight.console.access import Denied, Visitor, check_form, check_origin
from overnight.console.extension import Context
from overnight.errors import (
    IdConflict,
    IllegalTransition,
    InvalidPayload,
    LedgerUnavailable,
    NotFound,
    Refused,
    TooSlow,
    UserError,
)
from overnight.llm import budgets
from overnight.logs import log
from overnight.observability import charts
from overnight.observability.signals import Tally
from overnight.operations import failures, incidents, queries, runs, scopes
from overnight.operations.actors import Role
from overnight.operations.commands import OPERATIONS, Matching, Text
from overnight.store.database import Row
from overnight.store.records import Status
from overnight.titles import titles_of, with_titles

BODY_LIMIT = 4_000_000  # bytes of a request, which may hold a whole edited payload
CSRF = "x-csrf-token"  # the header in which a session carries what its forms carry
MAX_ROWS = 500  # of one answer
MAX_HOURS = 24 * 366  # that a chart looks back
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARK = r"^[0-9]{1,16}-[0-9]{1,18}$"  # a place in a list: microseconds since 1970, and an id

Schema = dict[str, Any]
Flag = Literal["true", "false"]

# What is refused, and the status that says so. Of an error's classes the nearest counts.
REFUSED: Mapping[type[Exception], int] = {
    UserError: 400,
    NotFound: 404,
    IllegalTransition: 409,
    IdConflict: 409,
    InvalidPayload: 422,
    Refused: 422,
    TooSlow: 503,
    LedgerUnavailable: 503,
}
MEANINGS: Mapping[int, str] = {
    200: "what was asked for",
    400: "it cannot be done as asked, or is not JSON, or holds a NUL character",
    401: "without a session or a token that is known",
    403: "the role of who asks does not allow it, or the request came from another site",
    404: "there is no such thing",
    409: "it is not in a state in which this can be done: look again",
    413: f"the body is over {BODY_LIMIT:,} bytes",
    422: "a parameter is unknown, out of its limits, or does not fit the step",
    503: "the database does not answer, or not in time: try again, or ask for less",
}


class Nothing(BaseModel):
    """No parameters, and the base of those that there are: what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Limited(Nothing):
    limit: int = Field(queries.LIMIT, ge=1, le=MAX_ROWS, description="rows at most")


class OfJob(Nothing):
    job: Text = Field(description="the job's id, or the first digits of it")


class Runs(Limited):
    status: Status | None = None
    pipeline: Text | None = None
    key: Text | None = None
    before: int | None = Field(None, ge=1, lt=2**63, description="`next` of the page before")


class Letters(Limited, Matching):
    before: str | None = Field(None, pattern=MARK, description="`next` of the page before")


class Failures(Nothing, Matching):
    before: str | None = Field(None, pattern=MARK, description="`next` of the page before")


class Reviews(Limited):
    before: str | None = Field(None, pattern=MARK, description="`next` of the page before")


class Effects(Limited):
    open: Flag = Field("false", description="those alone whose outcome nobody knows")
    before: str | None = Field(
        None, pattern=r"^(intended|done)-[0-9]{1,18}$", description="`next` of the page before"
    )


class Calls(Limited):
    job: Text | None = Field(None, description="the job's id, or the first digits of it")
    before: int | None = Field(None, ge=1, lt=2**63, description="`next` of the page before")


class Search(Nothing):
    q: Text = Field(description="a part of a title or name, or the first characters of a job's id")


class OfCall(Nothing):
    call: int = Field(ge=1, lt=2**63, description="the call's id")


class Alerts(Limited):
    all: Flag = Field("false", description="also those that are resolved")
    before: str | None = Field(
        None,
        pattern=r"^(open|resolved)-[0-9]{1,16}-[0-9]{1,18}$",
        description="`next` of the page before",
    )


class Audit(Limited):
    by: Text | None = Field(None, description="only what this person did")
    verb: Text | None = Field(None, description="only this action, such as `approve`")
    target: Text | None = Field(None, description="how what it was done to begins: a job, a scope")
    before: int | None = Field(None, ge=1, lt=2**63, description="`next` of the page before")


class Signal(Nothing):
    hours: int = Field(24, ge=1, le=MAX_HOURS, description="how long back")


class StepSignal(Signal):
    step: Text | None = Field(None, description="of one step alone, as PIPELINE/STEP")


class Cost(Signal):
    by: Literal["day", "key", "model"] = "day"


class Item(RootModel[dict[str, Any]]):
    """One object, with the names that its query gives."""


class Rows(BaseModel):
    """A whole list."""

    rows: list[dict[str, Any]]


class Page(Rows):
    """A part of a list."""

    next: int | str | None = Field(description="give it as `before`; null: there are no more")


class Result(BaseModel):
    """The result of an action; more fields say what it changed."""

    model_config = ConfigDict(extra="allow")
    done: str = Field(description="a sentence for a person")
    count: int = Field(0, description="of dead letters: with how many it was done, or would be")
    refused: Sequence[str] = Field(
        (), description="of dead letters: one sentence for each with which it could not be done"
    )


class Failure(BaseModel):
    """Why a request was refused."""

    error: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What can be read: where, how, and a sentence. The annotations of `read` are the models of its
    parameters and of its answer: they check and answer, and the document is made of them.
    """

    path: str
    read: Callable[[Context, Any], Awaitable[BaseModel]]
    says: str

    @property
    def takes(self) -> type[BaseModel]:
        return self._models()[0]

    @property
    def gives(self) -> type[BaseModel]:
        return self._models()[1]

    def _models(self) -> tuple[type[BaseModel], type[BaseModel]]:
        _, takes, gives = get_type_hints(self.read).values()
        return takes, gives


@dataclass(frozen=True, slots=True)
class Verb:
    """What can be done: a sentence, the body that it takes, and the role that it needs."""

    says: str
    takes: type[BaseModel]
    role: Role = "operate"


async def _status(context: Context, _: Nothing) -> Item:
    status = await queries.status(context.database, context.app)
    hinders = await incidents.of(status, context.database, context.app)
    return Item({**status, "incidents": [asdict(each) for each in hinders]})


async def _runs(context: Context, query: Runs) -> Page:
    rows = await queries.runs(context.database, **query.model_dump())
    return _page(rows, query.limit, lambda row: row["id"])


async def _jobs(context: Context, query: Runs) -> Page:
    rows = await queries.jobs(context.database, **query.model_dump())
    titled = await with_titles(context.app, context.database, rows)
    return _page(titled, query.limit, lambda row: row["id"])


async def _job(context: Context, query: OfJob) -> Item:
    job = await runs.find_job(context.database, query.job)
    steps = await queries.job(context.database, job)
    audit = await queries.actions(context.database, job)
    title = (await titles_of(context.app, context.database, [job])).get(job)
    return Item({"job_id": job, "title": title, "steps": steps, "actions": audit})


async def _dead(context: Context, query: Letters) -> Page:
    rows = await queries.dead(
        context.database, query.filter(), query.limit, before=_place(query.before)
    )
    return _page(rows, query.limit, lambda row: _mark(row["died_at"], row["id"]))


async def _failures(context: Context, query: Failures) -> Page:
    found = await failures.read(
        context.database, context.app, query.filter(), before=_place(query.before)
    )
    return Page(rows=found.groups, next=_mark(*found.next) if found.next else None)


async def _review(context: Context, query: Reviews) -> Page:
    rows = await queries.review(context.database, limit=query.limit, before=_place(query.before))
    return _page(rows, query.limit, lambda row: _mark(row["since"], row["id"]))


async def _review_item(context: Context, query: OfJob) -> Item:
    rows = await queries.review(context.database, query.job, 1)
    if not rows:
        raise NotFound(f"nothing of job {query.job} waits for review")
    return Item(rows[0])


async def _schedules(context: Context, _: Nothing) -> Rows:
    return Rows(rows=await queries.schedules(context.database, context.app))


async def _breakers(context: Context, _: Nothing) -> Rows:
    return Rows(rows=await queries.breakers(context.database, everything=True))


async def _switches(context: Context, _: Nothing) -> Rows:
    return Rows(rows=await queries.switches(context.database))


async def _switch_history(context: Context, query: Limited) -> Rows:
    return Rows(rows=await queries.switch_history(context.database, limit=query.limit))


async def _budgets(context: Context, _: Nothing) -> Rows:
    return Rows(rows=await budgets.read(context.database))


async def _effects(context: Context, query: Effects) -> Page:
    status, _, number = (query.before or "").partition("-")
    before = (status == "done", int(number)) if status else None
    rows = await queries.effects(
        context.database, open_only=query.open == "true", limit=query.limit, before=before
    )
    return _page(rows, query.limit, lambda row: f"{row['status']}-{row['id']}")


async def _calls(context: Context, query: Calls) -> Page:
    job = await runs.find_job(context.database, query.job) if query.job else None
    rows = await queries.calls(context.database, job, limit=query.limit, before=query.before)
    return _page(rows, query.limit, lambda row: row["id"])


async def _call(context: Context, query: OfCall) -> Item:
    return Item(await queries.call(context.database, query.call))


async def _search(context: Context, query: Search) -> Rows:
    return Rows(rows=[asdict(each) for each in await search.search(context, query.q)])


async def _audit(context: Context, query: Audit) -> Page:
    target = None if query.target is None else scopes.stored(query.target, context.app)
    rows = await queries.audit(context.database, **query.model_dump() | {"target": target})
    return _page(rows, query.limit, lambda row: row["id"])


async def _alerts(context: Context, query: Alerts) -> Page:
    state, _, mark = (query.before or "").partition("-")
    place = _place(mark or None)
    before = (state == "resolved", *place) if place else None
    rows = await queries.alerts(
        context.database, everything=query.all == "true", limit=query.limit, before=before
    )
    return _page(rows, query.limit, _alert_mark)


def _alert_mark(row: Row) -> str:
    return f"{'resolved' if row['resolved_at'] else 'open'}-{_mark(row['last_at'], row['id'])}"


async def _anomalies(context: Context, _: Nothing) -> Rows:
    return Rows(rows=[asdict(each) for each in await charts.anomalies(context.database)])


def _of_steps(
    view: Callable[[list[Tally]], Sequence[Any]],
) -> Callable[[Context, StepSignal], Awaitable[Rows]]:
    """A signal by step and span, as `report` tells it."""

    async def points(context: Context, query: StepSignal) -> Rows:
        since = await _since(context, query)
        tallies = await charts.tallies(context.database, since, step=query.step)
        return Rows(rows=list(view(tallies)))

    return points


async def _steps(context: Context, query: Signal) -> Rows:
    return Rows(
        rows=charts.steps(await charts.tallies(context.database, await _since(context, query)))
    )


async def _saturation(context: Context, query: Signal) -> Rows:
    return Rows(rows=await charts.saturation(context.database, await _since(context, query)))


async def _cost(context: Context, query: Cost) -> Rows:
    return Rows(rows=await charts.cost(context.database, await _since(context, query), by=query.by))


async def _since(context: Context, query: Signal) -> datetime:
    return await charts.ago(context.database, timedelta(hours=query.hours))


def _page(rows: list[Row], limit: int, mark: Callable[[Row], int | str]) -> Page:
    """A page of a list, and where the next one begins: after the last row, whatever is added
    meanwhile.
    """
    return Page(rows=rows, next=mark(rows[-1]) if len(rows) == limit else None)


def _mark(moment: datetime, number: int) -> str:
    """A place in a list that is in order of time."""
    return f"{(moment - EPOCH) // timedelta(microseconds=1)}-{number}"


def _place(mark: str | None) -> tuple[datetime, int] | None:
    if mark is None:
        return None
    moment, _, number = mark.partition("-")
    return EPOCH + timedelta(microseconds=int(moment)), int(number)


ENDPOINTS = (
    Endpoint(
        "/status", _status, "Is all well: incidents, runs, queue, workers, budgets, schedules."
    ),
    Endpoint("/jobs", _jobs, "The newest jobs that match, where each stands, and its steps."),
    Endpoint("/runs", _runs, "The newest runs that match."),
    Endpoint(
        "/jobs/{job}",
        _job,
        "All about a job: steps, attempts, external writes, model calls, audit log.",
    ),
    Endpoint("/dead", _dead, "Dead letters that match, with their context, newest first."),
    Endpoint("/failures", _failures, "Failed jobs by equal errors: one cause, one replay."),
    Endpoint("/review", _review, "What waits for a person, oldest first, each with its revision."),
    Endpoint("/review/{job}", _review_item, "One thing that waits, exactly as stored."),
    Endpoint("/schedules", _schedules, "Schedules: last and next slot, missed slots, advice."),
    Endpoint("/breakers", _breakers, "Circuit breakers of which something is known."),
    Endpoint("/switches", _switches, "Switches, those that are paused first."),
    Endpoint("/switches/history", _switch_history, "Who paused or resumed what, when and why."),
    Endpoint("/budgets", _budgets, "Budgets, with what is left of today's."),
    Endpoint("/effects", _effects, "External writes, those whose outcome is unknown first."),
    Endpoint("/calls", _calls, "Calls of models, the newest first."),
    Endpoint("/calls/{call}", _call, "One call: what was sent, what came back, what it cost."),
    Endpoint("/audit", _audit, "Who did what, to what, when and why, the newest first."),
    Endpoint("/alerts", _alerts, "Alerts, those that are open first."),
    Endpoint(
        "/search", _search, "What a text finds: of the app, keys, jobs by id; the best first."
    ),
    Endpoint("/anomalies", _anomalies, "What is unusual now, each with its sentence."),
    Endpoint("/signals/steps", _steps, "Each step over the whole time."),
    Endpoint("/signals/latency", _of_steps(charts.latency), "p50 and p95 by step and span."),
    Endpoint("/signals/traffic", _of_steps(charts.traffic), "What ended, by step and span."),
    Endpoint("/signals/errors", _of_steps(charts.errors), "What failed, by step and span."),
    Endpoint(
        "/signals/retries", _of_steps(charts.retries_to_success), "Failures before a success."
    ),
    Endpoint("/signals/saturation", _saturation, "What waited and who worked, by span."),
    Endpoint(
        "/signals/cost", _cost, "What calls of models cost a day: of all, or of each key or model."
    ),
)

VERBS: Mapping[str, Verb] = {
    name: Verb(inspect.cleandoc(command.__doc__ or ""), command, command.role)
    for name, command in OPERATIONS.items()
}


def build(context: Context) -> Starlette:
    """The API as an app of its own: whatever goes wrong in it is told as JSON."""
    verbs = {
        **VERBS,
        **{name: Verb(own.says, own.takes, own.role) for name, own in context.own.verbs.items()},
    }

    def reads(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        takes = endpoint.takes

        async def read(request: Request) -> Response:
            return _answer(await endpoint.read(context, _query(request, takes)))

        return read

    def does(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def do(request: Request) -> Response:
            visitor: Visitor = request.state.visitor
            _check_sender(request, visitor)
            action = actions.permitted(context, name, visitor)
            command = _body(await read_body(request), action.takes)
            done = await actions.carry_out(context, action, command)
            return _answer(Result(done=done.text, **done.data))

        return do

    async def openapi(_: Request) -> Response:
        return JSONResponse(document(verbs))

    async def refused(_: Request, error: Exception) -> Response:
        if isinstance(error, LedgerUnavailable):
            await context.database.bring_back()
        return refusal(*status_of(error))

    async def fault(request: Request, error: Exception) -> Response:
        log.error(
            "api failed", path=request.url.path, detail="".join(traceback.format_exception(error))
        )
        return refusal(500, f"a fault of ours, {type(error).__name__}; the log says more")

    site = Starlette(
        routes=[
            Route("/openapi.json", openapi),
            *(Route(endpoint.path, reads(endpoint)) for endpoint in ENDPOINTS),
            *(Route(f"/do/{name}", does(name), methods=["POST"]) for name in verbs),
        ],
        exception_handlers={HTTPException: refused, Exception: fault}
        | dict.fromkeys((Denied, *REFUSED), refused),
    )
    site.router.redirect_slashes = False
    return site


def refusal(status: int, text: str) -> Response:
    """An error as every program is told of it."""
    headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "3"}}
    return _answer(Failure(error=text), status, headers.get(status))


async def read_body(request: Request) -> bytes:
    """A body of limited size: more than that is not read."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise HTTPException(413, f"the body is over {BODY_LIMIT:,} bytes")
    except ClientDisconnect:
        raise HTTPException(400, "the request broke off") from None
    return bytes(body)


def status_of(error: Exception) -> tuple[int, str]:
    """The status and the text of an error that is refused."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    if isinstance(error, Denied):
        return error.status, str(error)
    return next(REFUSED[kind] for kind in type(error).__mro__ if kind in REFUSED), str(error)


def _answer(
    data: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    text = formatting.as_json(data.model_dump(exclude_unset=True))
    return Response(text, status, headers, "application/json")


def _check_sender(request: Request, visitor: Visitor) -> None:
    """Whoever acts holds a token, or a session whose mark no other site can know. Raises
    `Denied`.
    """
    if visitor.csrf is not None:
        check_origin(request)
    check_form(visitor, request.headers.get(CSRF, ""))


def _query(request: Request, takes: type[BaseModel]) -> BaseModel:
    """The parameters, checked. Raises `HTTPException` with what is wrong with each."""
    pairs = request.query_params.multi_items()
    if len(pairs) > len(dict(pairs)):
        raise HTTPException(422, "a parameter is given twice")
    try:
        return takes.model_validate_strings({**dict(pairs), **request.path_params})
    except ValidationError as error:
        raise HTTPException(422, _wrong(error)) from None


def _body(body: bytes, takes: type[BaseModel]) -> BaseModel:
    """The body of an action, checked. Raises `HTTPException`."""
    try:
        return takes.model_validate_json(body)
    except ValidationError as error:
        is_json = all(each["type"] != "json_invalid" for each in error.errors())
        raise HTTPException(422 if is_json else 400, _wrong(error)) from None


def _wrong(error: ValidationError) -> str:
    """What is wrong with each parameter, as one sentence."""
    faults = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
    return "; ".join(f"{place}: {text}" if place else text for place, text in faults)


def document(verbs: Mapping[str, Verb] = VERBS) -> Schema:
    """The OpenAPI 3.1 document of all that there is."""
    reads = {endpoint.path: {"get": _get(endpoint)} for endpoint in ENDPOINTS}
    does = {f"/do/{name}": {"post": _post(name, verb)} for name, verb in verbs.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "overnight",
            "version": version("overnight"),
            "description": "What the console shows and does. Errors are JSON: {“error”: a "
            "sentence}.",
        },
        "servers": [{"url": "/api"}],
        "security": [{"token": []}, {"session": []}],
        "paths": {**reads, **does},
        "components": {
            "schemas": {"Error": _schema(Failure)},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "made by `token add NAME --role …`",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "overnight_session"},
            },
        },
    }


def _get(endpoint: Endpoint) -> Schema:
    schema = _schema(endpoint.takes, _Parameters)
    required = schema.get("required", ())
    names_one = "{" in endpoint.path or "job" in schema.get("properties", {})
    return {
        "summary": endpoint.says,
        "operationId": "read" + endpoint.path.replace("/{job}", "/one").replace("/", "_"),
        "parameters": [
            {
                "name": name,
                "in": "path" if f"{{{name}}}" in endpoint.path else "query",
                "required": name in required,
                "schema": each,
            }
            for name, each in schema.get("properties", {}).items()
        ],
        "responses": _responses(endpoint.gives, 400, 401, *((404,) if names_one else ()), 422, 503),
    }


def _post(name: str, verb: Verb) -> Schema:
    return {
        "summary": verb.says,
        "description": f"Needs the role {verb.role}.",
        "operationId": f"do_{name.replace('-', '_')}",
        "requestBody": {"required": True, "content": _content(_schema(verb.takes))},
        "responses": _responses(Result, 400, 401, 403, 404, 409, 413, 422, 503),
    }


class _Parameters(GenerateJsonSchema):
    """What an address can say: a parameter that is not meant is left out, and never null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def _schema(
    model: type[BaseModel], generator: type[GenerateJsonSchema] = GenerateJsonSchema
) -> Schema:
    """A model's schema on its own: what it refers to is put in its place."""
    schema = model.model_json_schema(schema_generator=generator)
    definitions = schema.pop("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(each) for each in part]
        if not isinstance(part, dict):
            return part
        own = {name: inline(each) for name, each in part.items() if name != "$ref"}
        if "$ref" not in part:
            return own
        return {**inline(definitions[part["$ref"].rpartition("/")[2]]), **own}

    whole: Schema = inline(schema)
    return whole


def _responses(gives: type[BaseModel], *refusals: int) -> Schema:
    error = _content({"$ref": "#/components/schemas/Error"})
    contents = {200: _content(_schema(gives))} | dict.fromkeys(refusals, error)
    return {
        str(status): {"description": MEANINGS[status], "content": content}
        for status, content in contents.items()
    }


def _content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
