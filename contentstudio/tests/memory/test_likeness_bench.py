"""The bench of likeness prints the tables from which the thresholds of the memory follow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contentstudio.memory.embeddings import Lexical

BENCH = Path(__file__).parents[3] / "bench" / "likeness.py"
KINDS = {"event", "intent", "template", "subject", "unrelated"}

pytestmark = pytest.mark.contract


def run(*options: str) -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, str(BENCH), "--json", *options], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_the_table_of_an_endpoint_stands_beside_that_of_words(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        rows = [{"index": 0, "embedding": [float(len(request.get_json()["input"][0])), 1.0]}]
        return Response(json.dumps({"data": rows, "usage": {"prompt_tokens": 1}}))

    httpserver.expect_request("/v1/embeddings", "POST").respond_with_handler(answer)
    pairs = run("--model", "by-length", "--base-url", httpserver.url_for("/v1"))["pairs"]
    assert {*pairs} >= {"by-length", Lexical.name}
    for tables in pairs.values():
        assert {*tables} == {"all", "de", "en", "es", "fr", "it"}
        assert {*tables["all"]} == KINDS
    everything_alike = pairs["by-length"]["all"]["unrelated"]["shares"]
    assert everything_alike == [1.0] * len(everything_alike)
    words = pairs[Lexical.name]["all"]
    assert words["event"]["least"] >= Lexical.scale.same > words["subject"]["most"]
