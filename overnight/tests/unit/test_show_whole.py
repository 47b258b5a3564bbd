"""On a terminal of any width, and in a pipe: an id, a hash, a slug or an address is never broken in
two.
"""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from overnight.cli import output

WIDTHS = [20, 40, 60, 80, 100, 120, 200]
JOB, HASH = "9544c39fb723eff4", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SLUG = "what-a-gardener-should-know-of-compost-heaps-in-a-very-dry-summer-and-why-it-matters"
URL = f"https://www.garden.example/2026/11/{SLUG}/?utm_source=a&b=c#heaps"
WHOLE = [
    JOB,
    HASH,
    SLUG,
    URL,
    f"contentstudio overwrite {JOB}".split()[-1],
    "/srv/sites/garden/compost/index.html",
]


@pytest.fixture(params=["terminal", "pipe"])
def shown(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> object:
    """Sets a width, and tells what was shown since."""
    if request.param == "terminal":
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")

    def of(width: int) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        return Text.from_ansi(capsys.readouterr().out).plain

    return of


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("word", WHOLE)
@pytest.mark.parametrize(
    "place", ["first", "middle", "last", "in a sentence", "on a second line", "in JSON"]
)
def test_a_word_that_is_copied_stays_whole_in_any_column(
    shown: object, width: int, word: str, place: str
) -> None:
    assert callable(shown)
    shown(width)
    row = {"job": "1", "step": "publish", "when": "2026-03-01 04:00:00", "why": "it failed"}
    said = {
        "first": {"job": word},
        "middle": {"step": word},
        "last": {"why": word},
        "in a sentence": {
            "why": f"GET {word} was answered 502, so it waits; “{word}” is tried again."
        },
        "on a second line": {"why": f"a title of several words\n↳ {word}"},
        "in JSON": {"why": {"url": word, "action": "created"}},
    }[place]
    columns = {"job": "job", "step": "step", "when": "when (UTC)", "why": "why"}
    output.table("", [row, {**row, **said}], columns, empty="", spare=("when",))
    assert word in shown(width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("word", WHOLE)
def test_a_word_that_is_copied_stays_whole_behind_a_label(
    shown: object, width: int, word: str
) -> None:
    assert callable(shown)
    shown(width)
    output.lines([("now", "nothing"), ("what failed", f"at {word} in the last hour, and {word}")])
    assert shown(width).count(word) == 2


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_no_word_to_copy_stays_on_the_terminal(shown: object, width: int) -> None:
    """Text without spaces, as Japanese has it, is broken; sentences are broken between
    their words.
    """
    assert callable(shown)
    shown(width)
    text = "堆肥は庭の始まりであり、乾いた夏には水をやることが大切です。" * 3
    columns = {"job": "job", "why": "why"}
    output.table(
        "", [{"job": "1", "why": text}, {"job": "2", "why": "a few words " * 20}], columns, empty=""
    )
    lines = shown(width).splitlines()
    assert max(cell_len(line.rstrip()) for line in lines) <= max(width, 120)
    assert "".join(text).replace("\n", "") in "".join("".join(lines).split())


@pytest.mark.parametrize("width", [60, 80])
def test_a_spare_column_goes_before_an_address_leaves_its_row(shown: object, width: int) -> None:
    assert callable(shown)
    shown(width)
    address = "https://garden.example/compost/heaps/"
    columns = {"state": "state", "when": "when (UTC)", "url": "page"}
    output.table(
        "",
        [{"state": "on", "when": "2026-03-01 04:00:00", "url": address}],
        columns,
        empty="",
        spare=("when",),
    )
    lines = [line.split() for line in shown(width).splitlines()]
    assert lines[-1][0] == "on"
    assert lines[-1][-1] == address
