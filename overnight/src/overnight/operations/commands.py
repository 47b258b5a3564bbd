"""What people can do, as typed commands with typed results: one table for all front ends.

The command line's options, the console's forms and the API's JSON bodies are each read into one of
these models, and `OPERATIONS` names them all. A command checks itself, `do` carries it out, and its
result says in one sentence what was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from overnight import formatting
from overnight.errors import UserError
from overnight.llm.budgets import HIGHEST, amount
from overnight.llm.budgets import read as read_budgets
from overnight.operations import (
    breakers,
    budgets,
    channels,
    dead_letters,
    decisions,
    moments,
    parked,
    queries,
    reviews,
    runs,
    scopes,
    switches,
)
from overnight.operations.actors import Role
from overnight.operations.filters import Filter
from overnight.pipelines.app import App
from overnight.pipelines.lookups import debounces
from overnight.pipelines.pipeline import dump
from overnight.store.database import Database, Row

Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
NeededReason = Annotated[Reason, StringConstraints(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)
JOB = "the job's id, or its first digits"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, and on what: the pipelines (None where no app was named) and the ledger."""

    app: App | None
    database: Database
    by: str

    def needed_app(self) -> App:
        if self.app is None:
            raise UserError("this command needs the pipelines: name them with --app module:name")
        return self.app


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a command: `text` is a sentence for a person, `data` is for a program.

    `refused` has a sentence for each dead letter with which it could not be done.
    """

    text: str
    data: Mapping[str, Any]
    refused: Sequence[str] = ()


class Command(BaseModel):
    """What every command has: the role that it needs, and why. The reason is saved in the audit
    log.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    role: ClassVar[Role] = "operate"
    reason: Reason = ""

    async def do(self, at: Operator) -> Done:
        """Carry it out. Raises `UserError` or `InvalidPayload`."""
        raise NotImplementedError


class Pause(Command):
    """Pause a scope: nothing of it starts, and it makes no external write."""

    scope: Text = Field(description="all, pipeline:NAME, key:NAME or step:PIPELINE/STEP")

    async def do(self, at: Operator) -> Done:
        if self.scope != "all":
            at.needed_app()  # a wrong scope would stop nothing, so it is checked
        row = await switches.pause(
            at.database, await _switch(self.scope, at), reason=self.reason, by=at.by
        )
        row["scope"] = scopes.text(row["scope"], at.app)
        text = f"{row['scope']} is paused: nothing of it starts, and it makes no external write"
        return Done(text, {"switch": row})


class Resume(Command):
    """Resume a scope that is paused."""

    scope: Text = Field(description="all, pipeline:NAME, key:NAME or step:PIPELINE/STEP")

    async def do(self, at: Operator) -> Done:
        row = await switches.resume(
            at.database, await _switch(self.scope, at), reason=self.reason, by=at.by
        )
        row["scope"] = scopes.text(row["scope"], at.app)
        return Done(f"{row['scope']} is resumed", {"switch": row})


async def _switch(scope: str, at: Operator) -> str:
    stored = [row["scope"] for row in await queries.switches(at.database)]
    return scopes.parse_stored(scope, stored, at.app)


class CloseBreaker(Command):
    """Close a breaker: the upstream is healthy, and what waited for it starts."""

    name: Text

    async def do(self, at: Operator) -> Done:
        await breakers.close(at.database, self.name, reason=self.reason, by=at.by, app=at.app)
        text = f"the breaker {self.name} is closed: what waited behind it starts"
        return Done(text, {"closed": self.name})


class SetBudget(Command):
    """Set a person's limit for a scope, whatever the configuration says."""

    scope: Text = Field(description="all, pipeline:NAME, key:NAME or step:PIPELINE/STEP")
    usd: float = Field(ge=0, le=HIGHEST, description="dollars a day")

    async def do(self, at: Operator) -> Done:
        row = await budgets.set_limit(
            at.database,
            scopes.parse(self.scope, at.app),
            amount(self.usd),
            reason=self.reason,
            by=at.by,
        )
        row["scope"] = scopes.text(row["scope"], at.app)
        limit = formatting.dollars(row["usd_per_day"])
        return Done(f"{row['scope']} may spend {limit} a day", {"budget": row})


class RemoveBudget(Command):
    """Remove a person's limit: the configuration's counts again, where there is one."""

    scope: Text = Field(description="all, pipeline:NAME, key:NAME or step:PIPELINE/STEP")

    async def do(self, at: Operator) -> Done:
        stored = [row["scope"] for row in await read_budgets(at.database)]
        scope = scopes.parse_stored(self.scope, stored, at.app)
        row = await budgets.remove(at.database, scope, reason=self.reason, by=at.by)
        row["scope"] = scopes.text(row["scope"], at.app)
        limit = (
            "no limit any more"
            if row["usd_per_day"] is None
            else f"the configuration's {formatting.dollars(row['usd_per_day'])} a day again"
        )
        return Done(f"{row['scope']} has {limit}", {"budget": row})


class Start(Command):
    """Start a job of a pipeline."""

    pipeline: Text
    input: JsonValue = None
    priority: int | None = Field(
        None, ge=-100, le=100, description="higher is sooner; none: the pipeline's own"
    )
    at: Text | None = Field(
        None, description="when it starts: 2026-03-01T04:00 (UTC unless it says otherwise), or +2h"
    )

    async def do(self, at: Operator) -> Done:
        moment = moments.parse(self.at) if self.at else None
        job, new = await runs.start(
            at.needed_app(),
            at.database,
            self.pipeline,
            self.input,
            at=moment,
            priority=self.priority,
            reason=self.reason,
            by=at.by,
        )
        text = (
            f"job {job} is queued{moments.text(moment)}"
            if new
            else f"job {job} exists already: show {job}"
        )
        return Done(text, {"job_id": job, "new": new})


class Emit(Command):
    """Emit an event: a job starts of each pipeline that listens to it."""

    event: Text
    payload: JsonValue = None

    async def do(self, at: Operator) -> Done:
        app = at.needed_app()
        jobs = await runs.emit(
            app, at.database, self.event, self.payload, reason=self.reason, by=at.by
        )
        if not jobs:
            return Done("kept: the next job that waits for it goes on", {"jobs": []})
        text, wait = f"queued: {', '.join(jobs)}", debounces(app, self.event)
        if not wait:
            return Done(text, {"jobs": jobs})
        later = f" (waits {wait:g} s; a later {self.event} takes its place under another id)"
        return Done(text + later, {"jobs": jobs, "debounce_seconds": wait})


class OnJob(Command):
    """A command about one job."""

    job: Text = Field(description=JOB)

    async def found(self, at: Operator) -> str:
        """The whole id of the job."""
        return await runs.find_job(at.database, self.job)


class Cancel(OnJob):
    """Cancel a job: what of it is queued or a dead letter ends here."""

    async def do(self, at: Operator) -> Done:
        row = await runs.cancel(at.database, await self.found(at), self.reason, by=at.by)
        return Done(f"job {row['job_id']} is cancelled", {"cancelled": 1, "first": [row]})


class CancelParked(Command):
    """Cancel the queued runs of a step or a key that this app does not have."""

    step: Text = Field(description="PIPELINE/STEP, as it was called")
    key: Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")] = ""
    reason: NeededReason

    async def do(self, at: Operator) -> Done:
        app = at.needed_app()
        count = await parked.cancel(
            app, at.database, self.step, self.key, reason=self.reason, by=at.by
        )
        text = f"{formatting.count(count, 'run')} of {self.step} {self.key}".strip()
        return Done(f"{text}: cancelled", {"cancelled": count})


class SendAgain(Command):
    """Send again what an alert channel did not take, without waiting for the next try."""

    channel: Text

    async def do(self, at: Operator) -> Done:
        count = await channels.send_again(
            at.needed_app(), at.database, self.channel, reason=self.reason, by=at.by
        )
        text = f"a worker sends {formatting.count(count, 'message')} to {self.channel} again"
        return Done(text, {"messages": count})


class Edit(OnJob):
    """Give a dead letter, or what has not begun, another input; a message is read again."""

    job: Text = Field(description=f"{JOB}; or m and the number of a message")
    input: JsonValue

    async def do(self, at: Operator) -> Done:
        if dead_letters.message_number(self.job) is not None:
            return await self._message(at)
        row = await runs.edit(
            at.needed_app(),
            at.database,
            await self.found(at),
            self.input,
            reason=self.reason,
            by=at.by,
        )
        return Done(_edited(row), {"edited": row})

    async def _message(self, at: Operator) -> Done:
        result = await dead_letters.replay(
            at.app,
            at.database,
            Filter(job=self.job),
            body=dump(self.input).encode(),
            reason=self.reason,
            by=at.by,
        )
        jobs = [row["job_id"] for row in result.first]
        return Done(f"edited: {self.job} begins {', '.join(jobs)}", {"jobs": jobs})


class OnReview(OnJob):
    """A decision about what waits for review."""

    role: ClassVar[Role] = "edit"
    revision: Text = Field(
        description="the revision that was reviewed; its first 8 digits suffice",
        validation_alias=AliasChoices("revision", "seen"),  # as programs sent it before
    )

    async def decided(self, at: Operator, decision: decisions.Decision) -> Row:
        app, job = at.needed_app(), await self.found(at)
        return await reviews.decide(app, at.database, job, decision, by=at.by)


class Approve(OnReview):
    """Approve: what was reviewed goes on as it stands."""

    async def do(self, at: Operator) -> Done:
        row = await self.decided(at, decisions.Approve(self.revision, self.reason))
        return Done(f"approved: job {row['job_id']} goes on after {row['step']}", {"approved": row})


class Reject(OnReview):
    """Reject: what was reviewed ends here."""

    reason: NeededReason

    async def do(self, at: Operator) -> Done:
        row = await self.decided(at, decisions.Reject(self.revision, self.reason))
        return Done(f"rejected: job {row['job_id']} ends at {row['step']}", {"rejected": row})


class EditReview(OnReview):
    """Edit: the step that waits for review runs again with this input."""

    input: JsonValue

    async def do(self, at: Operator) -> Done:
        row = await self.decided(at, decisions.Edit(self.revision, self.input, self.reason))
        return Done(_edited(row), {"edited": row})


def _edited(row: Row) -> str:
    due = formatting.cell(row["due_at"])
    return f"edited: {row['step']} of job {row['job_id']} is due at {due} UTC"


class Matching(BaseModel):
    """Which dead letters, runs and messages alike: what is None fits all."""

    job: Text | None = Field(None, description=f"{JOB}; or m and the number of a message")
    pipeline: Text | None = None
    step: Text | None = None
    key: Text | None = None
    error: Text | None = Field(None, description="a part of the error's text")
    since: AwareDatetime | None = Field(None, description="those that died since")
    until: AwareDatetime | None = Field(None, description="those that died before")
    group: Text | None = Field(None, description="the name of those with equal errors")

    def filter(self) -> Filter:
        return Filter(**{name: getattr(self, name) for name in Matching.model_fields})


class OnDeadLetters(Command, Matching):
    """A command about one dead letter, those that match, or all of them."""

    everything: bool = Field(
        False, description="all dead letters are meant, where nothing else is said"
    )
    dry_run: bool = Field(False, description="only say how many they are")
    done: ClassVar[str]

    async def do(self, at: Operator) -> Done:
        matching = await self._chosen(at)
        if self.dry_run:
            count = len(await dead_letters.find(at.database, matching))
            matches = "matches" if count == 1 else "match"
            text = f"{formatting.count(count, 'failed job')} {matches}; nothing was changed"
            return Done(text, {"count": count, "refused": []})
        result = await self.act(at, matching)
        data = {"count": result.count, "first": result.first, "refused": result.refused}
        text = f"{formatting.count(result.count, 'failed job')} {self.done}"
        return Done(text, data, result.refused)

    async def act(self, at: Operator, matching: Filter) -> dead_letters.Result:
        raise NotImplementedError

    async def _chosen(self, at: Operator) -> Filter:
        """Which are meant, said in one way, so that none is touched by mistake."""
        matching = self.filter()
        named = self.job is not None
        others = self.everything or matching != Filter(job=self.job)
        if named == others:
            raise UserError(
                "say which in one way: name one job, or say that all are meant, or what matches "
                "(pipeline, error, since …)"
            )
        await scopes.check_key(at.app, at.database, self.key)
        if self.job is None:
            return matching
        return await dead_letters.of_job(at.database, self.job)


class Replay(OnDeadLetters):
    """Replay dead letters: one, those that match, or everything starts again."""

    done = "started again"

    async def act(self, at: Operator, matching: Filter) -> dead_letters.Result:
        return await dead_letters.replay(
            at.app, at.database, matching, reason=self.reason, by=at.by
        )


class Discard(OnDeadLetters):
    """Discard dead letters: one, those that match, or everything ends here."""

    reason: NeededReason
    done = "discarded"

    async def act(self, at: Operator, matching: Filter) -> dead_letters.Result:
        return await dead_letters.discard(at.database, matching, self.reason, by=at.by)


OPERATIONS: Mapping[str, type[Command]] = {
    "pause": Pause,
    "resume": Resume,
    "close-breaker": CloseBreaker,
    "approve": Approve,
    "reject": Reject,
    "edit-review": EditReview,
    "edit": Edit,
    "replay": Replay,
    "discard": Discard,
    "cancel": Cancel,
    "cancel-parked": CancelParked,
    "send-again": SendAgain,
    "set-budget": SetBudget,
    "remove-budget": RemoveBudget,
    "start": Start,
    "emit": Emit,
}


def parse(model: type[Model], values: Mapping[str, Any]) -> Model:
    """A command from what a form or a command line gives, where numbers may be text. Raises
    `UserError` with the first fault.
    """
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        raise UserError(_fault(error)) from None


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    if field == "reason" and first["type"] in ("missing", "string_too_short"):
        return "say why: the reason is saved in the audit log"
    return f"the {field} is missing" if first["type"] == "missing" else f"{field}: {first['msg']}"
