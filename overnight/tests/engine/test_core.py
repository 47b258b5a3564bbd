"""The core: a worker loads what the README lists and no more, and a person can read it."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import overnight

SOURCE = Path(overnight.__file__).parent
README = SOURCE.parents[1] / "README.md"
MAX_LINES = 2_500
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def reading_list() -> list[str]:
    section = README.read_text("utf-8").split("### The core, in reading order")[1]
    return re.findall(r"^\| `(\S+\.py)` \|", section.split("\n### ")[0], re.M)


def loaded_by(module: str) -> set[str]:
    """The files of the package with any code that are loaded with a module, in a new process."""
    code = (
        f"import {module}, sys; "
        "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'overnight'])"
    )
    names = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    files = {Path(name) for name in names}
    return {str(file.relative_to(SOURCE)) for file in files if lines_of_code(file.read_text())}


def lines_of_code(source: str) -> int:
    """Lines with code: not blank, no comment, no docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line
        for token in tokens
        if token.type not in LAYOUT
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            if first is not None and is_text and ast.get_docstring(node) is not None:
                lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


def test_lines_of_code_are_those_that_do_something() -> None:
    doc = '"""Doc\n\n    more."""'
    source = f"{doc}\n\n# why\nx = (\n    1,\n)\n\ndef f():\n    {doc}\n    return x\n"
    assert lines_of_code(source) == 5


def test_a_worker_loads_exactly_the_files_of_the_reading_list() -> None:
    names = reading_list()
    assert len(set(names)) == len(names)
    assert loaded_by("overnight.engine.worker") == set(names)


def test_the_core_can_be_read_in_an_afternoon() -> None:
    lines = {name: lines_of_code((SOURCE / name).read_text("utf-8")) for name in reading_list()}
    assert sum(lines.values()) <= MAX_LINES, lines


def test_each_public_name_is_where_its_table_says() -> None:
    stub = (SOURCE / "__init__.pyi").read_text("utf-8")
    rows = re.findall(r"^from (\S+) import (\S+) as (\S+)$", stub, re.M)
    assert sorted(name for _, name, _ in rows) == sorted(overnight.__all__)
    assert all(name == alias and hasattr(overnight, name) for _, name, alias in rows)


def test_the_id_of_an_article_stays_what_it_was() -> None:
    assert overnight.job_id("My Topic", "Example.com", "2026-01-02") == "3395348374e348a8"
