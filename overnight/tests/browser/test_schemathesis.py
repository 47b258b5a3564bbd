"""The API keeps what its own document says, whatever it is asked: real requests, made up from it by
a seed.
"""

from __future__ import annotations

import asyncio
import os

import console_night as night
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS

from overnight import http
from overnight.console import access, api, site
from overnight.console.access import Access
from overnight.store.database import Database
from overnight.testing import Clock

EXAMPLES = int(
    os.environ.get("OVERNIGHT_EXAMPLES", "10")
)  # requests that fit, and that do not, for each endpoint
SEED = int(os.environ.get("OVERNIGHT_SEED") or "7")
BOUNDED = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PROMISES = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]
STRICT = ["negative_data_rejection", "unsupported_method"]


@pytest.mark.parametrize("mode", GenerationMode)
async def test_every_answer_is_one_that_the_document_promises(
    database: Database, clock: Clock, mode: GenerationMode
) -> None:
    app = await night.fill(database, clock)
    token = await access.add_token(database, "thesis", "operate")
    (waiting, *_) = await database.fetch(
        "select job_id from runs where status = 'needs_review' order by id"
    )
    with http.listen("127.0.0.1", 0) as listener:
        built = site.build(app, database, Access({"operate": "a long password"}))
        async with http.served(built, listener) as url:
            tried = await asyncio.to_thread(_try_all, url, token, mode, waiting["job_id"])
    assert tried == len(api.ENDPOINTS) + len(api.VERBS)


def _try_all(url: str, token: str, mode: GenerationMode, job: str) -> int:
    """Requests for every endpoint of the document that the server itself gives; how many endpoints
    there were.

    Those that fit are for a `job` that there is, which nobody could make up.
    """
    bearer = {"authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json", headers=bearer)
    checks = CHECKS.get_by_names([*PROMISES, *STRICT])
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        known = (
            {"job": job} if "{job}" in operation.path and mode is GenerationMode.POSITIVE else None
        )

        @seed(SEED)
        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known))
        def answers(case: Case) -> None:
            case.call_and_validate(headers=bearer, checks=checks)

        answers()
    return len(operations)
