"""The console for programs: what the pages read and what the buttons do, as JSON under /api.

One table says what there is to read and one what can be done; routes and the OpenAPI document are
both made of them.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    StringConstraints,
    ValidationError,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from overnight import formatting
from overnight.console import actions
from overnight.console.access import Denied, Visitor, check_form, check_origin
from overnight.console.pages import Desk, letter_filter
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
from overnight.operations import queries, runs
from overnight.store.database import Row
from overnight.store.records import Status

BODY_LIMIT = 4_000_000  # bytes of a request, which may hold a whole edited payload
CSRF = "x-csrf-token"  # the header in which a session carries what its forms carry
MOST_ROWS = 500  # of one answer
MOST_HOURS = 24 * 366  # that a chart looks back
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARK = r"^[0-9]{1,16}-[0-9]{1,18}$"  # a place in a list: microseconds since 1970, and an id

Schema = dict[str, Any]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
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
    403: "this token or session may only look, or the request came from another site",
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
    limit: int = Field(queries.LIMIT, ge=1, le=MOST_ROWS, description="rows at most")


class OfJob(Nothing):
    job: Text = Field(description="the job's id, or the first digits of it")


class Runs(Limited):
    status: Status | None = None
    pipeline: Text | None = None
    key: Text | None = None
    before: int | None = Field(None, ge=1, lt=2**63, description="`next` of the page before")


class Letters(Limited):
    job: Text | None = None
    pipeline: Text | None = None
    step: Text | None = None
    key: Text | None = None
    error: Text | None = Field(None, description="a part of the error's text")
    before: str | None = Field(None, pattern=MARK, description="`next` of the page before")


class Reviews(Limited):
    before: str | None = Field(None, pattern=MARK, description="`next` of the page before")


class Effects(Limited):
    open: Flag = Field("false", description="those alone whose outcome nobody knows")
    before: str | None = Field(
        None, pattern=r"^(intended|done)-[0-9]{1,18}$", description="`next` of the page before"
    )


class Alerts(Limited):
    all: Flag = Field("false", description="also those that are resolved")
    before: str | None = Field(
        None,
        pattern=r"^(open|resolved)-[0-9]{1,16}-[0-9]{1,18}$",
        description="`next` of the page before",
    )


class Signal(Nothing):
    hours: int = Field(24, ge=1, le=MOST_HOURS, description="how long back")


class StepSignal(Signal):
    step: Text | None = Field(None, description="of one step alone, as PIPELINE/STEP")


class Cost(Signal):
    by: Literal["day", "key", "model"] = "day"


class Deed(BaseModel):
    """What every action takes: why. The reason is kept."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reason: Reason = ""


class Scoped(Deed):
    scope: Text = Field(description="all, pipeline:NAME, key:NAME or step:PIPELINE/STEP")


class Named(Deed):
    name: Text


class OnJob(Deed):
    job: Text


class Decided(OnJob):
    seen: Text = Field(description="the seal of what was looked at; 8 digits suffice")


class DecidedAgainst(Decided):
    reason: Annotated[Reason, StringConstraints(min_length=1)]


class Edited(OnJob):
    input: JsonValue


class DecidedAnew(Decided):
    input: JsonValue


class Chosen(Deed):
    """Dead letters, runs and messages alike."""

    job: Text | None = Field(None, description="a job's id, or m and the number of a message")
    pipeline: Text | None = None
    step: Text | None = None
    key: Text | None = None
    error: Text | None = Field(None, description="a part of the error's text")
    everything: bool = Field(
        False, description="all dead letters are meant, where nothing else is said"
    )
    dry_run: bool = Field(False, description="only say how many they are")


class Dropped(Chosen):
    reason: Annotated[Reason, StringConstraints(min_length=1)]


class Budget(Scoped):
    usd: float = Field(ge=0, le=budgets.HIGHEST, description="dollars a day")


class Whole(RootModel[dict[str, Any]]):
    """An object as it is stored."""


class Rows(BaseModel):
    """A whole list."""

    rows: list[dict[str, Any]]


class Page(Rows):
    """A part of a list."""

    next: int | str | None = Field(description="give it as `before`; null: there are no more")


class Done(BaseModel):
    """What came of an action."""

    done: str = Field(description="a sentence for a person")
    count: int = Field(0, description="of dead letters: with how many it was done, or would be")
    refused: Sequence[str] = Field(
        (), description="of dead letters: one sentence for each with which it could not be done"
    )


class Failure(BaseModel):
    """Why nothing was done or told."""

    error: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What can be read: where, how, and a sentence. `read` is annotated with the models of its
    parameters and of its answer: they check, they answer, and the document is made of them.
    """

    path: str
    read: Callable[[Desk, Any], Awaitable[BaseModel]]
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
    """What can be done: a sentence, and the body that it takes."""

    says: str
    takes: type[BaseModel]


async def _status(desk: Desk, _: Nothing) -> Whole:
    return Whole(await queries.status(desk.database, desk.app))


async def _runs(desk: Desk, given: Runs) -> Page:
    rows = await queries.runs(desk.database, **given.model_dump())
    return _page(rows, given.limit, lambda row: row["id"])


async def _job(desk: Desk, given: OfJob) -> Whole:
    job = await runs.find_job(desk.database, given.job)
    steps = await queries.job(desk.database, job)
    done = await queries.actions(desk.database, job)
    return Whole({"job_id": job, "steps": steps, "actions": done})


async def _dead(desk: Desk, given: Letters) -> Page:
    chosen = letter_filter(given.model_dump(exclude={"limit", "before"}, exclude_none=True))
    rows = await queries.dead(desk.database, chosen, given.limit, before=_place(given.before))
    return _page(rows, given.limit, lambda row: _mark(row["died_at"], row["id"]))


async def _review(desk: Desk, given: Reviews) -> Page:
    rows = await queries.review(desk.database, limit=given.limit, before=_place(given.before))
    return _page(rows, given.limit, lambda row: _mark(row["since"], row["id"]))


async def _review_item(desk: Desk, given: OfJob) -> Whole:
    rows = await queries.review(desk.database, given.job, 1)
    if not rows:
        raise NotFound(f"nothing of job {given.job} waits for review")
    return Whole(rows[0])


async def _schedules(desk: Desk, _: Nothing) -> Rows:
    return Rows(rows=await queries.schedules(desk.database, desk.app))


async def _breakers(desk: Desk, _: Nothing) -> Rows:
    return Rows(rows=await queries.breakers(desk.database, everything=True))


async def _switches(desk: Desk, _: Nothing) -> Rows:
    return Rows(rows=await queries.switches(desk.database))


async def _switch_history(desk: Desk, given: Limited) -> Rows:
    return Rows(rows=await queries.switch_history(desk.database, limit=given.limit))


async def _budgets(desk: Desk, _: Nothing) -> Rows:
    return Rows(rows=await budgets.read(desk.database))


async def _effects(desk: Desk, given: Effects) -> Page:
    status, _, id = (given.before or "").partition("-")
    before = (status == "done", int(id)) if status else None
    rows = await queries.effects(
        desk.database, open_only=given.open == "true", limit=given.limit, before=before
    )
    return _page(rows, given.limit, lambda row: f"{row['status']}-{row['id']}")


async def _alerts(desk: Desk, given: Alerts) -> Page:
    state, _, mark = (given.before or "").partition("-")
    place = _place(mark or None)
    before = (state == "resolved", *place) if place else None
    rows = await queries.alerts(
        desk.database, all=given.all == "true", limit=given.limit, before=before
    )
    return _page(rows, given.limit, _alert_mark)


def _alert_mark(row: Row) -> str:
    return f"{'resolved' if row['resolved_at'] else 'open'}-{_mark(row['last_at'], row['id'])}"


async def _anomalies(desk: Desk, _: Nothing) -> Rows:
    return Rows(rows=[asdict(each) for each in await charts.anomalies(desk.database)])


def _of_steps(
    view: Callable[[list[Tally]], Sequence[Any]],
) -> Callable[[Desk, StepSignal], Awaitable[Rows]]:
    """A signal by step and span, as `report` tells it."""

    async def points(desk: Desk, given: StepSignal) -> Rows:
        since = await _since(desk, given)
        tallies = await charts.tallies(desk.database, since, step=given.step)
        return Rows(rows=list(view(tallies)))

    return points


async def _steps(desk: Desk, given: Signal) -> Rows:
    return Rows(rows=charts.steps(await charts.tallies(desk.database, await _since(desk, given))))


async def _saturation(desk: Desk, given: Signal) -> Rows:
    return Rows(rows=await charts.saturation(desk.database, await _since(desk, given)))


async def _cost(desk: Desk, given: Cost) -> Rows:
    return Rows(rows=await charts.cost(desk.database, await _since(desk, given), by=given.by))


async def _since(desk: Desk, given: Signal) -> datetime:
    return await charts.ago(desk.database, timedelta(hours=given.hours))


def _page(rows: list[Row], limit: int, mark: Callable[[Row], int | str]) -> Page:
    """A page of a list, and where the next one begins: after the last row, whatever is added
    meanwhile.
    """
    return Page(rows=rows, next=mark(rows[-1]) if len(rows) == limit else None)


def _mark(moment: datetime, id: int) -> str:
    """A place in a list that is in order of time."""
    return f"{(moment - EPOCH) // timedelta(microseconds=1)}-{id}"


def _place(mark: str | None) -> tuple[datetime, int] | None:
    if mark is None:
        return None
    moment, _, id = mark.partition("-")
    return EPOCH + timedelta(microseconds=int(moment)), int(id)


ENDPOINTS = (
    Endpoint(
        "/status", _status, "Is all well: runs, queue, workers, switches, budgets, schedules."
    ),
    Endpoint("/runs", _runs, "The newest runs that fit."),
    Endpoint(
        "/jobs/{job}", _job, "All about a job: steps, attempts, outside writes, calls, deeds."
    ),
    Endpoint("/dead", _dead, "Dead letters that fit, with their context, newest first."),
    Endpoint("/review", _review, "What waits for a person, oldest first, each with its seal."),
    Endpoint("/review/{job}", _review_item, "One thing that waits, exactly as stored."),
    Endpoint("/schedules", _schedules, "Schedules: last and next slot, missed slots, advice."),
    Endpoint("/breakers", _breakers, "Circuit breakers of which something is known."),
    Endpoint("/switches", _switches, "Kill switches, those that are off first."),
    Endpoint("/switches/history", _switch_history, "Who flipped what, when and why."),
    Endpoint("/budgets", _budgets, "Budgets, with what is left of today's."),
    Endpoint("/effects", _effects, "Outside writes, those without an outcome first."),
    Endpoint("/alerts", _alerts, "Alerts, those that are open first."),
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
    "pause": Verb(
        "Switch off: nothing of the scope starts, nothing of it is written outside.", Scoped
    ),
    "resume": Verb("Switch on again.", Scoped),
    "close-breaker": Verb("Say that an upstream is well: what waited starts.", Named),
    "approve": Verb("What was reviewed goes on as it stands.", Decided),
    "reject": Verb("What was reviewed ends here.", DecidedAgainst),
    "edit-review": Verb("The step that waits for review runs again with this input.", DecidedAnew),
    "edit": Verb(
        "A dead letter, or what has not begun, starts with this input; a message is read anew.",
        Edited,
    ),
    "replay": Verb("Dead letters start again: one, those that fit, or everything.", Chosen),
    "drop": Verb("Dead letters end here: one, those that fit, or everything.", Dropped),
    "cancel": Verb("What of a job is queued or a dead letter ends here.", OnJob),
    "set-budget": Verb("A person's limit for a scope.", Budget),
}


def build(desk: Desk) -> Starlette:
    """The API as an app of its own: whatever goes wrong in it is told as JSON."""
    verbs = {**VERBS, **{name: Verb(own.says, own.takes) for name, own in desk.own.verbs.items()}}

    def reads(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        takes = endpoint.takes

        async def read(request: Request) -> Response:
            return _answer(await endpoint.read(desk, _query(request, takes)))

        return read

    def does(name: str, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
        async def do(request: Request) -> Response:
            visitor: Visitor = request.state.visitor
            _check_may(request, visitor)
            form = _form(_body(await read_body(request), verb.takes))
            act = actions.find(desk, name)
            assert act is not None
            return _answer(_done(await act(desk, form, visitor.who)))

        return do

    async def openapi(_: Request) -> Response:
        return JSONResponse(document(verbs))

    async def refused(_: Request, error: Exception) -> Response:
        if isinstance(error, LedgerUnavailable):
            await desk.database.bring_back()
        return refusal(*_status_of(error))

    async def fault(request: Request, error: Exception) -> Response:
        log.error(
            "api failed", path=request.url.path, detail="".join(traceback.format_exception(error))
        )
        return refusal(500, f"a fault of ours, {type(error).__name__}; the log says more")

    site = Starlette(
        routes=[
            Route("/openapi.json", openapi),
            *(Route(endpoint.path, reads(endpoint)) for endpoint in ENDPOINTS),
            *(
                Route(f"/do/{name}", does(name, verb), methods=["POST"])
                for name, verb in verbs.items()
            ),
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


def _status_of(error: Exception) -> tuple[int, str]:
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


def _check_may(request: Request, visitor: Visitor) -> None:
    """Whoever acts holds a token that may, or a session whose mark no other site can know. Raises
    `Denied`.
    """
    if visitor.csrf is not None:
        check_origin(request)
    check_form(visitor, request.headers.get(CSRF, ""))
    if not visitor.may_act:
        raise Denied(403, "you may look, but not act: it takes a token of the role operate")


def _query(request: Request, takes: type[BaseModel]) -> BaseModel:
    """The parameters, checked. Raises `HTTPException` with what is wrong with each."""
    given = request.query_params.multi_items()
    if len(given) > len(dict(given)):
        raise HTTPException(422, "a parameter is given twice")
    try:
        return takes.model_validate_strings({**dict(given), **request.path_params})
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
    told = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
    return "; ".join(f"{place}: {text}" if place else text for place, text in told)


def _done(answer: str | actions.Many) -> Done:
    if isinstance(answer, actions.Many):
        return Done(done=answer.text, count=answer.count, refused=answer.refused)
    return Done(done=answer)


def _form(body: BaseModel) -> dict[str, str]:
    """A body as the form of the same button has it."""
    given = body.model_dump(exclude_unset=True)
    written = {name: json.dumps(given.pop(name)) for name in ("input",) if name in given}
    written |= {name: "yes" for name in ("everything", "dry_run") if given.pop(name, False)}
    return written | {name: str(value) for name, value in given.items() if value is not None}


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
    is_one = "{" in endpoint.path
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
        "responses": _responses(endpoint.gives, 400, 401, *((404,) if is_one else ()), 422, 503),
    }


def _post(name: str, verb: Verb) -> Schema:
    return {
        "summary": verb.says,
        "operationId": f"do_{name.replace('-', '_')}",
        "requestBody": {"required": True, "content": _content(_schema(verb.takes))},
        "responses": _responses(Done, 400, 401, 403, 404, 409, 413, 422, 503),
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
    defined = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:
        if isinstance(part, list):
            return [inlined(each) for each in part]
        if not isinstance(part, dict):
            return part
        own = {name: inlined(each) for name, each in part.items() if name != "$ref"}
        return {**defined.get(part.get("$ref", "").rpartition("/")[2], {}), **own}

    whole: Schema = inlined(schema)
    return whole


def _responses(gives: type[BaseModel], *refusals: int) -> Schema:
    refusal = _content({"$ref": "#/components/schemas/Error"})
    told = {200: _content(_schema(gives))} | dict.fromkeys(refusals, refusal)
    return {
        str(status): {"description": MEANINGS[status], "content": content}
        for status, content in told.items()
    }


def _content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
