"""Traces as a collector gets them: a real OTLP/HTTP server on loopback, which reads the real
protobuf.
"""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from overnight import App, Context, Permanent, Pipeline, Retry, Transient, logs
from overnight.engine.worker import Worker
from overnight.errors import ConfigError
from overnight.llm.client import LLM
from overnight.llm.port import Provider, Reply, Request, Usage
from overnight.llm.prices import Price
from overnight.observability import tracing
from overnight.operations import runs
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.contract

SECRET = "sk-very-secret-0123456789"


class Collector(ThreadingHTTPServer):
    """Takes spans, or answers with the `status` that it is given."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.spans: list[Span] = []
        self.services: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                a.value.string_value
                for a in resource.resource.attributes
                if a.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> Span:
        (found,) = [span for span in self.spans if span.name == name]
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.status == 200:
            self.server.take(
                gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            )
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Collector() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        yield server
        server.shutdown()


def attributes(span: Span) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


async def nothing(ctx: Context[Any], value: Any) -> Any:
    return value


def article() -> Pipeline:
    """Two steps; the first one fails once."""
    pipeline = Pipeline("article", key=lambda value: "garden")

    @pipeline.step(retry=Retry(3))
    async def write(ctx: Context[Any], topic: str) -> str:
        if ctx.attempt == 1:
            raise Transient(f"502 with {SECRET}")
        return topic

    @pipeline.step
    async def publish(ctx: Context[Any], topic: str) -> str:
        async def call() -> str:
            return "done"

        await ctx.effect("post /articles", content=topic, call=call)
        with ctx.span(f"ask with {SECRET}", {"url": f"/?key={SECRET}"}):
            pass
        return topic

    return pipeline


async def test_a_job_is_one_trace_whoever_worked_on_it(
    database: Database, clock: Clock, collector: Collector
) -> None:
    pipeline = article()
    writers, publishers = App("writers", [pipeline]), App("publishers", [pipeline])
    for app, step in ((writers, "write"), (publishers, "publish")):
        app.steps = lambda step=step: [("article", step)]  # type: ignore[method-assign]
    job, _ = await runs.start(writers, database, "article", "moss")
    await run_until_idle(writers, database, clock=clock)
    await run_until_idle(publishers, database, clock=clock)
    assert collector.services == {"writers", "publishers"}
    assert {span.trace_id for span in collector.spans} == {tracing.trace_id(job).to_bytes(16)}
    attempts = {
        (span.name, attributes(span).get("overnight.attempt")): span for span in collector.spans
    }
    root = attempts["article/write", 1]
    assert root.parent_span_id == b""
    assert [
        attempts[each].parent_span_id for each in (("article/write", 2), ("article/publish", 1))
    ] == [
        root.span_id,
        root.span_id,
    ]
    assert (
        collector.named("effect post /articles").parent_span_id
        == attempts["article/publish", 1].span_id
    )
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in collector.spans)


async def test_a_span_says_what_became_of_the_attempt(
    database: Database, clock: Clock, collector: Collector
) -> None:
    app = App("app", [article()])
    job, _ = await runs.start(app, database, "article", "moss")
    await run_until_idle(app, database, clock=clock)
    failed, written = sorted(
        (span for span in collector.spans if span.name == "article/write"),
        key=lambda span: attributes(span)["overnight.attempt"],
    )
    assert attributes(failed) == {
        "overnight.job_id": job,
        "overnight.pipeline": "article",
        "overnight.step": "write",
        "overnight.key": "garden",
        "overnight.attempt": 1,
        "overnight.status": "queued",
        "overnight.outcome": "retry",
        "error.type": "transient",
    }
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert attributes(written)["overnight.outcome"] == "done"
    assert written.status.code == Status.STATUS_CODE_UNSET


async def test_what_is_secret_and_what_is_worked_on_is_in_no_span(
    database: Database, clock: Clock, collector: Collector
) -> None:
    logs.hide(SECRET)
    app = App("app", [article()])
    await runs.start(app, database, "article", "moss on stones")
    await run_until_idle(app, database, clock=clock)
    told = "".join(map(str, collector.spans))
    assert "502 with" in told
    assert SECRET not in told
    assert "moss on stones" not in told


class Model(Provider):
    """Answers at once."""

    name = "anthropic"

    async def complete(self, request: Request, *, deadline: float, on_usage: Any = None) -> Reply:
        return Reply(
            text='"moss"',
            stop_reason="end_turn",
            usage=Usage(input_tokens=1000, output_tokens=200),
            model="opus",
        )

    async def aclose(self) -> None:
        pass


async def test_a_model_s_call_is_a_span_with_its_tokens_and_cost(
    database: Database, collector: Collector
) -> None:
    pipeline = Pipeline("essay")
    price = Price(input=Decimal(10), output=Decimal(50))
    llm = LLM(Model(), database, deadline=5, prices={"opus": price})

    @pipeline.step
    async def write(ctx: Context[Any], topic: str) -> str:
        with ctx.span("think", {"essay.topic": "plants"}) as told:
            told["essay.words"] = 1
        request = Request(model="opus", system="", prompt="a prompt that is not told", max_tokens=5)
        return await llm.ask(ctx, request, str)

    app = App("app", [pipeline])
    await runs.start(app, database, "essay", "moss")
    endings = await run_until_idle(app, database)
    assert [ending.transition.error for ending in endings] == [None]
    call, attempt = collector.named("chat opus"), collector.named("essay/write")
    assert attributes(call) == {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "opus",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 200,
        "overnight.cost_usd": 0.02,
    }
    assert attributes(attempt)["overnight.cost_usd"] == 0.02
    assert attributes(collector.named("think")) == {"essay.topic": "plants", "essay.words": 1}
    assert "a prompt" not in "".join(map(str, collector.spans))


async def test_a_job_that_a_step_spawned_is_linked_with_its_parent(
    database: Database, collector: Collector
) -> None:
    parent, child = Pipeline("parent"), Pipeline("child")

    @parent.step
    async def spawn(ctx: Context[Any], value: str) -> str:
        return ctx.spawn("child", value)

    child.step(nothing)
    app = App("app", [parent, child])
    await runs.start(app, database, "parent", "one")
    await run_until_idle(app, database)
    above, below = collector.named("parent/spawn"), collector.named("child/nothing")
    assert above.trace_id != below.trace_id
    assert [(link.trace_id, link.span_id) for link in below.links] == [
        (above.trace_id, above.span_id)
    ]
    assert [(link.trace_id, link.span_id) for link in above.links] == [
        (below.trace_id, below.span_id)
    ]


async def test_an_attempt_of_a_dead_worker_is_a_span_of_its_finder(
    database: Database, collector: Collector
) -> None:
    pipeline = Pipeline("p")
    pipeline.step(nothing)
    app = App("app", [pipeline])
    await runs.start(app, database, "p", "one")
    dead = Worker(app, database)
    await dead.ledger.claim(app.scope(), "a-dead-worker", 1, lease=0.0)
    await database.fetch(
        "insert into workers (boot_id, lock_key, host, pid, missed_at)"
        " values ('a-dead-worker', 1, 'here', 1, ledger_now() - interval '1 minute')"
    )
    await run_until_idle(app, database)
    lost, again = collector.spans
    assert (attributes(lost)["overnight.outcome"], attributes(again)["overnight.attempt"]) == (
        "lost",
        2,
    )
    assert again.parent_span_id == lost.span_id


async def test_a_collector_that_is_down_stops_nothing_and_logs_once(
    database: Database, collector: Collector
) -> None:
    collector.shutdown()
    collector.server_close()
    pipeline = Pipeline("p")
    pipeline.step(nothing)
    app = App("app", [pipeline])
    for number in range(600):  # more than one batch of spans
        await runs.start(app, database, "p", number)
    with capture_logs() as said:
        endings = await run_until_idle(app, database)
    assert [ending.transition.outcome for ending in endings] == ["done"] * 600
    assert [each["event"] for each in said if each["log_level"] == "warning"] == [
        "traces are not taken"
    ]


async def test_a_collector_that_comes_back_gets_what_is_new(
    database: Database, collector: Collector
) -> None:
    collector.status = 400
    traces = tracing.opened("app", None)
    assert traces is not None
    with capture_logs() as said:
        for status in (400, 400, 200):
            collector.status = status
            traces.lost({"pipeline": "p", "step": "s", "key": "", "attempt": 1, "job_id": "j",
                         "status": "queued", "error": "it died"}, "s")  # fmt: skip
            await asyncio.to_thread(traces._provider.force_flush)
    await asyncio.to_thread(traces.close)
    assert [each["event"] for each in said] == ["traces are not taken", "traces are taken again"]
    assert len(collector.spans) == 1


async def test_a_share_of_the_jobs_is_traced_wholly_or_not_at_all(
    database: Database, clock: Clock, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    app = App("app", [article()])
    jobs = [
        (await runs.start(app, database, "article", f"topic {number}"))[0] for number in range(20)
    ]
    await run_until_idle(app, database, clock=clock)
    of_each = [
        sum(s.trace_id == tracing.trace_id(job).to_bytes(16) for s in collector.spans)
        for job in jobs
    ]
    assert set(of_each) == {0, 5}


@pytest.mark.parametrize(("app", "environment", "there_are"), [
    (None, False, False), (None, True, True), (False, True, False), (True, False, True)
])  # fmt: skip
def test_traces_are_for_who_asks_for_them(
    monkeypatch: pytest.MonkeyPatch, app: bool | None, environment: bool, there_are: bool
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    if environment:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert tracing.wanted(app) is there_are


def test_who_asks_without_the_extra_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"pip install 'overnight\[otel\]'"):
        tracing.opened("app", True)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with capture_logs() as said:
        assert tracing.opened("app", None) is None
    assert len(said) == 1


async def test_without_traces_nothing_of_opentelemetry_is_imported(server_url: str) -> None:
    program = f"""
import asyncio, sys
from overnight import App, Pipeline
from overnight.operations import runs
from overnight.testing import fresh_database, run_until_idle

pipeline = Pipeline("p")

@pipeline.step
async def step(ctx, value: int) -> int:
    with ctx.span("a part"):
        return await ctx.effect("write", content=value, call=lambda: asyncio.sleep(0, value))

async def main():
    async with fresh_database({server_url!r}) as database:
        app = App("app", [pipeline])
        await runs.start(app, database, "p", 1)
        (ending,) = await run_until_idle(app, database)
        assert ending.output == "1", ending

asyncio.run(main())
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


async def test_a_failure_for_good_is_a_failed_span(
    database: Database, collector: Collector
) -> None:
    pipeline = Pipeline("p")

    @pipeline.step
    def plain(ctx: Context[Any], value: int) -> int:
        with ctx.span("in a thread"):
            raise Permanent("no such page")

    app = App("app", [pipeline])
    await runs.start(app, database, "p", 1)
    await run_until_idle(app, database)
    attempt, part = collector.named("p/plain"), collector.named("in a thread")
    assert attempt.status.message == "no such page"
    assert attributes(attempt)["error.type"] == "permanent"
    assert attributes(part)["error.type"] == "Permanent"
    assert part.parent_span_id == attempt.span_id
