"""Messages from outside on a real Postgres: they begin jobs once, or are dead letters that lose
nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from overnight import App, Context, Debounce, On, Pipeline
from overnight.engine.wakeups import CHANNEL
from overnight.errors import IdConflict, IllegalTransition, LedgerUnavailable, NotFound, UserError
from overnight.inbox import messages as intake
from overnight.inbox.messages import (
    KEY_LIMIT,
    Received,
    discard_message,
    read_message,
    receive,
    replay_message,
)
from overnight.pipelines.pipeline import MAX_PAYLOAD
from overnight.store.database import Database
from overnight.testing import run_until_idle

Ctx = Context[Any]


class Topic(BaseModel):
    site: str
    slug: str


TOPIC = {"site": "garden", "slug": "compost"}


def make_app() -> App:
    article = Pipeline(
        "article",
        on=[On("topic.validated")],
        key=lambda value: str(getattr(value, "site", "")),
        priority=1,
    )

    @article.step
    async def generate(ctx: Ctx, topic: Topic) -> int:
        return len(topic.slug)

    @article.step
    async def publish(ctx: Ctx, length: int) -> str:
        return "x" * length

    fixed = Pipeline("fixed", id=lambda value: "fixed")
    no_id = Pipeline("no-id", id=lambda value: value["nobody has this"])
    no_key = Pipeline("no-key", key=lambda value: value.site)
    edits = Pipeline("edits", on=[On("edited", debounce=Debounce(90))])
    for pipeline in (fixed, no_id, no_key, edits):

        @pipeline.step
        async def take(ctx: Ctx, value: Any) -> None: ...

    return App("app", [article, fixed, no_id, no_key, edits])


@pytest.fixture
def app() -> App:
    return make_app()


def envelope(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


ARTICLE = envelope(pipeline="article", input=TOPIC)


async def runs(database: Database, columns: str = "job_id, step, status") -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in await database.fetch(f"select {columns} from runs order by id")
    ]


async def messages(database: Database, columns: str = "*") -> list[dict[str, Any]]:
    return await database.fetch(f"select {columns} from messages order by id")


async def alerts(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.fetch(
        "select kind, subject, count, resolved_at is null as open from alerts order by id"
    )
    return [tuple(row.values()) for row in rows]


async def bury(app: App, database: Database, body: bytes = b"{", **options: Any) -> Received:
    received = await receive(app, database, body, source="file", **options)
    assert received.error is not None
    return received


async def test_a_message_begins_a_job_of_the_pipeline_that_it_names(
    app: App, database: Database
) -> None:
    received = await receive(app, database, ARTICLE, source="sqs", key="k1")
    assert (received.new, received.error, received.letter) == (True, None, None)
    (job,) = received.jobs
    assert await runs(database, "job_id, pipeline, step, key, input, status, priority, origin") == [
        (job, "article", "generate", "garden", TOPIC, "queued", 1, "sqs")
    ]
    (row,) = await messages(database, "source, key, status, target, bare, error, body, jobs")
    assert tuple(row.values()) == (
        "sqs",
        "k1",
        "accepted",
        "pipeline:article",
        False,
        None,
        None,
        [job],
    )
    assert [e.transition.status for e in await run_until_idle(app, database)] == [
        "succeeded",
        "succeeded",
    ]


async def test_a_message_may_name_a_later_step_and_a_priority(app: App, database: Database) -> None:
    body = envelope(pipeline="article", input=7, step="publish", priority=5)
    await receive(app, database, body, source="file")
    assert await runs(database, "step, input, priority") == [("publish", 7, 5)]
    (ending,) = await run_until_idle(app, database)
    assert ending.output == '"xxxxxxx"'


async def test_jobs_that_start_at_different_steps_are_different_jobs(database: Database) -> None:
    p = Pipeline("p")

    @p.step
    async def one(ctx: Ctx, value: int) -> int:
        return value

    @p.step
    async def two(ctx: Ctx, value: int) -> int:
        return value

    app = App("app", [p])
    for step in ("one", "two", None):
        await receive(app, database, envelope(pipeline="p", input=1, step=step), source="file")
    assert await runs(database, "step, status") == [("one", "queued"), ("two", "queued")]
    endings = await run_until_idle(app, database)
    assert [(e.run.step, e.transition.status) for e in endings].count(("two", "succeeded")) == 2


async def test_an_event_begins_a_job_of_each_pipeline_that_listens(database: Database) -> None:
    first, second, deaf = (
        Pipeline(n, on=on) for n, on in [("a", [On("e")]), ("b", [On("e")]), ("c", [On("f")])]
    )
    for pipeline in (first, second, deaf):

        @pipeline.step
        async def take(ctx: Ctx, value: Any) -> None: ...

    app = App("app", [first, second, deaf])
    received = await receive(app, database, envelope(event="e", payload=[1]), source="file")
    assert await runs(database, "job_id, pipeline, input, origin") == [
        (job, name, [1], "file") for job, name in sorted(zip(received.jobs, "ab", strict=True))
    ]


@pytest.mark.parametrize(
    ("target", "pipeline"), [("pipeline:article", "article"), ("event:topic.validated", "article")]
)
async def test_with_a_target_the_whole_body_is_the_input(
    app: App, database: Database, target: str, pipeline: str
) -> None:
    await receive(
        app, database, json.dumps(TOPIC).encode(), source="webhook", key="k", target=target
    )
    assert await runs(database, "pipeline, input, key") == [(pipeline, TOPIC, "garden")]
    assert await messages(database, "target, bare") == [{"target": target, "bare": True}]


async def test_a_debounced_event_waits_and_the_latest_one_replaces_it(
    app: App, database: Database
) -> None:
    for number in (1, 2):
        body = envelope(event="edited", payload=number)
        received = await receive(app, database, body, source="file", key=f"k{number}")
    assert await runs(database, "job_id, input, due_at > ledger_now() + interval '80 s'") == [
        (received.jobs[0], 2, True)
    ]


async def test_a_repeated_message_gets_its_first_answer_and_no_job(
    app: App, database: Database
) -> None:
    first = await receive(app, database, ARTICLE, source="webhook", key="k")
    await database.fetch("delete from runs")
    again = await receive(app, database, ARTICLE, source="webhook", key="k")
    assert (again.id, list(again.jobs), again.new) == (first.id, list(first.jobs), False)
    assert await runs(database) == []
    assert len(await messages(database)) == 1


async def test_a_repeated_malformed_message_is_one_letter_and_alert(
    app: App, database: Database
) -> None:
    first = await bury(app, database, key="k")
    again = await bury(app, database, key="k")
    assert (again.letter, again.error, again.new) == (first.letter, first.error, False)
    assert await alerts(database) == [("dead_letter", "file/", 1, True)]


@pytest.mark.parametrize(
    "second", [envelope(pipeline="article", input={**TOPIC, "slug": "peat"}), b"{", ARTICLE + b" "]
)
async def test_another_message_with_the_same_key_is_refused_not_stored(
    app: App, database: Database, second: bytes
) -> None:
    await receive(app, database, ARTICLE, source="webhook", key="k")
    with pytest.raises(IdConflict, match="another message of webhook came with the key “k” before"):
        await receive(app, database, second, source="webhook", key="k")
    assert len(await messages(database)) == len(await runs(database)) == 1


async def test_the_same_body_for_another_target_is_another_message(
    app: App, database: Database
) -> None:
    body = json.dumps(TOPIC).encode()
    await receive(app, database, body, source="webhook", key="k", target="pipeline:article")
    with pytest.raises(IdConflict):
        await receive(
            app, database, body, source="webhook", key="k", target="event:topic.validated"
        )


async def test_two_senders_may_use_the_same_key(app: App, database: Database) -> None:
    await receive(app, database, ARTICLE, source="webhook", key="k")
    await receive(
        app,
        database,
        envelope(pipeline="article", input={**TOPIC, "slug": "peat"}),
        source="sqs",
        key="k",
    )
    assert len(await runs(database)) == 2


async def test_without_a_key_only_the_jobs_id_prevents_a_second_job(
    app: App, database: Database
) -> None:
    first = await receive(app, database, ARTICLE, source="file")
    second = await receive(app, database, ARTICLE, source="file")
    assert first.jobs == second.jobs
    assert (len(await messages(database)), len(await runs(database))) == (2, 1)


async def test_many_receive_one_key_at_once_and_one_job_begins(
    app: App, database: Database
) -> None:
    body = envelope(pipeline="article", input=TOPIC)
    received = await asyncio.gather(
        *(receive(app, database, body, source="webhook", key="k") for _ in range(8)),
        *(receive(app, database, b"{", source="webhook", key="dead") for _ in range(8)),
    )
    assert (
        [r.new for r in received[:8]].count(True) == [r.new for r in received[8:]].count(True) == 1
    )
    assert len({r.id for r in received[:8]}) == len({r.id for r in received[8:]}) == 1
    assert len(await runs(database)) == 1
    assert len(await messages(database)) == 2
    assert await alerts(database) == [("dead_letter", "webhook/", 1, True)]


async def test_a_hint_is_sent_where_a_job_begins(app: App, database: Database) -> None:
    async with await database.connect() as connection:
        await connection.execute(f"listen {CHANNEL}")
        await receive(app, database, ARTICLE, source="file")
        assert [n.channel async for n in connection.notifies(timeout=10, stop_after=1)] == [CHANNEL]


async def test_a_lost_hint_loses_no_message(
    app: App, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Database) -> None:
        raise LedgerUnavailable

    monkeypatch.setattr(intake, "hint", away)
    assert (await receive(app, database, ARTICLE, source="file")).error is None


MALFORMED = [
    (b"", None, "", "the body is not JSON"),
    (b"{", None, "", "the body is not JSON"),
    (b"[1] trailing", None, "", "the body is not JSON"),
    (b"NaN", "pipeline:fixed", "pipeline:fixed", "the body is not JSON"),
    (b"[" * 100_000, "pipeline:fixed", "pipeline:fixed", "the body is not JSON"),
    (b"9" * 5000, "pipeline:fixed", "pipeline:fixed", "the body is not JSON"),
    (b'"\\ud800"', "pipeline:fixed", "pipeline:fixed", "the body is not JSON"),
    (b'"\xff"', "pipeline:fixed", "pipeline:fixed", r"the body is not UTF-8 \(byte 1\)"),
    ("“x”".encode("utf-16"), None, "", "the body is not UTF-8"),
    (b'"a\x00b"', "pipeline:fixed", "pipeline:fixed", "holds a NUL character"),
    (b'"a\\u0000b"', "pipeline:fixed", "pipeline:fixed", "holds a NUL character"),
    (
        b'"' + b"x" * MAX_PAYLOAD + b'"',
        "pipeline:fixed",
        "pipeline:fixed",
        r"16,000,002 characters; at most 16,000,000",
    ),
    (b"1e999", "pipeline:fixed", "pipeline:fixed", "inf is a number that JSON does not have"),
    (b"7", None, "", "a message is"),
    (b'{"input": 1}', None, "", "a message is"),
    (b'{"pipeline": 7, "input": 1}', None, "", "a message is"),
    (envelope(pipeline="article"), None, "pipeline:article", "input: Field required"),
    (envelope(pipeline="article", imput=TOPIC), None, "pipeline:article", "a message is"),
    (envelope(pipeline="article", input=TOPIC, event="e"), None, "event:e", "a message is"),
    (
        envelope(pipeline="article", input=TOPIC, priority="high"),
        None,
        "pipeline:article",
        "priority: Input should be",
    ),
    (
        envelope(pipeline="article", input=TOPIC, priority=2**15),
        None,
        "pipeline:article",
        "priority: Input should be",
    ),
    (envelope(event="topic.validated"), None, "event:topic.validated", "payload: Field required"),
    (
        envelope(pipeline="artikel", input=TOPIC),
        None,
        "pipeline:artikel",
        "there is no pipeline “artikel”; this app has",
    ),
    (b"{}", "pipeline:artikel", "pipeline:artikel", "there is no pipeline “artikel”"),
    (
        envelope(pipeline="article", input=1, step="print"),
        None,
        "pipeline:article",
        "no step “print”; its steps are: gen",
    ),
    (b"{}", "pipeline:a\nb", "pipeline:a\nb", "there is no pipeline “a b”"),
    (
        envelope(event="unheard", payload=1),
        None,
        "event:unheard",
        "no pipeline listens to the event “unheard”",
    ),
    (
        envelope(pipeline="article", input={"site": "s"}),
        None,
        "pipeline:article",
        "does not fit article: slug: Field",
    ),
    (
        envelope(pipeline="article", input=TOPIC, step="publish"),
        None,
        "pipeline:article",
        "the input does not fit",
    ),
    (b'{"site": 1}', "event:topic.validated", "event:topic.validated", "the input does not fit"),
    (
        envelope(pipeline="no-id", input={}),
        None,
        "pipeline:no-id",
        "no job could be made of it: KeyError",
    ),
    (
        envelope(pipeline="no-key", input=1),
        None,
        "pipeline:no-key",
        "no job could be made of it: AttributeError",
    ),
]


@pytest.mark.parametrize(
    ("body", "target", "known", "reason"), MALFORMED, ids=[r for *_, r in MALFORMED]
)
async def test_malformed_bytes_are_kept_with_their_reason_and_an_alert(
    app: App, database: Database, body: bytes, target: str | None, known: str, reason: str
) -> None:
    received = await receive(app, database, body, source="webhook", key="k", target=target)
    assert (received.letter, received.new, received.jobs) == (f"m{received.id}", True, ())
    (row,) = await messages(database, "id, status, target, bare, error, body, jobs")
    error = row.pop("error")
    assert tuple(row.values()) == (received.id, "dead", known, target is not None, body, [])
    assert error == received.error
    assert "\n" not in error
    assert re.search(reason, error)
    assert await runs(database) == []
    assert await alerts(database) == [("dead_letter", f"webhook/{known}", 1, True)]
    (alert,) = await database.fetch("select text from alerts")
    assert alert["text"] == f"message {received.letter} is a dead letter: {error}"


async def test_a_job_that_contradicts_another_is_a_dead_letter_too(
    app: App, database: Database
) -> None:
    await receive(app, database, envelope(pipeline="fixed", input=1), source="file")
    received = await receive(
        app, database, envelope(pipeline="fixed", input=2), source="file", key="k"
    )
    assert "job fixed was begun with other inputs" in str(received.error)
    assert await runs(database, "job_id, input") == [("fixed", 1)]
    assert [m["status"] for m in await messages(database)] == ["accepted", "dead"]


async def test_an_event_that_one_listener_cannot_read_begins_no_job(database: Database) -> None:
    good, bad = (
        Pipeline("good", on=[On("e")]),
        Pipeline("bad", on=[On("e")], key=lambda value: value["key"]),
    )
    for pipeline in (good, bad):

        @pipeline.step
        async def take(ctx: Ctx, value: Any) -> None: ...

    received = await receive(
        App("app", [good, bad]), database, envelope(event="e", payload={}), source="file"
    )
    assert received.letter
    assert await runs(database) == []


async def test_letters_of_one_target_are_counted_on_one_alert(app: App, database: Database) -> None:
    for _ in range(3):
        await bury(app, database, target="pipeline:nobody")
    assert await alerts(database) == [("dead_letter", "file/pipeline:nobody", 3, True)]


async def test_a_name_that_cannot_be_stored_is_cut_and_cleaned(
    app: App, database: Database
) -> None:
    received = await receive(
        app, database, b"{}", source="webhook", target="pipeline:\ud800\0" + "x" * 9_999
    )
    assert received.letter
    (row,) = await messages(database, "target")
    assert row["target"].startswith("pipeline:?xxx")
    assert len(row["target"]) == intake.TARGET_LIMIT


@pytest.mark.parametrize("key", ["", "x" * (KEY_LIMIT + 1), "a\0b", "\ud800"])
async def test_a_key_that_cannot_be_stored_is_refused(
    app: App, database: Database, key: str
) -> None:
    with pytest.raises(UserError, match="idempotency key"):
        await receive(app, database, ARTICLE, source="webhook", key=key)
    assert await messages(database) == []


async def test_the_longest_key_of_the_widest_characters_can_be_stored(
    app: App, database: Database
) -> None:
    wide = random.Random(1)  # at random, for Postgres would compress what repeats itself
    key = "".join(chr(wide.randint(0x10000, 0x1FFFF)) for _ in range(KEY_LIMIT))
    assert (await receive(app, database, ARTICLE, source="webhook", key=key)).new


async def test_a_target_of_no_kind_is_refused(app: App, database: Database) -> None:
    with pytest.raises(
        UserError, match="“article” is no target: write pipeline:NAME or event:NAME"
    ):
        await receive(app, database, ARTICLE, source="webhook", target="article")


# Replaying.


async def test_a_letter_is_replayed_as_it_came_once_the_app_reads_it(
    app: App, database: Database
) -> None:
    old = App("app", [])
    letter = await receive(old, database, ARTICLE, source="webhook", key="k")
    assert letter.letter
    replayed = await replay_message(app, database, letter.id, by="ann")
    assert await runs(database, "job_id, input, origin") == [(replayed.jobs[0], TOPIC, "webhook")]
    (row,) = await messages(database, "status, jobs, body, settled_at is not null as settled")
    assert tuple(row.values()) == ("replayed", list(replayed.jobs), ARTICLE, True)
    again = await receive(app, database, ARTICLE, source="webhook", key="k")
    assert (again.jobs, again.new, again.error) == (list(replayed.jobs), False, None)


async def test_a_bare_letter_is_replayed_for_the_target_it_was_sent_to(
    app: App, database: Database
) -> None:
    letter = await bury(app, database, b'{"site": "garden"}', target="event:topic.validated")
    await replay_message(app, database, letter.id, body=json.dumps(TOPIC).encode(), by="ann")
    assert await runs(database, "pipeline, input") == [("article", TOPIC)]


async def test_a_letter_is_replayed_after_an_edit_and_keeps_its_body(
    app: App, database: Database
) -> None:
    letter = await bury(app, database, key="k")
    replayed = await replay_message(app, database, letter.id, body=ARTICLE, by="ann")
    assert await runs(database, "job_id, input") == [(replayed.jobs[0], TOPIC)]
    assert [m["body"] for m in await messages(database)] == [b"{"]
    again = await receive(app, database, b"{", source="file", key="k")
    assert (again.jobs, again.error) == (list(replayed.jobs), None)


async def test_who_replayed_what_is_written_down(app: App, database: Database) -> None:
    for body in (None, ARTICLE):
        letter = await receive(App("old", []), database, ARTICLE, source="file")
        await replay_message(app, database, letter.id, body=body, by="ann")
    rows = await database.fetch(
        "select verb, target, reason, by, length(seen) as seen from actions order by id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("replay", "m1", "", "ann", 64),
        ("replay", "m2", "with an edited body", "ann", 64),
    ]


@pytest.mark.parametrize("body", [None, envelope(pipeline="nobody", input=1)])
async def test_a_replay_that_is_still_malformed_keeps_the_new_reason(
    app: App, database: Database, body: bytes | None
) -> None:
    letter = await bury(App("old", []), database, envelope(pipeline="article", input=1))
    reason = "does not fit article" if body is None else "as edited: there is no pipeline “nobody”"
    with pytest.raises(UserError, match=f"m{letter.id} is still a dead letter: .*{reason}"):
        await replay_message(app, database, letter.id, body=body, by="ann")
    row = await read_message(database, letter.id)
    assert reason in row["error"]
    assert row["body"] == envelope(pipeline="article", input=1)
    assert await runs(database) == []


async def test_a_replay_that_contradicts_another_job_leaves_the_letter(
    app: App, database: Database
) -> None:
    await receive(app, database, envelope(pipeline="fixed", input=1), source="file")
    letter = await receive(app, database, envelope(pipeline="fixed", input=2), source="file")
    with pytest.raises(
        UserError,
        match=f"m{letter.id} is still a dead letter: job fixed was begun with other inputs",
    ):
        await replay_message(app, database, letter.id, by="ann")
    assert (await read_message(database, letter.id))["status"] == "dead"
    assert await database.fetch("select * from actions") == []


async def test_a_letter_is_replayed_once_however_many_try_at_once(
    app: App, database: Database
) -> None:
    letter = await bury(app, database)
    bodies = [envelope(pipeline="article", input={**TOPIC, "slug": f"s{n}"}) for n in range(6)]
    tries = await asyncio.gather(
        *(replay_message(app, database, letter.id, body=body, by="ann") for body in bodies),
        return_exceptions=True,
    )
    assert len([t for t in tries if isinstance(t, Received)]) == 1
    assert {type(t) for t in tries} == {Received, IllegalTransition}
    assert len(await runs(database)) == 1


async def test_a_discarded_message_keeps_its_body_and_stays_discarded(
    app: App, database: Database
) -> None:
    letter = await bury(app, database, key="k")
    await discard_message(database, letter.id, reason="a test of theirs", by="ann")
    assert await messages(database, "status, body") == [{"status": "dropped", "body": b"{"}]
    rows = await database.fetch("select verb, target, reason, by from actions")
    assert rows == [
        {"verb": "discard", "target": letter.letter, "reason": "a test of theirs", "by": "ann"}
    ]
    with pytest.raises(
        IllegalTransition, match=f"m{letter.id} is no dead letter any more: it was discarded"
    ):
        await replay_message(app, database, letter.id, body=ARTICLE, by="ann")
    with pytest.raises(IllegalTransition):
        await discard_message(database, letter.id, reason="", by="ann")
    assert (await receive(app, database, b"{", source="file", key="k")).letter == letter.letter


async def test_a_letter_that_never_was_is_not_found(app: App, database: Database) -> None:
    with pytest.raises(NotFound, match="there is no message m7"):
        await replay_message(app, database, 7, by="ann")
    with pytest.raises(NotFound, match="there is no message m7"):
        await discard_message(database, 7, reason="", by="ann")


async def test_an_alert_about_letters_is_closed_with_the_last_of_them(
    app: App, database: Database
) -> None:
    first, second = [await bury(app, database, target="pipeline:article") for _ in range(2)]
    third, _ = [
        await bury(app, database, target=f"pipeline:{name}") for name in ("nobody", "nowhere")
    ]

    async def still_open() -> list[str]:
        return [subject for _, subject, _, is_open in await alerts(database) if is_open]

    await discard_message(database, first.id, reason="", by="ann")
    assert await still_open() == [
        "file/pipeline:article",
        "file/pipeline:nobody",
        "file/pipeline:nowhere",
    ]
    await replay_message(app, database, second.id, body=json.dumps(TOPIC).encode(), by="ann")
    assert await still_open() == ["file/pipeline:nobody", "file/pipeline:nowhere"]
    await discard_message(database, third.id, reason="", by="ann")
    assert await still_open() == ["file/pipeline:nowhere"]


# What a person sees.


async def test_dead_letters_show_dead_runs_and_dead_messages(app: App, database: Database) -> None:
    letter = await bury(app, database, b"{oops", target="pipeline:article")
    await receive(app, database, ARTICLE, source="webhook")
    await database.fetch("update runs set status = 'running'")
    await database.fetch("update runs set status = 'dead', error = 'e', finished_at = ledger_now()")
    rows = await database.fetch("select * from dead_letters order by kind")
    assert [
        (r["kind"], r["id"], r["job_id"], r["pipeline"], r["input"], r["origin"]) for r in rows
    ] == [
        ("message", letter.id, letter.letter, "article", "{oops", "file"),
        ("run", 1, rows[1]["job_id"], "article", TOPIC, "webhook"),
    ]
    assert (rows[0]["error"], rows[0]["error_class"], rows[0]["attempts"]) == (
        letter.error,
        "malformed",
        [],
    )
    await discard_message(database, letter.id, reason="", by="ann")
    assert [r["kind"] for r in await database.fetch("select * from dead_letters")] == ["run"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("{“}".encode(), "{“}"),
        (b"\xff{", "\\377{"),
        (b"\x00{", "\\000{"),
        (b"", ""),
        (b"{" * 300_000, "{" * 100_000),
    ],
)
async def test_any_body_can_be_shown(app: App, database: Database, body: bytes, shown: str) -> None:
    await bury(app, database, body)
    (row,) = await database.fetch("select input from dead_letters")
    assert row["input"] == shown


# The property.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
NAMES = (
    st.sampled_from(["article", "fixed", "no-id", "no-key", "edits", "topic.validated", "edited"])
    | JSON
)
INPUTS = st.builds(lambda site, slug: {"site": site, "slug": slug}, st.text(), st.text()) | JSON
STEPS = st.sampled_from([None, "generate", "publish", "take"]) | JSON
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "pipeline": NAMES,
        "event": NAMES,
        "input": INPUTS,
        "payload": INPUTS,
        "step": STEPS,
        "priority": JSON,
    },
)
BODIES = st.binary() | st.one_of(ENVELOPES, INPUTS).map(lambda value: json.dumps(value).encode())
TARGETS = st.none() | st.builds("{}:{}".format, st.sampled_from(["pipeline", "event"]), NAMES)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=BODIES, target=TARGETS)
async def test_whatever_bytes_come_begin_a_job_or_are_kept_as_they_are(
    database: Database, body: bytes, target: str | None
) -> None:
    app = make_app()
    received = await receive(app, database, body, source="webhook", target=target)
    (row,) = await database.fetch(
        "select status, error, body, jobs from messages where id = %s", [received.id]
    )
    if received.error is None:
        assert (row["status"], row["jobs"]) == ("accepted", list(received.jobs))
        assert row["jobs"]
        known = await database.fetch(
            "select distinct job_id from runs where job_id = any(%s)", [row["jobs"]]
        )
        assert len(known) == len(set(row["jobs"]))
    else:
        assert (row["status"], row["error"], row["body"]) == ("dead", received.error, body)
        assert await database.fetch(
            "select input from dead_letters where kind = 'message' and id = %s", [received.id]
        )


# What a pooler, a schema that is not whole, a right that is missing or an index that is broken say
# of any message.
NOT_ITS_FAULT = [
    "26000",
    "42P05",
    "08P01",
    "3D000",
    "28000",
    "25006",
    "42501",
    "42P01",
    "0A000",
    "XX002",
    "57014",
]


async def refuse_with(database: Database, state: str) -> None:
    await database.fetch(
        "create or replace function refuse() returns trigger language plpgsql as $$ "
        f"begin raise exception 'as if' using errcode = '{state}'; end $$"
    )
    await database.fetch(
        "create or replace trigger refuse before insert on runs for each row execute "
        "function refuse()"
    )


@pytest.mark.parametrize("state", NOT_ITS_FAULT)
async def test_a_fault_of_the_database_makes_no_message_a_dead_letter(
    app: App, database: Database, state: str
) -> None:
    await refuse_with(database, state)
    with pytest.raises(LedgerUnavailable, match="as if"):
        await receive(app, database, ARTICLE, source="sqs", key="k1")
    assert await messages(database, "status") == []
    await database.fetch("drop trigger refuse on runs")
    assert (
        await receive(app, database, ARTICLE, source="sqs", key="k1")
    ).error is None  # the sender kept it


@pytest.mark.parametrize("state", ["22003", "22P05", "23514", "54000"])
async def test_a_message_is_a_dead_letter_for_what_it_holds(
    app: App, database: Database, state: str
) -> None:
    await refuse_with(database, state)
    received = await receive(app, database, ARTICLE, source="sqs", key="k1")
    assert (received.error or "").startswith("the database refused it: as if")


@pytest.mark.parametrize("state", NOT_ITS_FAULT)
async def test_a_letter_keeps_its_reason_if_a_replay_finds_no_database(
    app: App, database: Database, state: str
) -> None:
    letter = await bury(app, database)
    await refuse_with(database, state)
    with pytest.raises(LedgerUnavailable, match="as if"):
        await replay_message(app, database, letter.id, body=ARTICLE, by="a person")
    assert await messages(database, "status, error") == [{"status": "dead", "error": letter.error}]


async def test_a_repeated_message_of_a_replaced_job_gets_the_new_job(
    app: App, database: Database
) -> None:
    first, second = [
        await receive(
            app,
            database,
            envelope(event="edited", payload=number),
            source="webhook",
            key=f"k{number}",
        )
        for number in (1, 2)
    ]
    assert first.jobs != second.jobs
    again = await receive(
        app, database, envelope(event="edited", payload=1), source="webhook", key="k1"
    )
    assert (again.new, list(again.jobs)) == (False, list(second.jobs))
    assert await runs(database, "job_id") == [(second.jobs[0],)]
