"""The pipeline of the README runs as it stands."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

from overnight import control
from overnight.app import load_app
from overnight.database import Database
from overnight.testing import run_until_idle

README = Path(__file__).parents[2] / "README.md"


async def test_the_readmes_pipeline_runs(database: Database) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.S)
    module = ModuleType("nightly")
    sys.modules["nightly"] = module
    exec(compile(code, str(README), "exec", dont_inherit=True), module.__dict__)
    app = load_app("nightly:app")
    await control.start(app, database, "report", {"slot": "by hand"})
    (*_, last) = await run_until_idle(app, database)
    assert last.output == '"the sum is 6"'
