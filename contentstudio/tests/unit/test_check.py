"""`check` and what `up` looks at before the night, and cells that no spreadsheet runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from contentstudio.cli import _check_sites, cli, defused
from overnight.errors import ConfigError

SITE = 'name = "{0}"\nurl = "https://{0}.example"\nsources = ["https://a.example/"]\n'


def test_every_site_is_listed_with_the_file_that_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "contentstudio.toml").write_text("sites = '*.site'\n[[site]]\n" + SITE.format("garden"), "utf-8")
    (tmp_path / "sky.site").write_text(SITE.format("sky") + "usd_per_day = 2\nactive = false\n", "utf-8")
    call = ["--config", str(tmp_path / "contentstudio.toml"), "check"]
    rows = json.loads(CliRunner().invoke(cli, [*call, "--json"]).stdout)["sites"]
    assert [(row["site"], Path(row["file"]).name, row["active"], row["usd_per_day"]) for row in rows] == [
        ("garden", "contentstudio.toml", True, None),
        ("sky", "sky.site", False, 2),
    ]
    assert "sky.site" in CliRunner().invoke(cli, call).stdout


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("", "may cost $5.00 a day (UTC), by the default; [budget] usd_per_day sets another"),
        ("[budget]\nusd_per_day = 2.5\n", "may cost $2.50 a day (UTC), by [budget] usd_per_day"),
    ],
)
def test_what_models_may_cost_is_told_and_whether_that_is_the_default(tmp_path: Path, section: str, said: str) -> None:
    (tmp_path / "contentstudio.toml").write_text(section + "[[site]]\n" + SITE.format("garden"), "utf-8")
    assert said in CliRunner().invoke(cli, ["--config", str(tmp_path / "contentstudio.toml"), "check"]).stdout


def test_a_site_whose_folder_cannot_be_written_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").write_text("a file, and no folder", "utf-8")
    _check_sites([tmp_path / "broken", tmp_path / "well"])
    assert (tmp_path / "well").is_dir()
    assert f"cannot write to {tmp_path / 'broken'}" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="cannot write to"):
        _check_sites([tmp_path / "broken"])


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_defused(begin: str) -> None:
    assert defused(f"{begin}cmd|' /C calc'!A1") == f"'{begin}cmd|' /C calc'!A1"


def test_other_cells_stay_as_they_are() -> None:
    assert [defused(value) for value in ("a=b", "", None, -1.5, 7)] == ["a=b", "", None, -1.5, 7]
